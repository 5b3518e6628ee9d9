"""Methods that choose a decision threshold from an error curve."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from scipy.stats import norm
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ridgefeat.brief import Brief
from ridgefeat.errors import ScoreError
from ridgefeat.threshold.rates import ErrorCurve
from ridgefeat.threshold.scores import Float

OBJECTIVES = ("hter", "accuracy", "cost")
DEFAULT_METHODS = ("fmr=0.1%", "fmr=1%", "far-frr", "exact", "min-cost", "grid", "mean-distance", "zero-fmr")
"""The methods of a report when none are named; `bayes` seeks what `exact` finds, and takes longer."""
INITIAL_EVALUATIONS = 5
"""Thresholds that `bayes` tries before its first model."""
CANDIDATES = 400
"""Thresholds among which `bayes` looks for the next one."""


@dataclass(frozen=True)
class Settings:
    """Settings of the methods.

    Attributes
    ----------
    objective : {"hter", "accuracy", "cost"}
        What `grid`, `bayes` and `exact` optimise: `hter`, the mean of FAR and FRR; `accuracy`, the share of correct
        decisions among these transactions; `cost`, the expected cost (see below).
    ratio : float
        r of FAR = r FRR, above 0; 1 asks for the equal error rate.
    prior : float
        Share of mated transactions where the system is used, 0 to 1.
    cost_false_accept, cost_false_reject : float
        Cost of each error, in one unit; at least 0, and not both 0.
    grid_steps : int
        Number of thresholds that `grid` tries.
    evaluations : int
        Number of thresholds that `bayes` tries, 5 to 500.
    seed : int
        Seed of `bayes`.

    Raises
    ------
    ScoreError
        If a setting is out of range.

    Examples
    --------
    >>> from ridgefeat.threshold import Scores
    >>> curve = ErrorCurve.from_scores(Scores.make([3, 5, 7, 9, 1, 3, 4, 5, 2], [1, 1, 1, 1, 0, 0, 0, 0, 0]))
    >>> Settings().loss(curve)
    array([0.5  , 0.4  , 0.3  , 0.325, 0.225, 0.25 , 0.375, 0.5  ])
    >>> Settings().loss(curve, "accuracy").round(3)
    array([0.556, 0.444, 0.333, 0.333, 0.222, 0.222, 0.333, 0.444])
    >>> costly = Settings(prior=0.75, cost_false_accept=10)
    >>> costly.rate_weights("cost"), costly.expected_cost(0.25, 0.5)
    ((2.5, 0.75), 1.0)
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
        are_costs = min(costs) >= 0 and 0 < sum(costs) < np.inf
        problems = {
            f"objective {self.objective!r} is none of {', '.join(OBJECTIVES)}": self.objective not in OBJECTIVES,
            f"ratio {self.ratio} must be above 0": not 0 < self.ratio < np.inf,
            f"prior {self.prior} must lie between 0 and 1": not 0 < self.prior < 1,
            f"costs {costs[0]} and {costs[1]} must not be negative, nor both 0": not are_costs,
            f"grid_steps {self.grid_steps} must be 2 or more": self.grid_steps < 2,
            f"evaluations {self.evaluations} must be 5 to 500": not INITIAL_EVALUATIONS <= self.evaluations <= 500,
        }
        for problem, is_found in problems.items():
            if is_found:
                raise ScoreError(problem)

    def loss(self, curve: ErrorCurve, objective: str | None = None) -> Float:
        """Return the loss at every cut of a curve, shape (n_cuts,): by the settings' objective or another one."""
        objective = objective or self.objective
        if objective == "accuracy":
            wrong = curve.false_matches + curve.false_nonmatches + curve.n_failed_mated
            return wrong / (curve.n_mated + curve.n_nonmated + curve.n_failed_mated + curve.n_failed_nonmated)
        if objective == "cost":
            return self.expected_cost(curve.far, curve.frr)
        return (curve.far + curve.frr) / 2

    def expected_cost(self, far: Float, frr: Float) -> Float:
        """Return the expected cost of a transaction; `far` and `frr` are fractions, numbers or arrays."""
        weights = self.rate_weights("cost")
        return weights[0] * far + weights[1] * frr

    def rate_weights(self, objective: str) -> tuple[float, float]:
        """Return how much FAR and FRR count in the HTER, or in the cost (`objective`)."""
        if objective == "hter":
            return 0.5, 0.5
        return (1 - self.prior) * self.cost_false_accept, self.prior * self.cost_false_reject


@dataclass(frozen=True, eq=False)
class SearchPath:
    """The search of `bayes`: thresholds in the scores' own scale, and the last Gaussian process.

    Attributes
    ----------
    tried, loss : ndarray of float64, shape (evaluations,)
        Thresholds in the order in which they were tried, and their losses.
    grid, mean, deviation : ndarray of float64, shape (400,)
        Candidate thresholds, and the mean and standard deviation of the loss that the process predicts there.
    """

    tried: Float
    loss: Float
    grid: Float
    mean: Float
    deviation: Float


