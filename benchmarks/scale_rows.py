"""Many rows: does memory stay flat and the rate constant, and does `bench` take a table of a million?

    python benchmarks/scale_rows.py [--prints 200000] [--rows 1000000] [--steps extract,bench] [--classifiers NAMES]

extract: small made prints, repeated by links, one family, two workers, into a folder of parts; the driver's memory and
the rows on disk are looked at every two seconds. bench: a made table of 50 columns, a folder of parts too; each
classifier runs alone (two folds, --fast), with the most memory of all its processes. Each step's figures are kept in
benchmarks/results/scale_rows.json; benchmarks/results/scale_rows.md shows all that are there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from _common import ROOT, report, table  # isort: skip

import numpy as np

KEPT = ROOT / "benchmarks" / "results" / "scale_rows.json"
FAMILY = "orient"
DIFFERENT = 24


def command(*words):
    return [sys.executable, "-m", "ridgefeat.cli", *map(str, words)]


def status(pid, key):
    """Return one line of a process's status in MB; 0 once it is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
        return next((int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith(key)), 0.0)
    except OSError:
        return 0.0


def family_of(pid):
    """Return the ids of a process and all below it."""
    out, todo = [pid], [pid]
    while todo:
        for children in Path(f"/proc/{todo.pop()}/task").glob("*/children"):
            try:
                found = [int(c) for c in children.read_text().split()]
            except OSError:
                continue
            out += found
            todo += found
    return out


def extract(count, scratch):
    """Extract many small prints; return rows and the driver's memory over time."""
    import cv2

    prints = scratch / "prints"
    prints.mkdir()
    for i in range(DIFFERENT):
        cv2.imwrite(str(scratch / f"{i}.png"), small_print(i))
    for i in range(count):
        folder = prints / f"{i // 1000:04d}"
        if i % 1000 == 0:
            folder.mkdir()
        (folder / f"{i}.png").symlink_to(scratch / f"{i % DIFFERENT}.png")
    output = scratch / "parts"
    words = ("extract", prints, "-o", f"{output}/", "--families", FAMILY, "-j", 2, "-q")
    began = time.perf_counter()
    driver = subprocess.Popen(command(*words))
    seen = []
    while driver.poll() is None:
        done = sum(int(p.stem[10:]) - int(p.stem[:9]) for p in output.glob("_work/*-*.npz"))
        notes = output / "_work" / "done.jsonl"
        if notes.exists():
            done += sum(
                json.loads(line)["rows"] for line in notes.read_text().splitlines() if line.endswith("}")
            )
        seen.append(
            (time.perf_counter() - began, done, status(driver.pid, "VmRSS"), status(driver.pid, "VmHWM"))
        )
        time.sleep(2)
    if driver.returncode:
        raise SystemExit(f"extract ended with {driver.returncode}")
    size = sum(p.stat().st_size for p in output.glob("part-*"))
    return {"prints": count, "seconds": time.perf_counter() - began, "seen": seen, "bytes": size}


