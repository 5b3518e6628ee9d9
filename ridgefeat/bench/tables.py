"""Outcomes as the tables of a comparison: by fold, by print, by classifier, by class, by level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.bench import calibration, metrics, statistics
from ridgefeat.bench.evaluation import Outcome, gather, positive, probabilities
from ridgefeat.bench.metrics import Predictions, Weights
from ridgefeat.bench.results import LESS_IS_BETTER, METRICS, Fold, Problem, Run
from ridgefeat.errors import TableError

if TYPE_CHECKING:
    import pandas as pd

MOST_LEVELS = 25
"""Levels of a label beyond which it is no grouping of prints but their name."""
PLACE = ("hand", "finger")
"""Labels that together say which of ten fingers a print is of."""
LEVEL_SAMPLES = 200
"""Bootstrap samples of a level's intervals at most: there are many levels, and they are read by their first digits."""
LEAST_GROUPS = 5
"""Groups of a level below which nothing is said of it."""


@dataclass(frozen=True, eq=False)
class Told:
    """One classifier's predictions over all folds, and the row of the problem that each is of."""

    predictions: Predictions
    rows: NDArray[np.int64]
    outcomes: Sequence[Outcome]
    calibrated: bool


def tell(problem: Problem, outcomes: Sequence[Outcome]) -> Told:
    """Gather one classifier's outcomes."""
    predictions, rows, calibrated = gather(problem, outcomes)
    return Told(predictions, rows, outcomes, calibrated)


def results(problem: Problem, by_method: Mapping[str, Sequence[Outcome]], told: Mapping[str, Told]) -> pd.DataFrame:
    """Return a row per classifier, repeat and fold; see Comparison.results."""
    import pandas as pd

    names = METRICS[problem.kind]
    rows = []
    for name, outcomes in by_method.items():
        for i, o in enumerate(outcomes):
            row: dict[str, Any] = {
                "classifier": name,
                "repeat": o.fold.repeat,
                "fold": o.fold.number,
                "status": "failed" if o.reason else "ok",
                "reason": o.reason,
                "train_prints": len(o.fold.train),
                "test_prints": len(o.fold.test),
                "train_groups": len(set(problem.groups[o.fold.train])),
                "test_groups": len(set(problem.groups[o.fold.test])),
                "shared_groups": len(o.fold.shared_groups),
                "seconds": round(o.seconds, 4),
                "chosen": ", ".join(f"{k.split('__')[-1]}={v}" for k, v in (o.chosen or {}).items()),
            }
            if name in told:
                p = told[name].predictions
                row |= {
                    k: v for k, v in metrics.as_floats(metrics.figures(p.select(p.fold == i))).items() if k in names
                }
            rows.append(row)
    order = ["classifier", "repeat", "fold", "status", "reason", "train_prints", "test_prints", "train_groups"]
    order += ["test_groups", "shared_groups", "seconds", "chosen", *names]
    return pd.DataFrame(rows).reindex(columns=order)


def scores(problem: Problem, told: Mapping[str, Told]) -> pd.DataFrame:
    """Return a row per print, classifier and repeat; see Comparison.scores."""
    import pandas as pd

    parts = [score_rows(problem, name, t, problem.sources[t.rows], problem.groups[t.rows]) for name, t in told.items()]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def score_rows(problem: Problem, name: str, t: Told, sources: Any, groups: Any) -> pd.DataFrame:
    """Return one classifier's rows."""
    import pandas as pd

    p = t.predictions
    folds = [o.fold for o in t.outcomes]
    named = np.array(problem.classes, object)
    score = (
        p.predicted if p.kind == "regression" else p.score[:, p.positive] if p.kind == "binary" else p.score.max(axis=1)
    )
    frame = pd.DataFrame(
        {
            "source": sources,
            "group": groups,
            "y_true": p.y if p.kind == "regression" else named[p.y],
            "classifier": name,
            "repeat": np.array([f.repeat for f in folds])[p.fold],
            "fold": np.array([f.number for f in folds])[p.fold],
            "y_pred": p.predicted if p.kind == "regression" else named[p.predicted],
            "score": score,
        }
    )
    for k, label in enumerate(problem.classes):
        frame[f"p_{label}"] = p.probability[:, k]
    return frame


