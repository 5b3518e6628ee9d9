"""Whether a comparison's intervals hold what they promise: tables without signal, or with an effect of known size.

python benchmarks/bench_calibration.py [SEEDS]
"""

from _common import report, table  # isort: skip

import sys

import numpy as np
import pandas as pd
from scipy.stats import norm

from ridgefeat.bench import Options, compare, make_problem

PEOPLE, PRINTS, COLUMNS = 80, 5, 10
METHODS = ("logistic", "pca-lda", "naive-bayes")


def make(seed: int, effect: float) -> tuple[pd.DataFrame, dict]:
    """Return people with classes `effect` deviations apart in the first column; prints of one person are alike."""
    rng = np.random.default_rng(seed)
    one = np.arange(PEOPLE) % 2
    person = rng.normal(size=(PEOPLE, COLUMNS))
    person[:, 0] += effect * one
    rows = np.repeat(np.arange(PEOPLE), PRINTS)
    values = person[rows] + 0.5 * rng.normal(size=(len(rows), COLUMNS))
    names = [f"made_{i}" for i in range(COLUMNS)]
    frame = pd.DataFrame(values.astype(np.float32), columns=names)
    frame.insert(0, "meta_source", [str(i) for i in range(len(rows))])
    frame["who"], frame["what"] = rows, np.array(["no", "yes"], object)[one[rows]]
    return frame, {"columns": [{"name": n, "unit": "1"} for n in names]}


def run(seed: int, effect: float, classifiers: tuple[str, ...], families=None) -> pd.DataFrame:
    """Return the summary of one made table."""
    frame, about = make(seed, effect)
    if families:
        about["columns"] = about["columns"][:families]
    problem = make_problem(frame, about, target="what", group="who")
    asked = Options(classifiers=classifiers, seed=seed, diagnose=False, jobs=1, samples=500)
    return compare(problem, asked).summary.set_index("classifier")


def main(seeds: str = "100") -> None:
    count = int(seeds)
    found = [run(s, 0.0, METHODS) for s in range(count)]
    rows: list[list[object]] = []
    for name in METHODS:
        columns = ("roc_auc_low", "roc_auc", "roc_auc_high")
        low, value, high = (np.array([f.loc[name, c] for f in found]) for c in columns)
        inside = int(((low <= 0.5) & (high >= 0.5)).sum())
        rows.append([name, f"{inside} of {count}", f"{value.mean():.3f}", f"{(high - low).mean():.3f}"])
    # One column of two normal distributions: the area is known.
    true = float(norm.cdf(1.0 / np.sqrt(2 * (1 + 0.25))))
    results = [run(1000 + s, 1.0, ("logistic",), 1).loc["logistic"] for s in range(count)]
    value = np.array([t["roc_auc"] for t in results])
    inside = sum(t["roc_auc_low"] <= true <= t["roc_auc_high"] for t in results)
    report(
        "bench_calibration",
        "Intervals on made tables",
        [
            f"{PEOPLE} people of {PRINTS} prints, {COLUMNS} columns that know nothing; {count} seeds, 5 folds by "
            "person. How often the 95 % interval of the area holds 0.5, the mean area, the mean width:",
            table(["classifier", "holds 0.5", "mean area", "mean width"], rows),
            f"One column with an effect of 1 deviation between people, so a true area of {true:.3f}: found "
            f"{value.mean():.3f} ± {value.std(ddof=1) / np.sqrt(count):.3f} on average, held by {inside} of {count} "
            "intervals.",
        ],
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
