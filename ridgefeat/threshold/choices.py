"""What the methods are told, what they answer, and between which thresholds the optimum lies."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

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