def summary(problem: Problem, runs: Sequence[Run], told: Mapping[str, Told], weights: Weights) -> pd.DataFrame:
    """Return a row per classifier, best first; see Comparison.summary."""
    import pandas as pd

    rows = []
    for run in runs:
        row: dict[str, Any] = {
            "classifier": run.name,
            "status": run.status,
            "reason": run.reason,
            "seconds": round(run.seconds, 3),
        }
        for metric in METRICS[problem.kind]:
            row |= {metric + end: np.nan for end in ("", "_low", "_high", "_sd")}
        if run.name in told:
            p = told[run.name].predictions
            row |= statistics.with_intervals(p, weights, METRICS[problem.kind])
            folds = [metrics.figures(p.select(p.fold == i)) for i in np.unique(p.fold)]
            if len(folds) > 1:
                row |= {f"{m}_sd": float(np.std([f[m][0] for f in folds], ddof=1)) for m in METRICS[problem.kind]}
        rows.append(row)
    frame = pd.DataFrame(rows)
    up = problem.metric in LESS_IS_BETTER
    return frame.sort_values(problem.metric, ascending=up, na_position="last", kind="stable", ignore_index=True)


def by_class(problem: Problem, told: Mapping[str, Told]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return precision and recall by class, confusion counts, and calibration; see Comparison."""
    import pandas as pd

    per_class, confused, reliable = [], [], []
    for name, t in told.items():
        p = t.predictions
        for label, row in zip(problem.classes, metrics.by_class(p), strict=True):
            per_class.append({"classifier": name, "class": label, **row})
        counts = metrics.confusion(p)
        for i, true in enumerate(problem.classes):
            for j, said in enumerate(problem.classes):
                share = counts[i, j] / counts[i].sum() if counts[i].sum() else np.nan
                confused.append(
                    {"classifier": name, "y_true": true, "y_pred": said, "count": int(counts[i, j]), "share": share}
                )
        of = [positive(problem)] if p.kind == "binary" else range(len(problem.classes))
        for k in of:
            for row in calibration.reliability(p.probability[:, k], p.y == k):
                reliable.append({"classifier": name, "class": problem.classes[k], **row})
    return pd.DataFrame(per_class), pd.DataFrame(confused), pd.DataFrame(reliable)


def levels(problem: Problem, told: Mapping[str, Told], weights: Weights) -> pd.DataFrame:
    """Return results within each level of each label that groups prints; see Comparison.levels."""
    import pandas as pd

    rows = []
    weights = weights[:LEVEL_SAMPLES]
    names = [m for m in METRICS[problem.kind] if m != "average_precision"]
    for column, values in _groupings(problem).items():
        for level in sorted(values.dropna().unique(), key=str):
            inside = (values == level).fillna(False).to_numpy(bool)
            if len(set(problem.groups[inside])) < LEAST_GROUPS:
                continue
            for name, t in told.items():
                p = t.predictions.select(inside[t.rows])
                if len(p.y) == 0:
                    continue
                row = {"classifier": name, "column": column, "level": str(level), "prints": int(inside.sum())}
                row["groups"] = len(set(problem.groups[inside]))
                rows.append(row | statistics.with_intervals(p, weights, names))
    return pd.DataFrame(rows)


def _groupings(problem: Problem) -> dict[str, pd.Series[Any]]:
    """Return the labels that group prints, and which finger of which hand a print is of."""
    names = level_columns(problem)
    found = {name: problem.labels[name] for name in names}
    if set(PLACE) <= set(names) and problem.target not in PLACE:
        parts = problem.labels[list(PLACE)]
        both = parts.astype(str).agg(" ".join, axis=1)
        found["+".join(PLACE)] = both.where(parts.notna().all(axis=1))
    return found


def level_columns(problem: Problem) -> list[str]:
    """Return the labels that group prints: not the group itself, nor names and notes of files."""
    out = []
    for column in problem.labels.columns:
        values = problem.labels[column].dropna()
        if column == problem.group or column.startswith("meta_") or not 2 <= values.nunique() <= MOST_LEVELS:
            continue
        if problem.kind == "regression" and column == problem.target:
            continue
        out.append(str(column))
    return out


def fused(problem: Problem, told: Mapping[str, Told], column: str) -> tuple[Problem, dict[str, Told]]:
    """Return a problem of one row per level of a column (a person), and each classifier's mean over its prints.

    Raises
    ------
    TableError
        If there is no such column, or a level stands under several targets or in several folds.
    """
    if column not in problem.labels:
        raise TableError(f"the table has no column {column!r} to fuse prints by")
    who, y, groups, code = _units(problem, column)
    small = replace(
        problem, y=y, groups=groups, sources=who, features=problem.features.iloc[:0], labels=problem.labels.iloc[:0]
    )
    return small, {name: _fused(small, t, code) for name, t in told.items()}


def _units(problem: Problem, column: str) -> tuple[Any, Any, Any, NDArray[np.int64]]:
    names = problem.labels[column].astype(str).to_numpy(str)
    who, first, code = np.unique(names, return_index=True, return_inverse=True)
    for what, values in ((problem.target, problem.y), (problem.group, problem.groups)):
        differing = values != values[first][code]
        if problem.kind == "regression" and what == problem.target:
            continue
        if differing.any():
            raise TableError(
                f"prints cannot be fused by {column!r}: {str(names[differing][0])!r} stands under several values "
                f"of {what!r}"
            )
    y = problem.y[first]
    if problem.kind == "regression":
        y = np.bincount(code, problem.y) / np.bincount(code)
    return who.astype(object), y, problem.groups[first], code.astype(np.int64)


def _fused(small: Problem, t: Told, code: NDArray[np.int64]) -> Told:
    p = t.predictions
    # One row a unit and fold: a leaking protocol tests one person in several.
    key = p.fold * len(small) + code[t.rows]
    units, inverse = np.unique(key, return_inverse=True)
    count = np.bincount(inverse)

    def mean(values: NDArray[Any]) -> NDArray[np.float64]:
        return (
            np.stack([np.bincount(inverse, v) / count for v in values.T], axis=1)
            if values.shape[1]
            else np.zeros((len(units), 0))
        )

    fold, rows = units // len(small), units % len(small)
    y, score = small.y[rows], mean(p.score)
    group = statistics.group_numbers(small.groups)[rows]
    if p.kind == "regression":
        predicted: NDArray[Any] = mean(p.predicted[:, None].astype(np.float64))[:, 0]
        return Told(
            replace(p, y=y, predicted=predicted, score=score, probability=score, fold=fold, group=group),
            rows,
            t.outcomes,
            False,
        )
    probability, calibrated = probabilities(score, y, fold, [o.fold.repeat for o in t.outcomes])
    predicted = _vote(p, inverse, len(units))
    return Told(
        Predictions(p.kind, y, predicted, score, probability, fold, group, p.positive), rows, t.outcomes, calibrated
    )


def _vote(p: Predictions, inverse: NDArray[Any], units: int) -> NDArray[np.int64]:
    """Return the class that most of a unit's prints were called; the higher mean score decides ties."""
    k = p.score.shape[1]
    votes = np.zeros((units, k))
    np.add.at(votes, (inverse, p.predicted), 1)
    mean = np.stack([np.bincount(inverse, s) for s in p.score.T], axis=1)
    ranked = votes + 1e-3 * (mean.argsort(axis=1).argsort(axis=1) / k)
    out: NDArray[np.int64] = ranked.argmax(axis=1)
    return out


def compare_pairs(
    problem: Problem, told: Mapping[str, Told], summary: pd.DataFrame, weights: Weights, folds: Sequence[Fold]
) -> pd.DataFrame | None:
    """Return each classifier's difference to the best and to dummy; see Comparison.pairs. None with one alone."""
    import pandas as pd

    ranked = [n for n in summary["classifier"] if n in told]
    references = {"best": ranked[0], "dummy": "dummy"} if ranked else {}
    ratio = float(np.mean([len(f.test) / len(f.train) for f in folds]))
    frames = []
    for role, reference in references.items():
        others = [n for n in ranked if n != reference]
        if reference not in told or not others:
            continue
        rows = [
            {"reference": role, "classifier": n, "against": reference, "metric": problem.metric}
            | _difference(told[n].predictions, told[reference].predictions, weights, problem.metric, ratio)
            for n in others
        ]
        frame = pd.DataFrame(rows)
        frames.append(frame.assign(p_holm=statistics.holm(frame["p"].tolist())))
    return pd.concat(frames, ignore_index=True) if frames else None


def _difference(a: Predictions, b: Predictions, weights: Weights, metric: str, ratio: float) -> dict[str, float]:
    point, low, high = statistics.difference(a, b, weights, metric)
    by_fold = [
        metrics.figure(a.select(a.fold == i), metric) - metrics.figure(b.select(b.fold == i), metric)
        for i in np.unique(a.fold)
    ]
    p = statistics.corrected_t(np.array(by_fold), ratio)
    return {"difference": point, "difference_low": low, "difference_high": high, "p": p}
