"""Pages as a browser sees them: errors, requests, widths, accessibility, and how smoothly the explore page moves.

    python benchmarks/pages.py [TABLE ROOT]     # TABLE: a set that is extracted already; without, SOCOFing's originals

Needs Chromium, Node.js and npm, which fetches playwright-core and axe-core into a folder of its own, or finds them in
$RIDGEFEAT_NODE_TOOLS. Each page that a command writes, and each of the documentation's, is opened at a laptop's and a
phone's width and printed, in a new profile without a network to need. Screenshots stay in $RIDGEFEAT_SHOTS, if that
names a folder.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _common import DATA, report, table

TOOLS = ("playwright-core@1", "axe-core@4")
SERIOUS = ("serious", "critical")


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    lacking = [n for n, there in (("Chromium", chromium), ("node", shutil.which("node"))) if not there]
    if lacking:
        raise SystemExit(f"{', '.join(lacking)} is not there: apt-get install chromium nodejs npm")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shots = os.environ.get("RIDGEFEAT_SHOTS")
        if shots:
            Path(shots).mkdir(parents=True, exist_ok=True)
        pages, notes = make_pages(folder)
        job = {"pages": pages, "site": make_site(folder), "chromium": chromium, "shots": shots}
        script = Path(__file__).with_name("_pages.js")
        before = os.getloadavg()[0]
        words = ["node", str(script), str(tools(folder))]
        done = subprocess.run(words, input=json.dumps(job), capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        found = json.loads(done.stdout)
        if shots:
            Path(shots, "found.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    load = f"Load of the machine when the browser began and when it ended: {before:.1f} and {os.getloadavg()[0]:.1f}."
    write(found, [*notes, load])


def tools(folder: Path) -> Path:
    """Return a folder in which Node finds playwright-core and axe-core."""
    given = os.environ.get("RIDGEFEAT_NODE_TOOLS")
    if given:
        return Path(given)
    where = folder / "tools"
    where.mkdir()
    (where / "package.json").write_text("{}")
    run("npm", "install", "--no-audit", "--no-fund", *TOOLS, cwd=where)
    return where


def run(*words: str, cwd: Path | None = None) -> None:
    done = subprocess.run(words, capture_output=True, text=True, cwd=cwd, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(words)}\n{done.stderr[-2000:]}")


def ridgefeat(*words: object) -> None:
    run(sys.executable, "-m", "ridgefeat.cli", *map(str, words))


def make_pages(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Return every page that a command writes, made of simulated prints, and the explore page of a real set."""
    import numpy as np
    import pandas as pd

    ridgefeat("synth", folder / "prints", "-n", 36, "--seed", 1, "--fingers", 2, "-q")
    index, features = folder / "prints" / "index.csv", folder / "features.csv"
    ridgefeat("extract", folder / "prints", "--index", index, "-o", features, "-q")
    bench = ("--target", "sex", "--group", "subject", "--folds", 3, "--classifiers", "dummy,logistic,pca-lda")
    ridgefeat("bench", features, *bench, "-o", folder / "bench", "-q")
    rng = np.random.default_rng(1)
    a, b = np.triu_indices(60)
    scores = pd.DataFrame({"subject_probe": a, "subject_reference": b, "mated": (a == b).astype(int)})
    scores["score"] = rng.normal(40 * scores["mated"], 10)
    scores.to_csv(folder / "scores.csv", index=False)
    ridgefeat("threshold", folder / "scores.csv", "-o", folder / "threshold", "-q")
    ridgefeat("compare", features, "--by", "sex", "-o", folder / "compare", "-q")
    ridgefeat("audit", features, "--images", folder / "prints", "--label", "sex", "-o", folder / "audit", "-q")
    ridgefeat("explore", features, "--images", folder / "prints", "-o", folder / "explore.html", "-q")
    pages = [
        {"name": "bench", "file": str(folder / "bench" / "report.html")},
        *({"name": n, "file": str(folder / n / "report.html")} for n in ("compare", "threshold", "audit")),
        {"name": "explore, 36 prints", "file": str(folder / "explore.html"), "explore": True},
    ]
    real, notes = real_page(folder)
    return pages + real, notes


