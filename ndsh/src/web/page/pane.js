// One channel on display.

import { COLORMAPS, bars, paint, paintScale, plot } from "./draw.js";
import { count, duration, make, number, perSecond, setText, shape, size, socketOf, state, steady } from "./text.js";

const decoder = new TextDecoder();
// Pauses between attempts to connect again, in milliseconds.
const RETRY = [250, 500, 1000, 2000, 4000];

// What is told of a channel, in this order.
const FACTS = [["Type", "Shape", "Size", "Number", "Rate", "Bandwidth", "Age", "Skipped here"],
  ["Smallest", "Largest", "Mean", "Standard deviation", "Not finite", "Writer", "Readers", "Memory"]];

export class Pane {
  constructor(subject, label, close) {
    this.subject = subject;
    this.label = label;
    this.line = null;
    this.shown = null;
    this.pending = null;
    this.again = null;
    this.newest = 0;
    this.paused = false;
    this.skipped = 0;
    this.last = null;
    this.attempt = 0;
    this.choice = { colormap: null, range: null };
    this.wish = { index: null, layout: "auto", part: "abs" };
    this.pointer = null;
    this.build(close);
    this.observer = new ResizeObserver(() => this.resized());
    this.observer.observe(this.stage);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.redraw = () => this.draw(false);
    this.scheme.addEventListener("change", this.redraw);
    this.connect();
  }

  // Elements -------------------------------------------------------------------------------------

  build(close) {
    const button = (text, title, action) => make("button", { type: "button", textContent: text, title, onclick: action });
    // Beside other panes there is room for the second word alone.
    const saving = (format, title) => {
      const made = make("button", { type: "button", title, onclick: () => this.save(format), "aria-label": `Save as ${format}` });
      made.append(make("span", { className: "long", textContent: "Save " }), `.${format}`);
      return made;
    };
    this.dot = make("span", { className: "dot", "aria-hidden": "true" });
    this.title = make("span", { textContent: this.label, title: this.label });
    this.badge = make("span", { className: "badge" });
    this.pauseButton = button("Pause", "Pause or go on (P)", () => this.pause(!this.paused));
    this.pauseButton.setAttribute("aria-pressed", "false");
    this.npyButton = saving("npy", "Save the value on display for NumPy");
    this.pngButton = saving("png", "Save the picture on display");
    const closeButton = button("×", "Close (Esc)", close);
    closeButton.className = "close";
    closeButton.setAttribute("aria-label", `Close ${this.label}`);
    this.npyButton.disabled = this.pngButton.disabled = true;
    const header = make("header", {}, make("h2", {}, this.dot, this.title), this.badge,
      make("div", { className: "actions" }, this.pauseButton, this.npyButton, this.pngButton, closeButton));
    this.notice = make("p", { className: "notice", hidden: true, role: "status" });
    this.canvas = make("canvas", { tabIndex: 0, hidden: true, role: "img" });
    this.cross = make("div", { className: "cross", hidden: true });
    this.words = make("pre", { className: "words", hidden: true, tabIndex: 0 });
    this.waiting = make("p", { className: "waiting", textContent: "Connecting" });
    this.stage = make("div", { className: "stage" }, this.canvas, this.cross, this.words, this.waiting);
    this.at = make("span", { className: "at" });
    this.value = make("output", {});
    this.low = make("span", {});
    this.high = make("span", {});
    this.scale = make("canvas", { "aria-hidden": "true" });
    this.legend = make("span", { className: "scale", hidden: true }, this.low, this.scale, this.high);
    this.readout = make("div", { className: "readout" }, this.at, this.value, this.legend);
    this.controls = make("div", { className: "controls", hidden: true });
    this.buildControls();
    this.facts = [make("dl", { className: "facts" }), make("dl", { className: "facts" })];
    this.histogram = make("canvas", { role: "img", "aria-label": "Histogram of the elements" });
    this.ends = [make("span", {}), make("span", {})];
    this.figure = make("figure", { className: "histogram", hidden: true }, this.histogram, make("figcaption", {}, ...this.ends));
    this.attributes = make("pre", { tabIndex: 0 });
    this.attributesTitle = make("h3", {});
    this.attributesBox = make("div", { className: "more", hidden: true }, this.attributesTitle, this.attributes);
    this.numbers = make("pre", { tabIndex: 0 });
    this.numbersBox = make("div", { className: "more", hidden: true }, make("h3", { textContent: "Numbers" }), this.numbers);
    const details = make("div", { className: "details" }, this.facts[0],
      make("div", {}, this.facts[1], this.figure), this.attributesBox, this.numbersBox);
    this.element = make("article", { className: "pane", "aria-label": this.label },
      header, this.notice, this.stage, this.readout, this.controls, details);
    this.rows = new Map();
    FACTS.forEach((names, column) => names.forEach((name) => this.fact(column, name, null)));
    this.canvas.onpointermove = (event) => this.point(event);
    this.canvas.onpointerdown = (event) => this.point(event);
    this.canvas.onpointerleave = () => this.unpoint();
    this.canvas.onblur = () => this.unpoint();
    this.canvas.onkeydown = (event) => this.step(event);
  }

