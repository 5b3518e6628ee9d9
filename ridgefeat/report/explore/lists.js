// Tables: columns, outliers, and plotted prints.

const lists = (() => {
  const PAGE = 25, sort = { key: "row", way: 1 }, byColumn = { key: "apart", way: -1 };
  let page = 0;

  // The cells of a table's head; those with a key sort by it, numbers from the largest.
  function heads(host, sort, titles, again) {
    return el("thead", {}, el("tr", {}, ...titles.map(([key, words, num]) => {
      const turn = () => { sort.way = sort.key === key ? -sort.way : num ? -1 : 1; sort.key = key; again(); host.querySelector(`[data-key=${key}]`).focus(); };
      return el("th", { scope: "col", class: num ? "num" : "", "aria-sort": sort.key === key && (sort.way > 0 ? "ascending" : "descending") }, key ? el("button", { type: "button", "data-key": key, onclick: turn }, words) : words);
    })));
  }

  // Every column: how much the groups differ, and its correlation with the column that is shown.
  function columns() {
    const { name } = grouping(), C = about.columns.length, related = heat.related(data.place.get(state.column));
    const apart = k => name && data.apart[state.by * C + k] !== 65535 ? data.apart[state.by * C + k] / 10000 : NaN;
    const wanted = $("filter").value.trim().toLowerCase().split(/[\s_]+/), key = { name: k => k, apart, related: k => Math.abs(related[k]) }[byColumn.key];
    const rows = about.columns.map((_, k) => k).filter(k => wanted.every(w => about.columns[k].name.includes(w)));
    rows.sort((a, b) => { const [p, q] = [key(a), key(b)]; return (p !== p) - (q !== q) || (p - q) * byColumn.way || a - b; });
    const show = k => el("button", { type: "button", "aria-current": about.columns[k].name === state.column, onclick: () => showColumn(about.columns[k].name) }, about.columns[k].name);
    const cell = v => el("td", { class: "num" }, v === v ? v.toFixed(2) : "–");
    $("every").replaceChildren(el("caption", { class: "sr" }, "Columns"), heads($("every"), byColumn, [["name", "Column"], ["apart", "ε²", true], ["related", "r", true]], columns),
      el("tbody", {}, ...rows.map(k => el("tr", {}, el("th", { scope: "row" }, show(k)), cell(apart(k)), cell(related[k])))));
    $("every-note").textContent = `${name ? `ε²: how much ${name} explains of the ranks' variance. ` : ""}r: rank correlation with ${state.column}. The top of a long list is partly due to chance; check it with ridgefeat compare.`;
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
    const titles = [["", "Select"], ["", "Print"], ["", "Distance", true], ["", "Flags"], ["", "Furthest columns"], ["", "Show"]];
    $("odd").replaceChildren(el("caption", { class: "sr" }, "Unusual prints"), heads($("odd"), {}, titles), el("tbody", {}, ...body));
    if (!body.length) $("odd").replaceChildren(el("tbody", {}, el("tr", {}, el("td", {}, "Too few prints to detect outliers."))));
  }

  function plotted() {
    const only = document.querySelector("[name=which]:checked").value === "selected", shown = scatter.shown();
    const rows = [];
    for (let i = 0; i < N; i++) if (shown[i] && (!only || state.chosen[i])) rows.push(i);
    const key = { row: i => i, name: nameOf, group: i => grouping().codes[i], x: i => valuesOf(state.x)[i], y: i => valuesOf(state.y)[i] }[sort.key];
    return rows.sort((a, b) => { const [p, q] = [key(a), key(b)]; return (p < q ? -1 : p > q ? 1 : a - b) * sort.way; });
  }

  function table() {
    const rows = plotted(), pages = Math.max(1, Math.ceil(rows.length / PAGE));
    page = Math.max(0, Math.min(page, pages - 1));
    const titles = [["", "Select"], ["name", state.people ? "Person" : "Print"], ["group", grouping().name || "Group"], ["x", titled(state.x), true], ["y", titled(state.y), true], ["", "Show"]];
    const { names, codes } = grouping(), [xs, ys] = [valuesOf(state.x), valuesOf(state.y)];
    const body = rows.slice(page * PAGE, (page + 1) * PAGE).map(i => el("tr", { class: state.chosen[i] ? "on" : "", "data-row": i }, el("td", {}, box(i)), el("th", { scope: "row" }, nameOf(i)),
      el("td", {}, names[codes[i]] ?? ""), el("td", { class: "num" }, format(xs[i])), el("td", { class: "num" }, format(ys[i])), el("td", {}, showButton(i))));
    $("table").replaceChildren(el("caption", { class: "sr" }, `${state.people ? "People" : "Prints"} by ${state.x} and ${state.y}`), heads($("table"), sort, titles, () => { page = 0; table(); }), el("tbody", {}, ...body));
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
  $("filter").addEventListener("input", columns);
  on("chosen", marks);
  return { columns, outliers, table };
})();
