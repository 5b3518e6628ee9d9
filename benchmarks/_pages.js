// Opens pages in headless Chromium and prints, as JSON, what it finds. Called by pages.py:
// node _pages.js FOLDER < {"pages": [{"name", "file", "explore"}], "site": {"root", "files"}, "chromium", "shots"}
"use strict";
const fs = require("fs"), os = require("os"), path = require("path");
const need = createNeed(process.argv[2]);
const { chromium } = need("playwright-core");
const axe = fs.readFileSync(need.resolve("axe-core/axe.min.js"), "utf8");

function createNeed(folder) { return require("module").createRequire(path.join(folder, "x.js")); }

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const VIEWS = [
  { view: "laptop", viewport: { width: 1280, height: 800 }, colorScheme: "light" },
  { view: "laptop, dark", viewport: { width: 1280, height: 800 }, colorScheme: "dark" },
  { view: "phone", viewport: { width: 390, height: 844 }, colorScheme: "light", isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
  { view: "print", viewport: { width: 1280, height: 800 }, colorScheme: "light" },
];

async function opened(job, view, work) {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), "pages-"));
  const { view: name, ...options } = view;
  const browser = await chromium.launchPersistentContext(profile, { executablePath: job.chromium, headless: true, args: FLAGS, ...options });
  try {
    return await work(browser);
  } finally {
    await browser.close();
    fs.rmSync(profile, { recursive: true, force: true });
  }
}

// A new page, with the errors that it reports and what it asks for outside of itself and of its site.
async function watched(browser, site) {
  const page = await browser.newPage(), errors = [], requests = [];
  const own = url => /^(data|blob):/.test(url) || url === page.url() || (site && url.startsWith("file://" + site));
  page.on("console", m => { if (m.type() === "error" || m.type() === "warning") errors.push(m.text()); });
  page.on("pageerror", e => errors.push(e.message));
  page.on("request", r => { if (!own(r.url()) && !r.isNavigationRequest()) requests.push(r.url()); });
  page.on("requestfailed", r => errors.push(`${r.url()}: ${r.failure().errorText}`));
  return { page, errors, requests };
}

async function load(page, one) {
  const began = Date.now();
  await page.goto("file://" + one.file);
  if (one.explore) await page.waitForFunction(() => document.documentElement.dataset.ready === "yes", null, { timeout: 60000 });
  return Date.now() - began;
}

async function check(job, one, view) {
  return opened(job, view, browser => look(job, browser, one, view));
}

// One browser a view for the whole site, for there are many pages.
async function checkSite(job, view) {
  const { root, files } = job.site, found = [];
  await opened(job, view, async browser => {
    for (const name of files) found.push(await look(job, browser, { name, file: path.join(root, name), site: root }, view));
  });
  return found;
}

async function look(job, browser, one, view) {
  const { page, errors, requests } = await watched(browser, one.site);
  const found = { page: one.name, site: Boolean(one.site), view: view.view, ready: await load(page, one) };
  if (one.explore) {
    // Some prints are chosen, so that the selection is looked at as well.
    await page.evaluate(() => { document.getElementById("pick-outliers").click(); });
    await page.waitForTimeout(200);
  }
  const shot = job.shots && path.join(job.shots, `${one.name}-${view.view}`.replace(/\W+/g, "-"));
  if (view.view === "print") {
    await page.emulateMedia({ media: "print" });
    const pdf = await page.pdf({ path: shot ? shot + ".pdf" : undefined, format: "A4" });
    found.sheets = (pdf.toString("latin1").match(/\/Type\s*\/Page\b/g) || []).length;
  } else if (shot) await page.screenshot({ path: shot + ".png", fullPage: true });
  found.overflow = await page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - innerWidth));
  await page.emulateMedia({ media: null });
  await page.evaluate(axe);
  const result = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"], preload: false }));
  found.axe = result.violations.map(v => ({ id: v.id, impact: v.impact, nodes: v.nodes.length, first: v.nodes[0].html.slice(0, 160), why: v.nodes[0].failureSummary }));
  await page.close();
  return { ...found, errors, requests };
}