@dataclass(frozen=True, eq=False, repr=False)
class Choice(Brief):
    """The threshold that a method chose, in the scores' own scale.

    Attributes
    ----------
    method : str
    threshold : float
    evaluations : int
        Number of thresholds that the method tried.
    low, high : float
        The threshold's 95 % interval; NaN if it has none, and one NaN if it is open at that end.
    target : float or None
        The FMR to hold, as a fraction, if the method has one.
    path : SearchPath or None
        The search of `bayes`; None for other methods.
    """

    method: str
    threshold: float
    evaluations: int
    target: float | None = None
    low: float = field(default=float("nan"), repr=False)
    high: float = field(default=float("nan"), repr=False)
    path: SearchPath | None = field(default=None, repr=False)


def choose(curve: ErrorCurve, method: str, settings: Settings | None = None) -> Choice:
    """Return the threshold that a method chooses.

    Every threshold between two neighbouring scores makes the same errors. far-frr, exact and min-cost return the
    midpoint.

    Parameters
    ----------
    curve : ErrorCurve
        Error curve of the scores to choose from.
    method : str
        A target such as `fmr=0.1%` (or fmr=0.001), the lowest threshold with at most this FMR, or one of METHODS:
        `mean-distance`, the midpoint of the mean mated and the mean non-mated score, whatever the error rates;
        `far-frr`, where FAR = r FRR (r = 1 gives the equal error rate); `exact`, the best of all thresholds by the
        objective, found by a scan over the sorted scores; `min-cost`, that with the minimum expected cost; `grid`, the
        best of evenly spaced thresholds, of equally good neighbours the middle one; `bayes`, the best of those that
        Bayesian optimisation tries; `zero-fmr`, the lowest without a false match.
    settings : Settings, optional
        Settings of the methods; the defaults if omitted.

    Raises
    ------
    ScoreError
        If there is no such method.

    Examples
    --------
    >>> from ridgefeat.threshold import Scores
    >>> curve = ErrorCurve.from_scores(Scores.make([3, 5, 7, 9, 1, 3, 4, 5, 2], [1, 1, 1, 1, 0, 0, 0, 0, 0]))
    >>> choose(curve, "exact").threshold
    5.0
    >>> choose(curve, "fmr=20%").threshold
    5.0
    >>> [choose(curve, m).threshold for m in ("mean-distance", "far-frr", "zero-fmr")]
    [4.5, 5.0, 7.0]
    >>> [choose(curve, "min-cost", Settings(cost_false_accept=cost)).threshold for cost in (0.1, 1, 100)]
    [3.0, 5.0, 6.0]
    >>> choose(curve, "far-frr", Settings(ratio=4)).threshold, choose(curve, "grid", Settings(grid_steps=5)).threshold
    (3.0, 5.0)
    """
    settings = settings or Settings()
    if method.startswith("fmr="):
        target = _parse_target(method)
        return Choice(method, curve.to_threshold(curve.cut[curve.index_for_fmr(target)]), len(curve.cut), target)
    if method not in METHODS:
        raise ScoreError(f"method {method!r} is none of {', '.join(METHODS)}, or a target such as fmr=0.1%")
    return METHODS[method](curve, settings)


def comparisons_needed(method: str) -> int:
    """Return the non-mated comparisons that a target takes by the rule of three; 0 for methods without a target.

    With no error among n independent comparisons the true rate may still be 3 / n, at 95 % confidence.
    """
    return int(np.ceil(3 / _parse_target(method) - 1e-9)) if method.startswith("fmr=") else 0


def recommend(names: Sequence[str], named: Sequence[str] | None, settings: Settings, *, of_pairs: bool) -> str:
    """Return the one of several methods that suits the task: what the user named or set, else the strictest target.

    `names` are the methods that the scores support, `named` those that the user named. Scores `of_pairs` are of
    comparisons between prints, which are decided at a false match rate.
    """
    cost = ("prior", "cost_false_accept", "cost_false_reject")
    wanted = [*(named or ())]
    if not named:
        if settings.objective == "cost" or any(getattr(settings, n) != getattr(Settings, n) for n in cost):
            wanted = ["min-cost"]
        elif settings.ratio != Settings.ratio:
            wanted = ["far-frr"]
        elif of_pairs and settings.objective == Settings.objective:
            wanted = ["fmr=0.1%", "fmr=1%"]
        wanted.append("exact")
    return next((n for n in wanted if n in names), names[0])


def _mean_distance(curve: ErrorCurve, settings: Settings) -> Choice:
    return Choice("mean-distance", curve.to_threshold((curve.moments[0] + curve.moments[2]) / 2), 1)


def _far_frr(curve: ErrorCurve, settings: Settings) -> Choice:
    k = curve.crossing(curve.far, settings.ratio * curve.frr)
    return Choice("far-frr", curve.to_threshold(curve.midpoint(k)), len(curve.cut))


