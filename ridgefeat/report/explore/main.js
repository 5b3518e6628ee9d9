// The page's controls, and its beginning.

function plotColumns(x, y) {
  state.x = x; state.y = y;
  $("x").value = x; $("y").value = y;
  axesChanged();
  $("map").scrollIntoView({ block: "nearest" });
}

function axesChanged() {
  scatter.update();
  lists.table();
  presets();
  prints.again();
  remember();
}

function showColumn(name) {
  state.column = name;
  $("column").value = name;
  spread.draw();
  lists.columns();
  prints.again();
  if (document.documentElement.dataset.ready) remember();
}

// A field for a name: an unknown one is marked and reported, and changes nothing.
function named(id, names, use) {
  const field = $(id);
  const take = () => {
    const name = meant(field.value, names);
    field.setAttribute("aria-invalid", name === undefined);
    $("reading").textContent = name === undefined ? `There is no column “${field.value.trim()}”.` : "";
    if (name === undefined) return;
    field.value = name;
    use(name);
  };
  field.addEventListener("change", take);
  // Selecting the text opens the whole list; the old name would narrow it to itself.
  field.addEventListener("focus", () => field.select());
}

function presets() {
  const pairs = [["PCA", "PC 1", "PC 2"], ["t-SNE", "t-SNE 1", "t-SNE 2"]].filter(([, x, y]) => data.axes.has(x) && data.axes.has(y));
  const first = about.columns.slice(0, 2).map(c => c.name);
  const usual = ["ridge_period_mean", "minutiae_count"].map((n, k) => data.place.has(n) ? n : first[Math.min(k, first.length - 1)]);
  pairs.push(["Two columns", ...usual]);
  const host = $("presets"), active = pairs.findIndex(([, x, y]) => x === state.x && y === state.y);
  if (!host.children.length) host.append(...pairs.map(([words, x, y]) => el("button", { type: "button", onclick: () => plotColumns(x, y) }, words)));
  const other = !data.axes.has(state.x) && !data.axes.has(state.y) ? pairs.length - 1 : -1;
  [...host.children].forEach((b, k) => b.setAttribute("aria-pressed", k === (active >= 0 ? active : other)));
  return pairs;
}

// The address keeps what is shown, so that it can be sent or kept as a bookmark.
function remember() {
  const shown = new URLSearchParams({ x: state.x, y: state.y, by: grouping().name, column: state.column, of: state.people ? "people" : "prints" });
  history.replaceState(null, "", "#" + shown);
}

function legend() {
  const { names, codes } = grouping(), n = new Array(names.length).fill(0);
  for (const code of codes) if (code !== NONE) n[code]++;
  $("legend").replaceChildren(...names.map((name, code) => el("li", {}, el("button", {
    type: "button", "aria-pressed": !state.hidden.has(code),
    onclick: event => {
      if (!state.hidden.delete(code)) state.hidden.add(code);
      event.currentTarget.setAttribute("aria-pressed", !state.hidden.has(code));
      scatter.update(false);
      lists.table();
    },
  }, sample(code), `${name.replaceAll("_", " ")} (${n[code].toLocaleString("en")})`))));
}

// One point per print, or per person; a label that differs between a person's prints cannot group people.
function peopleChanged(shown) {
  state.people = shown;
  for (const option of $("by").options) option.disabled = shown && option.value >= 0 && !isPersonal(data.groups[option.value].codes);
  if ($("by").selectedOptions[0].disabled) $("by").value = [...$("by").options].find(option => !option.disabled).value;
  $("h-rows").textContent = shown ? "Plotted people" : "Plotted prints";
  $("people-note").hidden = !shown;
  focusOn(-1);
  choose(chosenRows());
  byChanged();
  scatter.update();
}

function byChanged() {
  state.by = Number($("by").value);
  state.hidden.clear();
  legend();
  scatter.update(false);
  spread.draw();
  lists.columns();
  lists.table();
  prints.thumbs();
  remember();
}

