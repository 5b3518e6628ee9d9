"""Sensors harmonised: what a site adds to every column, in location and scale, is learned on training people."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

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
