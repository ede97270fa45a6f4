// The list of channels, and which of them are on display.

import { loadColormaps } from "./draw.js";
import { Pane } from "./pane.js";
import { count, duration, make, perSecond, setText, shape, size, socketOf, state } from "./text.js";

const byId = (id) => document.getElementById(id);
const [list, panesElement, welcome] = [byId("list"), byId("panes"), byId("welcome")];
const [filter, order, link, none, trouble] = [byId("filter"), byId("order"), byId("link"), byId("none"), byId("trouble")];
const panes = new Map();
const rows = new Map();
let lines = null;
let chosen = false;

const keyOf = ({ kind, name }) => `${kind}:${name}`;

// The list -----------------------------------------------------------------------------------------

function connect(attempt) {
  const socket = socketOf("list");
  socket.onopen = () => {
    attempt = 0;
    setText(link, "connected");
    link.className = "link on";
  };
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    trouble.hidden = message.type === "list";
    if (message.type !== "list") {
      setText(trouble, message.message);
      return;
    }
    setText(byId("directory"), message.directory);
    lines = message.channels;
    choose();
    show();
  };
  socket.onclose = () => {
    setText(link, "disconnected");
    link.className = "link off";
    setTimeout(() => connect(attempt + 1), Math.min(4000, 250 * 2 ** attempt));
  };
}

const known = (value, other) => value ?? other;
const orders = {
  name: (a, b) => a.name.localeCompare(b.name, "en", { numeric: true }),
  rate: (a, b) => known(b.rate, -1) - known(a.rate, -1),
  bandwidth: (a, b) => known(b.bandwidth, -1) - known(a.bandwidth, -1),
  age: (a, b) => known(a.age_seconds, Infinity) - known(b.age_seconds, Infinity) || 0,
  memory: (a, b) => b.memory - a.memory,
};

function show() {
  if (lines === null) return;
  const wanted = filter.value.trim().toLowerCase();
  const found = lines.filter((line) => line.name.toLowerCase().includes(wanted));
  found.sort((a, b) => orders[order.value](a, b) || orders.name(a, b));
  const used = new Set();
  let place = list.firstElementChild;
  for (const line of found) {
    const key = keyOf(line);
    used.add(key);
    const row = rows.get(key) ?? rowOf(line);
    fill(row, line);
    // Only what has moved is moved, so that the focus stays.
    if (row.element === place) place = place.nextElementSibling;
    else list.insertBefore(row.element, place);
  }
  for (const [key, row] of rows) {
    if (used.has(key)) continue;
    row.element.remove();
    rows.delete(key);
  }
  none.hidden = found.length > 0 || lines.length === 0;
  setText(none, "No name has these letters.");
  const memory = lines.reduce((sum, line) => sum + line.memory, 0);
  const bytes = lines.reduce((sum, line) => sum + (line.bandwidth ?? 0), 0);
  setText(byId("totals"), `${count(lines.length, "name")} · ${size(memory)} · ${size(Math.round(bytes))}/s`);
  for (const [key, pane] of panes) pane.update(lines.find((line) => keyOf(line) === key) ?? null);
  greet();
}

function rowOf(line) {
  const row = {
    dot: make("span", { className: "dot", "aria-hidden": "true" }),
    name: make("span", {}),
    rate: make("span", { className: "rate" }),
    what: make("span", { className: "what" }),
    age: make("span", { className: "age" }),
  };
  row.button = make("button", { type: "button", onclick: (event) => open(line, event.ctrlKey || event.metaKey) },
    make("span", { className: "name" }, row.dot, row.name), row.rate, row.what, row.age);
  row.add = make("button", { type: "button", className: "add", textContent: "+", title: "Show beside the others", onclick: () => open(line, true) });
  row.add.setAttribute("aria-label", `Show ${line.label} beside the others`);
  row.element = make("li", { className: "row" }, row.button, row.add);
  rows.set(keyOf(line), row);
  return row;
}

