"""Ways to choose a decision threshold. Each sees the development part alone, as the curve of its errors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ridgefeat.errors import ScoreError
from ridgefeat.threshold.choices import Choice, Settings, search_range
from ridgefeat.threshold.rates import ErrorCurve

Float = NDArray[np.float64]
Method = Callable[[ErrorCurve, Settings], Choice]


def mean_distance(curve: ErrorCurve, settings: Settings) -> Choice:
    """Midpoint of the mean mated and the mean non-mated score; looks at no error rate."""
    middle = (curve.moments[0] + curve.moments[2]) / 2
    return Choice("mean-distance", curve.shown(middle), 1)


def far_frr(curve: ErrorCurve, settings: Settings) -> Choice:
    """Threshold at which FAR = r FRR; r = 1 gives the equal error rate."""
    k = curve.crossing(curve.far, settings.ratio * curve.frr)
    return Choice("far-frr", curve.shown(curve.between(k)), len(curve.cut))


def grid(curve: ErrorCurve, settings: Settings) -> Choice:
    """Best of evenly spaced thresholds; of equal ones side by side that in the middle."""
    tried = np.linspace(*search_range(curve), settings.grid_steps)
    loss = settings.loss(curve)[np.searchsorted(curve.cut, tried, "left").clip(max=len(curve.cut) - 1)]
    last = _last_least(loss)
    worse = np.flatnonzero(loss[:last] > loss[last])
    first = int(worse[-1]) + 1 if len(worse) else 0
    return Choice("grid", curve.shown(tried[(first + last + 1) // 2]), settings.grid_steps)


def exact(curve: ErrorCurve, settings: Settings) -> Choice:
    """Best of all thresholds: a scan over the sorted scores, so that none is better on these scores.

    Every threshold between two scores makes the same errors; the midway one is handed out, here and in far-frr and
    min-cost.
    """
    k = _last_least(settings.loss(curve))
    return Choice("exact", curve.shown(curve.between(k)), len(curve.cut))


def min_cost(curve: ErrorCurve, settings: Settings) -> Choice:
    """Threshold of the least expected cost, by the same scan."""
    k = _last_least(settings.loss(curve, "cost"))
    return Choice("min-cost", curve.shown(curve.between(k)), len(curve.cut))


def zero_fmr(curve: ErrorCurve, settings: Settings) -> Choice:
    """Lowest threshold without a false match."""
    return Choice("zero-fmr", curve.shown(curve.cut[curve.for_fmr(0.0)]), len(curve.cut), 0.0)


def bayes(curve: ErrorCurve, settings: Settings) -> Choice:
    """Bayesian optimisation; see ridgefeat.threshold.bayes."""
    from ridgefeat.threshold.bayes import search

    return search(curve, settings)


METHODS: dict[str, Method] = {
    "mean-distance": mean_distance,
    "bayes": bayes,
    "far-frr": far_frr,
    "grid": grid,
    "exact": exact,
    "min-cost": min_cost,
    "zero-fmr": zero_fmr,
}
DEFAULT = ("mean-distance", "bayes", "far-frr", "grid", "exact", "fmr=1%", "fmr=0.1%", "zero-fmr", "min-cost")
"""What a report shows when nothing is asked for."""


def choose(curve: ErrorCurve, method: str, settings: Settings | None = None) -> Choice:
    """Return the threshold that a method chooses.

    Parameters
    ----------
    curve : ErrorCurve
        Of the development part.
    method : str
        mean-distance, bayes, far-frr, grid, exact, min-cost, zero-fmr, or a target such as `fmr=0.1%` (or fmr=0.001).
    settings : Settings, optional
        What the methods are told; the defaults without.

    Raises
    ------
    ScoreError
        For a method that does not exist.
    """
    settings = settings or Settings()
    if method.startswith("fmr="):
        target = _target(method)
        return Choice(method, curve.shown(curve.cut[curve.for_fmr(target)]), len(curve.cut), target)
    if method not in METHODS:
        raise ScoreError(f"method {method!r} is none of {', '.join(METHODS)}, or a target such as fmr=0.1%")
    return METHODS[method](curve, settings)


def _last_least(loss: Float) -> int:
    """Return the highest of the cuts with the least loss: of equals that with fewest false matches."""
    return len(loss) - 1 - int(np.argmin(loss[::-1]))


def _target(method: str) -> float:
    said = method.removeprefix("fmr=").strip()
    try:
        value = float(said.removesuffix("%")) / (100 if said.endswith("%") else 1)
    except ValueError:
        value = float("nan")
    if not 0 < value < 1:
        raise ScoreError(f"method {method!r}: the target must lie between 0 and 1, such as fmr=0.1% or fmr=0.001")
    return value
