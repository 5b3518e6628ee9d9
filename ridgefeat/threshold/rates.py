"""Error rates at every threshold, from scores that are sorted once.

FMR and FNMR are shares of comparisons. FAR and FRR are shares of transactions, here of one attempt each: a failure to
acquire rejects, so that FAR = FMR (1 - FTA) and FRR = FTA + FNMR (1 - FTA). Without failures they are equal. A score
equal to the threshold is accepted. Source: ISO/IEC 19795-1. sklearn.metrics.det_curve gives the rates, but neither the
counts that intervals and the rule of 30 need, nor failures to acquire.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ridgefeat.threshold.scores import Float, Scores

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class EqualError:
    """The equal error rate, where FMR and FNMR meet.

    Attributes
    ----------
    value : float
        Mean of `low` and `high`.
    low, high : float
        The two rates at the step nearest to the crossing, the smaller first.
    threshold : float
        Threshold of that step, in the scores' own scale.
    """

    value: float
    low: float
    high: float
    threshold: float


@dataclass(frozen=True, eq=False)
class ErrorCurve:
    """Counts of errors at every threshold that makes a difference.

    Attributes
    ----------
    cut : ndarray of float64, shape (n_cuts,)
        Rising thresholds on similarities (distances are negated): every distinct score, and one above them all.
    false_matches, false_nonmatches : ndarray of int64, shape (n_cuts,)
        Errors at each cut.
    n_mated, n_nonmated : int
        Comparisons made.
    n_failed_mated, n_failed_nonmated : int
        Transactions without a comparison, because a print failed to be acquired.
    distance : bool
        Thresholds are returned as distances.
    moments : tuple of float
        Mean and variance of mated, then of non-mated scores, as similarities.

    Examples
    --------
    >>> curve = ErrorCurve.from_scores(Scores.make([3, 5, 7, 9, 1, 3, 4, 5, 2], [1, 1, 1, 1, 0, 0, 0, 0, 0]))
    >>> curve.cut
    array([ 1.,  2.,  3.,  4.,  5.,  7.,  9., 10.])
    >>> curve.false_matches
    array([5, 4, 3, 2, 1, 0, 0, 0])
    >>> curve.fmr
    array([1. , 0.8, 0.6, 0.4, 0.2, 0. , 0. , 0. ])
    >>> curve.fnmr
    array([0.  , 0.  , 0.  , 0.25, 0.25, 0.5 , 0.75, 1.  ])
    >>> curve.equal_error
    EqualError(value=0.225, low=0.2, high=0.25, threshold=5.0)
    >>> curve.auc
    0.85
    >>> k = curve.crossing(curve.fmr, curve.fnmr)
    >>> k, curve.index_for_fmr(0.2), curve.midpoint(k), curve.to_threshold(curve.cut[k])
    (4, 4, 5.0, 5.0)
    >>> curve.index([2, 2.5, 99]), curve.thin(100)
    (array([1, 2, 7]), array([0, 1, 2, 3, 4, 5, 6, 7]))

    A failure to acquire rejects the transaction but is not a comparison:

    >>> scores = Scores.make([5, 6, 1, 2, None, None], [1, 1, 0, 0, 1, 1], count_failures=True)
    >>> curve = ErrorCurve.from_scores(scores)
    >>> k = curve.index(5)
    >>> float(curve.fnmr[k]), float(curve.frr[k])
    (0.0, 0.5)
    """

    cut: Float
    false_matches: Counts
    false_nonmatches: Counts
    n_mated: int
    n_nonmated: int
    n_failed_mated: int
    n_failed_nonmated: int
    distance: bool
    moments: tuple[float, float, float, float]

    @classmethod
    def from_scores(cls, scores: Scores) -> ErrorCurve:
        """Return the error curve of mated and non-mated scores."""
        compared = scores.compared
        values, truth = scores.similarity[compared], scores.mated[compared]
        if (values[1:] < values[:-1]).any():
            order = np.argsort(values)
            values, truth = values[order], truth[order]
        first = np.flatnonzero(np.concatenate([[True], values[1:] > values[:-1]]))
        above_all = values[-1] + 1 if _are_whole(values) else np.nextafter(values[-1], np.inf)
        cut = np.append(values[first], above_all)
        first = np.append(first, len(values))
        rejected = np.concatenate([[0], np.cumsum(truth)])[first]
        mated, nonmated = values[truth], values[~truth]
        failed = [int((~compared & kind).sum()) for kind in (scores.mated, ~scores.mated)]
        errors = len(nonmated) - (first - rejected), rejected
        moments = float(mated.mean()), float(mated.var()), float(nonmated.mean()), float(nonmated.var())
        return cls(cut, *errors, len(mated), len(nonmated), failed[0], failed[1], scores.distance, moments)

    @cached_property
    def fmr(self) -> Float:
        """False match rate at each cut."""
        return self.false_matches / self.n_nonmated

    @cached_property
    def fnmr(self) -> Float:
        """False non-match rate at each cut."""
        return self.false_nonmatches / self.n_mated

    @cached_property
    def far(self) -> Float:
        """False accept rate of transactions at each cut."""
        return self.false_matches / (self.n_nonmated + self.n_failed_nonmated)

    @cached_property
    def frr(self) -> Float:
        """False reject rate of transactions at each cut."""
        return (self.false_nonmatches + self.n_failed_mated) / (self.n_mated + self.n_failed_mated)

    @cached_property
    def auc(self) -> float:
        """Probability that a mated score exceeds a non-mated one; ties count half."""
        accepted = self.n_mated - self.false_nonmatches
        steps = -np.diff(self.false_matches, prepend=self.n_nonmated)[1:]
        return float((steps * (accepted[:-1] + accepted[1:])).sum() / 2 / (self.n_mated * self.n_nonmated))

    @cached_property
    def d_prime(self) -> float:
        """Distance of the two means in units of the root mean variance; NaN if nothing varies."""
        mean_mated, var_mated, mean_nonmated, var_nonmated = self.moments
        spread = np.sqrt((var_mated + var_nonmated) / 2)
        return float(abs(mean_mated - mean_nonmated) / spread) if spread > 0 else float("nan")

    @cached_property
    def equal_error(self) -> EqualError:
        """The equal error rate as FVC2000 defines it: of the two steps at the crossing, the one with the smaller sum.

        Source: Maio, Maltoni, Cappelli, Wayman, Jain (2002), FVC2000, IEEE PAMI 24(3).
        """
        k = self.crossing(self.fmr, self.fnmr)
        low, high = sorted((float(self.fmr[k]), float(self.fnmr[k])))
        return EqualError((low + high) / 2, low, high, self.to_threshold(self.midpoint(k)))

    def crossing(self, falling: Float, rising: Float) -> int:
        """Return the cut at which two rates meet: of the two steps at the crossing, the one with the smaller sum.

        `falling` and `rising` are rates at every cut, as fractions; float64, shape (n_cuts,).
        """
        after = int(np.argmax(falling <= rising))
        before = after - 1 if after and falling[after] != rising[after] else after
        return before if falling[before] + rising[before] <= falling[after] + rising[after] else after

    @property
    def last_without_miss(self) -> int:
        """The highest cut that rejects no mated comparison."""
        return int(np.searchsorted(self.false_nonmatches, 0, "right")) - 1

    def index_for_fmr(self, target: float) -> int:
        """Return the lowest cut with an FMR of at most `target`, where FNMR is lowest."""
        return int(np.argmax(self.false_matches <= target * self.n_nonmated))

    def midpoint(self, k: int) -> float:
        """Return the threshold midway between cut k and the cut below, which makes the errors of cut k.

        It is the safest choice against other scores. It is a whole number if all scores are, and cut k itself at both
        ends, beyond which nothing is known.
        """
        if k in (0, len(self.cut) - 1):
            return float(self.cut[k])
        middle = (float(self.cut[k - 1]) + float(self.cut[k])) / 2
        if _are_whole(self.cut):
            middle = float(np.ceil(middle))
        # Neighbouring floats have none between them.
        return middle if self.cut[k - 1] < middle else float(self.cut[k])

    def index(self, threshold: ArrayLike) -> NDArray[np.intp]:
        """Return the cuts that make the same errors as `threshold` (array_like of float), in the scores' own scale."""
        inner = np.negative(threshold) if self.distance else np.asarray(threshold, np.float64)
        return np.minimum(np.searchsorted(self.cut, inner, "left"), len(self.cut) - 1)

    def to_threshold(self, cut: float) -> float:
        """Return a cut as a threshold in the scores' own scale, or such a threshold as a cut."""
        return float(-cut + 0.0) if self.distance else float(cut)

    def thin(self, max_cuts: int) -> NDArray[np.intp]:
        """Return about `max_cuts` cuts that show the curve: evenly spaced in both rates and along the scores."""
        if len(self.cut) <= max_cuts:
            return np.arange(len(self.cut))
        rates = np.concatenate([np.linspace(0, 1, max_cuts // 4), np.logspace(-7, 0, max_cuts // 4)])
        by_fmr, by_fnmr = np.searchsorted(-self.fmr, -rates), np.searchsorted(self.fnmr, rates)
        along = np.searchsorted(self.cut, np.linspace(self.cut[0], self.cut[-1], max_cuts // 8))
        ends = [0, len(self.cut) - 1]
        return np.unique(np.clip(np.concatenate([by_fmr, by_fnmr, along, ends]), 0, ends[1]).astype(np.intp))


def _are_whole(cut: Float) -> bool:
    # Scores that are not whole show it among the first.
    return bool(np.abs(cut[[0, -1]]).max() < 1e15 and all((c == np.rint(c)).all() for c in (cut[:100], cut)))
