"""Figures of predictions, under weights of groups: all ones give the figure, bootstrap counts its distribution.

sklearn.metrics is used where no weights are needed: a bootstrap asks for a thousand weighted figures at once.

Ranks are compared within a fold only: scores of two differently fitted models share no scale, and pooling them would
push the area under the curve below one half where there is nothing to find.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from ridgefeat.bench.results import METRICS, Kind

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Weights = Floats
CHUNK = 4 << 20
"""Numbers that are held at once."""
MAX_GROUP_PAIRS = 4 << 20
"""Pairs of groups that are counted out once for all samples (32 MB); beyond that each sample ranks its rows."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """One classifier's predictions for some prints: arrays with a row per print."""

    kind: Kind
    y: NDArray[Any]
    """Class numbers, int64, or numbers; `predicted` likewise."""
    predicted: NDArray[Any]
    score: Floats
    """By class, in any scale that grows with the class's likelihood; the last column counts where there are two
    classes. Shape (prints, 0) for numbers."""
    probability: Floats
    fold: Ints
    """Number of the fold that tested the print."""
    group: Ints
    """Number of its group, 0 to groups - 1."""
    positive: int = 1
    """Class number of precision and recall where there are two."""

    def select(self, rows: NDArray[Any]) -> Predictions:
        """Return the prints that an index array or mask picks."""
        by_row = ("y", "predicted", "score", "probability", "fold", "group")
        return replace(self, **{name: getattr(self, name)[rows] for name in by_row})


def figures(p: Predictions, weights: Weights | None = None, only: Collection[str] | None = None) -> dict[str, Floats]:
    """Return every metric of METRICS[p.kind] under each row of weights; shape (samples,).

    `weights`, shape (samples, groups), say how often each group counts; without them there is one row of ones. Metrics
    that are not in `only` are left out where that saves work. NaN where a metric is undefined, e.g. the area under the
    curve where only one class is left.
    """
    if weights is None:
        weights = np.ones((1, int(p.group.max(initial=-1)) + 1))
    wanted = METRICS[p.kind] if only is None else only
    with np.errstate(invalid="ignore", divide="ignore"):
        if p.kind == "regression":
            square, mae, mean_square, mean = (
                _mean(values, p.group, weights)
                for values in ((p.predicted - p.y) ** 2, np.abs(p.predicted - p.y), p.y**2, p.y)
            )
            return {"mae": mae, "rmse": np.sqrt(square), "r2": 1 - square / (mean_square - mean**2)}
        out = _of_classes(p, weights)
        columns = [p.positive] if p.kind == "binary" else list(range(p.score.shape[1]))
        if "brier" in wanted:
            error = (p.probability[:, columns] - (p.y[:, None] == columns)) ** 2
            out["brier"] = _mean(error.sum(axis=1), p.group, weights)
        if "roc_auc" in wanted:
            by_column = [areas(p.y == k, p.score[:, k], p.fold, weights, p.group) for k in columns]
            out["roc_auc"] = np.mean(by_column, axis=0)
        if "average_precision" in wanted and p.kind == "binary":
            out["average_precision"] = precisions(p.y == p.positive, p.score[:, p.positive], p.fold, weights, p.group)
    return out


def figure(p: Predictions, metric: str) -> float:
    """Return one metric, unweighted."""
    return float(figures(p, only=(metric,))[metric][0])


def _of_classes(p: Predictions, weights: Weights) -> dict[str, Floats]:
    k = p.score.shape[1]
    counts = np.zeros((weights.shape[1], k * k))
    np.add.at(counts, (p.group, p.y * k + p.predicted), 1)
    table = (weights @ counts).reshape(-1, k, k)  # samples, true class, predicted class
    hit = np.diagonal(table, axis1=1, axis2=2)
    true, predicted = table.sum(axis=2), table.sum(axis=1)
    recall = hit / true
    precision = np.where(predicted > 0, hit / predicted, 0.0)
    f1 = 2 * hit / (true + predicted)
    out = {
        "accuracy": hit.sum(axis=1) / table.sum(axis=(1, 2)),
        "balanced_accuracy": _mean_where(recall, true > 0),
        "f1": f1[:, p.positive] if p.kind == "binary" else _mean_where(f1, true + predicted > 0),
    }
    if p.kind == "binary":
        out |= {"precision": precision[:, p.positive], "recall": recall[:, p.positive]}
    return out


def _mean_where(values: Floats, defined: Bools) -> Floats:
    return np.asarray(np.where(defined, values, 0).sum(axis=1) / defined.sum(axis=1))


