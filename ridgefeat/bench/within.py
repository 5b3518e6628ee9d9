"""Columns standardised within the levels of a label (each finger on its own), fitted on training rows only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from ridgefeat.errors import TableError

if TYPE_CHECKING:
    import pandas as pd

LEAST_ROWS = 10
"""Rows of a level below which it is measured by the whole instead."""
REACH = 8.0
"""Deviations beyond which a value is cut off: a level of few rows makes outliers of what is ordinary."""


class Within(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Standardise every column within the level that the last column numbers, and drop that column.

    The last column of X holds a level's number as `level_codes` gives it; -1 and levels not seen in training are
    measured by the whole training set. No target is used. NaN stays NaN. scikit-learn's scalers know no levels.

    Attributes
    ----------
    mean_, deviation_ : ndarray of float64, shape (levels + 1, columns)
        By level; the last row is the whole.
    """

    def fit(self, X: NDArray[Any], y: Any = None) -> Within:
        """Measure every level, X of shape (rows, columns + 1)."""
        X = np.asarray(X)
        values, code = X[:, :-1].astype(np.float64), X[:, -1].astype(int)
        whole = _moments(values)
        rows = []
        for level in range(code.max(initial=-1) + 1):
            inside = values[code == level]
            mean, deviation = _moments(inside) if len(inside) >= LEAST_ROWS else whole
            rows.append((np.where(np.isnan(mean), whole[0], mean), np.where(deviation > 0, deviation, whole[1])))
        rows.append(whole)
        self.mean_ = np.array([m for m, _ in rows])
        self.deviation_ = np.array([d for _, d in rows])
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return shape (rows, columns), as exact as X is: float32 or float64."""
        X = np.asarray(X)
        code = X[:, -1].astype(int)
        last = len(self.mean_) - 1
        code = np.where((code < 0) | (code >= last), last, code)
        out = (X[:, :-1] - self.mean_[code]) / self.deviation_[code]
        cut: NDArray[Any] = np.clip(out, -REACH, REACH).astype(np.result_type(X, np.float32))
        return cut


def _moments(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0).sum(axis=0) / count
    variance = (np.where(known, values - mean, 0) ** 2).sum(axis=0) / count
    # Rounding leaves a deviation of 1e-8 where there is none.
    deviation = np.where(variance > 1e-12 * np.maximum(mean**2, 1e-12), np.sqrt(variance), 1.0)
    return np.where(known.any(axis=0), mean, np.nan), deviation


def level_names(labels: pd.DataFrame, columns: Sequence[str]) -> NDArray[Any]:
    """Return each row's level as text, "left index" for hand and finger; shape (rows,), missing as "".

    Raises
    ------
    TableError
        If a column is missing.
    """
    if lacking := [c for c in columns if c not in labels.columns]:
        raise TableError(f"the table has no column {lacking[0]!r} to standardise within")
    parts = labels[list(columns)]
    cells = zip(*(parts[c].tolist() for c in columns), strict=True)
    names = np.array([" ".join(map(str, row)) for row in cells], object)
    names[parts.isna().any(axis=1).to_numpy()] = ""
    return names


def level_codes(names: NDArray[Any], levels: Sequence[str]) -> NDArray[np.float32]:
    """Return the number of each name in `levels`, -1 for one that is not there; float32, shape (rows,)."""
    where = {name: i for i, name in enumerate(levels)}
    return np.array([where.get(n, -1) for n in names], np.float32)
