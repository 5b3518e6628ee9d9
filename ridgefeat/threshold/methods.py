"""Ways to choose a decision threshold. Each sees the development part alone, as the curve of its errors."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from ridgefeat.errors import ScoreError
from ridgefeat.threshold.rates import ErrorCurve

Float = NDArray[np.float64]
OBJECTIVES = ("hter", "accuracy", "cost")


@dataclass(frozen=True)
class Settings:
    """What the methods are told.

    Attributes
    ----------
    objective : str
        What `grid`, `bayes` and `exact` seek: `hter`, the mean of FAR and FRR; `accuracy`, the share of right decisions
        among these transactions; `cost`, the expected cost below.
    ratio : float
        r of FAR = r FRR, above 0; 1 asks for the equal error rate.
    prior : float
        Share of mated transactions where the system will work, 0 to 1.
    cost_false_accept, cost_false_reject : float
        What each error costs, in one unit; at least 0, and not both 0.
    grid_steps : int
        Thresholds that `grid` tries.
    evaluations : int
        Thresholds that `bayes` tries.
    seed : int
        Of `bayes`.
    """

    objective: str = "hter"
    ratio: float = 1.0
    prior: float = 0.5
    cost_false_accept: float = 1.0
    cost_false_reject: float = 1.0
    grid_steps: int = 100
    evaluations: int = 25
    seed: int = 0

    def __post_init__(self) -> None:
        costs = self.cost_false_accept, self.cost_false_reject
        checks = (
            (self.objective in OBJECTIVES, f"objective {self.objective!r} is none of {', '.join(OBJECTIVES)}"),
            (0 < self.ratio < np.inf, f"ratio {self.ratio} must be above 0"),
            (0 < self.prior < 1, f"prior {self.prior} must lie between 0 and 1"),
            (
                min(costs) >= 0 and 0 < sum(costs) < np.inf,
                f"costs {costs[0]} and {costs[1]} must not be negative, nor both 0",
            ),
            (self.grid_steps >= 2, f"grid_steps {self.grid_steps} must be 2 or more"),
            (5 <= self.evaluations <= 500, f"evaluations {self.evaluations} must be 5 to 500"),
        )
        for fine, message in checks:
            if not fine:
                raise ScoreError(message)

    def loss(self, curve: ErrorCurve, objective: str | None = None) -> Float:
        """Return what is to be small, at every cut.

        Parameters
        ----------
        curve : ErrorCurve
        objective : str, optional
            Another than the settings' own.
        """
        wanted = objective or self.objective
        if wanted == "accuracy":
            wrong = curve.false_matches + curve.false_nonmatches + curve.failed_mated
            return wrong / (curve.mated + curve.nonmated + curve.failed_mated + curve.failed_nonmated)
        if wanted == "cost":
            return expected_cost(self, curve.far, curve.frr)
        return (curve.far + curve.frr) / 2


def expected_cost(settings: Settings, far: Float, frr: Float) -> Float:
    """Return the expected cost of a transaction."""
    accepting = (1 - settings.prior) * settings.cost_false_accept * far
    return accepting + settings.prior * settings.cost_false_reject * frr


@dataclass(frozen=True, eq=False)
class Path:
    """What a Gaussian process believed in the end, and where it looked: thresholds in the scores' own scale."""

    tried: Float
    loss: Float
    grid: Float
    mean: Float
    deviation: Float


@dataclass(frozen=True, eq=False)
class Choice:
    """A method's threshold in the scores' own scale.

    Attributes
    ----------
    method : str
    threshold : float
    evaluations : int
        How many thresholds it tried.
    target : float or None
        The FMR that it was to hold, as a fraction, if any.
    path : Path or None
        Which thresholds it tried, and what it thought of them, where it searches.
    """

    method: str
    threshold: float
    evaluations: int
    target: float | None = None
    path: Path | None = field(default=None, repr=False)


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
    """Bayesian optimisation; see ridgefeat.threshold.methods."""

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


def search_range(curve: ErrorCurve) -> tuple[float, float]:
    """Return between which cuts the optimum lies.

    Below the lowest mated score a higher threshold only removes false matches; above the highest non-mated one it only
    adds false non-matches.
    """
    first_rejected = int(np.searchsorted(curve.false_nonmatches, 0, "right")) - 1
    last_matched = int(np.searchsorted(-curve.false_matches, 0, "left"))
    low, high = sorted((float(curve.cut[first_rejected]), float(curve.cut[last_matched])))
    # Parts that are fully apart leave one gap, in which every threshold is right.
    return (low, high) if low < high else (float(curve.cut[max(0, last_matched - 1)]), high)


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
