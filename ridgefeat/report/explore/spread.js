// One column's distribution by group: histograms or violins on one scale, and a table.

const spread = (() => {
  const BINS = 32, GRID = 120, ROW = 66;

  function split() {
    const values = valuesOf(state.column), { names, codes } = grouping();
    const groups = names.map((name, code) => ({ name, code, all: 0, values: [], chosen: [] }));
    for (let i = 0; i < N; i++) {
      const group = groups[codes[i]];
      if (!group) continue;
      group.all++;
      if (values[i] === values[i]) {
        group.values.push(values[i]);
        if (state.chosen[i]) group.chosen.push(values[i]);
      }
    }
    for (const group of groups) group.values = Float32Array.from(group.values).sort();
    return groups;
  }

  function at(sorted, fraction) {
    const place = fraction * (sorted.length - 1), low = Math.floor(place);
    return sorted[low] + (place - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
  }

  // The scale runs from the 0.5th to the 99.5th percentile of many values, so that outliers do not set it.
  function range(groups) {
    const all = Float32Array.from(groups.flatMap(g => [...g.values])).sort();
    if (!all.length) return null;
    const cut = all.length >= 200 ? 0.005 : 0;
    let low = at(all, cut), high = at(all, 1 - cut), bins = BINS;
    if (all.every(Number.isInteger) && high - low < 4 * BINS) {
      const step = Math.max(1, Math.ceil((high - low + 1) / BINS));
      low = Math.floor(low) - 0.5;
      bins = Math.ceil((Math.ceil(high) + 0.5 - low) / step);
      high = low + bins * step;
    }
    if (high <= low) [low, high] = [low - 0.5 * (Math.abs(low) || 1), low + 0.5 * (Math.abs(low) || 1)];
    return { low, high, bins, cut: cut > 0 };
  }

  function bars(sorted, { low, high, bins }) {
    const share = new Float64Array(bins);
    for (const v of sorted) share[Math.min(bins - 1, Math.max(0, Math.floor((v - low) / (high - low) * bins)))] += 1 / sorted.length;
    return share;
  }

  // A kernel density estimate with Silverman's bandwidth, on a grid.
  function density(sorted, { low, high }) {
    const mean = sorted.reduce((a, b) => a + b, 0) / sorted.length;
    const deviation = Math.sqrt(sorted.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(1, sorted.length - 1));
    const middle = (at(sorted, 0.75) - at(sorted, 0.25)) / 1.349;
    const width = Math.max(0.9 * (Math.min(deviation, middle || deviation) || 0) * sorted.length ** -0.2, (high - low) / GRID);
    const step = (high - low) / GRID, held = new Float64Array(GRID + 1), out = new Float64Array(GRID + 1);
    for (const v of sorted) { const k = Math.round((v - low) / step); if (k >= 0 && k <= GRID) held[k]++; }
    const reach = Math.ceil(4 * width / step);
    for (let k = 0; k <= GRID; k++) if (held[k]) {
      for (let d = -reach; d <= reach; d++) if (k + d >= 0 && k + d <= GRID) out[k + d] += held[k] * Math.exp(-0.5 * (d * step / width) ** 2);
    }
    return out.map(v => v / (sorted.length * width * Math.sqrt(2 * Math.PI)));
  }

  function draw() {
    const host = $("chart"), groups = split(), scale = range(groups);
    const about_ = about.columns[data.place.get(state.column)];
    const missing = groups.reduce((sum, g) => sum + g.all - g.values.length, 0);
    $("meaning").textContent = `${about_.meaning ? about_.meaning[0].toUpperCase() + about_.meaning.slice(1) : "No description"}${about_.unit ? `, in ${about_.unit}` : ""}.`
      + (missing ? ` ${countOf(missing)} without a value.` : "") + (scale?.cut && state.form === "histogram" ? " The outermost bars include values beyond the scale." : "");
    host.replaceChildren();
    tabulate(groups);
    if (!scale) { host.append(el("p", {}, "No print has a value.")); return; }
    const width = Math.max(300, host.clientWidth || 640), left = Math.min(130, width * 0.24), right = width - 92;
    const rows = groups.filter(g => g.values.length), height = rows.length * ROW + 44;
    const x = v => left + (Math.min(scale.high, Math.max(scale.low, v)) - scale.low) / (scale.high - scale.low) * (right - left);
    const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${state.column} by ${grouping().name || "nothing"}: ` + rows.map(g => `${g.name}, ${countOf(g.values.length)}, median ${format(at(g.values, 0.5))}`).join("; ") });
    const across = ticks(scale.low, scale.high, (right - left) / 90);
    for (const v of across) picture.append(
      svg("line", { x1: x(v), x2: x(v), y1: 2, y2: height - 38, stroke: colour("faint") }),
      svg("text", { x: x(v), y: height - 22, "text-anchor": "middle", "font-size": 12 }, ticked(v, across[1] - across[0] || 1)));
    picture.append(svg("text", { x: (left + right) / 2, y: height - 4, "text-anchor": "middle", "font-size": 13, class: "strong" }, titled(state.column)));
    const shapes = rows.map(g => state.form === "violin" ? density(g.values, scale) : bars(g.values, scale));
    const tallest = Math.max(...shapes.map(s => Math.max(...s))) || 1;
    rows.forEach((group, k) => row(picture, group, shapes[k].map(v => v / tallest), k * ROW, { x, left, right, width, scale }));
    host.append(picture);
  }

  function row(picture, group, shape, top, { x, left, right, width, scale }) {
    const fill = groupColour(group.code), base = top + ROW - 14, low = scale.low, step = (scale.high - scale.low) / (state.form === "violin" ? GRID : scale.bins);
    const middle = top + ROW / 2;
    if (state.form === "violin") {
      // A violin ends where its data end.
      const [first, last] = [group.values[0], group.values.at(-1)];
      const points = [...shape].map((v, k) => [low + k * step, 26 * v]).filter(([v]) => v > first - step && v < last + step).map(([v, h]) => [x(Math.min(last, Math.max(first, v))), h]);
      const path = [...points.map(([px, h]) => `${px.toFixed(1)},${(middle - h).toFixed(1)}`), ...points.reverse().map(([px, h]) => `${px.toFixed(1)},${(middle + h).toFixed(1)}`)];
      picture.append(svg("polygon", { points: path.join(" "), fill, "fill-opacity": 0.55, stroke: fill }));
    } else {
      [...shape].forEach((v, k) => { if (v) picture.append(svg("rect", { x: x(low + k * step) + 0.5, y: base - 46 * v, width: Math.max(1, x(low + (k + 1) * step) - x(low + k * step) - 1), height: 46 * v, fill, "fill-opacity": 0.75 })); });
      picture.append(svg("line", { x1: left, x2: right, y1: base, y2: base, stroke: colour("line") }));
    }
    const y = state.form === "violin" ? middle : base + 5;
    picture.append(
      svg("line", { x1: x(at(group.values, 0.25)), x2: x(at(group.values, 0.75)), y1: y, y2: y, stroke: colour("ink"), "stroke-width": 3.5 }),
      svg("circle", { cx: x(at(group.values, 0.5)), cy: y, r: 4.5, fill: colour("paper"), stroke: colour("ink"), "stroke-width": 2 }));
    for (const v of group.chosen.slice(0, 400)) picture.append(svg("line", { x1: x(v), x2: x(v), y1: top + 4, y2: top + 14, stroke: colour("ink"), "stroke-width": 1.5 }));
    const name = group.name.length > 16 ? group.name.slice(0, 15) + "…" : group.name;
    picture.append(
      svg("text", { x: left - 10, y: middle + 2, "text-anchor": "end", "font-size": 13, class: "strong" }, name.replaceAll("_", " ")),
      svg("text", { x: width - 2, y: middle - 2, "text-anchor": "end", "font-size": 13, class: "strong" }, format(at(group.values, 0.5))),
      svg("text", { x: width - 2, y: middle + 14, "text-anchor": "end", "font-size": 12 }, countOf(group.values.length)));
  }

  function tabulate(groups) {
    const heads = ["Group", state.people ? "People" : "Prints", "Missing", "Mean", "SD", "5 %", "25 %", "Median", "75 %", "95 %"];
    const body = groups.map(g => {
      const mean = g.values.reduce((a, b) => a + b, 0) / g.values.length;
      const deviation = Math.sqrt(g.values.reduce((a, b) => a + (b - mean) ** 2, 0) / (g.values.length - 1));
      const cells = [g.values.length, g.all - g.values.length, mean, deviation, ...[0.05, 0.25, 0.5, 0.75, 0.95].map(s => at(g.values, s))];
      return el("tr", {}, el("th", { scope: "row" }, g.name), ...cells.map(c => el("td", { class: "num" }, format(c))));
    });
    $("summary").replaceChildren(
      el("caption", { class: "sr" }, `${state.column} by ${grouping().name || "nothing"}`),
      el("thead", {}, el("tr", {}, ...heads.map((h, k) => el("th", { scope: "col", class: k ? "num" : "" }, h)))), el("tbody", {}, ...body));
  }

  $("save-chart").addEventListener("click", () => {
    const picture = $("chart").querySelector("svg")?.cloneNode(true);
    if (!picture) return;
    const style = `text{font-family:sans-serif;fill:${colour("soft")}}.strong{fill:${colour("ink")};font-weight:600}`;
    picture.prepend(svg("style", {}, style));
    picture.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    save(`${state.column}.svg`, picture.outerHTML, "image/svg+xml");
  });
  on("chosen", draw);
  return { draw, split, at };
})();
