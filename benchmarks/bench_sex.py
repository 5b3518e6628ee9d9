"""How well sex is told from a print, by person: few classifiers, several repeats of five folds.

python benchmarks/bench_sex.py TABLE.csv [WITHIN ...]: a feature table with columns sex and subject.
"""

from _common import report, table  # isort: skip

import sys

from ridgefeat.bench.comparing import Options, compare
from ridgefeat.bench.data import load, make_problem

METHODS = ("logistic", "rbf-svm", "pca-lda", "mean")
REPEATS = 3


def main(path: str, *within: str) -> None:
    frame, about = load(path)
    problem = make_problem(frame, about, target="sex", group="subject")
    asked = Options(METHODS, repeats=REPEATS, within=within, fuse="subject", diagnose=False, jobs=1)
    done = compare(problem, asked)
    fused = done.fused_summary.set_index("classifier")
    by_repeat = done.results.groupby(["classifier", "repeat"])["roc_auc"].mean()
    rows: list[list[object]] = []
    for r in done.summary.to_dict("records"):
        told = [
            f"{x['roc_auc']:.3f} ({x['roc_auc_low']:.3f}–{x['roc_auc_high']:.3f})"
            for x in (r, fused.loc[r["classifier"]])
        ]
        rows.append([r["classifier"], *told, " ".join(f"{v:.3f}" for v in by_repeat[r["classifier"]])])
    report(
        "bench_sex",
        "Sex from a print, by person",
        [
            f"{len(problem)} prints of {len(set(problem.groups))} people, {problem.features.shape[1]} columns, "
            f"standardised within {' and '.join(within) or 'nothing'}; {REPEATS} repeats of 5 folds by person, "
            "settings as they come. Area under the ROC curve with 95 % interval, a print and a person (mean of the "
            "prints), and a print's area in each repeat. `mean` is the best three by the other folds.",
            table(["classifier", "a print", "a person", "by repeat"], rows),
        ],
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