  buildControls() {
    const choose = (name, options, change) => {
      const select = make("select", { onchange: () => change(select.value) },
        ...options.map(([value, text]) => make("option", { value, textContent: text })));
      const label = make("label", {}, name, select);
      this.controls.append(label);
      return [label, select];
    };
    [this.colours] = choose("Colours", [["", "default"], ...COLORMAPS.map((name) => [name, name])], (name) => {
      this.choice.colormap = name || null;
      this.draw(false);
    });
    const end = (name) => make("input", { type: "text", inputMode: "decimal", placeholder: "auto", "aria-label": name, oninput: () => this.setRange() });
    this.from = end("Lowest number of the scale");
    this.to = end("Highest number of the scale");
    this.rangeBox = make("label", {}, "Range", this.from, "to", this.to);
    this.controls.append(this.rangeBox);
    [, this.layout] = choose("Layout", [["auto", "auto"], ["plane", "rows, columns"], ["hwc", "rows, columns, colours"],
      ["chw", "colours, rows, columns"], ["curves", "curves"]], (layout) => this.ask({ layout, index: null }));
    [this.parts, this.part] = choose("Part", [["abs", "absolute value"], ["re", "real"], ["im", "imaginary"], ["phase", "phase"]],
      (part) => this.ask({ part }));
    this.axes = make("span", { className: "controls axis" });
    this.axes.className = "axis";
    this.controls.append(this.axes);
  }

  setRange() {
    const ends = [this.from, this.to].map((input) => input.value.trim().replace(",", "."));
    const numbers = ends.map(Number);
    const given = ends.every((text) => text !== "");
    const good = given && numbers.every(Number.isFinite) && numbers[0] < numbers[1];
    for (const input of [this.from, this.to]) input.setAttribute("aria-invalid", String(given && !good));
    this.choice.range = good ? numbers : null;
    this.draw(false);
  }

  // Connection -----------------------------------------------------------------------------------

