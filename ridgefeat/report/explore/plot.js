// What every drawing needs: elements, numbers in words, ticks, colours and shapes of groups.

function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// Three significant digits; an exponent only where it is needed.
function format(value) {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e6) return value.toExponential(2);
  if (Number.isInteger(value) && size >= 10) return value.toLocaleString("en");
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
}

// Offer text or a canvas as a file to save; nothing leaves the page.
function save(name, content, type) {
  const link = el("a", { href: URL.createObjectURL(new Blob([content], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

const counted = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;

function ticks(low, high, about) {
  const rough = (high - low) / Math.max(1, about);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map(s => s * power).find(s => s >= rough) ?? rough;
  const found = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step * 1e-9; v += step) found.push(Math.abs(v) < step * 1e-9 ? 0 : v);
  return found;
}

// Tick labels have as many decimals as their step needs.
function ticked(value, step) {
  if (value !== 0 && (Math.abs(value) >= 1e6 || step < 1e-5)) return value.toExponential(1);
  return value.toFixed(Math.max(0, Math.min(6, Math.ceil(-Math.log10(step) - 1e-9) + (/^2\.5/.test((step / 10 ** Math.floor(Math.log10(step))).toFixed(1)) ? 1 : 0))));
}

const paint = { colours: {} };
const printing = { on: false };

function colour(name) {
  if (!(name in paint.colours)) paint.colours[name] = getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  return paint.colours[name];
}

const groupColour = code => colour("g" + Math.min(code, 7));

// A canvas as sharp as the screen; returns its context, in CSS pixels, and its size.
function fitted(canvas) {
  const { width, height } = canvas.parentElement.getBoundingClientRect();
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { pen, width, height };
}

const POLYGONS = {
  1: [[-0.86, -0.86], [0.86, -0.86], [0.86, 0.86], [-0.86, 0.86]],
  2: [[0, -1.15], [1.05, 0.75], [-1.05, 0.75]],
  3: [[0, -1.2], [1.2, 0], [0, 1.2], [-1.2, 0]],
  4: [[0, 1.15], [1.05, -0.75], [-1.05, -0.75]],
};

// A group's mark: groups differ in shape as well as in colour.
function trace(pen, code, x, y, r) {
  pen.beginPath();
  if (POLYGONS[code]) {
    POLYGONS[code].forEach(([dx, dy], i) => pen[i ? "lineTo" : "moveTo"](x + r * dx, y + r * dy));
    pen.closePath();
  } else if (code === 5 || code === 6) {
    const [c, s] = code === 5 ? [1, 0] : [0.78, 0.78];
    for (const [dx, dy] of code === 5 ? [[c, s], [s, c]] : [[c, s], [c, -s]]) {
      pen.moveTo(x - r * dx, y - r * dy);
      pen.lineTo(x + r * dx, y + r * dy);
    }
  } else {
    pen.arc(x, y, r, 0, 7);
  }
}

function stamp(pen, code, x, y, r, selected) {
  const open = code >= 5;
  if (selected) {
    trace(pen, code, x, y, r + 1.5);
    pen.lineWidth = open ? 5.5 : 4;
    pen.strokeStyle = colour("ink");
    pen.stroke();
  }
  trace(pen, code, x, y, r);
  pen.lineWidth = open ? 2 : 1;
  pen.strokeStyle = open ? groupColour(code) : colour("halo");
  pen.fillStyle = groupColour(code);
  if (!open) pen.fill();
  pen.stroke();
}

function sample(code) {
  const canvas = el("canvas", { width: 36, height: 36, style: "width:18px;height:18px", "aria-hidden": "true" });
  const pen = canvas.getContext("2d");
  pen.scale(2, 2);
  stamp(pen, code, 9, 9, 5, false);
  return canvas;
}