def by_class(p: Predictions) -> list[dict[str, float]]:
    """Return precision, recall, F1 and support of every class; NaN where one is undefined."""
    labels = range(p.score.shape[1])
    columns = precision_recall_fscore_support(p.y, p.predicted, labels=labels, zero_division=np.nan)
    names = ("precision", "recall", "f1", "support")
    return [dict(zip(names, map(float, row), strict=True)) for row in zip(*columns, strict=True)]


def confusion(p: Predictions) -> Ints:
    """Return counts, int64, shape (true class, predicted class)."""
    return np.asarray(confusion_matrix(p.y, p.predicted, labels=range(p.score.shape[1])))


def _mean(values: Floats, group: Ints, weights: Weights) -> Floats:
    groups = weights.shape[1]
    total = weights @ np.bincount(group, values, groups)
    return total / (weights @ np.bincount(group, minlength=groups))


def areas(is_positive: Bools, score: Floats, fold: Ints, weights: Weights, group: Ints) -> Floats:
    """Return the area under the ROC curve, shape (samples,).

    It is the share of pairs within a fold, one positive and one negative, that are in the right order, ties counting
    half. Pairs are counted once for each two groups, and a sample then only weights those counts; where there are too
    many groups for that, each sample ranks its rows. Counts are whole or half, so that both give exactly the same.
    """
    right, pairs = np.zeros(len(weights)), np.zeros(len(weights))
    for number in np.unique(fold):
        rows = np.flatnonzero(fold == number)
        above, below = rows[is_positive[rows]], rows[~is_positive[rows]]
        if not len(above) or not len(below):
            continue
        if len(np.unique(group[above])) * len(np.unique(group[below])) > MAX_GROUP_PAIRS:
            right += _won_by_rank(score[rows], is_positive[rows], weights, group[rows])
        else:
            wins, one, other = _wins(score[above], group[above], score[below], group[below])
            right += ((weights[:, one] @ wins) * weights[:, other]).sum(axis=1)
        sizes = [weights @ np.bincount(group[own], minlength=weights.shape[1]) for own in (above, below)]
        pairs += sizes[0] * sizes[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return right / pairs


def _wins(score: Floats, group: Ints, beaten: Floats, whose: Ints) -> tuple[Floats, Ints, Ints]:
    """Return how many pairs of each two groups are in order, and the groups of its rows and columns."""
    order = np.argsort(whose, kind="stable")
    other, starts = np.unique(whose[order], return_index=True)
    beaten = beaten[order]
    one = np.unique(group)
    wins = np.zeros((len(one), len(other)))
    step = max(1, CHUNK // len(beaten))
    for at in range(0, len(score), step):
        s = score[at : at + step, None]
        order_of = (s > beaten).astype(np.float64) + 0.5 * (s == beaten)
        by_group = np.add.reduceat(order_of, starts, axis=1)
        np.add.at(wins, np.searchsorted(one, group[at : at + step]), by_group)
    return wins, one, other


def _won_by_rank(score: Floats, is_positive: Bools, weights: Weights, group: Ints) -> Floats:
    """Return the weight of a fold's pairs that are in order, shape (samples,), from its rows in order of score."""
    order = np.argsort(score, kind="stable")
    score, is_positive, group = score[order], is_positive[order], group[order]
    starts = np.flatnonzero(np.r_[True, score[1:] > score[:-1]])
    step = max(1, CHUNK // len(score))
    parts = []
    for at in range(0, len(weights), step):
        w = weights[at : at + step, group]
        above = np.add.reduceat(w * is_positive, starts, axis=1)
        below = np.add.reduceat(w * ~is_positive, starts, axis=1)
        parts.append((above * (np.cumsum(below, axis=1) - below / 2)).sum(axis=1))
    return np.concatenate(parts)


def precisions(is_positive: Bools, score: Floats, fold: Ints, weights: Weights, group: Ints) -> Floats:
    """Return average precision, the folds' mean weighted by their positives; shape (samples,)."""
    step = max(1, CHUNK // max(1, len(score)))
    parts = []
    for at in range(0, len(weights), step):
        precision, positives = np.zeros(len(weights[at : at + step])), np.zeros(len(weights[at : at + step]))
        for number in np.unique(fold):
            rows = np.flatnonzero(fold == number)
            rows = rows[np.argsort(-score[rows], kind="stable")]
            w = weights[at : at + step, group[rows]]
            hits = np.cumsum(w * is_positive[rows], axis=1)
            seen = np.cumsum(w, axis=1)
            ends = np.flatnonzero(np.r_[np.diff(score[rows]) < 0, True])
            hits, seen = hits[:, ends], seen[:, ends]
            precision += (np.diff(hits, axis=1, prepend=0) * (hits / np.maximum(seen, 1e-300))).sum(axis=1)
            positives += hits[:, -1]
        with np.errstate(invalid="ignore", divide="ignore"):
            parts.append(precision / positives)
    return np.concatenate(parts)
