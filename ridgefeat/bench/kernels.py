"""Support vector machine with radial basis functions whose width follows the number of columns.

The kernel is computed by matrix products before libsvm sees it, which is far quicker than libsvm's own loops.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC, SVR

MOST_ROWS = 12_000
"""Training rows beyond which the kernel is left to libsvm, for it would not fit in memory (1.2 GB)."""


class _Rbf(BaseEstimator):  # type: ignore[misc]
    """The kernel, exp(-spread |a - b|² / (columns · variance)), and what is kept of the training rows."""

    spread: float
    svm_: Any

    def _fit(self, svm: Any, X: NDArray[Any], y: NDArray[Any]) -> None:
        X = np.asarray(X, np.float32)
        self.gamma_ = self.spread / (X.shape[1] * (float(X.var()) or 1.0))
        self.rows_ = X
        if len(X) > MOST_ROWS:
            self.svm_ = svm.set_params(kernel="rbf", gamma=self.gamma_).fit(X, y)
        else:
            self.svm_ = svm.set_params(kernel="precomputed").fit(self._against(X, whole=True), y)

    def _against(self, X: NDArray[Any], whole: bool = False) -> NDArray[Any]:
        X = np.asarray(X, np.float32)
        if not whole and self.svm_.kernel == "rbf":
            return X
        return np.asarray(rbf_kernel(X, self.rows_, gamma=self.gamma_), np.float64)

    def predict(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return the class or number of each row."""
        out: NDArray[Any] = self.svm_.predict(self._against(X))
        return out


class RbfClassifier(ClassifierMixin, _Rbf):  # type: ignore[misc]
    """Classes by an RBF support vector machine.

    Parameters
    ----------
    C : float
        Inverse strength of the penalty.
    spread : float
        Inverse width: 1 is scikit-learn's gamma="scale".
    class_weight : "balanced" or None
    """

    def __init__(self, C: float = 3.0, spread: float = 0.3, class_weight: str | None = None) -> None:
        self.C = C
        self.spread = spread
        self.class_weight = class_weight

    def fit(self, X: NDArray[Any], y: NDArray[Any]) -> RbfClassifier:
        """Fit on rows X."""
        svm = SVC(C=self.C, class_weight=self.class_weight, cache_size=500)
        self._fit(svm, X, y)
        self.classes_ = self.svm_.classes_
        return self

    def decision_function(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return signed distances; of each class against the rest where there are several."""
        out: NDArray[np.float64] = self.svm_.decision_function(self._against(X))
        return out


class RbfRegressor(RegressorMixin, _Rbf):  # type: ignore[misc]
    """Numbers by an RBF support vector machine; the target is standardised inside."""

    def __init__(self, C: float = 1.0, spread: float = 0.3) -> None:
        self.C = C
        self.spread = spread

    def fit(self, X: NDArray[Any], y: NDArray[Any]) -> RbfRegressor:
        """Fit on rows X."""
        self.mean_, self.deviation_ = float(np.mean(y)), float(np.std(y)) or 1.0
        self._fit(SVR(C=self.C, cache_size=500), X, (y - self.mean_) / self.deviation_)
        return self

    def predict(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return the number of each row."""
        out: NDArray[np.float64] = super().predict(X) * self.deviation_ + self.mean_
        return out
