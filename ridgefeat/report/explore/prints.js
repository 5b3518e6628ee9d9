// The prints behind the points: one in detail with its minutiae, and all that are selected.

const prints = (() => {
  const STEP = 48, GRID = 4095, TURN = 256, PX_PER_MM = 500 / 25.4;
  const MARKS = { 0: "#6a707a", 1: "#d55e00", 2: "#0072b2", 3: "#008c64", 4: "#be3c8c" };
  const layers = { outline: true, minutiae: true, points: true };
  let shown = STEP, current = -1, image = null;

  const has = i => Boolean(data.pictures[i]);
  const aspect = i => data.sizes.length ? data.sizes[2 * i] / data.sizes[2 * i + 1] : 1;
  const marked = i => data.starts[0][i + 1] - data.starts[0][i];

  // The focused print, or the first selected one.
  function subject() {
    if (state.focus >= 0) return state.focus;
    return state.count ? state.chosen.indexOf(1) : -1;
  }

  function detail() {
    const i = subject();
    if (i === current) return;
    current = i;
    const figure = $("detail");
    if (i < 0) { figure.replaceChildren(el("p", { class: "none" }, "Point at a print in the map, or select some.")); return; }
    const canvas = el("canvas", { role: "img" });
    const parts = has(i) ? [canvas, toggles(i)] : [el("p", { class: "none" }, data.pictures.length ? "This print could not be read again." : "This page has no pictures; --images adds them.")];
    figure.replaceChildren(...parts, caption(i));
    if (!has(i)) return;
    canvas.setAttribute("aria-label", `${described(i)}; ${sizeOf(i)}${foundIn(i)}`);
    image = new Image();
    image.onload = () => drawPrint(canvas, i);
    image.src = data.pictures[i];
  }

  const sizeOf = i => `${data.sizes[2 * i].toFixed(1)} × ${data.sizes[2 * i + 1].toFixed(1)} mm`;

  function foundIn(i) {
    const n = [0, 0, 0, 0, 0];
    for (let k = data.starts[0][i]; k < data.starts[0][i + 1]; k++) n[data.marks[4 * k + 3]]++;
    if (!marked(i)) return "";
    return `; ${counted(n[1], "ending")}, ${counted(n[2], "bifurcation")}, ${counted(n[3], "core")}, ${counted(n[4], "delta")}`;
  }

  function toggles(i) {
    const words = { outline: "outline", minutiae: "minutiae", points: "cores, deltas" };
    const boxes = Object.keys(layers).map(name => {
      const box = el("input", { type: "checkbox", checked: layers[name], onchange: () => { layers[name] = box.checked; drawPrint($("detail").querySelector("canvas"), i); } });
      return el("label", {}, box, words[name]);
    });
    return el("div", { class: "marks noprint", role: "group", "aria-label": "Layers over the print" }, ...(data.starts[1][N] ? boxes : []));
  }

  function caption(i) {
    const texts = data.texts.filter(t => t.values[t.codes[i]]).map(t => `${t.name.replace("meta_", "")}: ${t.values[t.codes[i]].replaceAll(t.name === "meta_flags" ? "_" : "\u0000", " ")}`);
    const names = [...new Set([state.x, state.y, state.column])].filter(n => data.place.has(n));
    const how = n => about.columns[data.place.get(n)].meaning;
    const rows = names.map(n => el("tr", {}, el("th", { scope: "row" }, n, el("span", { class: "how" }, how(n))), el("td", { class: "num" }, format(printValues(n)[i])), el("td", {}, placed(n, i))));
    return el("figcaption", {}, el("span", { class: "name" }, about.sources[i]), texts.join(" · "),
      has(i) ? el("span", { class: "note" }, ` · ${sizeOf(i)}${foundIn(i)}`) : "",
      el("table", { class: "values" }, el("tbody", {}, ...rows)),
      names.some(how) ? el("span", { class: "note" }, "Where a value was measured: ", el("code", {}, `ridgefeat explain PRINT ${state.column} -o where.png`)) : "");
  }

  // The rank of a value among all prints: "rank 5 of 48", from the lowest.
  function placed(name, i) {
    const values = printValues(name), own = values[i];
    let below = 0, known = 0;
    for (const v of values) if (v === v) { known++; if (v < own) below++; }
    return own === own && known > 1 ? `rank ${(below + 1).toLocaleString("en")} of ${known.toLocaleString("en")}` : "";
  }

  function drawPrint(canvas, i) {
    if (!canvas || !image.complete) return;
    const css = Math.min(340, 420 * aspect(i)), ratio = 2;
    canvas.width = Math.round(css * ratio);
    canvas.height = Math.round(css / aspect(i) * ratio);
    canvas.style.width = css + "px";
    const pen = canvas.getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    // Marks are as large on the skin as in `ridgefeat show`, but never too small to distinguish.
    const scale = canvas.width / (data.sizes[2 * i] * PX_PER_MM), radius = Math.max(7, 3 * scale);
    const x = v => v / GRID * canvas.width, y = v => v / GRID * canvas.height;
    if (layers.outline) outline(pen, i, x, y);
    pen.lineCap = "round"; pen.lineJoin = "round";
    for (let k = data.starts[0][i]; k < data.starts[0][i + 1]; k++) {
      const [mx, my, turn, kind] = data.marks.subarray(4 * k, 4 * k + 4);
      if (kind < 3 ? layers.minutiae : layers.points) mark(pen, x(mx), y(my), turn > TURN ? NaN : turn / TURN * 2 * Math.PI, kind, kind < 3 ? radius : 2 * radius);
    }
  }

  function outline(pen, i, x, y) {
    const points = data.outlines.subarray(2 * data.starts[1][i], 2 * data.starts[1][i + 1]);
    pen.beginPath();
    for (let k = 0, first = false; k < points.length; k += 2) {
      if (points[k] === 65535) { if (k) pen.closePath(); first = true; continue; }
      pen[first ? "moveTo" : "lineTo"](x(points[k]), y(points[k + 1]));
      first = false;
    }
    if (points.length) pen.closePath();
    for (const [width, paint] of [[6, "#fff"], [3, "#008c64"]]) { pen.lineWidth = width; pen.strokeStyle = paint; pen.stroke(); }
  }

  function mark(pen, x, y, angle, kind, r) {
    const ray = (from, to, a = angle) => { pen.moveTo(x + from * Math.cos(a), y - from * Math.sin(a)); pen.lineTo(x + to * Math.cos(a), y - to * Math.sin(a)); };
    for (const [width, paint] of [[5.5, "#fff"], [2.8, MARKS[kind]]]) {
      pen.lineWidth = width; pen.strokeStyle = paint;
      pen.beginPath();
      if (kind === 2) pen.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r);
      else if (kind === 4) {
        const first = Number.isNaN(angle) ? Math.PI / 2 : angle;
        for (const k of [0, 1, 2]) pen[k ? "lineTo" : "moveTo"](x + r * Math.cos(first + k * 2.0944), y - r * Math.sin(first + k * 2.0944));
        pen.closePath();
      } else { pen.moveTo(x + r, y); pen.arc(x, y, r, 0, 7); }
      if (kind === 3) { pen.moveTo(x + 0.3 * r, y); pen.arc(x, y, 0.3 * r, 0, 7); }
      if (kind !== 4 && !Number.isNaN(angle)) ray(r, 2.6 * r);
      pen.stroke();
    }
  }

  function thumbs() {
    const rows = chosenRows(), some = rows.slice(0, shown);
    $("thumbs").replaceChildren(...some.map(i => {
      const picture = has(i) ? el("img", { src: data.pictures[i], alt: "", style: `aspect-ratio:${aspect(i).toFixed(3)}`, loading: "lazy" }) : el("span", { class: "textual" }, about.sources[i].split("/").at(-1));
      return el("li", {}, el("button", { type: "button", title: about.sources[i], "aria-label": `Show ${about.sources[i]}`, "data-row": i, "aria-current": i === subject(), onclick: () => focusOn(i) }, picture));
    }));
    $("more").hidden = rows.length <= shown;
    $("more").textContent = `Show more (${(rows.length - some.length).toLocaleString("en")} left)`;
    $("count").textContent = rows.length ? summary(rows) : "No print is selected.";
    $("copy").disabled = $("clear").disabled = $("save-rows").disabled = !rows.length;
    $("names-box").hidden = !rows.length;
    $("names").value = rows.map(i => about.sources[i]).join("\n");
  }

  function summary(rows) {
    const { name, names, codes } = data.groups[state.by] ?? grouping(), n = new Map();
    for (const i of rows) n.set(codes[i], (n.get(codes[i]) ?? 0) + 1);
    const parts = [...n].sort((a, b) => b[1] - a[1]).map(([code, k]) => `${(names[code] ?? "without").replaceAll("_", " ")} (${k.toLocaleString("en")})`);
    return `${counted(rows.length, "print")} selected${name ? `. ${name}: ${parts.join(", ")}` : ""}.`;
  }

  async function copy() {
    const text = $("names").value, n = state.count;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // A page opened from a file may not access the clipboard; the old method works there.
      $("names-box").open = true;
      $("names").select();
      if (!document.execCommand("copy")) { $("count").textContent = "The browser does not allow copying: copy the names from the field below."; return; }
    }
    $("count").textContent = `${counted(n, "file name")} copied.`;
  }

  // The selected prints with their labels and every column; a name is quoted so that a spreadsheet does not run it.
  function asTable() {
    const quoted = text => `"${(/^'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(text) ? "'" : "") + text.replaceAll('"', '""')}"`;
    const texts = data.texts.filter(t => t.name !== "meta_source"), names = about.columns.map(c => c.name);
    const lines = chosenRows().map(i => [quoted(about.sources[i]), ...texts.map(t => quoted(t.values[t.codes[i]])), ...names.map((_, k) => { const v = column(k)[i]; return v === v ? String(v) : ""; })].join(","));
    return ["meta_source", ...texts.map(t => t.name), ...names].join(",") + "\n" + lines.join("\n") + "\n";
  }

  $("save-rows").addEventListener("click", () => save("selected.csv", asTable(), "text/csv"));
  $("copy").addEventListener("click", copy);
  $("clear").addEventListener("click", () => choose([]));
  $("more").addEventListener("click", () => { shown += 2 * STEP; thumbs(); });
  on("chosen", () => { shown = STEP; current = -2; thumbs(); detail(); });
  on("focus", () => {
    detail();
    for (const b of $("thumbs").querySelectorAll("button")) b.setAttribute("aria-current", Number(b.dataset.row) === subject());
  });
  return { detail, thumbs, again: () => { current = -2; detail(); }, has };
})();
