"""Estimators that scikit-learn lacks: clusters named by majority, neighbours of few rows, resampled training rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.cluster import KMeans
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import has_fit_parameter


class NamedClusters(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """k-means whose clusters take the class that is most over-represented in them.

    Parameters
    ----------
    clusters : int
        Number of clusters.
    balanced : bool
        Count every class as if it were as frequent as the others.
    random_state : int
        Of the start.
    """

    def __init__(self, clusters: int = 16, balanced: bool = True, random_state: int = 0) -> None:
        self.clusters = clusters
        self.balanced = balanced
        self.random_state = random_state

    def fit(self, X: NDArray[Any], y: NDArray[Any]) -> NamedClusters:
        """Cluster X, then name the clusters by y."""
        self.classes_, numbers = np.unique(y, return_inverse=True)
        k = min(self.clusters, len(X))
        self.kmeans_ = KMeans(k, n_init=2, max_iter=50, random_state=self.random_state).fit(X)
        counts = np.zeros((k, len(self.classes_)))
        np.add.at(counts, (self.kmeans_.labels_, numbers), 1)
        prior = counts.sum(axis=0) / counts.sum()
        # One print's worth of the whole keeps small clusters from certainty.
        counts += prior
        if self.balanced:
            counts /= prior
        self.shares_ = counts / counts.sum(axis=1, keepdims=True)
        return self

    def predict_proba(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return the class shares of each row's cluster."""
        out: NDArray[np.float64] = self.shares_[_nearest(self.kmeans_, X)]
        return out

    def predict(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return the class of each row's cluster."""
        out: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return out


class ClusterMeans(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """k-means whose clusters answer with the mean of their training rows."""

    def __init__(self, clusters: int = 16, random_state: int = 0) -> None:
        self.clusters = clusters
        self.random_state = random_state

    def fit(self, X: NDArray[Any], y: NDArray[Any]) -> ClusterMeans:
        """Cluster X, then average y in each cluster."""
        k = min(self.clusters, len(X))
        self.kmeans_ = KMeans(k, n_init=2, max_iter=50, random_state=self.random_state).fit(X)
        labels = self.kmeans_.labels_
        self.means_ = np.bincount(labels, y, k) / np.maximum(np.bincount(labels, minlength=k), 1)
        return self

    def predict(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return the mean of each row's cluster."""
        out: NDArray[np.float64] = self.means_[_nearest(self.kmeans_, X)]
        return out


def _nearest(kmeans: KMeans, X: NDArray[Any]) -> NDArray[Any]:
    """Return the cluster of each row; scikit-learn takes rows of its centres' type only."""
    out: NDArray[Any] = kmeans.predict(np.asarray(X, kmeans.cluster_centers_.dtype))
    return out


class _AtMostAll:
    """Asks for as many neighbours as there are training rows, where it should be more."""

    def kneighbors(self, X: Any = None, n_neighbors: int | None = None, return_distance: bool = True) -> Any:
        """Return distances and rows of the nearest."""
        whole: Any = self
        count = min(n_neighbors or whole.n_neighbors, whole.n_samples_fit_ - (X is None))
        return super().kneighbors(X, count, return_distance)  # type: ignore[misc]


class NearestClasses(_AtMostAll, KNeighborsClassifier):  # type: ignore[misc]
    """The classes of the nearest training rows."""


class NearestNumbers(_AtMostAll, KNeighborsRegressor):  # type: ignore[misc]
    """The mean of the nearest training rows' numbers."""


def _offers(name: str) -> Any:
    def check(self: Resampled) -> bool:
        return hasattr(self.estimator, name)

    return available_if(check)


class Resampled(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """Fit an estimator on training rows in which every class is as frequent as the others.

    The samplers of imbalanced-learn draw other rows for the same seed, and its pipeline hands `groups` on as they were
    before rows were drawn, so that a network cannot keep people apart while it is fitted.

    Parameters
    ----------
    estimator : estimator
        What is fitted.
    how : "under" or "over"
        Rows of frequent classes are left out at random, or those of rare ones drawn again.
    random_state : int
        Of the draw.
    """

    def __init__(self, estimator: Any, how: str = "under", random_state: int = 0) -> None:
        self.estimator = estimator
        self.how = how
        self.random_state = random_state

    def fit(self, X: NDArray[Any], y: NDArray[Any], groups: Any = None) -> Resampled:
        """Draw rows, then fit on them; the estimator is told their groups if it asks for them."""
        rng = np.random.default_rng(self.random_state)
        classes, counts = np.unique(y, return_counts=True)
        size = counts.min() if self.how == "under" else counts.max()
        rows = []
        for label in classes:
            own = np.flatnonzero(y == label)
            more = rng.choice(own, size - len(own)) if size > len(own) else own[:0]
            rows.append(np.r_[own, more] if size >= len(own) else rng.choice(own, size, replace=False))
        chosen = np.sort(np.concatenate(rows))
        asks = groups is not None and has_fit_parameter(self.estimator, "groups")
        given = {"groups": np.asarray(groups)[chosen]} if asks else {}
        self.estimator_ = clone(self.estimator).fit(X[chosen], y[chosen], **given)
        self.classes_ = self.estimator_.classes_
        return self

    def predict(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return the estimator's classes."""
        out: NDArray[Any] = self.estimator_.predict(X)
        return out

    @_offers("predict_proba")  # type: ignore[untyped-decorator]
    def predict_proba(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return the estimator's probabilities."""
        out: NDArray[np.float64] = self.estimator_.predict_proba(X)
        return out

    @_offers("decision_function")  # type: ignore[untyped-decorator]
    def decision_function(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return the estimator's decision values."""
        out: NDArray[np.float64] = self.estimator_.decision_function(X)
        return out
