// Pictures, curves and histograms on canvases. The server sends elements; colours are chosen here.

export const COLORMAPS = ["grey", "viridis", "inferno", "magma", "plasma", "cividis", "turbo", "diverging", "cyclic"];
// Told apart by most colour-blind people (Okabe and Ito), for light and dark grounds.
const CURVES = [["#0072b2", "#56b4e9"], ["#d55e00", "#e69f00"], ["#00795a", "#1fc796"], ["#a3437c", "#e48abb"],
  ["#7a6a00", "#f0e442"], ["#a03c00", "#ff7a33"], ["#3d5a80", "#8fb8ff"], ["#555555", "#c8c8c8"]];
const tables = new Map();

export async function loadColormaps() {
  const bytes = new Uint8Array(await (await fetch("colormaps")).arrayBuffer());
  COLORMAPS.forEach((name, place) => {
    const table = new Uint32Array(256);
    for (let i = 0; i < 256; i += 1) {
      const at = (place * 256 + i) * 3;
      table[i] = pack(bytes[at], bytes[at + 1], bytes[at + 2], 255);
    }
    tables.set(name, table);
  });
}

// A pixel as canvases have it on all machines that have a browser: red in the lowest byte.
function pack(r, g, b, a) {
  return ((a << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

export function isDark() {
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

// The numbers at the ends of the scale.
export function rangeOf(drawing, data) {
  if (drawing.range) return drawing.range;
  let low = Infinity;
  let high = -Infinity;
  const alpha = drawing.colours === 2 || drawing.colours === 4 ? drawing.colours : 0;
  for (let i = 0; i < data.length; i += 1) {
    if (alpha && i % alpha === alpha - 1) continue;
    const value = data[i];
    if (value < low && value !== -Infinity) low = value;
    if (value > high && value !== Infinity) high = value;
  }
  if (!(low <= high)) return [0, 1];
  // Floating-point colours go from 0 to 1, or from 0 to 255.
  if (drawing.colours > 1 && low >= 0 && high <= 1) return [0, 1];
  if (drawing.colours > 1 && low >= 0 && high <= 255) return [0, 255];
  return [low, high];
}

// Paints a picture into a canvas of its size; returns the range.
export function paint(canvas, drawing, data, choice) {
  const { width, height, colours } = drawing;
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  if (canvas.image?.width !== width || canvas.image?.height !== height) canvas.image = context.createImageData(width, height);
  const image = canvas.image;
  const pixels = new Uint32Array(image.data.buffer);
  const [low, high] = choice.range ?? rangeOf(drawing, data);
  const scale = high > low ? 255 / (high - low) : 0;
  const plain = drawing.format === "u8" && low === 0 && high === 255;
  if (colours === 1) {
    const name = choice.colormap ?? drawing.colormap;
    const table = tables.get(name) ?? tables.get("grey");
    const nan = name === "grey" ? pack(200, 30, 30, 255) : pack(128, 128, 128, 255);
    const above = name === "grey" ? table[255] : pack(255, 255, 255, 255);
    const below = name === "grey" ? table[0] : pack(0, 0, 0, 255);
    if (plain) {
      for (let i = 0; i < pixels.length; i += 1) pixels[i] = table[data[i]];
    } else {
      for (let i = 0; i < pixels.length; i += 1) {
        const value = data[i];
        if (Number.isFinite(value)) pixels[i] = table[place(value, low, high, scale)];
        else pixels[i] = Number.isNaN(value) ? nan : value > 0 ? above : below;
      }
    }
  } else if (plain && colours === 3) {
    for (let i = 0, at = 0; i < pixels.length; i += 1, at += 3) {
      pixels[i] = 0xff000000 | (data[at + 2] << 16) | (data[at + 1] << 8) | data[at];
    }
  } else {
    const one = (at) => (Number.isNaN(data[at]) ? 0 : place(data[at], low, high, scale));
    for (let i = 0, at = 0; i < pixels.length; i += 1, at += colours) {
      if (colours === 2) {
        const grey = one(at);
        pixels[i] = pack(grey, grey, grey, one(at + 1));
      } else {
        pixels[i] = pack(one(at), one(at + 1), one(at + 2), colours === 4 ? one(at + 3) : 255);
      }
    }
  }
  context.putImageData(image, 0, 0);
  return [low, high];
}

function place(value, low, high, scale) {
  if (scale === 0) return value < low ? 0 : value > low ? 255 : low === 0 ? 0 : 128;
  const at = Math.round((value - low) * scale);
  return at < 0 ? 0 : at > 255 ? 255 : at;
}

export function paintScale(canvas, name) {
  const table = tables.get(name);
  if (!table || canvas.dataset.name === name) return;
  canvas.dataset.name = name;
  canvas.width = 256;
  canvas.height = 1;
  const context = canvas.getContext("2d");
  const image = context.createImageData(256, 1);
  new Uint32Array(image.data.buffer).set(table);
  context.putImageData(image, 0, 0);
}

// Steps of 1, 2 or 5 times a power of ten.
function ticks(low, high, most) {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [low];
  const rough = span / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1) found.push(i * step + 0);
  return found;
}

function label(value, step) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(1);
  const digits = Math.max(0, Math.min(8, -Math.floor(Math.log10(step) + 1e-9)));
  return value.toFixed(digits);
}

// Draws curves to fill a canvas; returns where samples are, for the mouse.
export function plot(canvas, drawing, data, choice, room) {
  const dpr = window.devicePixelRatio || 1;
  const [width, height] = room;
  canvas.width = Math.max(1, Math.round(width * dpr));
  canvas.height = Math.max(1, Math.round(height * dpr));
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(dpr, 0, 0, dpr, 0, 0);
  const style = getComputedStyle(canvas);
  const [soft, line] = ["--soft", "--line"].map((name) => style.getPropertyValue(name).trim());
  let [low, high] = choice.range ?? [Infinity, -Infinity];
  if (!choice.range) {
    for (const value of data) {
      if (value < low && value !== -Infinity) low = value;
      if (value > high && value !== Infinity) high = value;
    }
    if (!(low <= high)) [low, high] = [0, 1];
  }
  const range = [low, high];
  if (low === high) [low, high] = [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
  const margin = (high - low) * 0.06;
  if (!choice.range) [low, high] = [low - margin, high + margin];
  context.font = "11.5px " + style.getPropertyValue("--sans");
  const rows = ticks(low, high, Math.max(2, Math.floor(height / 56)));
  const step = rows.length > 1 ? rows[1] - rows[0] : 1;
  const labels = rows.map((value) => label(value, step));
  const left = Math.ceil(Math.max(...labels.map((text) => context.measureText(text).width))) + 18;
  const top = drawing.series > 1 ? 34 : 14;
  const [right, bottom] = [width - 16, height - 26];
  const y = (value) => bottom - ((value - low) / (high - low)) * (bottom - top);
  const last = Math.max(1, drawing.samples - 1);
  const x = (sample) => left + (sample / last) * (right - left);
  context.strokeStyle = line;
  context.fillStyle = soft;
  context.lineWidth = 1;
  context.textBaseline = "middle";
  context.textAlign = "right";
  rows.forEach((value, i) => {
    const at = Math.round(y(value)) + 0.5;
    context.beginPath();
    context.moveTo(left, at);
    context.lineTo(right, at);
    context.stroke();
    context.fillText(labels[i], left - 9, at);
  });
  context.textBaseline = "top";
  context.textAlign = "center";
  const columns = ticks(0, drawing.samples - 1, Math.max(2, Math.floor((right - left) / 90))).filter(Number.isInteger);
  for (const sample of columns) {
    context.fillText(sample.toLocaleString("en"), Math.min(x(sample), right - 4), bottom + 8);
  }
  context.save();
  context.beginPath();
  context.rect(left, top - 4, right - left + 2, bottom - top + 8);
  context.clip();
  context.lineJoin = "round";
  for (let series = 0; series < drawing.series; series += 1) {
    context.strokeStyle = CURVES[series % CURVES.length][isDark() ? 1 : 0];
    context.lineWidth = 1.6;
    context.beginPath();
    let pen = false;
    for (let i = 0; i < drawing.sent; i += 1) {
      const value = data[series * drawing.sent + i];
      if (!Number.isFinite(value)) {
        pen = false;
        continue;
      }
      const sample = drawing.ranges ? (Math.floor(i / 2) / (drawing.sent / 2)) * last : i;
      if (pen) context.lineTo(x(sample), y(value));
      else context.moveTo(x(sample), y(value));
      pen = true;
    }
    if (drawing.sent === 1) context.arc(x(0), y(data[series]), 3, 0, 7);
    context.stroke();
    if (!drawing.ranges && drawing.sent <= (right - left) / 14) {
      context.fillStyle = context.strokeStyle;
      for (let i = 0; i < drawing.sent; i += 1) {
        const value = data[series * drawing.sent + i];
        if (!Number.isFinite(value)) continue;
        context.beginPath();
        context.arc(x(i), y(value), 2.6, 0, 7);
        context.fill();
      }
    }
  }
  context.restore();
  if (drawing.series > 1) {
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.font = "600 12px " + style.getPropertyValue("--sans");
    const wide = drawing.series * 34;
    for (let series = 0; series < drawing.series; series += 1) {
      const at = right - wide + series * 34;
      context.fillStyle = CURVES[series % CURVES.length][isDark() ? 1 : 0];
      context.fillRect(at, 15, 12, 3);
      context.fillText(String(series), at + 16, 17);
    }
  }
  return { range, left, right, top, bottom, sample: (at) => Math.round(((at - left) / (right - left)) * last), x };
}

export function bars(canvas, counts) {
  const dpr = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = Math.max(1, Math.round(width * dpr));
  canvas.height = Math.max(1, Math.round(height * dpr));
  const context = canvas.getContext("2d");
  context.setTransform(dpr, 0, 0, dpr, 0, 0);
  const style = getComputedStyle(canvas);
  context.fillStyle = style.getPropertyValue("--accent").trim();
  // The root, so that what is rare can be seen beside what is frequent.
  const most = Math.sqrt(Math.max(1, ...counts));
  const wide = width / counts.length;
  counts.forEach((count, i) => {
    const tall = count > 0 ? Math.max(1.5, (Math.sqrt(count) / most) * (height - 1)) : 0;
    context.fillRect(i * wide + 0.75, height - 1 - tall, Math.max(1, wide - 1.5), tall);
  });
  context.fillStyle = style.getPropertyValue("--line").trim();
  context.fillRect(0, height - 1, width, 1);
}
