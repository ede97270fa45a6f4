// Numbers, sizes and times as text, and elements of the page. Text from outside becomes text alone.

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Changes a text only if it is another one, so that a selection in it survives.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function number(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (Number.isInteger(value) && size < 1e9) return String(value);
  if (size >= 1e-3 && size < 1e6) return String(Number(value.toPrecision(6)));
  return value.toExponential(3);
}

// With so many digits, so that a figure that changes keeps its width.
export function steady(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size === 0 || (Number.isInteger(value) && size < 1e9)) return String(value);
  if (size >= 1e-2 && size < 1e6) return value.toFixed(Math.max(0, 5 - Math.max(1, Math.ceil(Math.log10(size + 1e-9)))));
  return value.toExponential(3);
}

export function size(bytes) {
  if (bytes === null || bytes === undefined) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? bytes : bytes.toFixed(1)} ${units[unit]}`;
}

export function perSecond(rate) {
  if (rate === null || rate === undefined) return "–";
  if (rate >= 1e6) return `${(rate / 1e6).toFixed(2)} M/s`;
  if (rate >= 1e4) return `${(rate / 1e3).toFixed(1)} k/s`;
  return `${rate.toFixed(1)}/s`;
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 1) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const [minute, hour, day] = [60, 3600, 86400];
  if (seconds < hour) return `${Math.floor(seconds / minute)} min ${Math.floor(seconds % minute)} s`;
  if (seconds < day) return `${Math.floor(seconds / hour)} h ${Math.floor((seconds % hour) / minute)} min`;
  return `${Math.floor(seconds / day)} d ${Math.floor((seconds % day) / hour)} h`;
}

export function shape(axes) {
  if (!axes) return "–";
  return axes.length === 1 ? `(${axes[0]},)` : `(${axes.join(", ")})`;
}

export function count(many, what) {
  return `${many.toLocaleString("en")} ${what}${many === 1 ? "" : "s"}`;
}

// How it is with a channel: the class for its colour, and a word.
export function state(line) {
  if (!line) return ["absent", "gone"];
  if (!line.readable) return ["unreadable", "not readable"];
  if (line.problems.length > 0) return ["damaged", "damaged"];
  if (line.poisoned) return ["poisoned", "poisoned"];
  if (line.kind === "array") return ["live", "array"];
  if (line.kind === "python") return line.writer.alive === false ? ["dead", "writer died"] : ["live", "Python"];
  if (line.state === "open" && line.writer.alive === false) return ["dead", "writer died"];
  if (line.state === "open") return ["live", "live"];
  return [line.state ?? "absent", line.state ?? "unknown"];
}

export function socketOf(path) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return new WebSocket(url);
}
