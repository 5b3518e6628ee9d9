"""Which finger shows the label best? Results by level, and why the answer needs an interval.

    python examples/which_finger_is_best.py

In this simulated population women's ridges are finer than men's by about as much as published means say. Every finger
has the same difference by construction, so the true answer is: none is better than another. The comparison splits by
person and shows the AUC of each finger with its interval. One finger always comes first; whether that means anything
must allow for its having been chosen as the first.
"""

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pandas as pd

import ridgefeat as rf
from ridgefeat import bench
from ridgefeat.report.bench.figures import make_level_charts
from ridgefeat.synth import write_set

PEOPLE, FINGERS, FAMILIES = 24, 3, ["ridge"]


def main(folder: Path, people: int = PEOPLE) -> pd.DataFrame:
    """Return the results by finger."""
    index = write_set(folder, people * FINGERS, seed=11, fingers=FINGERS, shape=(300, 260))
    table = rf.extract_many(folder, index=index, families=FAMILIES)
    about = {"columns": rf.feature_columns(FAMILIES).to_dict("records")}
    problem = bench.make_problem(table, about, target="sex", group="subject")
    comparison = bench.compare(problem, bench.Options(classifiers=("dummy", "logistic"), folds=3, repeats=2, jobs=1))
    overall = comparison.summary.set_index("classifier").loc["logistic"]
    print(f"{people} simulated people, {FINGERS} fingers each; logistic regression, split by person")
    print(f"all fingers   AUC {overall['roc_auc']:.2f} [{overall['roc_auc_low']:.2f}, {overall['roc_auc_high']:.2f}]")
    by = comparison.levels
    by = by[(by["classifier"] == "logistic") & (by["column"] == "finger")].sort_values("roc_auc", ascending=False)
    for row in by.itertuples():
        print(
            f"{row.level:<12}  AUC {row.roc_auc:.2f} [{row.roc_auc_low:.2f}, {row.roc_auc_high:.2f}]"
            f"  {row.prints} prints"
        )
    chart = next(c for c in make_level_charts(comparison) if c.name == "finger")
    print(f"\n{chart.sentence}")
    return by


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        main(Path(made))
    sys.exit()
