// Lists and tables: columns that differ, correlated columns, outliers, and plotted prints.

const lists = (() => {
  const MAX_ITEMS = 10, PAGE = 25;
  let page = 0, sort = { key: "row", way: 1 };

  function bar(name, fraction, words, negative = false) {
    const made = el("button", { type: "button", "aria-current": name === state.column, onclick: () => showColumn(name) },
      el("span", { class: "name" }, name), el("span", {}, words), el("span", { class: "bar", style: `width:${(100 * fraction).toFixed(1)}%` }));
    return el("li", { class: negative ? "against" : "" }, made);
  }

  function differing() {
    const { name } = grouping();
    $("differ").hidden = !name;
    if (!name) return;
    const C = about.columns.length, ranked = [];
    for (let k = 0; k < C; k++) { const v = data.apart[state.by * C + k]; if (v !== 65535) ranked.push([v / 10000, k]); }
    ranked.sort((a, b) => b[0] - a[0]);
    const largest = ranked[0]?.[0] || 1;
    $("h-differ").textContent = `Columns that differ most by ${name}`;
    $("apart").replaceChildren(...ranked.slice(0, MAX_ITEMS).map(([v, k]) => bar(about.columns[k].name, v / largest, v.toFixed(2))));
  }

  function alike() {
    $("h-alike").textContent = `Most correlated with ${state.column}`;
    const found = heat.alike(data.place.get(state.column)).slice(0, MAX_ITEMS);
    $("alike").replaceChildren(...found.map(({ name, r }) => bar(name, Math.abs(r), r.toFixed(2), r < 0)));
    if (!found.length) $("alike").replaceChildren(el("li", {}, "This column does not vary."));
  }

  function box(i) {
    return el("input", { type: "checkbox", checked: state.chosen[i] === 1, "data-row": i, "aria-label": `Select ${about.sources[i]}`, onchange: () => choose([i], true) });
  }

  const showButton = i => el("button", { type: "button", "aria-label": `Show ${about.sources[i]}`, onclick: () => { focusOn(i); if (matchMedia("(max-width:1059px)").matches) $("selection").scrollIntoView(); } }, "Show");

  function outliers() {
    const body = about.outliers.map(i => {
      const why = data.deviation.map((d, k) => [about.columns[data.furthest[i * about.near + k]].name, d[i]]).filter(([, d]) => d === d && d !== 0)
        .map(([n, d]) => `${n} ${d > 0 ? "+" : "−"}${format(Math.abs(d))}`);
      return el("tr", { "data-row": i }, el("td", {}, box(i)), el("th", { scope: "row" }, about.sources[i]), el("td", { class: "num" }, format(data.distance[i])),
        el("td", {}, textOf("meta_flags", i).replaceAll("_", " ")), el("td", {}, el("code", {}, why.join(", "))), el("td", {}, showButton(i)));
    });
    const heads = ["Select", "Print", "Distance", "Flags", "Furthest columns", "Show"];
    $("odd").replaceChildren(el("caption", { class: "sr" }, "Unusual prints"), el("thead", {}, el("tr", {}, ...heads.map(h => el("th", { scope: "col", class: h === "Distance" ? "num" : "" }, h)))), el("tbody", {}, ...body));
    if (!body.length) $("odd").replaceChildren(el("tbody", {}, el("tr", {}, el("td", {}, "Too few prints to detect outliers."))));
  }

  function plotted() {
    const only = document.querySelector("[name=which]:checked").value === "selected", shown = scatter.shown();
    const rows = [];
    for (let i = 0; i < N; i++) if (shown[i] && (!only || state.chosen[i])) rows.push(i);
    const key = { row: i => i, name: i => about.sources[i], group: i => grouping().codes[i], x: i => valuesOf(state.x)[i], y: i => valuesOf(state.y)[i] }[sort.key];
    return rows.sort((a, b) => { const [p, q] = [key(a), key(b)]; return (p < q ? -1 : p > q ? 1 : a - b) * sort.way; });
  }

  function table() {
    const rows = plotted(), pages = Math.max(1, Math.ceil(rows.length / PAGE));
    page = Math.max(0, Math.min(page, pages - 1));
    const heads = [["", "Select"], ["name", "Print"], ["group", grouping().name || "Group"], ["x", titled(state.x)], ["y", titled(state.y)], ["", "Show"]];
    const head = heads.map(([key, words]) => {
      const turn = () => { sort = { key, way: sort.key === key ? -sort.way : 1 }; page = 0; table(); $("table").querySelector(`[data-key=${key}]`).focus(); };
      return el("th", { scope: "col", class: key === "x" || key === "y" ? "num" : "", "aria-sort": sort.key === key && (sort.way > 0 ? "ascending" : "descending") }, key ? el("button", { type: "button", "data-key": key, onclick: turn }, words) : words);
    });
    const { names, codes } = grouping(), [xs, ys] = [valuesOf(state.x), valuesOf(state.y)];
    const body = rows.slice(page * PAGE, (page + 1) * PAGE).map(i => el("tr", { class: state.chosen[i] ? "on" : "", "data-row": i }, el("td", {}, box(i)), el("th", { scope: "row" }, about.sources[i]),
      el("td", {}, names[codes[i]] ?? ""), el("td", { class: "num" }, format(xs[i])), el("td", { class: "num" }, format(ys[i])), el("td", {}, showButton(i))));
    $("table").replaceChildren(el("caption", { class: "sr" }, `Prints by ${state.x} and ${state.y}`), el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body));
    $("page").textContent = rows.length ? `${(page * PAGE + 1).toLocaleString("en")} to ${Math.min(rows.length, (page + 1) * PAGE).toLocaleString("en")} of ${rows.length.toLocaleString("en")}` : "none";
    $("before").disabled = page === 0;
    $("after").disabled = page >= pages - 1;
  }

  // Updates only what changed: a new table would take the focus from the box that was just ticked.
  function marks() {
    for (const one of document.querySelectorAll("#odd [data-row], #table [data-row]")) {
      const is = state.chosen[one.dataset.row] === 1;
      if (one.tagName === "INPUT") one.checked = is; else one.classList.toggle("on", is);
    }
    if (document.querySelector("[name=which]:checked").value === "selected") table();
  }

  $("before").addEventListener("click", () => { page--; table(); });
  $("after").addEventListener("click", () => { page++; table(); });
  $("which").addEventListener("change", () => { page = 0; table(); });
  $("pick-outliers").addEventListener("click", () => choose(about.outliers.slice(0, 12)));
  on("chosen", marks);
  return { differing, alike, outliers, table };
})();
