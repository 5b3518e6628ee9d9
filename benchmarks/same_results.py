"""Whether two versions of the package give the same figures: features, comparison scores, classifiers, audit.

    python benchmarks/same_results.py [REVISION]

Unpacks REVISION (default: the last commit of 0.1) into a temporary folder, then runs the same commands with it and with
this tree on 100 prints of FVC2002 and 100 of SOCOFing (20 people, one print planted under a second name), and compares
every cell of every table that they write. Prints the table and writes benchmarks/results/same_results.md.
"""

from __future__ import annotations

from _common import ROOT, need, report, table  # isort: skip

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from ridgefeat.files import exact_numbers

REVISION = "3c8a976"
DATABASES, FINGERS, PER_FINGER = ("DB1_B", "DB3_B"), 10, 5
MEN, WOMEN, PRINTS = 10, 10, 5
CLASSIFIERS = {
    "sex": "dummy,logistic,lda,rbf-svm,random-forest,gradient-boosting,knn,mean,stack",
    "finger": "dummy,logistic,knn,mean",
}
IGNORED = {"seconds"}
"""Columns that differ from run to run."""


def checkout(revision: str, folder: Path) -> Path:
    """Unpack a revision of the package into a folder."""
    packed = subprocess.run(
        ["git", "archive", "--format=tar", revision, "ridgefeat"], cwd=ROOT, check=True, capture_output=True
    )
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def lay_out(folder: Path) -> None:
    """Copy the prints of the comparison into folder/fvc/DB and folder/socofing."""
    for database in DATABASES:
        target = folder / "fvc" / database
        target.mkdir(parents=True)
        for finger in range(101, 101 + FINGERS):
            for impression in range(1, 1 + PER_FINGER):
                shutil.copy(need("FVC2002") / database / f"{finger}_{impression}.tif", target)
    (folder / "socofing").mkdir()
    wanted, files = {"M": MEN, "F": WOMEN}, sorted((need("SOCOFing") / "Real").iterdir())
    by_person: dict[str, list[Path]] = {}
    for file in files:
        by_person.setdefault(file.name.partition("_")[0], []).append(file)
    for person in sorted(by_person, key=int):
        prints = by_person[person]
        sex = prints[0].name.partition("__")[2][0]
        if len(prints) == 10 and wanted[sex]:
            wanted[sex] -= 1
            for file in prints[::2][:PRINTS]:
                shutil.copy(file, folder / "socofing")
    names = sorted(p.name for p in (folder / "socofing").iterdir())
    women, men = ([n for n in names if f"__{sex}_" in n] for sex in "FM")
    shutil.copy(folder / "socofing" / women[0], folder / "socofing" / men[0])


def run(package: Path, prints: Path, out: Path) -> dict[str, str]:
    """Run the commands with one version of the package; return severity and kind of the leak audit's findings.

    Both versions compare and train classifiers on the table that the old one wrote, which has three columns more.
    """
    out.mkdir()
    given_table = str(out.parent / "old" / "socofing.csv")
    said = {}

    def command(*given: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(package), "NO_COLOR": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "ridgefeat.cli", *given], cwd=out, env=environment, capture_output=True, text=True
        )
        if done.returncode not in (0, 1):
            raise SystemExit(f"{' '.join(given)} failed with {package}:\n{done.stderr}")
        return done.stderr

    for database in DATABASES:
        folder, scores = str(prints / "fvc" / database), f"scores_{database}.csv"
        command("extract", folder, "-o", f"fvc_{database}.csv", "-j", "2", "--minutiae", f"minutiae_{database}")
        command("verify", folder, "-o", scores, "--impostors", "all", "-j", "2")
        command("threshold", scores, "-o", f"threshold_{database}")
    command("extract", str(prints / "socofing"), "-o", "socofing.csv", "--layout", "socofing", "-j", "2")
    for target in ("sex", "finger"):
        text = command(
            *("bench", given_table, "--target", target, "-o", f"bench_{target}", "-j", "2"),
            *("--classifiers", CLASSIFIERS[target], "--images", str(prints / "socofing")),
            *(("--fuse", "subject") if target == "sex" else ()),
        )
        said[target] = "\n".join(" ".join(line.split()[:2]) for line in text.splitlines() if line[:4] in KINDS)
    command("train", given_table, "--target", "sex", "--classifier", "logistic", "-o", "model.skops")
    command("predict", "model.skops", given_table, "-o", "predicted.csv")
    return said


KINDS = ("LEAK", "WARN", "NOTE")


