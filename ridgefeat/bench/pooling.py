"""Out-of-fold predictions of a classifier: pooled over folds, calibrated, and fused over the prints of each person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ridgefeat.bench.evaluation import Outcome
from ridgefeat.bench.metrics import Bools, Floats, Ints, Predictions, group_numbers
from ridgefeat.bench.results import Fold, Problem
from ridgefeat.errors import TableError

RELIABILITY_BINS = 10
INVERSE_PENALTY = 1e3
"""Inverse strength of the penalty: just enough that separable scores give finite slopes."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PooledPredictions(Predictions):
    """One classifier's predictions over all folds."""

    rows: Ints
    """The row of the problem that each prediction is for."""
    folds: tuple[Fold, ...]
    """`fold` numbers them."""
    calibrated: bool = False
    """The probabilities were calibrated across folds."""
    by_row: ClassVar[tuple[str, ...]] = (*Predictions.by_row, "rows")


def pool_predictions(
    problem: Problem,
    outcomes: Sequence[Outcome],
    *,
    calibrate: bool = True,
    balanced: bool = True,
    inner: PooledPredictions | None = None,
) -> PooledPredictions:
    """Return one classifier's predictions over all folds, from outcomes of which none failed.

    If `calibrate`, probabilities are calibrated, and decide the class: relative to the classes' shares in training if
    `balanced`. They are learned from the other folds of a repeat, or from `inner`, predictions in folds of the training
    rows (their repeat is the fold's number here). Else the scores stand in for them.
    """
    folds = tuple(o.fold for o in outcomes)
    rows = np.concatenate([f.test for f in folds])
    fold = np.concatenate([np.full(len(f.test), i) for i, f in enumerate(folds)])
    predicted = np.concatenate([np.asarray(o.predicted) for o in outcomes])
    scores = np.concatenate([np.asarray(o.scores) for o in outcomes])
    y, group = problem.y[rows], group_numbers(problem.groups)[rows]
    positive = problem.classes.index(problem.positive) if problem.positive in problem.classes else 1
    pooled = PooledPredictions(
        problem.kind, y, predicted, scores, scores, fold, group, positive, rows=rows, folds=folds
    )
    if not calibrate or pooled.kind == "regression":
        return pooled
    shares = [class_shares(problem.y[f.train], scores.shape[1], balanced) for f in folds]
    return _calibrate(pooled, shares, inner)


def class_shares(y: Ints, n_classes: int, balanced: bool = True) -> Floats:
    """Return what `decide` divides by: the classes' shares in training, or equal ones."""
    counts = np.bincount(y, minlength=n_classes) if balanced else np.ones(n_classes)
    return np.asarray(counts / max(1, counts.sum()))


def sources(pooled: PooledPredictions, inner: PooledPredictions | None) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Return for each fold the rows that something may be learned from for it, of `inner` or else its own, and its own.

    Folds of another repeat test the same people; only those of a fold's own repeat say nothing about its people.
    """
    fold, learned = pooled.fold, inner or pooled
    repeat = np.array([f.repeat for f in learned.folds])[learned.fold]
    found = []
    for f in np.unique(fold):
        able = repeat == f if inner else (repeat == pooled.folds[f].repeat) & (fold != f)
        found.append((np.flatnonzero(able), np.flatnonzero(fold == f)))
    return found


def _calibrate(
    pooled: PooledPredictions, shares: Sequence[Floats], inner: PooledPredictions | None = None
) -> PooledPredictions:
    """Return the predictions with calibrated probabilities and the classes that follow from them, or with the scores'
    own where that cannot be."""
    learned = inner or pooled
    probability = transfer(learned.score, learned.y, pooled.score, sources(pooled, inner))
    if probability is None:
        return replace(pooled, probability=own_probability(pooled.score))
    predicted = decide(probability, np.array(shares)[pooled.fold])
    return replace(pooled, probability=probability, predicted=predicted, calibrated=True)


def fuse_predictions(
    problem: Problem,
    pooled: Mapping[str, PooledPredictions],
    column: str,
    *,
    balanced: bool = True,
    inner: Mapping[str, PooledPredictions] | None = None,
) -> tuple[Problem, dict[str, PooledPredictions]]:
    """Return a problem with one row per value of a column (a person), and each classifier's mean over its prints.

    `balanced` and `inner` are as in `pool_predictions`. Raises TableError if there is no such column, or one of its
    values has several targets or groups.
    """
    if column not in problem.labels:
        raise TableError(f"the table has no column {column!r} to fuse prints by")
    names = problem.labels[column].astype(str).to_numpy(str)
    units, first, unit = np.unique(names, return_index=True, return_inverse=True)
    for what, values in ((problem.target, problem.y), (problem.group, problem.groups)):
        differs = values != values[first][unit]
        if differs.any() and not (problem.kind == "regression" and what == problem.target):
            torn = str(names[differs][0])
            raise TableError(f"prints cannot be fused by {column!r}: {torn!r} has several values of {what!r}")
    y = problem.y[first]
    if problem.kind == "regression":
        y = np.asarray(pd.Series(problem.y).groupby(unit).mean())
    none: dict[str, Any] = {"features": problem.features.iloc[:0], "labels": problem.labels.iloc[:0]}
    small = replace(problem, y=y, groups=problem.groups[first], sources=units.astype(object), **none)
    found = {name: _average(small, p, unit) for name, p in pooled.items()}
    if problem.kind == "regression":
        return small, found
    learned = {name: _average(small, p, unit) for name, p in (inner or {}).items()}
    folds = next(iter(pooled.values())).folds
    shares = [class_shares(y[np.unique(unit[f.train])], len(problem.classes), balanced) for f in folds]
    return small, {name: _calibrate(p, shares, learned.get(name)) for name, p in found.items()}


def _average(small: Problem, p: PooledPredictions, unit: Ints) -> PooledPredictions:
    """Return the mean scores of each unit's prints; the largest one is its class until they are calibrated."""
    # One row per unit and fold: a leaking protocol tests one person in several.
    pairs, inverse = np.unique(p.fold * len(small) + unit[p.rows], return_inverse=True)
    fold, rows = pairs // len(small), pairs % len(small)
    score = np.asarray(pd.DataFrame(p.score).groupby(inverse).mean())
    if p.kind == "regression":
        predicted = np.asarray(pd.Series(p.predicted).groupby(inverse).mean())
    else:
        predicted = score.argmax(axis=1)
    group = group_numbers(small.groups)[rows]
    own = {"y": small.y[rows], "predicted": predicted, "fold": fold, "group": group, "rows": rows}
    return replace(p, **own, score=score, probability=score, calibrated=False)


