"""Estimators that scikit-learn lacks.

Clusters named by majority, neighbours of few rows, resampled training rows, columns standardised within levels, and
sensors harmonised: what a site adds to every column, in location and scale, is learned on training people.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    OneToOneFeatureMixin,
    RegressorMixin,
    TransformerMixin,
    clone,
)
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, LinearSVR
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, has_fit_parameter, validate_data


class NamedClusters(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """k-means whose clusters take the class that is most over-represented in them.

    Where `balanced`, every class counts as if it were as frequent as the others.
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
        # One print with the overall shares keeps small clusters from certainty.
        counts += prior
        if self.balanced:
            counts /= prior
        self.shares_ = counts / counts.sum(axis=1, keepdims=True)
        return self

    def predict_proba(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return the class shares of each row's cluster."""
        return np.asarray(self.shares_[_nearest(self.kmeans_, X)])

    def predict(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return the class of each row's cluster."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


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
        return np.asarray(self.means_[_nearest(self.kmeans_, X)])


def _nearest(kmeans: KMeans, X: NDArray[Any]) -> NDArray[Any]:
    """Return the cluster of each row; scikit-learn takes rows of its centres' type only."""
    return np.asarray(kmeans.predict(np.asarray(X, kmeans.cluster_centers_.dtype)))


class _BoundedNeighbours:
    """At most as many neighbours as there are training rows."""

    def kneighbors(self, X: Any = None, n_neighbors: int | None = None, return_distance: bool = True) -> Any:
        """Return distances and rows of the nearest."""
        whole: Any = self
        count = min(n_neighbors or whole.n_neighbors, whole.n_samples_fit_ - (X is None))
        return super().kneighbors(X, count, return_distance)  # type: ignore[misc]


class NearestClasses(_BoundedNeighbours, KNeighborsClassifier):  # type: ignore[misc]
    """The classes of the nearest training rows."""


class NearestNumbers(_BoundedNeighbours, KNeighborsRegressor):  # type: ignore[misc]
    """The mean of the nearest training rows' numbers."""


class Resampler(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """Fit an estimator on training rows in which every class is as frequent as the others.

    Rows of frequent classes are left out at random (`how` "under"), or those of rare ones drawn again ("over"). The
    samplers of imbalanced-learn draw other rows for the same seed, and its pipeline hands `groups` on as they were
    before rows were drawn, so that a network cannot keep people apart while it is fitted.
    """

    def __init__(self, estimator: Any, how: str = "under", random_state: int = 0) -> None:
        self.estimator = estimator
        self.how = how
        self.random_state = random_state

    def fit(self, X: NDArray[Any], y: NDArray[Any], groups: Any = None) -> Resampler:
        """Draw rows, then fit on them; their groups are passed to an estimator that takes them."""
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
        return np.asarray(self.estimator_.predict(X))

    @available_if(lambda self: hasattr(self.estimator, "predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return the estimator's probabilities."""
        return np.asarray(self.estimator_.predict_proba(X))

    @available_if(lambda self: hasattr(self.estimator, "decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return the estimator's decision values."""
        return np.asarray(self.estimator_.decision_function(X))


MAX_EXACT_COLUMNS = 3000
"""Columns up to which the covariance is decomposed; beyond that a randomized solver is far quicker."""


class AdaptivePCA(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """PCA that keeps `count` components, or as many as rows and columns allow; scikit-learn's refuses to fit then."""

    def __init__(self, count: int = 200, random_state: int = 0) -> None:
        self.count = count
        self.random_state = random_state

    def fit(self, X: NDArray[Any], y: Any = None) -> AdaptivePCA:
        """Find the components."""
        X = np.asarray(X, np.float32)
        most = min(self.count, X.shape[0] - 1, X.shape[1])
        solver = "covariance_eigh" if X.shape[1] <= MAX_EXACT_COLUMNS else "randomized"
        self.pca_ = PCA(max(1, most), svd_solver=solver, random_state=self.random_state).fit(X)
        return self

    def transform(self, X: NDArray[Any]) -> NDArray[Any]:
        """Return the components' scores, as exact as X is: float32 or float64."""
        return np.asarray(self.pca_.transform(X))


MAX_KERNEL_ROWS = 12_000
"""Training rows beyond which libsvm computes the kernel, because it would not fit in memory (1.2 GB)."""


class _Rbf(BaseEstimator):  # type: ignore[misc]
    """The kernel, exp(-spread |a - b|² / (columns · variance)), and what is kept of the training rows."""

    spread: float
    svm_: Any

    def _fit(self, svm: Any, X: NDArray[Any], y: NDArray[Any]) -> None:
        X = np.asarray(X, np.float32)
        self.gamma_ = self.spread / (X.shape[1] * (float(X.var()) or 1.0))
        self.rows_ = X
        if len(X) > MAX_KERNEL_ROWS:
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
        return np.asarray(self.svm_.predict(self._against(X)))


class RbfClassifier(ClassifierMixin, _Rbf):  # type: ignore[misc]
    """Classes by an RBF support vector machine; `spread` is an inverse width, 1 is scikit-learn's gamma="scale"."""

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
        return np.asarray(self.svm_.decision_function(self._against(X)))


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
        return super().predict(X) * self.deviation_ + self.mean_


SQUARE_CLIP = 3.0
"""Deviations beyond which the square of a removed column does not grow."""


class StandardisedLinearSVR(LinearSVR):  # type: ignore[misc]
    """A linear support vector machine for numbers of any size: its loss and penalty assume a target of deviation 1."""

    def fit(self, X: NDArray[Any], y: NDArray[Any], sample_weight: NDArray[Any] | None = None) -> StandardisedLinearSVR:
        """Fit the standardised target."""
        self.target_mean_, self.target_deviation_ = float(np.mean(y)), float(np.std(y)) or 1.0
        super().fit(X, (y - self.target_mean_) / self.target_deviation_, sample_weight)
        return self

    def predict(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return numbers on the target's scale."""
        return np.asarray(super().predict(X) * self.target_deviation_ + self.target_mean_)


MAX_REMOVED = 60


class Residualizer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Remove from each column what the last `count` columns and their squares explain of it, and drop those.

    Columns are expected standardised and without gaps; `alpha` is the penalty of the regression. More than MAX_REMOVED
    columns are replaced by their first principal components: a thousand would explain noise as well. scikit-learn has
    no transformer that gives residuals.
    """

    def __init__(self, count: int = 1, alpha: float = 10.0) -> None:
        self.count = count
        self.alpha = alpha

    def fit(self, X: NDArray[Any], y: Any = None) -> Residualizer:
        """Regress the columns on the last ones."""
        X = np.asarray(X)
        if self.count > MAX_REMOVED:
            reduction = make_pipeline(PCA(min(MAX_REMOVED, len(X) - 1), random_state=0), StandardScaler())
            self.reduction_ = reduction.fit(X[:, -self.count :])
        self.regression_ = Ridge(alpha=self.alpha).fit(self._design(X), X[:, : -self.count])
        return self

    def transform(self, X: NDArray[Any]) -> NDArray[np.float32]:
        """Return what is left of the columns; float32, shape (rows, columns - count)."""
        X = np.asarray(X)
        # Of one column alone the regression gives a plain vector.
        explained = self.regression_.predict(self._design(X)).reshape(len(X), -1)
        return np.asarray(X[:, : -self.count] - explained, np.float32)

    def _design(self, X: NDArray[Any]) -> NDArray[np.float64]:
        known = X[:, -self.count :].astype(np.float64)
        if self.count > MAX_REMOVED:
            known = self.reduction_.transform(known)
        return np.concatenate([known, np.clip(known, -SQUARE_CLIP, SQUARE_CLIP) ** 2], axis=1)


MIN_ROWS = 10
"""Rows of a level below which the whole training set's mean and deviation are used."""
CLIP = 8.0
"""Deviations at which a value is clipped: a level of few rows makes ordinary values outliers."""


class GroupScaler(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Standardise every column within the level that the last column numbers, and drop that column.

    The last column of X holds a level's number as `level_codes` gives it; for -1 and levels not seen in training, the
    whole training set's mean and deviation are used. No target is used. NaN stays NaN. scikit-learn's scalers know no
    levels. `mean_` and `deviation_`, shape (levels + 1, columns), are by level; the last row is the whole.
    """

    def fit(self, X: NDArray[Any], y: Any = None) -> GroupScaler:
        """Measure every level, X of shape (rows, columns + 1)."""
        X = np.asarray(X)
        values, code = X[:, :-1].astype(np.float64), X[:, -1].astype(int)
        whole = _moments(values)
        rows = []
        for level in range(code.max(initial=-1) + 1):
            inside = values[code == level]
            mean, deviation = _moments(inside) if len(inside) >= MIN_ROWS else whole
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
        return np.asarray(np.clip(out, -CLIP, CLIP), np.result_type(X, np.float32))


def _moments(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0).sum(axis=0) / count
    variance = (np.where(known, values - mean, 0) ** 2).sum(axis=0) / count
    # Rounding leaves a deviation of 1e-8 in a constant column.
    deviation = np.where(variance > 1e-12 * np.maximum(mean**2, 1e-12), np.sqrt(variance), 1.0)
    return np.where(known.any(axis=0), mean, np.nan), deviation


ITERATIONS = 100
TOLERANCE = 1e-4
"""Relative change of a site's location and scale at which their estimation ends."""
MIN_VARIANCE = 1e-12
"""Variance within sites, relative to the square of the mean, below which a column is constant but for rounding."""


class _Effect(NamedTuple):
    """What a site adds to each column, in units of the deviation within sites; shape (columns,)."""

    location: NDArray[np.float64]
    scale: NDArray[np.float64]


class Harmonizer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Take each site's location and scale off every column (ComBat: Johnson, Li and Rabinovic, Biostatistics 2007).

    A site is a sensor, a database or a laboratory. Its effects on all columns are shrunk towards their common
    distribution (empirical Bayes), the more so the fewer rows the site has. What is learned of training rows is
    applied to others of the same sites. Rows of a site that was not there give its effects themselves: no label is
    needed, but all of its rows must be transformed at once.

    Location and scale are all that is taken off. A classifier that reads other differences, of the distributions'
    shapes or between columns, may still recognise the site (benchmarks/selection.py measures it).

    No target is used. If sites differ in their shares of classes, that difference is taken off with the site's.
    ComBat as published keeps it by covariates, which are not known of a print to be predicted.

    Parameters
    ----------
    site : int
        Column of X with a number for each site. It is dropped; columns behind it stay as they are.

    Attributes
    ----------
    mean_, deviation_ : ndarray, shape (columns,)
        Of all sites together; within sites.
    effects_ : dict of int to (location, scale)

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> site = np.arange(200) % 2
    >>> X = np.c_[rng.normal(size=(200, 3)) + 5 * site[:, None], site]
    >>> made = Harmonizer().fit_transform(X)
    >>> bool(np.abs(made[site == 0].mean(axis=0) - made[site == 1].mean(axis=0)).max() < 0.2)
    True
    """

    def __init__(self, site: int = -1) -> None:
        self.site = site

    def fit(self, X: Any, y: Any = None) -> Harmonizer:
        """Learn the effects of sites from X, shape (rows, columns), NaN where missing."""
        X = validate_data(self, X, ensure_all_finite="allow-nan", dtype=np.float64, ensure_min_features=2)
        values, site = self._take(X)
        self.mean_ = _mean(values)
        squares = np.zeros(values.shape[1])
        for one in np.unique(site):
            inside = values[site == one]
            squares += np.nansum((inside - _mean(inside)) ** 2, axis=0)
        variance = squares / np.maximum(np.isfinite(values).sum(axis=0), 1)
        self.constant_ = variance <= MIN_VARIANCE * np.maximum(self.mean_**2, MIN_VARIANCE)
        self.deviation_ = np.where(self.constant_, 1.0, np.sqrt(variance))
        self.effects_ = {int(one): self._effect(values[site == one]) for one in np.unique(site)}
        return self

    def transform(self, X: Any) -> NDArray[Any]:
        """Return X without the site's column and effects; a column that is constant within sites becomes its mean."""
        check_is_fitted(self)
        kind = np.result_type(X, np.float32) if isinstance(X, np.ndarray) else np.float64
        X = validate_data(self, X, ensure_all_finite="allow-nan", dtype=np.float64, reset=False)
        values, site = self._take(X)
        out = np.empty_like(values)
        for one in np.unique(site):
            rows = site == one
            effect = self.effects_.get(int(one)) or self._effect(values[rows])
            z = (values[rows] - self.mean_) / self.deviation_
            z = np.where(self.constant_ & np.isfinite(z), 0.0, (z - effect.location) / effect.scale)
            out[rows] = z * self.deviation_ + self.mean_
        behind = X.shape[1] + self.site + 1 if self.site < 0 else self.site + 1
        return np.asarray(np.concatenate([out, X[:, behind:]], axis=1), kind)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the names of the columns that are left."""
        names = OneToOneFeatureMixin.get_feature_names_out(self, input_features)
        return np.delete(names, self.site)

    def _take(self, X: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        place = self.site % X.shape[1]
        return X[:, :place], np.nan_to_num(X[:, place], nan=-1).astype(np.int64)

    def _effect(self, values: NDArray[np.float64]) -> _Effect:
        """Return a site's location and scale in every column: the posterior means given all of its columns."""
        z = (values - self.mean_) / self.deviation_
        able = np.isfinite(z).any(axis=0) & ~self.constant_
        location, scale = np.zeros(z.shape[1]), np.ones(z.shape[1])
        if not able.any():
            return _Effect(location, scale)
        z = z[:, able]
        # Rows, not people: shrunk by the number of people, a tenth of a sensor's effect would stay in every column,
        # and a thousand columns reveal it.
        n = np.isfinite(z).sum(axis=0)
        own, variance = _mean(z), np.nanvar(z, axis=0)
        if len(z) < 2:  # a lone print says nothing of a scale
            variance = np.ones(z.shape[1])
        centre, spread = own.mean(), own.var()
        m, s2 = variance.mean(), max(variance.var(), MIN_VARIANCE)
        shape, rate = (2 * s2 + m**2) / s2, (m * s2 + m**3) / s2  # of the inverse gamma distribution
        at, square = own, np.maximum(variance, MIN_VARIANCE)
        for _ in range(ITERATIONS):
            new = (n * spread * own + square * centre) / np.maximum(n * spread + square, MIN_VARIANCE)
            squared = (rate + 0.5 * n * (variance + (own - new) ** 2)) / (n / 2 + shape - 1)
            change = max(np.abs(new - at).max(), (np.abs(squared - square) / square).max())
            at, square = new, squared
            if change < TOLERANCE:
                break
        location[able], scale[able] = at, np.sqrt(square)
        return _Effect(location, scale)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each column's values; 0 where there is none."""
    known = np.isfinite(values)
    return np.asarray(np.where(known, values, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