def small_print(seed):
    """Return a patch of curved ridges on white, 96 x 96 px."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:96, :96].astype(np.float64)
    cx, cy = rng.uniform(-60, 156, 2)
    ridges = 127 + 100 * np.cos(2 * np.pi * np.hypot(x - cx, y - cy) / rng.uniform(8, 10))
    ridges += rng.normal(0, 8, ridges.shape)
    inside = ((x - 48) / 44) ** 2 + ((y - 48) / 46) ** 2 < 1
    return np.where(inside, np.clip(ridges, 0, 255), 255).astype(np.uint8)


def write_made_table(folder, rows, columns=50, people=200_000):
    """Write a table of normal columns, of which a few know the label, as a folder of parts."""
    import pyarrow as pa
    from pyarrow import parquet

    from ridgefeat.table.cells import META_KINDS
    from ridgefeat.table.manifest import file_digest, json_bytes
    from ridgefeat.table.recipe import Recipe
    from ridgefeat.table.sidecar import FORMAT, MANIFEST

    about = Recipe.make(["ridge"]).to_dict()
    about["columns"] = about["columns"][:columns]
    names = [c["name"] for c in about["columns"]]
    rng = np.random.default_rng(0)
    sex_of = rng.integers(0, 2, people)
    folder.mkdir()
    parts = []
    for k, at in enumerate(range(0, rows, 65536)):
        n = min(65536, rows - at)
        subject = rng.integers(0, people, n)
        values = rng.normal(0, 1, (n, len(names))).astype(np.float32)
        values[:, :5] += 0.3 * sex_of[subject][:, None]
        meta = {name: pa.nulls(n, pa.string()) for name in META_KINDS}
        meta["meta_source"] = pa.array([f"{i}.png" for i in range(at, at + n)])
        meta["meta_sha256"] = pa.array([f"{i:064x}" for i in range(at, at + n)])
        for name, value in (("meta_width", 300), ("meta_height", 400)):
            meta[name] = pa.array(np.full(n, value))
        for name in ("meta_dpi_x", "meta_dpi_y"):
            meta[name] = pa.array(np.full(n, 500.0))
        meta["meta_layout"] = pa.array(["plain"] * n)
        meta["meta_flags"] = pa.array([""] * n)
        labels = {
            "subject": pa.array(subject),
            "sex": pa.array(np.array(["female", "male"])[sex_of[subject]]),
        }
        made = pa.table({**meta, **labels, **{m: values[:, j] for j, m in enumerate(names)}})
        path = folder / f"part-{k:06d}-made.parquet"
        parquet.write_table(made, path)
        parts.append(
            {"file": path.name, "rows": n, "bytes": path.stat().st_size, "sha256": file_digest(path)}
        )
    about |= {
        "format": FORMAT,
        "label_kinds": {"subject": "integer", "sex": "text"},
        "rows": rows,
        "parts": parts,
    }
    about |= {"version": "made", "libraries": {}, "failures": 0}
    (folder / MANIFEST).write_bytes(json_bytes(about))


def bench(rows, scratch, classifiers, minutes):
    """Return for each classifier seconds, the most memory of all its processes in MB, and what came of it."""
    made = scratch / "made"
    write_made_table(made, rows)
    out = {}
    for name in classifiers:
        output = scratch / name
        words = (
            "bench",
            f"{made}/",
            "--target",
            "sex",
            "--group",
            "subject",
            "-o",
            output,
            "--classifiers",
            name,
        )
        began, peak = time.perf_counter(), [0.0]
        process = subprocess.Popen(
            command(*words, "--folds", 2, "--fast", "-j", 1, "-q"),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        over = threading.Event()

        def watch(process=process, peak=peak, over=over):
            while not over.wait(0.5):
                peak[0] = max(peak[0], sum(status(p, "VmRSS") for p in family_of(process.pid)))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            _, said = process.communicate(timeout=60 * minutes)
        except subprocess.TimeoutExpired:
            process.kill()
            _, said = process.communicate()
            said = f"not done after {minutes:g} minutes"
        over.set()
        watcher.join()
        summary = output / "summary.csv"
        outcome = said.strip().splitlines()[-1] if said.strip() else ""
        if summary.exists():
            import pandas as pd

            line = pd.read_csv(summary).iloc[0]
            outcome = (
                str(line.get("reason")) if line.get("status") == "failed" else f"AUC {line.get('auc'):.3f}"
            )
        out[name] = [time.perf_counter() - began, peak[0], outcome]
    return {"rows": rows, "runs": out}


def write(kept):
    lines = []
    if "extract" in kept:
        e = kept["extract"]
        seen = np.array(e["seen"])
        running = seen[seen[:, 1] > 0]
        body = []
        for low in np.arange(0, e["prints"], e["prints"] / 10):
            high = low + e["prints"] / 10
            t = np.interp([low, high], running[:, 1], running[:, 0])
            inside = running[(running[:, 1] >= low) & (running[:, 1] < high)]
            most = f"{inside[:, 2].max():.0f}" if len(inside) else "–"
            body.append([f"{low:,.0f} to {high:,.0f}", f"{(high - low) / max(t[1] - t[0], 1e-9):.0f}", most])
        lines += [
            f"## {e['prints']:,} prints through `ridgefeat extract`",
            f"{DIFFERENT} made prints of 96x96 px, repeated by links; family {FAMILY}; two workers; a folder of parts "
            f"({e['bytes'] / 1e6:.0f} MB). {e['seconds']:.0f} s in all.",
            table(["rows", "rows/s", "driver's memory, MB"], body),
            f"The driver held {seen[:, 3].max():.0f} MB at most, all that it knows of the prints included.",
        ]
    if "bench" in kept:
        b = kept["bench"]
        body = [[name, f"{s:.0f}", f"{m:.0f}", outcome] for name, (s, m, outcome) in b["runs"].items()]
        lines += [
            f"## {b['rows']:,} rows x 50 columns through `ridgefeat bench`",
            "Made values, five columns of which know the label a little; two folds by subject, --fast, -j 1; reading, "
            "audit and report included.",
            table(["classifier", "seconds", "most memory, MB", "what came of it"], body),
        ]
    report("scale_rows", "Many rows", lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prints", type=int, default=200_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--steps", default="extract,bench")
    parser.add_argument(
        "--classifiers", default="dummy,logistic,lda,pca-lda,naive-bayes,tree,hist-boosting,rbf-svm"
    )
    parser.add_argument("--minutes", type=float, default=10)
    given = parser.parse_args()
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for step in given.steps.split(","):
        with tempfile.TemporaryDirectory() as scratch:
            if step == "extract":
                kept[step] = extract(given.prints, Path(scratch))
            else:
                kept[step] = bench(given.rows, Path(scratch), given.classifiers.split(","), given.minutes)
        KEPT.write_text(json.dumps(kept) + "\n")
    write(kept)


if __name__ == "__main__":
    main()
