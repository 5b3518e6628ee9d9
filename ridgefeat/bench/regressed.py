"""Columns with what others explain of them taken out, learned from training rows only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import Ridge

FAR = 3.0
"""Deviations beyond which a circumstance's square grows no more."""


class Regressed(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Take out of each column what the last `count` columns and their squares explain of it, and drop those.

    Columns are expected standardised and without gaps. scikit-learn has no transformer that gives residuals.

    Parameters
    ----------
    count : int
        How many of the last columns are explained away.
    alpha : float
        Penalty of the regression.
    """

    def __init__(self, count: int = 1, alpha: float = 10.0) -> None:
        self.count = count
        self.alpha = alpha

    def fit(self, X: NDArray[Any], y: Any = None) -> Regressed:
        """Regress the columns on the last ones."""
        X = np.asarray(X)
        self.regression_ = Ridge(alpha=self.alpha).fit(self._design(X), X[:, : -self.count])
        return self

    def transform(self, X: NDArray[Any]) -> NDArray[np.float32]:
        """Return what is left of the columns; float32, shape (rows, columns - count)."""
        X = np.asarray(X)
        # Of one column alone the regression gives a plain vector.
        explained = self.regression_.predict(self._design(X)).reshape(len(X), -1)
        left: NDArray[np.float32] = (X[:, : -self.count] - explained).astype(np.float32)
        return left

    def _design(self, X: NDArray[Any]) -> NDArray[np.float64]:
        known = X[:, -self.count :].astype(np.float64)
        return np.concatenate([known, np.clip(known, -FAR, FAR) ** 2], axis=1)
