"""A leak, what it is worth, and how the audit finds it.

    python examples/find_the_leak.py

Simulated people get a random label, so that no feature can predict it. Then an accident happens that is common in real
sets: some prints are filed a second time, under the name of another person. Even if the split is by person, these
copies are on both sides, and a nearest neighbour seems to predict the label. The audit compares the pixels, names the
files, and drops them.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

import ridgefeat as rf
from ridgefeat import audit, bench
from ridgefeat.synth import write_set

PEOPLE, FINGERS, COPIED = 20, 2, 10
FAMILIES = ["ridge", "orient", "minutiae"]


def accuracy(table: pd.DataFrame) -> float:
    """Return the balanced accuracy of a nearest neighbour, split by person."""
    options = bench.Options(classifiers=("knn",), folds=4, jobs=1, diagnose=False)
    about = {"columns": rf.feature_columns(FAMILIES).to_dict("records")}
    comparison = bench.compare(bench.make_problem(table, about, target="colour", group="subject"), options)
    return float(comparison.summary.loc[0, "balanced_accuracy"])


def main(folder: Path) -> dict[str, float]:
    """Return the accuracy without the accident, with it, and after the audit."""
    index = pd.read_csv(
        write_set(folder, PEOPLE * FINGERS, seed=5, fingers=FINGERS, sex_effect=0, shape=(300, 260))
    ).astype({"subject": str})
    lot = np.random.default_rng(1).permutation(np.arange(PEOPLE) % 2)
    index["colour"] = np.where(lot[pd.factorize(index["subject"])[0]], "red", "blue")

    # The accident: a print of one person is filed again under another person with the same label.
    chance = np.random.default_rng(2)
    filed = []
    for row in chance.choice(len(index), COPIED, replace=False):
        source = index.loc[row]
        others = index[(index["colour"] == source["colour"]) & (index["subject"] != source["subject"])]
        name = f"again_{source['file']}"
        shutil.copy(folder / source["file"], folder / name)
        filed.append({**source, "file": name, "subject": chance.choice(others["subject"])})
    both = pd.concat([index, pd.DataFrame(filed)], ignore_index=True)
    both.to_csv(folder / "index.csv", index=False)

    table = rf.extract_many(folder, index=folder / "index.csv", families=FAMILIES)
    original = table[~table["meta_source"].str.startswith("again_")].reset_index(drop=True)
    found = audit.audit(table, target="colour", group="subject", images_root=folder)
    for finding in found.findings[:3]:
        print(f"{finding.severity}: {finding.message}\n")
    resolved, words = audit.resolve(table, found, "drop")
    figures = {"clean": accuracy(original), "leaked": accuracy(table), "resolved": accuracy(resolved)}
    print(words, "\n")
    print("balanced accuracy of a nearest neighbour for a random label, split by person")
    for name, value in figures.items():
        print(f"  {name:<8} {value:.2f}")
    return figures


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        main(Path(made))
    sys.exit()
