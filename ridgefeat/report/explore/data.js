// The page's data: unpacked numbers, columns and labels by name, and the shared state.
// Packed by report/explore/page.py.

const $ = id => document.getElementById(id);
const about = JSON.parse($("data-json").textContent);
const N = about.prints;
const NONE = 255;

async function unpack(id) {
  const text = $("data-" + id).textContent;
  if (!text) return new ArrayBuffer(0);
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

const data = { planes: [], columns: new Map(), axes: new Map() };

async function read() {
  const planes = about.bits === 23 ? 4 : 3;
  const names = ["axes", "furthest", "texts", "groups", "apart", "order", "related", "marks", "outlines", "counts", "sizes"];
  const [unpacked, ...values] = await Promise.all([
    Promise.all(names.map(unpack)),
    ...Array.from({ length: planes }, (_, i) => unpack("values-" + i)),
  ]);
  const found = Object.fromEntries(names.map((name, i) => [name, unpacked[i]]));
  data.planes = values.map(v => new Uint8Array(v));
  const floats = new Float32Array(found.axes);
  const row = i => floats.subarray(i * N, (i + 1) * N);
  about.axes.forEach((name, i) => data.axes.set(name, row(i)));
  data.distance = row(about.axes.length);
  data.deviation = Array.from({ length: about.near }, (_, i) => row(about.axes.length + 1 + i));
  data.furthest = new Uint16Array(found.furthest);
  const texts = new Uint32Array(found.texts);
  data.texts = about.texts.map((t, i) => ({ ...t, codes: texts.subarray(i * N, (i + 1) * N) }));
  const groups = new Uint8Array(found.groups);
  data.groups = about.groups.map((g, i) => ({ ...g, codes: groups.subarray(i * N, (i + 1) * N) }));
  data.apart = new Uint16Array(found.apart);
  data.order = new Uint16Array(found.order);
  data.related = new Int8Array(found.related);
  data.marks = new Uint16Array(found.marks);
  data.outlines = new Uint16Array(found.outlines);
  data.sizes = new Float32Array(found.sizes);
  const counts = new Uint32Array(found.counts);
  data.starts = [new Uint32Array(N + 1), new Uint32Array(N + 1)];
  for (let i = 0; i < counts.length / 2; i++) {
    for (const k of [0, 1]) data.starts[k][i + 1] = data.starts[k][i] + counts[2 * i + k];
  }
  data.place = new Map(about.columns.map((c, i) => [c.name, i]));
  data.people = peopleOf(data.texts.find(t => t.name === "subject"));
  const pictures = $("data-pictures").textContent;
  data.pictures = pictures ? pictures.split("\n") : [];
}

// The people of the table: the prints of each, and whose each print is (-1 if unknown). Null where no one has two prints.
function peopleOf(label) {
  if (!label) return null;
  const rows = new Map(), of = new Int32Array(N).fill(-1);
  label.codes.forEach((code, i) => { if (label.values[code]) rows.set(code, [...(rows.get(code) ?? []), i]); });
  const prints = [...rows.values()];
  prints.forEach((own, k) => { for (const i of own) of[i] = k; });
  return prints.length > 1 && prints.some(own => own.length > 1) ? { of, prints, names: [...rows.keys()].map(code => label.values[code]), means: new Map(), groups: new Map() } : null;
}

// The row that stands for a print on the map: its own, or the first of its person where people are shown.
const point = i => state.people && i >= 0 ? data.people.prints[data.people.of[i]]?.[0] ?? -1 : i;
const nameOf = i => state.people ? `${data.people.names[data.people.of[i]]} (${counted(data.people.prints[data.people.of[i]].length, "print")})` : about.sources[i];
const countOf = n => state.people ? (n === 1 ? "1 person" : `${n.toLocaleString("en")} people`) : counted(n, "print");

// Each person's mean of their prints, in the row that stands for them; NaN in the other rows.
function meansOf(values) {
  const out = new Float32Array(N).fill(NaN);
  for (const rows of data.people.prints) {
    const known = rows.map(i => values[i]).filter(v => v === v);
    if (known.length) out[rows[0]] = known.reduce((a, b) => a + b, 0) / known.length;
  }
  return out;
}

// Whether a label has one value in each person's prints.
const isPersonal = codes => data.people.prints.every(rows => rows.every(i => codes[i] === codes[rows[0]]));

function column(k) {
  if (!data.columns.has(k)) {
    const bits = new Uint32Array(N);
    data.planes.forEach((plane, p) => {
      for (let i = 0, at = k * N; i < N; i++, at++) bits[i] |= plane[at] << (24 - 8 * p);
    });
    data.columns.set(k, new Float32Array(bits.buffer));
  }
  return data.columns.get(k);
}

// The name that is meant by what was typed: "ridge density mean" and "Ridge_Density_Mean" are ridge_density_mean, and
// "ridge density" is the mean of that name, or the first name that contains it. Undefined where none is.
function meant(typed, names) {
  const plain = text => text.trim().toLowerCase().replace(/[\s_-]+/g, "_"), wanted = plain(typed);
  return names.find(n => n === typed) ?? names.find(n => plain(n) === wanted) ?? names.find(n => plain(n) === wanted + "_mean") ?? (wanted ? names.find(n => plain(n).includes(wanted)) : undefined);
}

// Values of a map axis or of a column, by name, of each print; undefined for an unknown name.
function printValues(name) {
  if (data.axes.has(name)) return data.axes.get(name);
  return data.place.has(name) ? column(data.place.get(name)) : undefined;
}

// The same of each print, or of each person where people are shown.
function valuesOf(name) {
  const values = printValues(name), means = data.people?.means;
  if (!state.people || !values) return values;
  if (!means.has(name)) means.set(name, meansOf(values));
  return means.get(name);
}

function titled(name) {
  const unit = data.place.has(name) ? about.columns[data.place.get(name)].unit : "";
  const explained = /^PC \d+$/.test(name) ? about.explained?.[+name.slice(3) - 1] : undefined;
  if (explained !== undefined) return `${name} (${(100 * explained).toFixed(explained < 0.1 ? 1 : 0)} % of the variance)`;
  return unit ? `${name} (${unit})` : name;
}

function textOf(name, i) {
  const found = data.texts.find(t => t.name === name);
  return found ? found.values[found.codes[i]] : "";
}

// The grouping in use; without a label all are one group. Where people are shown, only the row of each has a group.
function grouping() {
  const group = data.groups[state.by] ?? { name: "", names: [state.people ? "all people" : "all prints"], codes: new Uint8Array(N) };
  if (!state.people) return group;
  const kept = data.people.groups;
  if (!kept.has(state.by)) kept.set(state.by, { ...group, codes: group.codes.map((code, i) => point(i) === i ? code : NONE) });
  return kept.get(state.by);
}

function described(i) {
  const words = data.texts.filter(t => !t.name.startsWith("meta_")).map(t => t.values[t.codes[i]]).filter(Boolean);
  const flags = textOf("meta_flags", i).replaceAll("_", " ");
  return [about.sources[i], words.join(", "), flags && `flags: ${flags}`].filter(Boolean).join("; ");
}

const state = {
  x: "", y: "", by: about.by, column: "", form: "histogram", tool: "box",
  people: false, hidden: new Set(), chosen: new Uint8Array(N), count: 0, focus: -1,
};

const listeners = {};
function on(event, listener) { (listeners[event] ??= []).push(listener); }
function notify(event) { for (const listener of listeners[event] ?? []) listener(); }

// Select prints: alone, or added to the selection (removed from it where all of them are selected already). Where people
// are shown, all prints of each are selected.
function choose(rows, add = false) {
  if (state.people) rows = rows.flatMap(i => data.people.prints[data.people.of[i]] ?? [i]);
  if (!add) state.chosen.fill(0);
  const value = add && rows.length && rows.every(i => state.chosen[i]) ? 0 : 1;
  for (const i of rows) state.chosen[i] = value;
  state.count = state.chosen.reduce((sum, one) => sum + one, 0);
  notify("chosen");
}

function chosenRows() {
  const rows = [];
  for (let i = 0; i < N; i++) if (state.chosen[i]) rows.push(i);
  return rows;
}

function focusOn(i) {
  if (i === state.focus) return;
  state.focus = i;
  notify("focus");
}