def new_name(column: str) -> str:
    """Return what 0.2 calls a column of 0.1: zones are counted from 1 in every name."""
    column = re.sub(r"^orient_field_(\d)(\d)_", lambda m: f"orient_field_r{int(m[1]) + 1}c{int(m[2]) + 1}_", column)
    zone = r"^(texture_(?:lbp_own|hog_own|block))_r(\d)c(\d)_"
    return re.sub(zone, lambda m: f"{m[1]}_r{int(m[2]) + 1}c{int(m[3]) + 1}_", column)


def compare(old: Path, new: Path) -> tuple[list[object], list[list[object]]]:
    """Compare two tables cell by cell.

    Returns
    -------
    row : list
        Cells, equal ones, those within 1e-6, those further apart, the greatest relative difference.
    columns : list of list
        The same for each column that differs.
    """
    a, b = (pd.read_csv(p, **exact_numbers(pd.__version__)) for p in (old, new))
    a = a.rename(columns=new_name)
    counts, worst, columns = np.zeros(4, int), 0.0, []
    lost = [c for c in a if c not in b]
    gained = [c for c in b if c not in a]
    for name in [c for c in a if c in b and c not in IGNORED]:
        x, y = a[name], b[name]
        if len(x) != len(y):
            raise SystemExit(f"{new} has {len(y)} rows, {old} has {len(x)}")
        if pd.api.types.is_numeric_dtype(x) and pd.api.types.is_numeric_dtype(y):
            u, v = x.to_numpy(float), y.to_numpy(float)
            with np.errstate(invalid="ignore", divide="ignore"):
                difference = np.abs(u - v) / np.maximum(np.maximum(np.abs(u), np.abs(v)), 1e-12)
            same = (u == v) | (np.isnan(u) & np.isnan(v))
            difference = np.where(same, 0.0, np.where(np.isnan(difference), np.inf, difference))
        else:
            same = (x.fillna("").astype(str) == y.fillna("").astype(str)).to_numpy()
            difference = np.where(same, 0.0, np.inf)
        found = [len(same), int(same.sum()), int((~same & (difference <= 1e-6)).sum()), int((difference > 1e-6).sum())]
        counts += found
        worst = max(worst, float(difference.max(initial=0)))
        if not same.all():
            columns.append([f"{new.name}: {name}", *found[1:], f"{difference.max():.2g}"])
    note = "; ".join(f"{what}: {', '.join(names)}" for what, names in (("lost", lost), ("gained", gained)) if names)
    return [*counts, f"{worst:.2g}", note], columns


def main(revision: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        lay_out(root / "prints")
        said = [
            run(package, root / "prints", root / name)
            for name, package in (("old", checkout(revision, root / "package")), ("new", ROOT))
        ]
        rows: list[list[object]] = []
        differing: list[list[object]] = []
        for old in sorted((root / "old").rglob("*.csv")):
            name = old.relative_to(root / "old")
            new = root / "new" / name
            if not new.exists():
                rows.append([name, "", "", "", "", "", "no longer written"])
                continue
            row, columns = compare(old, new)
            rows.append([name, *row])
            differing += columns
        minutiae = [r for r in rows if str(r[0]).startswith("minutiae_")]
        rows = [r for r in rows if not str(r[0]).startswith("minutiae_")]
        sums = [sum(int(r[k] or 0) for r in minutiae) for k in range(1, 5)]
        rows.append([f"minutiae, {len(minutiae)} files", *sums, max(str(r[5]) for r in minutiae), ""])
        records = sorted((root / "old").rglob("*.fmr"))
        alike = sum(r.read_bytes() == (root / "new" / r.relative_to(root / "old")).read_bytes() for r in records)
    words = [f"- {target}: {'the same' if said[0][target] == said[1][target] else 'DIFFERS'}" for target in said[0]]
    head = ["table", "cells", "equal", "within 1e-6", "further apart", "greatest relative difference", "columns"]
    parts = [
        f"The same commands run by {revision} and by this tree on {len(DATABASES) * FINGERS * PER_FINGER} prints of "
        f"FVC2002 and {PRINTS * (MEN + WOMEN)} of SOCOFing (one of them planted under a second name); every cell of "
        "every table is compared. Features, scores and thresholds are each version's own; classifiers are compared and "
        f"trained by both on the table of {revision}, because three columns that repeated others are gone since.",
        table(head, rows),
        f"ISO/IEC 19794-2 records: {alike} of {len(records)} are the same bytes.",
        "Findings of the leak audit, severity and kind in their order:\n\n" + "\n".join(words),
    ]
    if differing:
        cells = ["column", "equal", "within 1e-6", "further apart", "greatest relative difference"]
        parts.append("Columns that differ:\n\n" + table(cells, differing[:60]))
    report("same_results", "The same figures as before", parts)
    for before, now in zip(said[0].values(), said[1].values(), strict=True):
        if before != now:
            print(f"--- before\n{before}\n--- now\n{now}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else REVISION)
