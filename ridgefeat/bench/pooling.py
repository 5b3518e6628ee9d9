"""Out-of-fold predictions of a classifier, pooled over folds, and fused over the prints of each person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.bench import calibration
from ridgefeat.bench.evaluation import Outcome
from ridgefeat.bench.metrics import Predictions
from ridgefeat.bench.results import Fold, Problem
from ridgefeat.bench.statistics import group_numbers
from ridgefeat.errors import TableError


@dataclass(frozen=True, eq=False)
class PooledPredictions:
    """One classifier's predictions over all folds."""

    predictions: Predictions
    rows: NDArray[np.int64]
    """The row of the problem that each prediction is for."""
    folds: tuple[Fold, ...]
    """`predictions.fold` numbers them."""
    calibrated: bool = False
    """The probabilities were calibrated across folds."""


def pool_predictions(problem: Problem, outcomes: Sequence[Outcome], *, calibrate: bool = True) -> PooledPredictions:
    """Return one classifier's predictions over all folds, from outcomes of which none failed.

    Probabilities are calibrated across folds if `calibrate`; else the scores stand in for them.
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
    return _calibrate(pooled) if calibrate else pooled


def _calibrate(pooled: PooledPredictions) -> PooledPredictions:
    """Return the predictions with probabilities that are calibrated across the folds of each repeat, or the scores' own
    where that cannot be."""
    p = pooled.predictions
    if p.kind == "regression":
        return pooled
    probability = calibration.across_folds(p.score, p.y, p.fold, [f.repeat for f in pooled.folds])
    own = calibration.own(p.score) if probability is None else probability
    return replace(pooled, predictions=replace(p, probability=own), calibrated=probability is not None)


def fuse_predictions(
    problem: Problem, pooled: Mapping[str, PooledPredictions], column: str
) -> tuple[Problem, dict[str, PooledPredictions]]:
    """Return a problem with one row per value of a column (a person), and each classifier's mean over its prints.

    Raises
    ------
    TableError
        If there is no such column, or one of its values has several targets or groups.
    """
    if column not in problem.labels:
        raise TableError(f"the table has no column {column!r} to fuse prints by")
    names = problem.labels[column].astype(str).to_numpy(str)
    units, first, unit = np.unique(names, return_index=True, return_inverse=True)
    for what, values in ((problem.target, problem.y), (problem.group, problem.groups)):
        differs = values != values[first][unit]
        if differs.any() and not (problem.kind == "regression" and what == problem.target):
            raise TableError(
                f"prints cannot be fused by {column!r}: {str(names[differs][0])!r} has several values of {what!r}"
            )
    y = problem.y[first]
    if problem.kind == "regression":
        y = np.bincount(unit, problem.y) / np.bincount(unit)
    small = replace(
        problem,
        y=y,
        groups=problem.groups[first],
        sources=units.astype(object),
        features=problem.features.iloc[:0],
        labels=problem.labels.iloc[:0],
    )
    return small, {name: _fuse(small, p, unit.astype(np.int64)) for name, p in pooled.items()}


def _fuse(small: Problem, pooled: PooledPredictions, unit: NDArray[np.int64]) -> PooledPredictions:
    p = pooled.predictions
    # One row per unit and fold: a leaking protocol tests one person in several.
    pairs, inverse = np.unique(p.fold * len(small) + unit[pooled.rows], return_inverse=True)
    fold, rows = pairs // len(small), pairs % len(small)
    count = np.bincount(inverse)

    def mean(values: NDArray[Any]) -> NDArray[np.float64]:
        columns = [np.bincount(inverse, column) / count for column in values.T]
        return np.stack(columns, axis=1) if columns else np.zeros((len(pairs), 0))

    score = mean(p.score)
    predicted = mean(p.predicted[:, None])[:, 0] if p.kind == "regression" else _vote(p, inverse, len(pairs))
    group = group_numbers(small.groups)[rows]
    fused = Predictions(p.kind, small.y[rows], predicted, score, score, fold, group, p.positive)
    return _calibrate(PooledPredictions(fused, rows, pooled.folds))


def _vote(p: Predictions, unit: NDArray[Any], n_units: int) -> NDArray[np.int64]:
    """Return the class predicted for most of a unit's prints; the higher mean score decides ties."""
    n_classes = p.score.shape[1]
    votes = np.zeros((n_units, n_classes))
    np.add.at(votes, (unit, p.predicted), 1)
    total = np.stack([np.bincount(unit, s) for s in p.score.T], axis=1)
    ranked = votes + 1e-3 * (total.argsort(axis=1).argsort(axis=1) / n_classes)
    out: NDArray[np.int64] = ranked.argmax(axis=1)
    return out
