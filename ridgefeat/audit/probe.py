"""How well one column alone predicts the target, measured on groups that it was not fitted to.

Every column is cut into bins on the training groups; a bin predicts its share of each class there. No shape is
assumed, so that a stump, a threshold, a category and a gap are all found, and a thousand columns take a second.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from ridgefeat.audit.table import AuditTable, Index
from ridgefeat.structure import Bool

FOLDS = 4
BINS = 16
MAX_CLASSES = 50
"""Classes that are compared; the rarest ones beyond are left out."""
PRIOR_PRINTS = 20.0
"""Prints with the overall shares of the classes that are added to each bin."""
SAME_SHARE = 1e-12
"""Difference up to which two bins have the same share of a class."""
COLUMNS_AT_ONCE = 64
SHRINKAGE = 0.01
"""Share of the standardised columns' variance that the regression on all of them adds to its diagonal."""
SEED = 0
SIGNIFICANT_DEVIATIONS = 4.0
"""Standard deviations above one half from which an area under the curve is no chance."""

Codes = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ColumnProbe:
    """The folds and classes with which columns are probed."""

    rows: Index
    """Prints with a target, shape (n,)."""
    classes: Index
    """Their class; of a quantity, whether it is above the median."""
    fold: Index
    """The fold in which each is tested, the same for a whole group."""
    deviation: float
    """Standard deviation of the area under the curve of an uninformative column."""
    min_auc: float
    """Area under the curve below which no column is reported, however significant it is."""

    def of_numbers(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the area under the ROC curve of numeric columns, (prints, columns) -> (columns,)."""
        starts = range(0, values.shape[1], COLUMNS_AT_ONCE)
        parts = [self._areas(values[self.rows, at : at + COLUMNS_AT_ONCE]) for at in starts]
        return np.concatenate([np.zeros(0), *parts])

    def of_codes(self, codes: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return the same for columns of codes from 0 on."""
        own = codes[self.rows].astype(np.int64)
        return self._areas(own, int(own.max(initial=0)) + 1)

    def of_all(self, values: NDArray[np.float32]) -> float:
        """Return the area under the ROC curve of a linear combination of all columns (ridge regression)."""
        known = values[self.rows]
        usable = np.isfinite(known)
        count = np.maximum(usable.sum(axis=0), 1)
        known = np.where(usable, known, 0)
        known -= np.where(usable, known.sum(axis=0) / count, 0).astype(np.float32)
        deviation = np.sqrt(np.einsum("ij,ij->j", known, known) / count)
        known = known[:, deviation > 0] / deviation[deviation > 0]
        wanted = np.eye(self.classes.max() + 1, dtype=np.float32)[self.classes]
        parts = [known[self.fold == k] for k in range(FOLDS)]
        squares = [part.T @ part for part in parts]
        products = [part.T @ (wanted[self.fold == k] - wanted.mean(axis=0)) for k, part in enumerate(parts)]
        areas = []
        for k, part in enumerate(parts):
            square = sum(squares) - squares[k]
            square[np.diag_indices_from(square)] += SHRINKAGE * len(known)
            score = part @ np.linalg.solve(square, sum(products) - products[k])
            for c, own in enumerate(wanted[self.fold == k].T > 0):
                if own.any() and not own.all():
                    areas.append(roc_auc_score(own, score[:, c]))
        return float(np.mean(areas)) if areas else 0.5

    def is_significant(self, area: NDArray[np.float64] | float, min_auc: float | None = None) -> NDArray[np.bool_]:
        """Return which areas under the curve are beyond chance, and at least `min_auc`."""
        lowest = self.min_auc if min_auc is None else min_auc
        return np.asarray(area >= max(lowest, 0.5 + SIGNIFICANT_DEVIATIONS * self.deviation))

    def _areas(self, values: NDArray[Any], n_codes: int = 0) -> NDArray[np.float64]:
        """Return the areas of columns of numbers, or of codes where their number is given."""
        collected = []
        n_classes = int(self.classes.max()) + 1
        for k in range(FOLDS):
            test = self.fold == k
            codes, bins = (values, n_codes) if n_codes else _binned(values, ~test)
            trained = _counts(codes[~test], self.classes[~test], bins, n_classes)
            tested = _counts(codes[test], self.classes[test], bins, n_classes)
            collected.append(_area(trained, tested))
        with warnings.catch_warnings():
            # A class that is missing in a fold has no area there; a column without any is uninformative.
            warnings.simplefilter("ignore", RuntimeWarning)
            areas = np.nanmean(np.nanmean(collected, axis=0), axis=1)
        return np.where(np.isnan(areas), 0.5, areas)


def make_probe(table: AuditTable) -> ColumnProbe | None:
    """Return the folds by group for a table, or None where it has too few groups or one class."""
    codes = table.target_codes.copy()
    if table.quantity:
        numbers = table.frame[table.target].to_numpy(np.float64, na_value=np.nan)
        codes = np.where(codes >= 0, (numbers > np.nanmedian(numbers)).astype(np.intp), -1)
    frequent = np.argsort(-np.bincount(codes[codes >= 0]), kind="stable")[:MAX_CLASSES]
    rows = np.flatnonzero(np.isin(codes, frequent))
    _, classes = np.unique(codes[rows], return_inverse=True)
    groups, group = np.unique(table.group_codes[rows], return_inverse=True)
    if len(groups) < table.limits.min_groups or classes.max(initial=0) == 0:
        return None
    shuffled = np.random.default_rng(SEED).permutation(len(groups)) % FOLDS
    return ColumnProbe(rows, classes, shuffled[group], _deviation(table, classes, group), table.limits.trait_auc)


def _deviation(table: AuditTable, classes: Index, group: Index) -> float:
    """Return the deviation by chance (Hanley and McNeil 1982): of groups where the target belongs to them, else of
    prints."""
    if table.belongs_to_group:
        classes = np.unique(np.stack([group, classes]), axis=1)[1]
    counts = np.bincount(classes)
    few = int(counts.min())
    rest = int(counts.sum()) - few
    return float(np.sqrt((few + rest + 1) / (12.0 * few * max(rest, 1))))


def _binned(values: NDArray[np.floating], train: Bool) -> tuple[Codes, int]:
    """Return each value's bin among the training prints' quantiles; missing values have one of their own, the last."""
    codes = np.empty(values.shape, np.int64)
    for j, column in enumerate(values.T):
        known = column[train]
        known = known[np.isfinite(known)]
        # Actual values, so that each value of a column with few of them gets a bin.
        edges = np.unique(known)
        if len(edges) > BINS:
            edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS, method="higher"))
        codes[:, j] = np.searchsorted(edges, column, side="right")
    codes[~np.isfinite(values)] = BINS + 1
    return codes, BINS + 2


