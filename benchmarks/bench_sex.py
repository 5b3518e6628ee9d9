"""How well sex is predicted from a print, by person, and what drives the result: few classifiers, repeated five folds.

python benchmarks/bench_sex.py TABLE.csv [WITHIN ...]: a feature table with columns sex and subject.
"""

from _common import report, table  # isort: skip

import sys

import numpy as np

from ridgefeat.bench import Options, compare, load, make_problem, statistics
from ridgefeat.bench.classifiers import find
from ridgefeat.bench.confounds import probe_confounds
from ridgefeat.bench.diagnostics import Refitter, ablation
from ridgefeat.bench.inputs import make_inputs

METHODS = ("logistic", "linear-svm", "lda", "pca-lda", "rbf-svm", "gradient-boosting", "mean")
REPEATS = 3


def figure(row, name: str) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return f"{row[name]:.3f} ({low:.3f}–{high:.3f})"


def main(path: str, *within: str) -> None:
    frame, about = load(path)
    problem = make_problem(frame, about, target="sex", group="subject")
    asked = Options(METHODS, repeats=REPEATS, within=within, fuse="subject", diagnose=False, jobs=2)
    done = compare(problem, asked)
    fused = done.fused_summary.set_index("classifier")
    by_repeat = done.results.groupby(["classifier", "repeat"])["roc_auc"].mean()
    rows: list[list[object]] = []
    for r in done.summary.to_dict("records"):
        figures = [figure(x, "roc_auc") for x in (r, fused.loc[r["classifier"]])]
        rows.append([r["classifier"], *figures, " ".join(f"{v:.3f}" for v in by_repeat[r["classifier"]])])
    weights = statistics.group_weights(len(set(problem.groups)), asked.seed)
    X = np.asarray(make_inputs(problem, asked)["features"])
    refitter = Refitter(problem, find("logistic"), asked.complete(problem), done.folds, X, weights)
    found = probe_confounds(refitter)
    report(
        "bench_sex",
        "Sex from a print, by person, and what drives the result",
        [
            f"{len(problem)} prints of {len(set(problem.groups))} people, {problem.features.shape[1]} columns, "
            f"standardised within {' and '.join(within) or 'nothing'}; {REPEATS} repeats of 5 folds by person, "
            "default settings. Area under the ROC curve with 95 % interval, per print and per person (mean of the "
            "prints), and per print in each repeat. `mean` is of those within 0.02 of the best by other folds. Nothing "
            "was tuned on these people for this run; they are the people on which 0.1 was developed.",
            table(["classifier", "per print", "per person", "by repeat"], rows),
            *families(ablation(refitter)),
            "## Ridges or acquisition conditions",
            "Logistic regression on each, per print and per person; what is regressed out (linearly and squared) is "
            "fitted on training people only. `explained`: share of the advantage over chance that is lost with what "
            "was removed. Which columns count as conditions: `acquisition_columns.md`. Version 0.1 counted measures of "
            "ridge breadth among the conditions, so its statement that they explain half of the ridges' advantage was "
            "wrong.",
            table(
                ["columns", "", "count", "per print", "per person", "explained"],
                [
                    [
                        *(r["confound"], r["meaning"], r["columns"], figure(r, "value"), figure(r, "fused")),
                        figure(r, "explained") if np.isfinite(r["explained"]) else "–",
                    ]
                    for r in found.to_dict("records")
                ],
            ),
        ],
    )


def families(found) -> list[str]:
    """Return the families' tables: alone, added one by one, left out."""
    parts = ["## Families", "Logistic regression, per print; difference to all families together."]
    for how, title in (("alone", "alone"), ("added", "added one by one to the best alone"), ("without", "left out")):
        rows = [
            [r["family"], r["columns"], figure(r, "value"), figure(r, "difference")]
            for r in found[found["how"] == how].to_dict("records")
        ]
        parts.append(table([title, "columns", "area", "difference"], rows))
    return parts


if __name__ == "__main__":
    main(*sys.argv[1:])
