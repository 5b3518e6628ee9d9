// Correlations of columns: a heat map in clustered order, with the columns' names.

const heat = (() => {
  const host = $("heat");
  let size = 0, full = null, shown = [], window_ = [0, 0], cross = [0, 0], image = null;

  function expand() {
    size = data.order.length;
    full = new Int8Array(size * size);
    for (let i = 0, k = 0; i < size; i++) for (let j = i; j < size; j++, k++) full[i * size + j] = full[j * size + i] = data.related[k];
  }

  const name = i => about.columns[data.order[i]].name;
  const value = (i, j) => full[shown[i] * size + shown[j]] / 100;

  function filter() {
    const family = $("family").value;
    shown = [];
    for (let i = 0; i < size; i++) if (!family || about.columns[data.order[i]].family === family) shown.push(i);
    window_ = [0, shown.length];
    cross = [0, Math.min(1, shown.length - 1)];
    paintCells();
    draw();
  }

  // One pixel per pair, scaled when drawn.
  function paintCells() {
    const m = shown.length, rgb = n => colour(n).replace("#", "").replace(/^(.)(.)(.)$/, "$1$1$2$2$3$3").match(/../g).map(h => parseInt(h, 16));
    const [low, mid, high] = ["low", "mid", "high"].map(rgb);
    const table = new Uint32Array(201);
    for (let v = -100; v <= 100; v++) {
      const end = v < 0 ? low : high, weight = Math.abs(v) / 100;
      const [r, g, b] = mid.map((c, k) => Math.round(c + (end[k] - c) * weight));
      table[v + 100] = 0xff000000 | b << 16 | g << 8 | r;
    }
    image = document.createElement("canvas");
    image.width = image.height = Math.max(1, m);
    const pen = image.getContext("2d"), pixels = pen.createImageData(Math.max(1, m), Math.max(1, m)), whole = new Uint32Array(pixels.data.buffer);
    for (let i = 0; i < m; i++) for (let j = 0; j < m; j++) whole[i * m + j] = table[full[shown[i] * size + shown[j]] + 100];
    pen.putImageData(pixels, 0, 0);
  }

  function draw() {
    const { pen, width, height } = fitted($("cells")), [start, count] = window_;
    pen.clearRect(0, 0, width, height);
    pen.imageSmoothingEnabled = count > width;
    pen.imageSmoothingQuality = "high";
    if (count) pen.drawImage(image, start, start, count, count, 0, 0, width, height);
    drawNames();
    drawCross();
  }

  // Names left of their rows, as many as have room.
  function drawNames() {
    const { pen, width, height } = fitted($("heat-names")), [start, count] = window_, step = Math.ceil(14 * count / height);
    pen.clearRect(0, 0, width, height);
    pen.fillStyle = colour("soft"); pen.font = "11px ui-monospace, monospace"; pen.textAlign = "right"; pen.textBaseline = "middle";
    for (let i = 0; i < count; i += step) pen.fillText(name(shown[start + i]), width - 5, (i + Math.min(step, count - i) / 2) / count * height, width - 5);
  }

  function drawCross() {
    const { pen, width, height } = fitted($("cross")), [start, count] = window_, cell = width / count;
    pen.clearRect(0, 0, width, height);
    if (!count) return;
    const [i, j] = cross.map(c => (c - start + 0.5) * cell), side = Math.max(cell, 9);
    pen.strokeStyle = colour("ink"); pen.lineWidth = 1; pen.globalAlpha = 0.55;
    pen.beginPath(); pen.moveTo(0, i); pen.lineTo(width, i); pen.moveTo(j, 0); pen.lineTo(j, height); pen.stroke();
    pen.globalAlpha = 1; pen.lineWidth = 2; pen.strokeRect(j - side / 2, i - side / 2, side, side);
  }

  function readCross() {
    const [i, j] = cross;
    $("heat-reading").textContent = shown.length ? `${name(shown[i])} and ${name(shown[j])}: r = ${value(i, j).toFixed(2)}` : "No column varies.";
    drawCross();
  }

  const at = event => {
    const box = host.getBoundingClientRect();
    return [event.clientY - box.top, event.clientX - box.left].map((p, k) => Math.max(window_[0], Math.min(window_[0] + window_[1] - 1, window_[0] + Math.floor(p / (k ? box.width : box.height) * window_[1]))));
  };
  host.addEventListener("pointermove", event => {
    if (event.pointerType === "mouse") host.title = (([i, j]) => `${name(shown[i])}\n${name(shown[j])}\nr = ${value(i, j).toFixed(2)}`)(at(event));
  });
  host.addEventListener("click", event => { cross = at(event); readCross(); });
  host.addEventListener("keydown", event => {
    const ways = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }, far = event.shiftKey ? 10 : 1;
    if (event.key in ways) {
      cross = cross.map((c, k) => Math.max(0, Math.min(shown.length - 1, c + far * ways[event.key][k])));
      follow();
      readCross();
    } else if (event.key === "+" || event.key === "=") zoom(0.5);
    else if (event.key === "-") zoom(2);
    else if (event.key === "Enter") plotPair();
    else return;
    event.preventDefault();
  });

  function follow() {
    let [start, count] = window_;
    const low = Math.min(...cross), high = Math.max(...cross);
    if (low < start) start = low; else if (high >= start + count) start = Math.min(high - count + 1, shown.length - count);
    if (start !== window_[0]) { window_ = [Math.max(0, start), count]; draw(); }
  }

  // The window stays on the diagonal, where the clusters are, and is centred on the cross.
  function zoom(factor) {
    const count = Math.min(shown.length, Math.max(Math.min(8, shown.length), Math.round(window_[1] * factor)));
    const centre = (cross[0] + cross[1]) / 2;
    window_ = [Math.round(Math.max(0, Math.min(shown.length - count, centre - count / 2))), count];
    draw();
  }

  function plotPair() { if (shown.length) plotColumns(name(shown[cross[1]]), name(shown[cross[0]])); }

  $("heat-in").addEventListener("click", () => zoom(0.5));
  $("heat-out").addEventListener("click", () => zoom(2));
  $("heat-plot").addEventListener("click", plotPair);
  $("family").addEventListener("change", () => { filter(); readCross(); });

  // The correlation of a column with each one, NaN where one does not vary.
  function related(k) {
    const place = data.order.indexOf(k), r = new Float32Array(about.columns.length).fill(NaN);
    if (place >= 0) for (let j = 0; j < size; j++) r[data.order[j]] = full[place * size + j] / 100;
    return r;
  }

  function start() {
    expand();
    const families = [...new Set(about.columns.map(c => c.family))];
    $("family").append(el("option", { value: "" }, `all (${size.toLocaleString("en")} columns that vary)`), ...families.map(f => el("option", { value: f }, f)));
    filter();
    readCross();
  }
  return { start, draw, related, repaint: () => { paintCells(); draw(); } };
})();