function fill(row, line) {
  const [kind, word] = state(line);
  row.dot.className = `dot ${kind}`;
  setText(row.name, line.label);
  row.name.title = line.label;
  setText(row.rate, line.kind === "channel" && kind === "live" ? perSecond(line.rate) : word);
  row.rate.className = `rate state ${kind}`;
  setText(row.what, line.dtype ? `${line.dtype} ${shape(line.shape)}` : line.note || "no value");
  row.what.title = row.what.textContent;
  setText(row.age, line.age_seconds === null ? size(line.memory) : duration(line.age_seconds));
  row.button.setAttribute("aria-pressed", String(panes.has(keyOf(line))));
  row.add.hidden = panes.size === 0 || panes.has(keyOf(line));
}

// Panes --------------------------------------------------------------------------------------------

function open(line, beside) {
  const key = keyOf(line);
  const pane = panes.get(key);
  if (pane && beside) return close(key);
  if (!beside) for (const other of [...panes.keys()]) if (other !== key) close(other);
  if (!pane) {
    const added = new Pane({ kind: line.kind, name: line.name }, line.label, () => close(key));
    panes.set(key, added);
    panesElement.append(added.element);
    if (matchMedia("(max-width: 760px)").matches) added.element.scrollIntoView({ block: "start" });
  }
  remember();
}

function close(key) {
  panes.get(key)?.close();
  panes.delete(key);
  remember();
}

function remember() {
  panesElement.classList.toggle("several", panes.size > 1);
  const hash = [...panes.keys()].map(encodeURIComponent).join("&");
  history.replaceState(null, "", hash ? `#${hash}` : location.pathname);
  show();
}

// Opens what the address names; at first, the channel that has most to show.
function choose() {
  if (chosen || lines.length === 0) return;
  const wanted = location.hash.slice(1).split("&").filter(Boolean).map(decoded);
  const rated = lines.filter((line) => line.rate !== null || lines.length === 1);
  if (wanted.length === 0 && rated.length === 0) return;
  chosen = true;
  const largest = [...rated].sort((a, b) => orders.bandwidth(a, b) || orders.name(a, b)).slice(0, 1);
  const named = wanted.map((key) => lines.find((line) => keyOf(line) === key) ?? missing(key)).filter(Boolean);
  for (const line of named.length > 0 ? named : largest) open(line, true);
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

function missing(key) {
  const [, kind, name] = /^(channel|array|python):(.+)$/s.exec(key) ?? [];
  return kind ? { kind, name, label: name } : null;
}

function greet() {
  welcome.hidden = panes.size > 0;
  const empty = lines.length === 0;
  setText(byId("welcome-title"), empty ? "No channels yet" : "Choose a channel");
  setText(byId("welcome-text"), empty
    ? "What programs share in this directory appears here by itself. To have something to look at, run in a terminal:"
    : "Pictures, curves and figures appear here as they come.");
  byId("welcome-try").hidden = !empty;
}

// Keys ---------------------------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const typing = event.target.matches?.("input[type=text], input[type=search], select");
  if (event.key === "Escape" && event.target === filter) {
    filter.value = "";
    show();
  } else if (event.key === "Escape") {
    const pane = [...panes].find(([, one]) => one.element.contains(event.target)) ?? (panes.size === 1 ? [...panes][0] : null);
    if (pane) close(pane[0]);
  } else if (typing) {
    return;
  } else if (event.key === "/") {
    filter.focus();
    event.preventDefault();
  } else if (event.key === "p" || event.key === "P") {
    const all = [...panes.values()];
    const focused = all.filter((pane) => pane.element.contains(event.target));
    for (const pane of focused.length > 0 ? focused : all) pane.pause(!pane.paused);
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const buttons = [...list.querySelectorAll(".row > button:first-child")];
    const at = buttons.indexOf(event.target);
    if (at < 0) return;
    buttons[at + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
    event.preventDefault();
  } else if (event.key === "+") {
    [...rows.values()].find((row) => row.button === event.target)?.add.click();
  }
});
filter.addEventListener("input", show);
order.addEventListener("change", show);
setInterval(() => panes.forEach((pane) => pane.tick()), 500);

await loadColormaps();
connect(0);
