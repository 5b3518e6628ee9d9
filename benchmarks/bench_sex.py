"""How well sex is predicted from a print, by person, and what drives the result: few classifiers, repeated five folds.

python benchmarks/bench_sex.py TABLE.csv MIRRORED.csv [WITHIN ...]: feature tables of the same prints with columns sex,
subject and finger, the second by `ridgefeat extract --mirror right`.
"""

from _common import report, table, with_interval  # isort: skip

import sys
from dataclasses import replace

import numpy as np

from ridgefeat.bench import Options, compare, load, make_problem, metrics
from ridgefeat.bench.classifiers import find
from ridgefeat.bench.diagnostics import Refitter, ablation, probe_confounds
from ridgefeat.bench.inputs import make_inputs
from ridgefeat.bench.pooling import PooledPredictions, fuse_predictions

METHODS = ("logistic", "linear-svm", "lda", "pca-lda", "rbf-svm", "gradient-boosting", "mean")
REPEATS = 3
FINGER_METHODS = ("lda", "rbf-svm")
"""Classifiers that are fitted per finger, too."""


def figure(row, name: str) -> str:
    return with_interval(row[name], row[f"{name}_low"], row[f"{name}_high"])


def main(path: str, mirrored: str, *within: str) -> None:
    problem = make_problem(*load(path), target="sex", group="subject")
    asked = Options(METHODS, repeats=REPEATS, within=within, fuse="subject", diagnose=False, jobs=2)
    done = compare(problem, asked)
    fused = done.fused_summary.set_index("classifier")
    by_repeat = done.results.groupby(["classifier", "repeat"])["roc_auc"].mean()
    rows: list[list[object]] = []
    for r in done.summary.to_dict("records"):
        figures = [figure(x, "roc_auc") for x in (r, fused.loc[r["classifier"]])]
        rows.append([r["classifier"], *figures, " ".join(f"{v:.3f}" for v in by_repeat[r["classifier"]])])
    weights = metrics.group_weights(len(set(problem.groups)), asked.seed)
    X = np.asarray(make_inputs(problem, asked)["features"])
    refitter = Refitter(problem, find("logistic"), asked.complete(problem), done.folds, X, weights)
    found = probe_confounds(refitter)
    other = make_problem(*load(mirrored), target="sex", group="subject")
    assert np.array_equal(problem.sources, other.sources), "the two tables are of other prints"
    turned = replace(refitter, problem=other, X=np.asarray(make_inputs(other, asked)["features"]))
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
            "## Right hands mirrored, a model per finger",
            "The same folds. `mirrored`: features of right hands from the mirrored image. `per finger`: a classifier "
            "of its own for each of the five fingers, both hands together, on that finger's prints alone. Means are of "
            "decision values that are divided by their standard deviation in the fold. Differences are paired, to the "
            f"mean of {' and '.join(FINGER_METHODS)} on the table as it is.",
            sides(refitter, turned),
            "## Ridges or acquisition conditions",
            "Logistic regression on each, per print and per person; what is regressed out (linearly and squared) is "
            "fitted on training people only. `explained`: share of the advantage over chance that is lost with what "
            "was removed. Which columns count as conditions: `acquisition_columns.md`. Version 0.1 counted measures of "
            "ridge breadth among the conditions: ridges without them had 0.658 per print and 0.761 per person, half of "
            "their advantage over chance. That was wrong.",
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


def sides(plain: Refitter, mirrored: Refitter) -> str:
    """Return the table of what mirrored right hands and models per finger add."""
    found: dict[str, PooledPredictions] = {}
    for name, source in (("as it is", plain), ("mirrored", mirrored)):
        for method in FINGER_METHODS:
            one = replace(source, method=find(method))
            found[f"{method}, {name}"] = standardised([one.pool(one.problem, one.X, one.folds)])
            finger = one.problem.labels["finger"].to_numpy()
            found[f"{method}, {name}, per finger"] = standardised(
                [one.pool(one.problem, one.X, [_only(f, finger == k) for f in one.folds]) for k in np.unique(finger)]
            )
        for models in ("", ", per finger"):
            found[f"mean, {name}{models}"] = _mean([found[f"{m}, {name}{models}"] for m in FINGER_METHODS])
        both = [found[f"{m}, {name}{models}"] for m in FINGER_METHODS for models in ("", ", per finger")]
        found[f"mean, {name}, common and per finger"] = _mean(both)
    per_person = fuse_predictions(plain.problem, found, "subject")[1]
    base, rows = "mean, as it is", []
    for name, pooled in found.items():
        cells: list[object] = [name]
        for one, reference in ((pooled, found[base]), (per_person[name], per_person[base])):
            values = metrics.with_intervals(one, plain.weights, ["roc_auc"]).values()
            away = metrics.difference(one, reference, plain.weights, "roc_auc")
            cells += [with_interval(*values), "{:+.3f} ({:+.3f} to {:+.3f})".format(*away) if name != base else "–"]
        rows.append(cells)
    return table(["classifier", "per print", "difference", "per person", "difference"], rows)


def _only(fold, rows):
    """Return a fold with some of the prints."""
    return replace(fold, train=fold.train[rows[fold.train]], test=fold.test[rows[fold.test]])


def standardised(parts) -> PooledPredictions:
    """Return predictions of models for different prints as one, in the order of folds and rows; scores in fold SDs."""
    fold, rows, score = (
        np.concatenate(values) for values in zip(*((p.fold, p.rows, p.score[:, -1]) for p in parts), strict=True)
    )
    order = np.lexsort((rows, fold))
    fold, rows, score = fold[order], rows[order], score[order]
    for number in np.unique(fold):
        score[fold == number] /= score[fold == number].std()
    by_row = {name: np.concatenate([getattr(p, name) for p in parts])[order] for name in ("y", "predicted", "group")}
    scores = np.stack([-score, score], axis=1)
    return replace(parts[0], rows=rows, fold=fold, score=scores, probability=scores, **by_row)


def _mean(parts) -> PooledPredictions:
    score = np.mean([p.score for p in parts], axis=0)
    return replace(parts[0], score=score, probability=score, predicted=score.argmax(axis=1))


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