// How long a frame takes while something goes on, in ms.
async function frames(page, act) {
  await page.evaluate(() => {
    window.taken = [];
    let last = performance.now();
    window.watching = true;
    const tick = now => { taken.push(now - last); last = now; if (watching) requestAnimationFrame(tick); };
    requestAnimationFrame(tick);
  });
  await act();
  const taken = (await page.evaluate(() => { window.watching = false; return taken; })).slice(2).sort((a, b) => a - b);
  const at = share => taken[Math.min(taken.length - 1, Math.floor(share * taken.length))];
  return { frames: taken.length, median: at(0.5), high: at(0.95), most: taken.at(-1) };
}

async function smooth(job, one) {
  return opened(job, VIEWS[0], async browser => {
    const { page } = await watched(browser);
    const ready = await load(page, one);
    await page.evaluate(() => document.getElementById("plot").scrollIntoView({ block: "center", behavior: "instant" }));
    // Measured too early, the plot still moves away under the pointer.
    await page.waitForTimeout(500);
    const box = await page.locator("#plot").boundingBox();
    const at = (x, y) => [box.x + x * box.width, box.y + y * box.height];
    const sweep = async (steps, along) => { for (let k = 0; k < steps; k++) { await page.mouse.move(...along(k / steps)); await page.waitForTimeout(12); } };
    const circle = k => at(0.5 + 0.25 * Math.cos(6.3 * k), 0.5 + 0.25 * Math.sin(6.3 * k));
    const found = { page: one.name, ready, acts: {} };
    found.acts["nothing (the browser alone)"] = await frames(page, () => page.waitForTimeout(1000));
    found.acts["pointing from print to print"] = await frames(page, () => sweep(60, circle));
    const drag = async tool => {
      // Not by pointer, which could scroll the page.
      await page.evaluate(t => document.querySelector(`[name=tool][value=${t}]`).click(), tool);
      await page.mouse.move(...circle(0)); await page.mouse.down();
      await sweep(60, circle);
      await page.mouse.up();
    };
    found.acts["moving the map"] = await frames(page, () => drag("move"));
    await page.evaluate(() => document.getElementById("whole").click());
    found.acts["drawing a lasso, and selecting"] = await frames(page, async () => { await drag("lasso"); await page.waitForTimeout(300); });
    found.chosen = await page.evaluate(() => state.count);
    found.people = await page.evaluate(() => {
      if (!data.people) return "";
      document.querySelector("[name=unit][value=people]").click();
      const people = scatter.shown().reduce((sum, one) => sum + one, 0);
      choose([data.people.prints[0][0]]);
      const words = `As people it shows ${people} of ${data.people.prints.length}; choosing one selects ${state.count} of their ${data.people.prints[0].length} prints.`;
      choose([]);
      document.querySelector("[name=unit][value=prints]").click();
      return words;
    });
    const timed = code => page.evaluate(`(() => { const t = performance.now(); ${code}; return performance.now() - t; })()`);
    const middle = async code => { const all = []; for (let k = 0; k < 7; k++) all.push(await timed(code)); return all.sort((a, b) => a - b)[3]; };
    found.work = {
      "one drawing of the map": await middle("scatter.drawNow()"),
      "a histogram of one column": await middle("spread.draw()"),
      "the heat map": await middle("heat.repaint()"),
      "another column, never seen before": await timed("showColumn(about.columns[about.columns.length >> 1].name)"),
    };
    return found;
  });
}

(async () => {
  const job = JSON.parse(fs.readFileSync(0, "utf8")), out = { checks: [], smooth: [] };
  for (const one of job.pages) {
    for (const view of VIEWS) out.checks.push(await check(job, one, view));
    if (one.explore) out.smooth.push(await smooth(job, one));
  }
  for (const view of VIEWS) out.checks.push(...await checkSite(job, view));
  console.log(JSON.stringify(out));
})().catch(error => { console.error(error); process.exit(1); });