def fit_calibrator(scores: Floats, y: Ints) -> Any:
    """Return a calibrator: a logistic curve through the scores (Platt 1999), or its form for several classes.

    CalibratedClassifierCV draws another curve: it moves the labels towards each other before it fits one, and fits
    several classes each on its own.
    """
    curve = make_pipeline(StandardScaler(), LogisticRegression(C=INVERSE_PENALTY, max_iter=500))
    return curve.fit(_input(scores), y)


def apply_calibrator(calibrator: Any, scores: Floats) -> Floats:
    """Return calibrated probabilities, shape (rows, classes)."""
    return np.asarray(calibrator.predict_proba(_input(scores)))


def _input(scores: Floats) -> Floats:
    return scores[:, 1:] if scores.shape[1] == 2 else scores


def transfer(
    learned: Floats, y: Ints, scores: Floats, parts: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]
) -> Floats | None:
    """Return probabilities of all scores; None where a class is missing from what a curve is learned from.

    Each part names rows of `learned` and `y` that a curve is drawn through, and the rows of `scores` that it is for.
    """
    out = np.empty_like(scores)
    for source, rows in parts:
        if len(np.unique(y[source])) < scores.shape[1]:
            return None
        out[rows] = apply_calibrator(fit_calibrator(learned[source], y[source]), scores[rows])
    return out


def decide(probability: Floats, share: Floats) -> Ints:
    """Return each row's class: the one whose probability is largest relative to its share in training.

    This is the rule of every class that ridgefeat reports. The most probable class would be the frequent one for nearly
    all prints. With equal shares the rule is the largest probability. A tie goes to the most frequent class.
    """
    # Rounded, so that a probability which differs from the share by rounding errors is a tie.
    return np.asarray((np.round(probability / share, 3) + 1e-4 * share).argmax(axis=1))


def own_probability(scores: Floats) -> Floats:
    """Return the classifier's own scores as probabilities: log-odds undone, decision values as if they were those."""
    if scores.shape[1] == 2:
        p = expit(scores[:, 1])
        return np.stack([1 - p, p], axis=1)
    return np.asarray(softmax(scores, axis=1))


def reliability_bins(probability: Floats, happened: Bools) -> list[dict[str, float]]:
    """Return bins of equal counts: bin, predicted (mean probability), observed (share), count.

    calibration_curve(strategy="quantile") parts at interpolated quantiles instead, so that counts differ, keeps equal
    probabilities in one bin, so that bins are lost, and gives no counts.
    """
    order = np.argsort(probability, kind="stable")
    bins = [b for b in np.array_split(order, min(RELIABILITY_BINS, len(order))) if len(b)]
    return [
        {"bin": i, "predicted": float(probability[b].mean()), "observed": float(happened[b].mean()), "count": len(b)}
        for i, b in enumerate(bins)
    ]