def make_site(folder: Path) -> dict[str, Any]:
    """Return the documentation's pages, built as `make docs` does."""
    docs, root = Path(__file__).resolve().parents[1] / "docs", folder / "site"
    run(sys.executable, str(docs / "make_reference.py"))
    words = ("-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-d", folder / "doctrees", docs, root)
    run(sys.executable, *map(str, words))
    return {"root": str(root), "files": sorted(p.relative_to(root).as_posix() for p in root.rglob("*.html"))}


def real_page(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    if len(sys.argv) == 3:
        features, root = Path(sys.argv[1]), Path(sys.argv[2])
    else:
        features, root = folder / "real.csv", DATA / "SOCOFing" / "Real"
        if not root.is_dir():
            return [], ["SOCOFing is not there: no page of a real set."]
        ridgefeat("extract", root, "-o", features, "-q")
    page = folder / "real.html"
    began = time.perf_counter()
    words = ["explore", str(features), "--images", str(root), "-o", str(page), "--json", "-q"]
    done = subprocess.run([sys.executable, "-m", "ridgefeat.cli", *words], capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    note = (
        f"The explore page of SOCOFing's originals: {said['prints']:,} prints, {said['columns']:,} columns, "
        f"{said['pictures']:,} pictures of up to {said['picture_side']} px, {said['bytes'] / 1e6:.1f} MB, "
        f"made in {time.perf_counter() - began:.0f} s (maps, correlations, every print read again, its minutiae found)."
    )
    return [{"name": f"explore, {said['prints']:,} prints", "file": str(page), "explore": True}], [note]


def serious(checks: list[dict[str, Any]]) -> str:
    """Return axe's serious findings in words: in how many elements, of the view that has most."""
    most: dict[str, int] = {}
    for v in (v for one in checks for v in one["axe"] if v["impact"] in SERIOUS):
        most[v["id"]] = max(v["nodes"], most.get(v["id"], 0))
    return ", ".join(f"{name} ({count})" for name, count in most.items()) or "none"


def site_parts(checks: list[dict[str, Any]]) -> list[str]:
    rows: list[list[object]] = []
    for name in dict.fromkeys(one["page"] for one in checks):
        views = [one for one in checks if one["page"] == name]
        errors, requests = (sum(len(one[kind]) for one in views) for kind in ("errors", "requests"))
        sheets = next(one["sheets"] for one in views if "sheets" in one)
        rows.append([name, errors, requests, max(one["overflow"] for one in views), serious(views), sheets])
    heads = ["page", "console errors", "requests", "overflow, px, at most", "axe: serious findings", "sheets"]
    text = (
        f"## The documentation\n\nThe {len(rows)} pages of the site, each in the same four views, which a row takes "
        "together. Requests: anything but the site's own files."
    )
    return [text, table(heads, rows)]


def write(found: dict[str, Any], notes: list[str]) -> None:
    rows: list[list[object]] = []
    for one in found["checks"]:
        if not one["site"]:
            about = [len(one["errors"]), len(one["requests"]), one["overflow"], serious([one])]
            rows.append([one["page"], one["view"], *about, one.get("sheets", "")])
        for remark in [*one["errors"], *one["requests"], *one["axe"]]:
            print(one["page"], one["view"], remark, file=sys.stderr)
    heads = ["page", "view", "console errors", "requests", "overflow, px", "axe: serious findings", "sheets"]
    parts = [
        "Each page opened from a file in headless Chromium (no GPU), in a new profile: laptop 1280×800, light and "
        "dark; phone 390×844; printed on A4. Requests: anything but the file itself. Overflow: how far the page is "
        "wider than the window.",
        table(heads, rows),
        *notes,
        *site_parts([one for one in found["checks"] if one["site"]]),
    ]
    for one in found["smooth"]:
        acts = [
            [name, f"{a['frames']}", f"{a['median']:.1f}", f"{a['high']:.1f}", f"{a['most']:.0f}"]
            for name, a in one["acts"].items()
        ]
        work = [[name, f"{ms:.1f}"] for name, ms in one["work"].items()]
        parts += [
            f"## {one['page'].capitalize()}\n\nReady {one['ready']:,} ms after it was opened. The lasso selected "
            f"{one['chosen']:,} prints. {one['people']}".rstrip(),
            table(["while", "frames", "ms a frame, median", "95 %", "longest"], acts),
            table(["work", "ms, median of 7"], work),
        ]
    report("pages", "Pages in a browser", parts)


if __name__ == "__main__":
    main()
