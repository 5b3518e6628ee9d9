"""Many rows: does memory stay flat and the rate constant, and do the commands take a table of a million?

    python benchmarks/scale_rows.py [--prints 200000] [--rows 1000000] [--scores 5000000]
        [--steps extract,columns,bench] [--classifiers NAMES,NAMES;NAMES] [--minutes 10]

extract: small made prints, repeated by links, one family, two workers, into a folder of parts; the driver's memory and
the rows on disk are looked at every two seconds. columns: a made table of 50 columns as a folder of parts, of which
each command needs ten or fewer. bench: the same table, all columns, two folds, --fast; classifiers between two
semicolons run together. Memory is the most that all processes of a command held at once. Each step's figures are kept
in benchmarks/results/scale_rows.json; benchmarks/results/scale_rows.md shows all that are there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from _common import ROOT, report, table  # isort: skip

import numpy as np

ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
KEPT = ROOT / "benchmarks" / "results" / "scale_rows.json"
FAMILY = "orient"
DIFFERENT = 24
FEW = 10
"""Columns of the family that is asked for alone."""
GROUPS = "dummy,logistic,pca-lda,gradient-boosting"
"""Not rbf-svm and knn: their time grows with the square of the rows."""


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
        seen.append((time.perf_counter() - began, done, status(driver.pid, "VmRSS"), status(driver.pid, "VmHWM")))
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

    from ridgefeat.table.recipe import Recipe
    from ridgefeat.table.row import META
    from ridgefeat.table.sidecar import FORMAT, TABLE_MANIFEST, json_bytes, table_digest

    about = Recipe.make(["orient", "ridge"]).to_dict()
    by_family = {f: [c for c in about["columns"] if c["name"].startswith(f)] for f in ("orient", "ridge")}
    about["columns"] = by_family["orient"][:FEW] + by_family["ridge"][: columns - FEW]
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
        meta = {name: pa.nulls(n, pa.string()) for name in META}
        meta["meta_source"] = pa.array([f"{i}.png" for i in range(at, at + n)])
        meta["meta_sha256"] = pa.array([f"{i:064x}" for i in range(at, at + n)])
        for name, value in (("meta_width", 300), ("meta_height", 400)):
            meta[name] = pa.array(np.full(n, value))
        for name in ("meta_dpi_x", "meta_dpi_y"):
            meta[name] = pa.array(np.full(n, 500.0))
        meta["meta_layout"] = pa.array(["plain"] * n)
        meta["meta_flags"] = pa.array([""] * n)
        labels = {"subject": pa.array(subject), "sex": pa.array(np.array(["female", "male"])[sex_of[subject]])}
        made = pa.table({**meta, **labels, **{m: values[:, j] for j, m in enumerate(names)}})
        path = folder / f"part-{k:06d}-made.parquet"
        parquet.write_table(made, path)
        parts.append({"file": path.name, "rows": n, "bytes": path.stat().st_size, "sha256": table_digest(path)})
    about |= {"format": FORMAT, "label_kinds": {"subject": "integer", "sex": "text"}, "rows": rows, "parts": parts}
    about |= {"version": "made", "libraries": {}, "failures": 0}
    (folder / TABLE_MANIFEST).write_bytes(json_bytes(about))


def watched(words, minutes):
    """Run a command; return seconds, the most memory of all its processes in MB, its exit code and what it said."""
    began, peak = time.perf_counter(), [0.0]
    process = subprocess.Popen(
        command(*words), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=ONE_THREAD
    )
    over = threading.Event()

    def watch():
        while not over.wait(0.2):
            own = status(process.pid, "VmHWM")
            peak[0] = max(peak[0], own, sum(status(p, "VmRSS") for p in family_of(process.pid)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        _, said = process.communicate(timeout=60 * minutes)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        said = f"not done after {minutes:g} minutes"
    over.set()
    watcher.join()
    lines = said.strip().splitlines()
    return time.perf_counter() - began, peak[0], process.returncode, lines[-1] if lines else ""


def bench(rows, scratch, groups, minutes):
    """Return for each group of classifiers seconds, memory in MB, and each one's time and what came of it."""
    import pandas as pd

    made = scratch / "made"
    write_made_table(made, rows)
    out = []
    for i, names in enumerate(groups):
        output = scratch / f"bench{i}"
        words = ("bench", f"{made}/", *TARGET, "-o", output, "--classifiers", names)
        seconds, peak, _, said = watched([*words, "--folds", 2, "--fast", "-j", 1, "-q"], minutes)
        outcomes = [[name, None, said] for name in names.split(",")]
        if (output / "summary.csv").exists():
            outcomes = [
                [r["classifier"], r["seconds"], f"AUC {r['roc_auc']:.3f}" if r["status"] == "ok" else r["reason"]]
                for r in pd.read_csv(output / "summary.csv").to_dict("records")
            ]
        out.append([seconds, peak, outcomes])
    return {"rows": rows, "runs": out}