def _counts(codes: Codes, classes: Index, bins: int, number: int) -> NDArray[np.float64]:
    """Return how many prints of each class fall into each bin, shape (columns, bins, classes)."""
    columns = codes.shape[1]
    place = (np.arange(columns) * bins + codes) * number + classes[:, None]
    counts = np.bincount(place.ravel(), minlength=columns * bins * number)
    return np.asarray(counts.reshape(columns, bins, number), np.float64)


def _area(trained: NDArray[np.float64], tested: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the area under the ROC curve of each class against the rest, shape (columns, classes)."""
    prior = trained.sum(axis=1, keepdims=True)
    prior = prior / prior.sum(axis=2, keepdims=True)
    share = (trained + PRIOR_PRINTS * prior) / (trained.sum(axis=2, keepdims=True) + PRIOR_PRINTS)
    order = np.argsort(share, axis=1, kind="stable")
    negative = tested.sum(axis=2, keepdims=True) - tested
    share, positive, negative = (np.take_along_axis(part, order, axis=1) for part in (share, tested, negative))
    # Of each bin the negatives with a smaller share, and half of those with the same.
    through = np.cumsum(negative, axis=1)
    apart = np.diff(share, axis=1, prepend=-np.inf, append=np.inf) > SAME_SHARE
    first = np.maximum.accumulate(np.where(apart[:, :-1], through - negative, 0), axis=1)
    last = np.minimum.accumulate(np.where(apart[:, 1:], through, np.inf)[:, ::-1], axis=1)[:, ::-1]
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    area = np.full(pairs.shape, np.nan)
    np.divide((positive * (first + last) / 2).sum(axis=1), pairs, out=area, where=pairs > 0)
    return area
