"""Out-of-fold predictions of a classifier, pooled over folds, and fused over the prints of each person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.bench import calibration
from ridgefeat.bench.evaluation import Outcome
from ridgefeat.bench.metrics import Floats, Ints, Predictions
from ridgefeat.bench.results import Fold, Problem
from ridgefeat.bench.statistics import group_numbers
from ridgefeat.errors import TableError


@dataclass(frozen=True, eq=False)
class PooledPredictions:
    """One classifier's predictions over all folds."""

    predictions: Predictions
    rows: Ints
    """The row of the problem that each prediction is for."""
    folds: tuple[Fold, ...]
    """`predictions.fold` numbers them."""
    calibrated: bool = False
    """The probabilities were calibrated across folds."""


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
    p = Predictions(problem.kind, y, predicted, scores, scores, fold, group, positive)
    pooled = PooledPredictions(p, rows, folds)
    if not calibrate or p.kind == "regression":
        return pooled
    shares = [class_shares(problem.y[f.train], scores.shape[1], balanced) for f in folds]
    return _calibrate(pooled, shares, inner)


def class_shares(y: Ints, n_classes: int, balanced: bool = True) -> Floats:
    """Return what `calibration.decide` divides by: the classes' shares in training, or equal ones."""
    counts = np.bincount(y, minlength=n_classes) if balanced else np.ones(n_classes)
    return np.asarray(counts / max(1, counts.sum()))


def sources(pooled: PooledPredictions, inner: PooledPredictions | None) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Return for each fold the rows that something may be learned from for it, of `inner` or else its own, and its own.

    Folds of another repeat test the same people; only those of a fold's own repeat say nothing about its people.
    """
    fold, learned = pooled.predictions.fold, inner or pooled
    repeat = np.array([f.repeat for f in learned.folds])[learned.predictions.fold]
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
    p, learned = pooled.predictions, (inner or pooled).predictions
    probability = calibration.transfer(learned.score, learned.y, p.score, sources(pooled, inner))
    if probability is None:
        return replace(pooled, predictions=replace(p, probability=calibration.own(p.score)))
    predicted = calibration.decide(probability, np.array(shares)[p.fold])
    return replace(pooled, predictions=replace(p, probability=probability, predicted=predicted), calibrated=True)


def fuse_predictions(
    problem: Problem,
    pooled: Mapping[str, PooledPredictions],
    column: str,
    *,
    balanced: bool = True,
    inner: Mapping[str, PooledPredictions] | None = None,
) -> tuple[Problem, dict[str, PooledPredictions]]:
    """Return a problem with one row per value of a column (a person), and each classifier's mean over its prints.

    `balanced` and `inner` are as in `pool_predictions`.

    Raises TableError if there is no such column, or one of its values has several targets or groups.
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
        y = np.bincount(unit, problem.y) / np.bincount(unit)
    none: dict[str, Any] = {"features": problem.features.iloc[:0], "labels": problem.labels.iloc[:0]}
    small = replace(problem, y=y, groups=problem.groups[first], sources=units.astype(object), **none)
    found = {name: _average(small, p, unit) for name, p in pooled.items()}
    if problem.kind == "regression":
        return small, found
    learned = {name: _average(small, p, unit) for name, p in (inner or {}).items()}
    folds = next(iter(pooled.values())).folds
    shares = [class_shares(y[np.unique(unit[f.train])], len(problem.classes), balanced) for f in folds]
    return small, {name: _calibrate(p, shares, learned.get(name)) for name, p in found.items()}


def _average(small: Problem, pooled: PooledPredictions, unit: Ints) -> PooledPredictions:
    """Return the mean scores of each unit's prints; the largest one is its class until they are calibrated."""
    p = pooled.predictions
    # One row per unit and fold: a leaking protocol tests one person in several.
    pairs, inverse = np.unique(p.fold * len(small) + unit[pooled.rows], return_inverse=True)
    fold, rows = pairs // len(small), pairs % len(small)
    count = np.bincount(inverse)

    def mean(values: NDArray[Any]) -> Floats:
        columns = [np.bincount(inverse, column) / count for column in values.T]
        return np.stack(columns, axis=1) if columns else np.zeros((len(pairs), 0))

    score = mean(p.score)
    predicted = mean(p.predicted[:, None])[:, 0] if p.kind == "regression" else score.argmax(axis=1)
    group = group_numbers(small.groups)[rows]
    fused = Predictions(p.kind, small.y[rows], predicted, score, score, fold, group, p.positive)
    return PooledPredictions(fused, rows, pooled.folds)