// Part of a name, or label=value; several words must all hold.
function find() {
  const words = $("find").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) { choose([]); return; }
  const tests = words.map(word => {
    const [name, ...rest] = word.split("="), label = rest.length ? data.texts.find(t => t.name.toLowerCase() === name || t.name.toLowerCase() === "meta_" + name) : null;
    if (!label) return i => about.sources[i].toLowerCase().includes(word);
    const wanted = rest.join("=");
    const fits = label.values.map(v => label.name === "meta_flags" ? v.split(" ").includes(wanted) : v.toLowerCase() === wanted);
    return i => fits[label.codes[i]];
  });
  const rows = [];
  for (let i = 0; i < N; i++) if (tests.every(test => test(i))) rows.push(i);
  choose(rows);
  const hidden = rows.filter(i => !scatter.shown()[point(i)]).length;
  $("reading").textContent = `${counted(rows.length, "print")} found${hidden ? `, ${hidden.toLocaleString("en")} of them not on this map` : ""}.`;
}

function readFocus() {
  const i = point(state.focus);
  $("reading").textContent = i < 0 ? "" : `${state.people ? "mean of " + nameOf(i) : described(i)}; ${state.x} ${format(valuesOf(state.x)[i])}, ${state.y} ${format(valuesOf(state.y)[i])}${state.chosen[i] ? "; selected" : ""}`;
}

function redraw() {
  paint.colours = {};
  scatter.forget();
  legend();
  heat.repaint();
  spread.draw();
}

function controls() {
  const options = names => names.map(name => el("option", { value: name }));
  $("axes").append(...options([...about.axes, ...about.columns.map(c => c.name)]));
  $("columns").append(...options(about.columns.map(c => c.name)));
  $("by").append(...data.groups.map((g, k) => el("option", { value: k }, g.name)));
  $("by").append(el("option", { value: -1 }, data.groups.length ? "none" : "none: there are no labels"));
  $("by").value = state.by;
  $("by").addEventListener("change", byChanged);
  const columns = about.columns.map(c => c.name), every = [...about.axes, ...columns];
  named("x", every, name => { state.x = name; axesChanged(); });
  named("y", every, name => { state.y = name; axesChanged(); });
  named("column", columns, showColumn);
  $("across").addEventListener("click", () => plotColumns(state.column, state.y));
  $("up").addEventListener("click", () => plotColumns(state.x, state.column));
  $("form").addEventListener("change", event => { state.form = event.target.value; spread.draw(); });
  $("tool").addEventListener("change", event => { state.tool = $("plot").dataset.tool = event.target.value; });
  state.tool = $("plot").dataset.tool = matchMedia("(pointer:coarse)").matches ? "point" : "box";
  document.querySelector(`[name=tool][value=${state.tool}]`).checked = true;
  $("find").addEventListener("change", find);
  $("unit").hidden = !data.people;
  $("unit").addEventListener("change", event => peopleChanged(event.target.value === "people"));
  on("focus", readFocus);
}

async function begin() {
  await read();
  $("board").hidden = false;
  const kept = new URLSearchParams(location.hash.slice(1)), [, x, y] = presets()[0];
  const by = data.groups.findIndex(g => g.name === kept.get("by")), known = name => valuesOf(name) !== undefined;
  if (by >= 0 || kept.get("by") === "") state.by = by;
  $("x").value = state.x = known(kept.get("x")) ? kept.get("x") : x;
  $("y").value = state.y = known(kept.get("y")) ? kept.get("y") : y;
  // A column that people know comes first.
  const usual = ["ridge_density_mean", "ridge_period_mean", "minutiae_count"];
  state.column = [kept.get("column"), ...usual].find(n => data.place.has(n)) ?? about.columns[0].name;
  $("column").value = state.column;
  controls();
  legend();
  scatter.update();
  heat.start();
  showColumn(state.column);
  presets();
  lists.outliers();
  lists.table();
  prints.thumbs();
  if (data.people && kept.get("of") === "people") document.querySelector("[name=unit][value=people]").click();
  $("busy").remove();
  let width = innerWidth;
  new ResizeObserver(() => { scatter.draw(); heat.draw(); if (innerWidth !== width) { width = innerWidth; spread.draw(); } }).observe($("plot"));
  matchMedia("(prefers-color-scheme:dark)").addEventListener("change", () => { redraw(); scatter.draw(); });
  // Paper has its own colours and width, so everything is redrawn at once.
  for (const event of ["beforeprint", "afterprint"]) addEventListener(event, () => { redraw(); scatter.drawNow(); heat.draw(); });
  document.documentElement.dataset.ready = "yes";
}

begin().catch(error => { $("busy").textContent = `This page could not be read: ${error.message}. A current Firefox, Chrome, Edge or Safari opens it.`; throw error; });