  connect() {
    const query = new URLSearchParams({ name: this.subject.name, kind: this.subject.kind });
    const socket = socketOf(`view?${query}`);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => {
      this.attempt = 0;
      this.last = null;
      this.pending = null;
      this.again = null;
      this.newest = 0;
      this.sendWish();
    };
    socket.onmessage = (event) => {
      if (typeof event.data === "string") this.told(JSON.parse(event.data));
      else this.received(event.data);
    };
    socket.onclose = () => {
      if (this.closed) return;
      this.stale(true, "The connection is lost. Trying again.");
      const pause = RETRY[Math.min(this.attempt, RETRY.length - 1)];
      this.attempt += 1;
      this.timer = setTimeout(() => this.connect(), pause);
    };
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    clearTimeout(this.late);
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
    this.scheme.removeEventListener("change", this.redraw);
    this.socket.close();
    this.element.remove();
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  room() {
    return [Math.max(1, this.stage.clientWidth), Math.max(1, this.stage.clientHeight)];
  }

  sendWish() {
    const dpr = window.devicePixelRatio || 1;
    const wish = { type: "wish", ...this.wish, size: this.room().map((length) => Math.ceil(length * dpr)) };
    if (this.paused && this.shown) wish.again = this.shown.n;
    this.send(wish);
  }

  ask(change) {
    Object.assign(this.wish, change);
    this.sendWish();
  }

  resized() {
    clearTimeout(this.resizing);
    this.resizing = setTimeout(() => {
      this.sendWish();
      this.draw(false);
    }, 80);
  }

  told(message) {
    if (message.type === "status") this.status(message.status);
    else if (message.type === "probe") this.probed(message);
    else if (message.type === "failed") this.say(message.message, true);
  }

  received(buffer) {
    const length = new DataView(buffer).getUint32(0, true);
    const head = JSON.parse(decoder.decode(new Uint8Array(buffer, 4, length)));
    if (head.type === "file") {
      this.download(new Blob([new Uint8Array(buffer, 4 + length)]), head.format);
      return;
    }
    head.received = performance.now();
    head.buffer = buffer;
    head.offset = 4 + length;
    this.newest = Math.max(this.newest, head.n);
    // What is on display comes again with another slice or size: what waits to be drawn stays.
    if (this.paused && head.n === this.shown?.n) this.again = head;
    else this.pending = head;
    if (!this.paused || this.again) this.schedule();
  }

  // Draws with the next picture of the screen. A page that cannot be seen has none, draws nothing,
  // and so gets nothing. One that can be seen goes on if the browser comes to no picture for long.
  schedule() {
    if (this.frame !== undefined) return;
    this.frame = requestAnimationFrame(() => this.take());
    this.late = setTimeout(() => {
      if (document.visibilityState === "visible") this.take();
    }, 1000);
  }

  take() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.late);
    this.frame = undefined;
    const head = this.paused ? this.again : this.pending;
    this.again = null;
    if (head === null) return;
    if (!this.paused) this.pending = null;
    const { seq } = head.value;
    // Without a last one, and for a writer that begins anew, nothing is missing.
    if (this.last !== null && seq > this.last + 1) this.skipped += seq - this.last - 1;
    this.last = seq;
    this.shown = head;
    if (!this.paused) this.send({ type: "ack", n: this.newest });
    const { kind, format } = head.drawing;
    head.data = kind === "curves" ? new Float64Array(head.buffer, head.offset)
      : format === "f32" ? new Float32Array(head.buffer, head.offset) : new Uint8Array(head.buffer, head.offset);
    this.draw(true);
  }

  // Drawing --------------------------------------------------------------------------------------

  draw(isNew) {
    const head = this.shown;
    if (!head) return;
    const { drawing, data } = head;
    const isPicture = drawing.kind === "picture";
    const isCurves = drawing.kind === "curves";
    this.waiting.hidden = true;
    this.canvas.hidden = !(isPicture || isCurves);
    this.words.hidden = isPicture || isCurves;
    this.stage.classList.toggle("curves", isCurves);
    this.stage.classList.toggle("text", !(isPicture || isCurves));
    this.words.classList.toggle("one", drawing.kind === "text" && drawing.text.length < 24 && !drawing.text.includes("\n"));
    this.pngButton.disabled = this.canvas.hidden;
    this.npyButton.disabled = false;
    this.canvas.setAttribute("aria-label", `${isCurves ? "Curves" : "Picture"} of ${this.label}; arrow keys read numbers`);
    let colormap = null;
    if (isPicture) {
      const range = paint(this.canvas, drawing, data, this.choice);
      this.canvas.classList.toggle("alpha", drawing.colours === 2 || drawing.colours === 4);
      this.fit();
      if (drawing.colours === 1) colormap = this.choice.colormap ?? drawing.colormap;
      this.range = range;
    } else if (isCurves) {
      this.canvas.classList.remove("coarse", "alpha");
      this.map = plot(this.canvas, drawing, data, this.choice, this.room());
      this.range = this.map.range;
    } else {
      setText(this.words, drawing.kind === "wrong" ? `This cannot be shown so: ${drawing.message}` : drawing.text);
    }
    this.legend.hidden = colormap === null;
    if (colormap) {
      paintScale(this.scale, colormap);
      setText(this.low, number(this.range[0]));
      setText(this.high, number(this.range[1]));
    }
    this.showControls(drawing, head.value);
    if (isNew) this.describe();
    if (this.pointer) this.probe();
  }

  // Makes the picture as large as the stage lets it, without changing its proportions.
  fit() {
    const [width, height] = this.room();
    const { whole: [rows, columns] } = this.shown.drawing;
    const factor = Math.min(width / columns, height / rows);
    this.canvas.style.width = `${Math.max(2, columns * factor)}px`;
    this.canvas.style.height = `${Math.max(2, rows * factor)}px`;
    this.canvas.classList.toggle("coarse", factor >= 2);
  }

  showControls(drawing, value) {
    this.controls.hidden = drawing.kind === "text";
    this.colours.hidden = !(drawing.kind === "picture" && drawing.colours === 1);
    this.rangeBox.hidden = drawing.kind === "wrong";
    this.parts.hidden = !value.dtype.startsWith("complex") && !value.dtype.startsWith("clong");
    const key = JSON.stringify([value.shape, drawing.fixed]);
    if (this.axesKey === key) return;
    this.axesKey = key;
    const fixed = drawing.fixed ?? [];
    const focused = this.axes.contains(document.activeElement);
    if (focused && fixed.filter((at) => at !== null).length === this.axes.childElementCount) return;
    this.axes.replaceChildren(...fixed.map((at, axis) => [at, axis]).filter(([at]) => at !== null).map(([at, axis]) => {
      const output = make("output", { textContent: `${at}` });
      const input = make("input", {
        type: "range", min: 0, max: value.shape[axis] - 1, value: at, "aria-label": `Index along axis ${axis}`,
        oninput: () => {
          output.textContent = input.value;
          const index = [...(this.wish.index ?? this.shown.drawing.fixed)];
          index[axis] = Number(input.value);
          this.ask({ index });
        },
      });
      return make("label", { className: "axis" }, `Axis ${axis}`, input, output);
    }));
    // A value of another shape has other slices.
    if (this.wish.index && this.wish.index.length !== value.shape.length) this.wish.index = null;
  }

  // Words ----------------------------------------------------------------------------------------

  fact(column, name, text) {
    let row = this.rows.get(name);
    if (!row) {
      const dd = make("dd", {});
      row = { dd, div: make("div", {}, make("dt", { textContent: name }), dd) };
      this.rows.set(name, row);
      this.facts[column].append(row.div);
    }
    row.div.hidden = text === null;
    if (text !== null) setText(row.dd, text);
  }

  describe() {
    const { value, figures, drawing } = this.shown;
    this.fact(0, "Type", value.dtype);
    this.fact(0, "Shape", shape(value.shape));
    this.fact(0, "Size", size(value.bytes));
    this.fact(0, "Number", value.seq === null ? null : value.seq.toLocaleString("en"));
    this.fact(0, "Skipped here", value.seq === null ? null : count(this.skipped, "value"));
    this.tick();
    if (figures) {
      this.fact(1, "Smallest", steady(figures.min));
      this.fact(1, "Largest", steady(figures.max));
      this.fact(1, "Mean", steady(figures.mean));
      this.fact(1, "Standard deviation", steady(figures.std));
      this.fact(1, "Not finite", figures.nan + figures.infinite === 0 ? null : `${figures.nan.toLocaleString("en")} NaN, ${figures.infinite.toLocaleString("en")} infinite`);
      const bins = figures.histogram;
      this.figure.hidden = bins.length === 0 || figures.min === figures.max;
      if (!this.figure.hidden) {
        bars(this.histogram, bins);
        setText(this.ends[0], number(figures.min));
        setText(this.ends[1], number(figures.max));
      }
    }
    const attributes = value.attributes;
    this.attributesBox.hidden = !attributes;
    if (attributes) {
      setText(this.attributesTitle, `Attributes, ${attributes.form}, ${attributes.bytes} B`);
      setText(this.attributes, attributes.text);
    }
    const text = drawing.kind === "text" ? null : drawing.text ?? null;
    this.numbersBox.hidden = text === null;
    if (text !== null) setText(this.numbers, text);
  }

  // Called with the list, and every so often for ages.
  update(line) {
    this.line = line;
    const [kind, word] = state(line);
    this.dot.className = `dot ${kind}`;
    this.badge.className = `badge ${this.paused ? "paused" : kind}`;
    setText(this.badge, this.paused ? "paused" : word);
    if (line) {
      this.fact(0, "Rate", line.rate === null ? null : perSecond(line.rate));
      this.fact(0, "Bandwidth", line.bandwidth === null ? null : `${size(line.bandwidth)}/s`);
      this.fact(1, "Memory", size(line.memory));
      const known = line.kind === "channel";
      this.fact(1, "Readers", known && line.readers !== null ? `${line.readers} of ${line.max_readers}` : null);
      const { alive, pid } = line.writer;
      const writer = alive === true ? `process ${pid ?? "unknown"}` : alive === false ? "gone" : pid ? `perhaps process ${pid}` : "unknown";
      this.fact(1, "Writer", line.kind === "array" ? null : writer);
    }
    this.tick();
    this.notify();
  }

  tick() {
    if (!this.shown) return;
    const { value, received } = this.shown;
    const age = value.age_seconds === null ? null : value.age_seconds + (performance.now() - received) / 1000;
    this.fact(0, "Age", age === null ? null : duration(age));
  }

  status(status) {
    this.current = status;
    this.notify();
  }

  // What is to be said above the picture.
  notify() {
    const { state: now, message, writer_alive: alive } = this.current ?? {};
    if (this.socket.readyState !== WebSocket.OPEN) return;
    const problems = this.line?.problems ?? [];
    const last = this.shown ? " What you see is its last value." : "";
    if (now === "broken") this.stale(true, message);
    else if (now === "absent") this.stale(true, `Nothing has this name now. Waiting for it.${last}`);
    else if (problems.length > 0) this.say(problems.join("; "), true);
    else if (now === "locked") this.say("A writer holds the lock of this array. Waiting for it.", false);
    else if (now === "closed" && this.line?.state !== "kept") this.say(`Its writer has closed the channel.${last}`, false);
    else if (now === "open" && alive === false && this.line?.state === "open") this.say(`Its writer died.${last}`, true);
    else if (now === "open" && !this.shown) this.stale(false, null, "No value yet. Waiting for the first one.");
    else this.stale(false, null);
  }

  stale(isStale, message, waiting) {
    this.stage.classList.toggle("stale", isStale);
    this.notice.hidden = message === null;
    this.notice.className = "notice bad";
    if (message !== null) setText(this.notice, message);
    if (!this.shown) {
      this.waiting.hidden = false;
      setText(this.waiting, waiting ?? (message === null ? "Waiting for a value." : "Nothing to show."));
    }
  }

  say(message, isBad) {
    this.stage.classList.remove("stale");
    this.notice.hidden = false;
    this.notice.className = isBad ? "notice bad" : "notice";
    setText(this.notice, message);
    if (!this.shown) setText(this.waiting, "Nothing to show.");
  }

  // Pause and save -------------------------------------------------------------------------------

  pause(paused) {
    this.paused = paused;
    this.pauseButton.setAttribute("aria-pressed", String(paused));
    setText(this.pauseButton, paused ? "Go on" : "Pause");
    this.update(this.line);
    if (paused) return;
    if (this.pending) this.schedule();
    else this.send({ type: "ack", n: this.newest });
  }

  save(format) {
    if (!this.shown) return;
    if (format === "png" && this.shown.drawing.kind === "curves") {
      this.canvas.toBlob((blob) => this.download(blob, "png"));
      return;
    }
    const { colours } = this.shown.drawing;
    const colormap = colours === 1 ? this.choice.colormap ?? this.shown.drawing.colormap : null;
    const range = format === "png" && this.range && this.range[0] < this.range[1] ? this.range : null;
    this.send({ type: "save", n: this.shown.n, format, colormap, range });
  }

  download(blob, format) {
    const url = URL.createObjectURL(blob);
    const plain = this.subject.name.replace(/[^\w.-]+/g, "_");
    const file = `${plain}-${this.shown?.value.seq ?? this.shown?.n ?? 0}.${format}`;
    const link = make("a", { href: url, download: file });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }

  // The number under the mouse -------------------------------------------------------------------

  point(event) {
    const { drawing } = this.shown ?? {};
    if (!drawing) return;
    if (drawing.kind === "picture") {
      const box = this.canvas.getBoundingClientRect();
      const x = Math.floor(((event.clientX - box.left) / box.width) * drawing.width);
      const y = Math.floor(((event.clientY - box.top) / box.height) * drawing.height);
      this.pointer = [clamp(y, drawing.height), clamp(x, drawing.width)];
    } else {
      const box = this.canvas.getBoundingClientRect();
      this.pointer = [0, clamp(this.map.sample(event.clientX - box.left), drawing.samples)];
    }
    this.probe();
  }

  unpoint() {
    this.pointer = null;
    this.cross.hidden = true;
    setText(this.at, "");
    setText(this.value, "");
  }

  step(event) {
    const { drawing } = this.shown ?? {};
    const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!move || !drawing || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const far = event.shiftKey ? 10 : 1;
    const [rows, columns] = drawing.kind === "picture" ? [drawing.height, drawing.width] : [1, drawing.samples];
    const [y, x] = this.pointer ?? [Math.floor(rows / 2), Math.floor(columns / 2)];
    this.pointer = [clamp(y + move[0] * far, rows), clamp(x + move[1] * far, columns)];
    this.probe();
  }

  // Asks for the numbers at the pointer, one question at a time.
  probe() {
    const { n, drawing } = this.shown;
    const [y, x] = this.pointer;
    this.showCross(y, x);
    const index = [...drawing.fixed];
    if (drawing.kind === "picture") {
      const [rows, columns] = drawing.axes;
      if (rows !== null) index[rows] = y * drawing.step;
      if (columns !== null) index[columns] = x * drawing.step;
    } else {
      index[index.indexOf(null)] = x;
    }
    const question = JSON.stringify([n, index]);
    if (question === this.answered) return;
    if (this.asked && performance.now() - this.asked.when < 2000) {
      this.asked.again = true;
      return;
    }
    this.asked = { when: performance.now(), question };
    this.send({ type: "probe", n, index });
  }

  probed({ probe, text }) {
    const again = this.asked?.again;
    this.asked = null;
    if (!this.pointer) return;
    this.answered = JSON.stringify([probe.n, probe.index]);
    if (text !== null) {
      setText(this.at, `[${probe.index.map((at) => (at === null ? ":" : at)).join(", ")}]`);
      setText(this.value, text);
    }
    if (again) this.probe();
  }

  showCross(y, x) {
    const { drawing } = this.shown;
    const [box, stage] = [this.canvas.getBoundingClientRect(), this.stage.getBoundingClientRect()];
    const [left, top] = [box.left - stage.left, box.top - stage.top];
    const style = this.cross.style;
    if (drawing.kind === "picture") {
      const [wide, tall] = [box.width / drawing.width, box.height / drawing.height];
      const [width, height] = [Math.max(7, wide), Math.max(7, tall)];
      style.width = `${width}px`;
      style.height = `${height}px`;
      style.left = `${left + (x + 0.5) * wide - width / 2}px`;
      style.top = `${top + (y + 0.5) * tall - height / 2}px`;
    } else {
      style.width = "1px";
      style.height = `${this.map.bottom - this.map.top}px`;
      style.left = `${left + this.map.x(x)}px`;
      style.top = `${top + this.map.top}px`;
    }
    this.cross.hidden = false;
  }
}

function clamp(at, length) {
  return Math.max(0, Math.min(length - 1, at));
}
