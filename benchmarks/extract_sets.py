"""Every public set through the command: does it run through, and are the numbers plausible?

    python benchmarks/extract_sets.py [--jobs 2] [--keep FOLDER]

Runs `ridgefeat extract` as a user would on SOCOFing (originals and altered), FVC2002, FVC2004, FCJ2020 and SD4, then
reads the tables. Needs the sets below RIDGEFEAT_DATA or .data/; absent ones are named. Prints the tables and writes
benchmarks/results/extract_sets.md.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _common import DATA, need, report, table  # isort: skip

import numpy as np
import pandas as pd

SETS = {
    "SOCOFing, originals": ["SOCOFing/Real"],
    "SOCOFing, altered": ["SOCOFing/Altered"],
    "FVC2002": ["FVC2002"],
    "FVC2004": ["FVC2004"],
    "FCJ2020": ["FCJ2020"],
    "SD4": ["SD4", "--index", "SD4/index.csv"],
}
RNG = np.random.default_rng(20260101)


def run(arguments, output, jobs):
    given = [str(need(a)) if a == arguments[0] else str(DATA / a) if "/" in a else a for a in arguments]
    command = [
        sys.executable,
        "-m",
        "ridgefeat.cli",
        "extract",
        *given,
        "-o",
        str(output),
        "-j",
        str(jobs),
        "--overwrite",
        "-q",
    ]
    start = time.perf_counter()
    code = subprocess.run(command, check=False).returncode
    return code, time.perf_counter() - start, pd.read_csv(output, low_memory=False)


def interval(values):
    """95 % interval of a mean by bootstrap over its (independent) values."""
    draws = RNG.choice(values, (2000, len(values))).mean(1)
    return f"{np.mean(values):.3f} [{np.percentile(draws, 2.5):.3f}, {np.percentile(draws, 97.5):.3f}]"


def overview(name, code, seconds, frame):
    flags = frame.meta_flags.astype("string").fillna("").str.split().explode()
    flags = ", ".join(f"{k} {v}" for k, v in flags[flags != ""].value_counts().items())
    period = frame.ridge_period_mean
    q5, q50, q95 = np.nanpercentile(period, (5, 50, 95))
    m5, m50, m95 = np.nanpercentile(frame.minutiae_count, (5, 50, 95))
    return [
        name,
        len(frame),
        int(frame.meta_error.notna().sum()),
        code,
        f"{len(frame) / seconds:.1f}",
        f"{q50:.3f} ({q5:.3f}–{q95:.3f})",
        f"{np.nanmedian(frame.ridge_period_ratio):.3f}",
        f"{m50:.0f} ({m5:.0f}–{m95:.0f})",
        flags or "none",
    ]


def by_sex(frame):
    """Means by person, so that ten prints of one finger count once."""
    columns = {
        "ridge_period_mean": "mm",
        "ridge_density_mean": "ridges/25 mm²",
        "ridge_density_distal": "ridges/25 mm²",
        "ridge_breadth_mean": "mm",
        "minutiae_density": "1/cm²",
    }
    people = frame.groupby(["subject", "sex"])[list(columns)].mean().reset_index()
    rows = []
    for column, unit in columns.items():
        women, men = (people.loc[people.sex == s, column].dropna().to_numpy() for s in ("female", "male"))
        rows.append([column, unit, interval(women), interval(men)])
    counts = people.sex.value_counts()
    return rows, counts


def socofing(frame):
    rows, counts = by_sex(frame)
    few = frame.minutiae_count.fillna(0) < 10
    subject = (~few).groupby(frame.subject).mean().to_numpy()
    return [
        "## SOCOFing, originals",
        f"{counts.get('female', 0)} women, {counts.get('male', 0)} men; means of each person's mean, 95 % interval by "
        "bootstrap over people. One population, one session: not to be carried over.",
        table(["column", "unit", "women", "men"], rows),
        f"Ten or more minutiae: {100 * (~few).mean():.2f} % of {len(frame)} prints (interval over people "
        f"{interval(100 * subject)} %). Fewer: {few.sum()}, of which {(frame.minutiae_count == 0).sum()} none.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="keep the tables in this folder")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        rows, parts = [], []
        for name, arguments in SETS.items():
            if not (DATA / arguments[0]).is_dir():
                rows.append([name, "not there", *[""] * 7])
                continue
            stem = name.replace(",", "").replace(" ", "_")
            code, seconds, frame = run(arguments, folder / f"{stem}.csv", args.jobs)
            rows.append(overview(name, code, seconds, frame))
            if arguments == ["SOCOFing/Real"]:
                parts = socofing(frame)
    head = [
        "set",
        "prints",
        "failed",
        "exit code",
        "prints/s",
        "ridge period, mm",
        "across / down",
        "minutiae",
        "flags",
    ]
    introduction = (
        f"`ridgefeat extract` with all six families and -j {args.jobs}. Median (5th–95th percentile); across / down is "
        "the period where ridges run up and down over that where they run sideways: about 1 where the scale is right."
    )
    report("extract_sets", "Public sets through the command", [introduction, table(head, rows), *parts])


if __name__ == "__main__":
    main()
