"""Error rates at every threshold, from scores that are sorted once.

FMR and FNMR are shares of comparisons. FAR and FRR are shares of transactions, here of one attempt each: a failure to
acquire rejects, so that FAR = FMR (1 - FTA) and FRR = FTA + FNMR (1 - FTA). Without failures they are the same numbers.
Source: ISO/IEC 19795-1. A score equal to the threshold accepts. sklearn.metrics.det_curve gives the rates, but neither
the counts that intervals and the rule of 30 need, nor failures to acquire.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ridgefeat.threshold.scores import Scores

Float = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class EqualError:
    """The equal error rate: where FMR and FNMR meet; `low` and `high` are the two rates on the step nearest to it."""

    value: float
    low: float
    high: float
    threshold: float


@dataclass(frozen=True, eq=False)
class ErrorCurve:
    """Counts of errors at every threshold that makes a difference.

    Attributes
    ----------
    cut : ndarray of float64, shape (k,)
        Rising thresholds on similarities (distances are negated): every different score, and one above them all.
    false_matches, false_nonmatches : ndarray of int64, shape (k,)
        Errors at each.
    mated, nonmated : int
        Comparisons made.
    failed_mated, failed_nonmated : int
        Transactions without a comparison, for want of a print.
    distance : bool
        Thresholds are handed out as distances.
    moments : tuple of float
        Mean and variance of mated, then of non-mated scores, as similarities.
    """

    cut: Float
    false_matches: Counts
    false_nonmatches: Counts
    mated: int
    nonmated: int
    failed_mated: int
    failed_nonmated: int
    distance: bool
    moments: tuple[float, float, float, float]

    @classmethod
    def of(cls, scores: Scores) -> ErrorCurve:
        """Return the curve of scores that hold both kinds."""
        there = scores.compared
        values, truth = scores.similarity[there], scores.mated[there]
        mated, others = np.sort(values[truth]), np.sort(values[~truth])
        cut = np.sort(np.concatenate([mated, others]))
        cut = cut[np.concatenate([[True], np.diff(cut) > 0])]
        cut = np.append(cut, _above(cut))
        failed = ~there
        return cls(
            cut,
            len(others) - np.searchsorted(others, cut, "left"),
            np.searchsorted(mated, cut, "left"),
            len(mated),
            len(others),
            int((failed & scores.mated).sum()),
            int((failed & ~scores.mated).sum()),
            scores.distance,
            (float(mated.mean()), float(mated.var()), float(others.mean()), float(others.var())),
        )

    @cached_property
    def fmr(self) -> Float:
        """False match rate at each cut."""
        return self.false_matches / self.nonmated

    @cached_property
    def fnmr(self) -> Float:
        """False non-match rate at each cut."""
        return self.false_nonmatches / self.mated

    @cached_property
    def far(self) -> Float:
        """False accept rate of transactions at each cut."""
        return self.false_matches / (self.nonmated + self.failed_nonmated)

    @cached_property
    def frr(self) -> Float:
        """False reject rate of transactions at each cut."""
        return (self.false_nonmatches + self.failed_mated) / (self.mated + self.failed_mated)

    @cached_property
    def auc(self) -> float:
        """Chance that a mated score beats a non-mated one, ties by half."""
        accepted = self.mated - self.false_nonmatches
        steps = -np.diff(self.false_matches, prepend=self.nonmated)[1:]
        return float((steps * (accepted[:-1] + accepted[1:])).sum() / 2 / (self.mated * self.nonmated))

    @cached_property
    def d_prime(self) -> float:
        """Distance of the two means in units of the root mean variance; NaN where nothing varies."""
        mean_mated, var_mated, mean_others, var_others = self.moments
        spread = np.sqrt((var_mated + var_others) / 2)
        return float(abs(mean_mated - mean_others) / spread) if spread > 0 else float("nan")

    @cached_property
    def equal_error(self) -> EqualError:
        """The equal error rate as FVC2000 defines it: of the two steps about the crossing that with the smaller sum.

        Source: Maio, Maltoni, Cappelli, Wayman, Jain (2002), FVC2000, IEEE PAMI 24(3).
        """
        k = self.crossing(self.fmr, self.fnmr)
        low, high = sorted((float(self.fmr[k]), float(self.fnmr[k])))
        return EqualError((low + high) / 2, low, high, self.shown(self.between(k)))

    def crossing(self, falling: Float, rising: Float) -> int:
        """Return the cut at which two rates meet; of the two about the crossing that with the smaller sum.

        Parameters
        ----------
        falling, rising : float, shape (cuts,)
            Rates at every cut, as fractions.
        """
        after = int(np.argmax(falling <= rising))
        before = after - 1 if after and falling[after] != rising[after] else after
        return before if falling[before] + rising[before] <= falling[after] + rising[after] else after

    def for_fmr(self, target: float) -> int:
        """Return the lowest cut whose FMR is at most `target`: FNMR is the least there."""
        return int(np.argmax(self.false_matches <= target * self.nonmated))

    def between(self, k: int) -> float:
        """Return a threshold with the errors of cut k, midway to the cut below: the safest against other scores.

        Whole where all scores are, and cut k itself at both ends, beyond which nothing is known.
        """
        if k in (0, len(self.cut) - 1):
            return float(self.cut[k])
        middle = (float(self.cut[k - 1]) + float(self.cut[k])) / 2
        if _whole(self.cut):
            middle = float(np.ceil(middle))
        # Neighbouring numbers have none between them.
        return middle if self.cut[k - 1] < middle else float(self.cut[k])

    def index(self, threshold: ArrayLike) -> NDArray[np.intp]:
        """Return where thresholds in the scores' own scale stand among the cuts."""
        inner = np.negative(threshold) if self.distance else np.asarray(threshold, np.float64)
        return np.minimum(np.searchsorted(self.cut, inner, "left"), len(self.cut) - 1)

    def shown(self, cut: float) -> float:
        """Return a cut as a threshold in the scores' own scale."""
        return float(-cut + 0.0) if self.distance else float(cut)

    def spread(self, most: int) -> NDArray[np.intp]:
        """Return at most about `most` cuts that show the curve: even in both rates and along the scores."""
        if len(self.cut) <= most:
            return np.arange(len(self.cut))
        share = np.linspace(0, 1, most // 4)
        fine = np.logspace(-7, 0, most // 4)
        by_fmr = np.searchsorted(-self.fmr, -np.concatenate([share, fine]))
        by_fnmr = np.searchsorted(self.fnmr, np.concatenate([share, fine]))
        along = np.searchsorted(self.cut, np.linspace(self.cut[0], self.cut[-1], most // 8))
        ends = [0, len(self.cut) - 1]
        return np.unique(np.clip(np.concatenate([by_fmr, by_fnmr, along, ends]), 0, ends[1]).astype(np.intp))


def _above(cut: Float) -> float:
    """Return a threshold that nothing reaches; a whole number where all scores are."""
    top = float(cut[-1])
    return top + 1 if _whole(cut) else float(np.nextafter(top, np.inf))


def _whole(cut: Float) -> bool:
    return bool(np.abs(cut[[0, -1]]).max() < 1e15 and (cut == np.rint(cut)).all())
