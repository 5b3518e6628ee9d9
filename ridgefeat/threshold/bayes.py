"""Bayesian optimisation of a threshold: a Gaussian process of the loss, tried next where it expects to gain most.

Source: Jones, Schonlau, Welch (1998), Efficient global optimization of expensive black-box functions. On sorted
scores an exact scan costs less; the method is here to be compared with it.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from ridgefeat.threshold.choices import Choice, Path, Settings, search_range
from ridgefeat.threshold.rates import ErrorCurve

Float = NDArray[np.float64]
FIRST, CANDIDATES = 5, 400


def search(curve: ErrorCurve, settings: Settings) -> Choice:
    """Return the best threshold that was tried, and the path to it."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # Matrices of 25 rows: handing them to several threads takes longer than the work.
    with threadpool_limits(1):
        return _search(curve, settings)


def _search(curve: ErrorCurve, settings: Settings) -> Choice:
    low, high = search_range(curve)
    span = high - low
    loss = settings.loss(curve)
    unit = np.linspace(0, 1, CANDIDATES)
    tried = np.random.default_rng(settings.seed).permutation(np.linspace(0.05, 0.95, FIRST))
    got = _losses(curve, loss, low + span * tried)
    model = _process()
    while True:
        _fit(model, tried, got)
        mean, deviation = model.predict(unit[:, None], return_std=True)
        if len(tried) >= settings.evaluations:
            break
        gain = expected_improvement(mean, deviation, float(got.min()))
        gain[np.isin(unit, tried)] = -1
        at = unit[int(np.argmax(gain))]
        tried = np.append(tried, at)
        got = np.append(got, _losses(curve, loss, np.array([low + span * at])))
    best = low + span * tried[int(np.argmin(got))]
    sign = -1.0 if curve.distance else 1.0
    path = Path(sign * (low + span * tried), got, sign * (low + span * unit), mean, deviation)
    return Choice("bayes", curve.shown(best), len(tried), path=path)


def expected_improvement(mean: Float, deviation: Float, best: float) -> Float:
    """Return by how much each candidate is expected to fall below the best loss; shape of `mean`."""
    spread = np.maximum(deviation, 1e-12)
    z = (best - mean) / spread
    gain: Float = (best - mean) * norm.cdf(z) + spread * norm.pdf(z)
    return gain


def _process() -> Any:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern, WhiteKernel

    # A loss of counts moves in steps; the white part lets the process pass between them.
    kernel = Matern(0.2, (0.02, 2.0), nu=2.5) + WhiteKernel(1e-4, (1e-8, 1e-1))
    return GaussianProcessRegressor(kernel, alpha=1e-10, normalize_y=True)


def _fit(model: Any, tried: Float, got: Float) -> None:
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # A length scale at its bound is an answer here, not an accident.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(tried[:, None], got)


def _losses(curve: ErrorCurve, loss: Float, cuts: Float) -> Float:
    got: Float = loss[np.searchsorted(curve.cut, cuts, "left").clip(max=len(curve.cut) - 1)]
    return got
