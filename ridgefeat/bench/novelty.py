"""Prints unlike those of training: a distance per family of columns, and cuts learned from people not yet seen."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata
from sklearn.base import BaseEstimator
from sklearn.covariance import LedoitWolf
from sklearn.model_selection import GroupKFold

from ridgefeat.bench.estimators import CLIP, AdaptivePCA
from ridgefeat.bench.metrics import Bools, Floats

COMPONENTS = 30
"""Maximal number of principal components of a family, and at most half its columns."""
REFUSED_SHARE = 0.005
"""Share of ordinary prints of unseen people that the cuts refuse: half of the 1 % that is the most to be refused."""
FOLDS = 5


class FamilyDistance(BaseEstimator):  # type: ignore[misc]
    """How far rows lie from the training rows: within the principal components (Mahalanobis) and away from them.

    Columns are centred and scaled by median and interquartile range, so that odd training rows do not widen them; gaps
    count as the median.
    """

    def fit(self, X: NDArray[Any], y: Any = None) -> FamilyDistance:
        """Measure the training rows, shape (rows, columns)."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of columns without any value, or with one alone
            self.median_ = np.nanmedian(X, axis=0)
            low, high = np.nanquantile(X, [0.25, 0.75], axis=0)
            self.scale_ = np.where(high > low, high - low, np.nanstd(X, axis=0))
            self.scale_[~(self.scale_ > 0)] = np.inf
            Z = self._scaled(X)
            self.pca_ = AdaptivePCA(max(1, min(COMPONENTS, X.shape[1] // 2))).fit(Z)
        self.covariance_ = LedoitWolf().fit(self.pca_.transform(Z))
        return self

    def transform(self, X: NDArray[Any]) -> Floats:
        """Return the logarithms of the two squared distances; float64, shape (rows, 2)."""
        Z = self._scaled(X)
        Y = self.pca_.transform(Z)
        # Where the components are all there is, nothing is left over but rounding errors.
        rest = Z - self.pca_.pca_.inverse_transform(Y) if Y.shape[1] < Z.shape[1] else np.zeros_like(Z)
        return np.asarray(np.log1p(np.stack([self.covariance_.mahalanobis(Y), (rest**2).sum(axis=1)], axis=1)))

    def _scaled(self, X: NDArray[Any]) -> Floats:
        Z = (np.asarray(X, np.float64) - self.median_) / self.scale_
        limit = CLIP if X.shape[1] > 1 else np.inf  # a column alone outweighs no other
        return np.asarray(np.clip(np.nan_to_num(Z), -limit, limit))


class NoveltyDetector(BaseEstimator):  # type: ignore[misc]
    """Which families of a print are unlike the training prints'.

    `families` are the numbers of each family's columns. The cuts are those that together refuse REFUSED_SHARE of the
    training prints when these are measured by fits to other people: each distance is exceeded by equally many prints.
    Where there are too few prints for so small a share, a normal distribution of the logarithms continues their tail.
    scikit-learn's EllipticEnvelope and OneClassSVM have a single distance, and set their cut on the rows of the fit.
    """

    def __init__(self, families: Mapping[str, Sequence[int]] | None = None) -> None:
        self.families = families

    def fit(self, X: NDArray[Any], groups: NDArray[Any]) -> NoveltyDetector:
        """Learn distances and cuts; X of shape (rows, columns), groups (people) of shape (rows,)."""
        n_folds = min(FOLDS, len(np.unique(groups)))
        held_out = [
            self._measure(self._fit(X[train]), X[test])
            for train, test in GroupKFold(n_folds, shuffle=True, random_state=0).split(X, groups=groups)
        ]
        d = np.concatenate(held_out)
        rank = np.stack([rankdata(-column, method="max") for column in d.T], axis=1).min(axis=1)
        exceeding = max(1, int(np.sort(rank)[int(REFUSED_SHARE * len(d))]))
        tail = d.mean(axis=0) + norm.isf(REFUSED_SHARE / d.shape[1]) * d.std(axis=0)
        self.cuts_ = np.maximum(np.sort(d, axis=0)[len(d) - exceeding], tail)
        self.distances_ = self._fit(X)
        return self

    def exceeded(self, X: NDArray[Any]) -> Bools:
        """Return whether a family is further than its cuts; shape (rows, families)."""
        beyond = self._measure(self.distances_, X) > self.cuts_
        return np.asarray(beyond.reshape(len(X), -1, 2).any(axis=2))

    def _fit(self, X: NDArray[Any]) -> list[FamilyDistance]:
        return [FamilyDistance().fit(X[:, columns]) for columns in (self.families or {}).values()]

    def _measure(self, fitted: Sequence[FamilyDistance], X: NDArray[Any]) -> Floats:
        """Return every family's distances, shape (rows, 2 families)."""
        parts = zip(fitted, (self.families or {}).values(), strict=True)
        return np.concatenate([distance.transform(X[:, columns]) for distance, columns in parts], axis=1)
