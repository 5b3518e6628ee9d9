"""Principal components, as many as there are to be had."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA

EXACT = 3000
"""Columns up to which the covariance is decomposed; beyond it a random projection is far quicker."""


class Components(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """PCA that keeps `count` components, or as many as rows and columns allow, where scikit-learn's refuses to fit."""

    def __init__(self, count: int = 200, random_state: int = 0) -> None:
        self.count = count
        self.random_state = random_state

    def fit(self, X: NDArray[Any], y: Any = None) -> Components:
        """Find the components."""
        X = np.asarray(X, np.float32)
        most = min(self.count, X.shape[0] - 1, X.shape[1])
        solver = "covariance_eigh" if X.shape[1] <= EXACT else "randomized"
        self.pca_ = PCA(max(1, most), svd_solver=solver, random_state=self.random_state).fit(X)
        return self

    def transform(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return the components' scores, as exact as X is: float32 or float64."""
        out: NDArray[Any] = self.pca_.transform(X)
        return out
