"""Figures of predictions, under weights of groups: all ones give the figure, bootstrap counts its distribution.

Ranks are compared within a fold only: scores of two differently fitted models share no scale, and pooling them would
push the area under the curve below one half where there is nothing to find.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.bench.results import Kind

Weights = NDArray[np.float64]
CHUNK = 8 << 20
"""Weights of prints held at once."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """What one classifier said of some prints.

    Attributes
    ----------
    kind : "binary", "multiclass" or "regression"
    y : ndarray, shape (prints,)
        int64 class numbers, or numbers.
    predicted : ndarray, shape (prints,)
        Likewise.
    score : ndarray of float64, shape (prints, classes)
        In any scale that grows with the class's likelihood; the last column counts where there are two classes. Shape
        (prints, 0) for numbers.
    probability : ndarray of float64, shape (prints, classes)
    fold, group : ndarray of int64, shape (prints,)
        Numbers of the fold that tested the print and of its group (0 to groups - 1).
    positive : int
        Class number that precision and recall speak of where there are two.
    """

    kind: Kind
    y: NDArray[Any]
    predicted: NDArray[Any]
    score: NDArray[np.float64]
    probability: NDArray[np.float64]
    fold: NDArray[np.int64]
    group: NDArray[np.int64]
    positive: int = 1

    def select(self, rows: NDArray[Any]) -> Predictions:
        """Return the prints that an index array or mask picks."""
        return Predictions(
            self.kind,
            self.y[rows],
            self.predicted[rows],
            self.score[rows],
            self.probability[rows],
            self.fold[rows],
            self.group[rows],
            self.positive,
        )


def figures(p: Predictions, weights: Weights | None = None) -> dict[str, NDArray[np.float64]]:
    """Return every metric of METRICS[p.kind] under each row of weights.

    Parameters
    ----------
    p : Predictions
    weights : ndarray of float64, shape (samples, groups), optional
        How often each group counts; one row of ones without.

    Returns
    -------
    dict of str to ndarray of float64, shape (samples,)
        NaN where a metric is undefined, e.g. the area under the curve where only one class is left.
    """
    if weights is None:
        weights = np.ones((1, int(p.group.max(initial=-1)) + 1))
    step = max(1, CHUNK // max(1, len(p.y)))
    parts = [_figures(p, weights[at : at + step]) for at in range(0, len(weights), step)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def figure(p: Predictions, metric: str) -> float:
    """Return one metric, unweighted."""
    return float(figures(p)[metric][0])


def _figures(p: Predictions, weights: Weights) -> dict[str, NDArray[np.float64]]:
    with np.errstate(invalid="ignore", divide="ignore"):
        if p.kind == "regression":
            return _of_numbers(p, weights)
        table = _confusions(p, weights)
        out = _of_classes(p, table)
        out["brier"] = _brier(p, weights)
        if p.kind == "binary":
            is_positive = p.y == p.positive
            score = p.score[:, p.positive]
            out["roc_auc"], out["average_precision"] = ranked(is_positive, score, p.fold, weights, p.group)
        else:
            each = [
                ranked(p.y == k, p.score[:, k], p.fold, weights, p.group)[0] for k in range(p.score.shape[1])
            ]
            out["roc_auc"] = np.mean(each, axis=0)
    return out


def _confusions(p: Predictions, weights: Weights) -> NDArray[np.float64]:
    """Return weighted counts, shape (samples, true class, predicted class)."""
    k = p.score.shape[1]
    counts = np.zeros((weights.shape[1], k * k))
    np.add.at(counts, (p.group, p.y * k + p.predicted), 1)
    return (weights @ counts).reshape(-1, k, k)


def _of_classes(p: Predictions, table: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    hit = np.diagonal(table, axis1=1, axis2=2)
    true, said = table.sum(axis=2), table.sum(axis=1)
    recall = hit / true
    precision = np.where(said > 0, hit / said, 0.0)
    f1 = 2 * hit / (true + said)
    out = {
        "accuracy": hit.sum(axis=1) / table.sum(axis=(1, 2)),
        "balanced_accuracy": _mean_where(recall, true > 0),
        "f1": f1[:, p.positive] if p.kind == "binary" else _mean_where(f1, true + said > 0),
    }
    if p.kind == "binary":
        out |= {"precision": precision[:, p.positive], "recall": recall[:, p.positive]}
    return out


def _mean_where(values: NDArray[np.float64], defined: NDArray[np.bool_]) -> NDArray[np.float64]:
    out: NDArray[np.float64] = np.where(defined, values, 0).sum(axis=1) / defined.sum(axis=1)
    return out


def by_class(p: Predictions) -> list[dict[str, float]]:
    """Return precision, recall, F1 and support of every class."""
    table = _confusions(p, np.ones((1, int(p.group.max()) + 1)))[0]
    hit, true, said = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        columns = {
            "precision": hit / said,
            "recall": hit / true,
            "f1": 2 * hit / (true + said),
            "support": true,
        }
    return [{name: float(values[k]) for name, values in columns.items()} for k in range(len(table))]


def confusion(p: Predictions) -> NDArray[np.float64]:
    """Return counts, shape (true class, predicted class)."""
    table: NDArray[np.float64] = _confusions(p, np.ones((1, int(p.group.max()) + 1)))[0]
    return table


def _brier(p: Predictions, weights: Weights) -> NDArray[np.float64]:
    if p.kind == "binary":
        error = (p.probability[:, p.positive] - (p.y == p.positive)) ** 2
    else:
        error = ((p.probability - np.eye(p.probability.shape[1])[p.y]) ** 2).sum(axis=1)
    return _mean(error, p.group, weights)


def _mean(values: NDArray[np.float64], group: NDArray[np.int64], weights: Weights) -> NDArray[np.float64]:
    groups = weights.shape[1]
    total = weights @ np.bincount(group, values, groups)
    out: NDArray[np.float64] = total / (weights @ np.bincount(group, minlength=groups))
    return out


def _of_numbers(p: Predictions, weights: Weights) -> dict[str, NDArray[np.float64]]:
    error = p.predicted - p.y
    square = _mean(error**2, p.group, weights)
    spread = _mean(p.y**2, p.group, weights) - _mean(p.y, p.group, weights) ** 2
    return {"mae": _mean(np.abs(error), p.group, weights), "rmse": np.sqrt(square), "r2": 1 - square / spread}


def ranked(
    is_positive: NDArray[np.bool_],
    score: NDArray[np.float64],
    fold: NDArray[np.int64],
    weights: Weights,
    group: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return area under the ROC curve and average precision, shape (samples,) each.

    The area is the share of pairs within a fold, one positive and one negative, that are in the right order, ties
    counting half; average precision is the folds' mean, weighted by their positives.
    """
    n = len(weights)
    right, pairs, precision, positives = (np.zeros(n) for _ in range(4))
    for number in np.unique(fold):
        rows = np.flatnonzero(fold == number)
        rows = rows[np.argsort(score[rows], kind="stable")]
        starts = np.flatnonzero(np.r_[True, np.diff(score[rows]) > 0])
        w = weights[:, group[rows]]
        positive = np.add.reduceat(np.where(is_positive[rows], w, 0), starts, axis=1)
        negative = np.add.reduceat(np.where(is_positive[rows], 0, w), starts, axis=1)
        below = np.cumsum(negative, axis=1)
        right += (positive * (below - negative / 2)).sum(axis=1)
        total = positive.sum(axis=1)
        pairs += total * below[:, -1]
        above_positive = np.cumsum(positive[:, ::-1], axis=1)[:, ::-1]
        above_all = above_positive + np.cumsum(negative[:, ::-1], axis=1)[:, ::-1]
        precision += (
            positive * np.divide(above_positive, above_all, where=above_all > 0, out=np.zeros_like(above_all))
        ).sum(axis=1)
        positives += total
    with np.errstate(invalid="ignore", divide="ignore"):
        return right / pairs, precision / positives


def as_floats(values: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    """Return single-sample figures as plain numbers."""
    return {name: float(v[0]) for name, v in values.items()}