def _grid(curve: ErrorCurve, settings: Settings) -> Choice:
    tried = np.linspace(*search_range(curve), settings.grid_steps)
    loss = _loss_at(curve, settings.loss(curve), tried)
    last = _last_minimum(loss)
    worse = np.flatnonzero(loss[:last] > loss[last])
    first = int(worse[-1]) + 1 if len(worse) else 0
    return Choice("grid", curve.to_threshold(tried[(first + last + 1) // 2]), settings.grid_steps)


def _exact(curve: ErrorCurve, settings: Settings, method: str = "exact", objective: str | None = None) -> Choice:
    k = _last_minimum(settings.loss(curve, objective))
    return Choice(method, curve.to_threshold(curve.midpoint(k)), len(curve.cut))


def _zero_fmr(curve: ErrorCurve, settings: Settings) -> Choice:
    return Choice("zero-fmr", curve.to_threshold(curve.cut[curve.index_for_fmr(0.0)]), len(curve.cut), 0.0)


def bayes(curve: ErrorCurve, settings: Settings) -> Choice:
    """Choose the best of the thresholds that Bayesian optimisation tries.

    A Gaussian process models the loss; each next threshold is the one with the highest expected improvement.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern, WhiteKernel

    low, high = search_range(curve)
    span = high - low
    loss = settings.loss(curve)
    candidates = np.linspace(0, 1, CANDIDATES)
    tried = np.random.default_rng(settings.seed).permutation(np.linspace(0.05, 0.95, INITIAL_EVALUATIONS))
    found = _loss_at(curve, loss, low + span * tried)
    # A loss of counts moves in steps; the white kernel lets the process pass between them.
    kernel = Matern(0.2, (0.02, 2.0), nu=2.5) + WhiteKernel(1e-4, (1e-8, 1e-1))
    model = GaussianProcessRegressor(kernel, alpha=1e-10, normalize_y=True)
    # With matrices of 25 rows, handing work to several threads takes longer than the work.
    with threadpool_limits(1):
        while True:
            # A length scale at its bound is an answer here, not a failure.
            with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
                model.fit(tried[:, None], found)
            mean, deviation = model.predict(candidates[:, None], return_std=True)
            if len(tried) >= settings.evaluations:
                break
            gain = expected_improvement(mean, deviation, float(found.min()))
            gain[np.isin(candidates, tried)] = -1
            following = candidates[int(np.argmax(gain))]
            tried = np.append(tried, following)
            found = np.append(found, _loss_at(curve, loss, np.array([low + span * following])))
    best = low + span * tried[int(np.argmin(found))]
    sign = -1.0 if curve.distance else 1.0
    path = SearchPath(sign * (low + span * tried), found, sign * (low + span * candidates), mean, deviation)
    return Choice("bayes", curve.to_threshold(best), len(tried), path=path)


METHODS: dict[str, Callable[[ErrorCurve, Settings], Choice]] = {
    "mean-distance": _mean_distance,
    "bayes": bayes,
    "far-frr": _far_frr,
    "grid": _grid,
    "exact": _exact,
    "min-cost": partial(_exact, method="min-cost", objective="cost"),
    "zero-fmr": _zero_fmr,
}


def search_range(curve: ErrorCurve) -> tuple[float, float]:
    """Return the two cuts between which the optimum lies.

    Below the lowest mated score a higher threshold only removes false matches; above the highest non-mated score it
    only adds false non-matches.
    """
    clean = curve.index_for_fmr(0.0)
    low, high = sorted((float(curve.cut[curve.last_without_miss]), float(curve.cut[clean])))
    # If the two kinds are fully separated, there is one gap in which every threshold is right.
    return (low, high) if low < high else (float(curve.cut[max(0, clean - 1)]), high)


def expected_improvement(mean: Float, deviation: Float, best: float) -> Float:
    """Return by how much each candidate is expected to fall below the lowest loss so far (`best`).

    `mean` and `deviation` are those of the predicted loss; all have shape (n_candidates,).
    """
    spread = np.maximum(deviation, 1e-12)
    z = (best - mean) / spread
    return np.asarray((best - mean) * norm.cdf(z) + spread * norm.pdf(z))


def _parse_target(method: str) -> float:
    text = method.removeprefix("fmr=").strip()
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = float("nan")
    if not 0 < value < 1:
        raise ScoreError(f"method {method!r}: the target must lie between 0 and 1, such as fmr=0.1% or fmr=0.001")
    return value


def _last_minimum(loss: Float) -> int:
    """Return the highest of the cuts with the minimum loss: of equals the one with the fewest false matches."""
    return len(loss) - 1 - int(np.argmin(loss[::-1]))


def _loss_at(curve: ErrorCurve, loss: Float, cuts: Float) -> Float:
    return np.asarray(loss[np.searchsorted(curve.cut, cuts, "left").clip(max=len(curve.cut) - 1)])
