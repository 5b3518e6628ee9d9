"""Figures of predictions, their uncertainty by a bootstrap over groups, and tests of their differences.

Figures are under weights of groups: all ones give the figure, bootstrap counts its distribution. sklearn.metrics is
used where no weights are needed: a bootstrap asks for a thousand weighted figures at once. scipy.stats.bootstrap draws
single observations and knows no clusters: applied to prints its intervals would be too narrow.

Ranks are compared within a fold only: scores of two differently fitted models share no scale, and pooling them would
push the area under the curve below one half where there is nothing to find.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from ridgefeat.bench.results import METRICS, Kind
from ridgefeat.threshold.intervals import fraction_interval, number_interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Weights = Floats
CHUNK = 4 << 20
"""Numbers that are held at once."""
MAX_GROUP_PAIRS = 4 << 20
"""Pairs of groups that are counted out once for all samples (32 MB); beyond that each sample ranks its rows."""
SAMPLES = 1000
MIN_SAMPLES = 40
MAX_WEIGHTS = 50_000_000
"""Maximal number of weights, rows times samples, in memory (400 MB)."""
MIN_DEFINED_SHARE = 0.5
"""Share of samples in which a figure must be defined for its interval to be given."""
SHARED_TRAINING = 2.0**0.5
"""How much wider an interval is where folds train each other.

In cross-validation two people each help to train the fold that tests the other, so that what they have in common by
chance counts twice, but a bootstrap of the finished scores takes it for two independent observations: the variance of a
figure of what was learned from noise is twice the bootstrap's (benchmarks/bench_calibration.py measures it). Where much
can be learned the intervals are wider than necessary.
"""
NUMBERS = frozenset({"mae", "rmse", "r2", "brier"})
"""Metrics that are not a fraction of prints or pairs; all but r2 are errors, which are never negative."""


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
    by_row: ClassVar[tuple[str, ...]] = ("y", "predicted", "score", "probability", "fold", "group")

    def select(self, rows: NDArray[Any]) -> Self:
        """Return the prints that an index array or mask picks."""
        return replace(self, **{name: getattr(self, name)[rows] for name in self.by_row})


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


def group_weights(groups: int, seed: int, samples: int = SAMPLES) -> Weights:
    """Return how often each group is drawn in each bootstrap sample; float64, shape (samples, groups)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(groups, np.full(groups, 1 / groups), samples).astype(np.float64)


def samples_for(rows: int, asked: int) -> int:
    """Return how many bootstrap samples a table of so many rows gets: fewer where all would not fit into memory.

    The rows' weights in all samples are held at once. From 50,000 rows on there are fewer than 1,000, but intervals are
    then so narrow that their ends need not be known as well.
    """
    return min(asked, max(MIN_SAMPLES, MAX_WEIGHTS // max(1, rows)))


def variance(samples: NDArray[np.float64], groups: int) -> float:
    """Return a figure's variance over groups; NaN where it is defined in too few bootstrap samples."""
    known = samples[np.isfinite(samples)]
    if len(known) < MIN_DEFINED_SHARE * len(samples):
        return float("nan")
    return float(known.var() * groups / max(1, groups - 1))


def with_intervals(p: Predictions, weights: Weights, names: Sequence[str]) -> dict[str, float]:
    """Return each metric with its 95 % interval: <metric>, <metric>_low, <metric>_high; NaN below 5 groups."""
    present = np.unique(p.group)
    # Groups without a print in the selection are left out.
    renumbered = replace(p, group=np.searchsorted(present, p.group))
    once, drawn = figures(renumbered, None, names), figures(renumbered, weights[:, present], names)
    factor = widening(p) ** 2
    out: dict[str, float] = {}
    for name in names:
        value = float(once[name][0])
        make = number_interval if name in NUMBERS else fraction_interval
        low, high = make(value, factor * variance(drawn[name], len(present)), len(present))
        out |= with_ends(name, (value, low if name == "r2" else max(low, 0.0), high))
    return out


def with_ends(name: str, values: Iterable[float]) -> dict[str, float]:
    """Return a value and the ends of its interval by their names in a table: name, name_low, name_high."""
    return dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))


def widening(p: Predictions) -> float:
    """Return how much wider than the bootstrap's an interval must be: 1 where one fit predicted everything."""
    return SHARED_TRAINING if len(np.unique(p.fold)) > 1 else 1.0


def difference(a: Predictions, b: Predictions, weights: Weights, metric: str) -> tuple[float, float, float]:
    """Return metric(a) - metric(b) and its 95 % interval, both under the same bootstrap samples; NaN if all agree."""
    only, groups = (metric,), len(np.unique(a.group))
    point = float(figures(a, None, only)[metric][0] - figures(b, None, only)[metric][0])
    drawn = figures(a, weights, only)[metric] - figures(b, weights, only)[metric]
    return point, *number_interval(point, widening(a) ** 2 * variance(drawn, groups), groups)


def corrected_t(differences: NDArray[np.float64], test_over_train: float) -> float:
    """Return the two-sided p value of folds' mean difference being zero, from those of all folds of all repeats.

    `test_over_train` are the prints (or groups) in a test fold over those in training. Folds share most of their
    training data, so that the plain t test is too optimistic: the variance of the mean is taken as (1/n + test/train)
    s² instead of s²/n, the corrected resampled t test of Nadeau and Bengio (2003).
    """
    d = differences[np.isfinite(differences)]
    n = len(d)
    if n < 2:
        return float("nan")
    variance = d.var(ddof=1)
    if variance == 0:
        return 1.0 if d.mean() == 0 else 0.0
    t = d.mean() / np.sqrt((1 / n + test_over_train) * variance)
    return float(2 * stats.t.sf(abs(t), n - 1))


def holm(p: Sequence[float]) -> NDArray[np.float64]:
    """Return p values adjusted for their number (Holm 1979); NaN stays NaN and does not count."""
    known = pd.Series(p, dtype=np.float64).dropna().sort_values(kind="stable")
    adjusted = (known * np.arange(len(known), 0, -1)).cummax().clip(upper=1)
    return np.asarray(adjusted.reindex(range(len(p))))


def group_numbers(names: NDArray[Any]) -> NDArray[np.int64]:
    """Return each row's group as a number from 0, in the order of the names; int64, shape (rows,)."""
    return np.unique(names.astype(str), return_inverse=True)[1].astype(np.int64)
