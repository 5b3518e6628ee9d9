"""Intervals of the figures by a bootstrap over subjects.

Comparisons that share a subject are correlated, so subjects are drawn, not comparisons. A comparison counts as often as
its probe's subject was drawn, times as often as its reference's (only once if both are the same subject). Scores are
binned once, between the thresholds of interest; every replicate is then a product of matrices. If subjects are unknown,
comparisons are drawn, and the intervals are too narrow. scipy.stats.bootstrap knows no clusters, let alone comparisons
that belong to two subjects each.
Source: Bolle, Ratha, Pankanti (2004), Error analysis of pattern recognition systems, CVIU 93; Owen (2007), The
pigeonhole bootstrap, Annals of Applied Statistics 1(2), which shows that the product errs on the wide side.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.stats import beta, norm

from ridgefeat.threshold.rates import ErrorCurve
from ridgefeat.threshold.scores import Codes, Float, Scores

LEVEL = 0.95
MIN_SUBJECTS = 20
"""Subjects below which the intervals are too narrow."""
MIN_REPLICATES = 20
"""Replicates below which there is no interval."""
MAX_DRAWS = 40_000_000
"""Weights that are held at a time; more replicates are drawn in turns."""

Interval = tuple[float, float]
NONE: Interval = (float("nan"), float("nan"))


@dataclass(frozen=True, eq=False)
class Replicates:
    """Weighted counts of scores between the cuts, per replicate.

    Attributes
    ----------
    cuts : ndarray of float64, shape (t,)
        Rising thresholds on similarities.
    mated, nonmated : ndarray of float64, shape (replicates + 1, t + 1)
        Weight of the scores in each bin; the first row is the sample itself.
    means, squares : ndarray of float64, shape (2, t + 1)
        Mean score and mean square in each bin, mated first.

    Examples
    --------
    >>> scores = Scores.make(np.r_[np.arange(40) + 20, np.arange(40)], np.arange(80) < 40)
    >>> found = resample(scores, np.arange(61.0), replicates=100)
    >>> found.fmr[0, [20, 30]], found.fnmr[0, [20, 30]], float(found.totals[0][0, 0])
    (array([0.5 , 0.25]), array([0.  , 0.25]), 40.0)
    >>> bounds = [found.equal_error(), found.fnmr_for(0.01), found.auc(), found.d_prime()]
    >>> all(low < value < high for (low, high), value in zip(bounds, (0.25, 0.5, 0.875, 1.732)))
    True
    """

    cuts: Float
    mated: Float
    nonmated: Float
    means: Float
    squares: Float

    @cached_property
    def fnmr(self) -> Float:
        """False non-match rate at every cut; the first row is the sample's."""
        below = np.cumsum(self.mated, axis=1)
        return below[:, :-1] / below[:, -1:]

    @cached_property
    def fmr(self) -> Float:
        """False match rate at every cut; the first row is the sample's."""
        below = np.cumsum(self.nonmated, axis=1)
        return 1 - below[:, :-1] / below[:, -1:]

    @cached_property
    def totals(self) -> tuple[Float, Float]:
        """Weight of all mated and of all non-mated comparisons, shape (replicates + 1, 1) each."""
        return self.mated.sum(axis=1, keepdims=True), self.nonmated.sum(axis=1, keepdims=True)

    def equal_error(self) -> Interval:
        """Return the interval of the equal error rate."""
        fmr, fnmr = _interpolated(self.fmr - self.fnmr, 0.0, self.fmr, self.fnmr)
        return interval((fmr + fnmr) / 2)

    def fnmr_for(self, target: float) -> Interval:
        """Return the interval of FNMR where FMR is held at a target."""
        return interval(_interpolated(self.fmr, target, self.fnmr)[0])

    def auc(self) -> Interval:
        """Return the interval of the area under the ROC curve."""
        below = np.cumsum(self.nonmated, axis=1) - self.nonmated / 2
        return interval((self.mated * below).sum(axis=1) / (self.totals[0] * self.totals[1])[:, 0])

    def d_prime(self) -> Interval:
        """Return the interval of d'."""
        found = []
        for k, weights in enumerate((self.mated, self.nonmated)):
            share = weights / self.totals[k]
            mean = share @ self.means[k]
            found += [mean, share @ self.squares[k] - mean**2]
        spread = np.sqrt(np.maximum(found[1] + found[3], 0) / 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            return interval(np.abs(found[0] - found[2]) / spread)


def _interpolated(falling: Float, level: float, *rates: Float) -> list[Float]:
    """Return rates per replicate where a falling figure reaches a level, on straight lines between two cuts."""
    after = np.clip(np.argmax(falling <= level, axis=1), 1, falling.shape[1] - 1)[:, None]
    above, below = np.take_along_axis(falling, after - 1, 1), np.take_along_axis(falling, after, 1)
    share = np.clip((above - level) / np.where(above == below, 1, above - below), 0, 1)
    ends = [(np.take_along_axis(rate, after - 1, 1), np.take_along_axis(rate, after, 1)) for rate in rates]
    return [((1 - share) * one + share * two)[:, 0] for one, two in ends]


def resample(scores: Scores, cuts: Float, *, replicates: int = 400, seed: int = 0) -> Replicates:
    """Return bootstrap replicates of the counts between cuts.

    Parameters
    ----------
    scores : Scores
        Mated and non-mated scores.
    cuts : ndarray of float64, shape (t,)
        Rising thresholds on similarities at which to compute rates.
    replicates : int
        Number of replicates; 0 gives the sample alone, and no intervals.
    seed : int
        The same seed gives the same draws.

    Examples
    --------
    >>> scores = Scores.make([3, 5, 7, 9, 1, 3, 4, 5, 2], [1, 1, 1, 1, 0, 0, 0, 0, 0])
    >>> found = resample(scores, np.array([2.5, 5]), replicates=100)
    >>> found.fmr.shape, found.fmr[0], found.fnmr[0]
    ((101, 2), array([0.6, 0.2]), array([0.  , 0.25]))
    """
    there = scores.compared
    scores = scores.select(there) if not there.all() else scores
    bins = np.searchsorted(cuts, scores.similarity, "right")
    # The weights of thousands of subjects do not fit in memory at once.
    codes = scores.subject_codes
    subjects = 1 + int(codes[-1]) if len(codes) else 0
    turn = max(1, MAX_DRAWS // max(1, subjects))
    rng = np.random.default_rng(seed)
    size = len(cuts) + 1
    own = [np.bincount(bins[scores.mated == kind], minlength=size).astype(np.float64) for kind in (True, False)]
    tables = None if scores.probe is None else [_Table(scores, bins, kind, subjects, size) for kind in (True, False)]
    parts = [[sample[None]] for sample in own]
    for done in range(0, replicates, turn):
        count = min(turn, replicates - done)
        if tables is None:
            drawn = [rng.multinomial(int(s.sum()), s / s.sum(), size=count).astype(np.float64) for s in own]
        else:
            weights = np.zeros((subjects, count), np.float32)
            weights[codes] = rng.multinomial(len(codes), np.full(len(codes), 1 / len(codes)), size=count).T
            drawn = [table.weighted(weights) for table in tables]
        for part, more in zip(parts, drawn, strict=True):
            part.append(more)
    mated, nonmated = map(np.concatenate, parts)
    # Without a mated or a non-mated comparison, a draw has no rates.
    kept = (mated.sum(axis=1) > 0) & (nonmated.sum(axis=1) > 0)
    means, squares = _moments(scores, bins, size)
    return Replicates(cuts, mated[kept], nonmated[kept], means, squares)


class _Table:
    """Counts of scores by bin, per subject and per pair of subjects."""

    def __init__(self, scores: Scores, bins: NDArray[np.intp], mated: bool, subjects: int, size: int) -> None:
        assert scores.probe is not None
        reference = scores.probe if scores.reference is None else scores.reference
        own = scores.mated == mated
        p, q, at = scores.probe[own], reference[own], bins[own]
        alone = p == q
        self.alone = _counted(p[alone], at[alone], (subjects, size))
        p, q, at = p[~alone], q[~alone], at[~alone]
        by_bin = np.split(np.argsort(at, kind="stable"), np.cumsum(np.bincount(at, minlength=size))[:-1])
        self.pairs = [(k, _counted(p[i], q[i], (subjects, subjects))) for k, i in enumerate(by_bin) if len(i)]

    def weighted(self, weights: NDArray[np.float32]) -> Float:
        """Return the weight of each bin for each column of draws; shape (draws, bins)."""
        out: Float = np.asarray((self.alone.T @ weights).T, np.float64)
        for k, table in self.pairs:
            out[:, k] += np.einsum("sr,sr->r", table @ weights, weights)
        return out


def _counted(rows: Codes, columns: NDArray[Any], shape: tuple[int, int]) -> Any:
    return sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)


def _moments(scores: Scores, bins: NDArray[np.intp], size: int) -> tuple[Float, Float]:
    means, squares = np.zeros((2, size)), np.zeros((2, size))
    for k, kind in enumerate((True, False)):
        own = scores.mated == kind
        values, at = scores.similarity[own], bins[own]
        count = np.maximum(np.bincount(at, minlength=size), 1)
        means[k] = np.bincount(at, values, minlength=size) / count
        squares[k] = np.bincount(at, values**2, minlength=size) / count
    return means, squares


def select_cuts(curve: ErrorCurve, wanted: Float, steps: int = 40) -> Float:
    """Return cuts for resample: those wanted, and others evenly spaced in the normal deviates of both rates.

    Parameters
    ----------
    curve : ErrorCurve
    wanted : ndarray of float64, shape (n,)
        Cuts that must be among them.
    steps : int
        Number of levels of each rate.

    Examples
    --------
    >>> curve = ErrorCurve.from_scores(Scores.make([3, 5, 1, 4], [1, 1, 0, 0]))
    >>> select_cuts(curve, np.array([2.5]))
    array([1. , 2.5, 3. , 4. , 5. , 6. ])
    """
    level = np.linspace(-4.5, 4.5, steps)
    eer = curve.equal_error.value
    rates = np.concatenate([norm.cdf(level), np.clip(eer * np.linspace(0.4, 2.2, 16), 0, 1)])
    at = np.concatenate([np.searchsorted(-curve.fmr, -rates), np.searchsorted(curve.fnmr, rates)])
    return np.unique(np.concatenate([curve.cut[np.clip(at, 0, len(curve.cut) - 1)], wanted]))


def interval(values: Float, level: float = LEVEL) -> Interval:
    """Return the percentile interval of a figure; NaN with fewer than 20 replicates.

    Parameters
    ----------
    values : ndarray of float64, shape (replicates + 1,)
        The sample's own value, which is not used, then that of each replicate.
    level : float
        Coverage.

    Examples
    --------
    >>> interval(np.arange(102.0), 0.5)
    (26.0, 76.0)
    """
    known = values[1:][np.isfinite(values[1:])]
    if len(known) < MIN_REPLICATES:
        return NONE
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bound_zero(bounds: Interval, value: float, count: int) -> Interval:
    """Return the bounds of an error rate, the upper one raised to Clopper and Pearson's if the rate is 0.

    No draw can leave 0, so a bootstrap alone would claim certainty.

    Examples
    --------
    >>> low, high = bound_zero((0.0, 0.0), 0.0, 300)
    >>> low, round(high, 4)
    (0.0, 0.0122)
    >>> bound_zero((0.1, 0.3), 0.2, 300)
    (0.1, 0.3)
    """
    if value > 0 or not np.isfinite(bounds[1]):
        return bounds
    return 0.0, max(bounds[1], float(beta.ppf((1 + LEVEL) / 2, 1, count)))


def rate_interval(values: Float, errors: int, count: int) -> Interval:
    """Return the interval of a rate; at 0 or all errors, which no draw can leave, Clopper and Pearson's bound.

    Parameters
    ----------
    values : ndarray of float64, shape (replicates + 1,)
        The rate in the sample and in each replicate.
    errors, count : int
        Errors of the sample, of how many.

    Examples
    --------
    >>> low, high = rate_interval(np.ones(101), 50, 50)
    >>> round(low, 4), high
    (0.9289, 1.0)
    """
    low, high = interval(values)
    if np.isfinite(low) and errors == count:
        return min(low, float(beta.ppf((1 - LEVEL) / 2, count, 1))), 1.0
    return bound_zero((low, high), errors, count)