TARGET = ("--target", "sex", "--group", "subject")


def columns(rows, scores, scratch, minutes):
    """Return for each command that needs a few columns of many rows what it was, seconds, memory and exit code."""
    made, parts = scratch / "made", scratch / "scores"
    write_made_table(made, rows)
    write_made_scores(parts, scores)
    some = ("--families", "orient")
    model, half = scratch / "m.skops", scratch / "s.csv"
    train = ("train", f"{made}/", *TARGET, *some, "--classifier", "logistic", "--folds", 2, "-j", 1, "-o", model)
    runs = {
        f"train, {FEW} columns": train,
        f"predict, {FEW} columns": ("predict", model, f"{made}/", "-o", half),
        "explore, a sample of 5,000": ("explore", f"{made}/", "--no-tsne", "-j", 1, "-o", scratch / "e.html"),
        f"bench --families, {FEW} columns, logistic": (
            "bench",
            f"{made}/",
            *TARGET,
            *some,
            "--classifiers",
            "logistic",
            "--folds",
            2,
            "--fast",
            "-j",
            1,
            "-o",
            scratch / "few",
        ),
        f"threshold, {scores:,} scores": ("threshold", parts, "-o", scratch / "thresholds"),
    }
    out = {}
    for name, words in runs.items():
        seconds, peak, code, said = watched([*words, "-q"], minutes)
        out[name] = [seconds, peak, "done" if code == 0 else f"{code}: {said}"]
    return {"rows": rows, "runs": out}


def write_made_scores(folder, count, at_once=1_000_000):
    """Write comparison scores as a folder of parts, with further columns that are not needed."""
    import pyarrow as pa
    from pyarrow import parquet

    rng = np.random.default_rng(0)
    folder.mkdir()
    for k, at in enumerate(range(0, count, at_once)):
        n = min(at_once, count - at)
        one, two = rng.integers(0, 20_000, (2, n))
        two = np.where(rng.random(n) < 0.1, one, two)
        score = rng.normal(3.0 * (one == two), 1).astype(np.float32)
        names = pa.array([f"{i}.png" for i in range(at, at + n)])
        made = {"probe": names, "reference": names, "subject_probe": one, "subject_reference": two}
        parquet.write_table(
            pa.table({**made, "mated": (one == two).astype(np.int8), "score": score}), folder / f"part-{k:04d}.parquet"
        )


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
    if "columns" in kept:
        c = kept["columns"]
        body = [[name, f"{s:.0f}", f"{m:.0f}", outcome] for name, (s, m, outcome) in c["runs"].items()]
        lines += [
            f"## {c['rows']:,} rows x 50 columns, of which few are needed",
            "A folder of parts; each command alone, start-up included. Memory is the most that all its processes held.",
            table(["command", "seconds", "most memory, MB", "what came of it"], body),
        ]
    if "bench" in kept:
        b = kept["bench"]
        body = [
            [name, "–" if s is None else f"{s:.0f}", f"{peak:.0f}" + " (together)" * (len(outcomes) > 1), outcome]
            for _, peak, outcomes in b["runs"]
            for name, s, outcome in outcomes
        ]
        whole = ", ".join(f"{seconds:.0f} s" for seconds, *_ in b["runs"])
        lines += [
            f"## {b['rows']:,} rows x 50 columns through `ridgefeat bench`",
            "Made values, five columns of which know the label a little; two folds by subject, --fast, -j 1. Runs took "
            f"{whole}, with reading, leak audit, intervals and report; memory is the most of each whole run.",
            table(["classifier", "fits, s", "most memory, MB", "what came of it"], body),
        ]
    report("scale_rows", "Many rows", lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prints", type=int, default=200_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--scores", type=int, default=5_000_000)
    parser.add_argument("--steps", default="extract,columns,bench")
    parser.add_argument("--classifiers", default=GROUPS)
    parser.add_argument("--minutes", type=float, default=30)
    given = parser.parse_args()
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for step in given.steps.split(","):
        with tempfile.TemporaryDirectory() as scratch:
            if step == "extract":
                kept[step] = extract(given.prints, Path(scratch))
            elif step == "columns":
                kept[step] = columns(given.rows, given.scores, Path(scratch), given.minutes)
            else:
                kept[step] = bench(given.rows, Path(scratch), given.classifiers.split(";"), given.minutes)
        KEPT.write_text(json.dumps(kept) + "\n")
    write(kept)


if __name__ == "__main__":
    main()
