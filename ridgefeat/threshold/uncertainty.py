"""Intervals of error rates from their variance over subjects.

Comparisons that share a subject are correlated: those of two subjects with each other, and those of each with anyone.
The variance of a sum is therefore taken over all pairs of comparisons that share a subject, which needs sums by subject
and by pair of subjects only. A rate then has as many effective comparisons as would give it that variance if they were
independent, and the binomial interval of these. With fewer than 30 errors, or errors as sure as fewer than 10
independent ones, the effective number is taken at a threshold that makes more: people differ no more at a rarer error,
relative to what independent comparisons would show. If subjects are unknown, each comparison counts as a subject of its
own, and the intervals are too narrow.
Source: Fafchamps, Gubert (2007), The formation of risk sharing networks, Journal of Development Economics 83(2), and
Aronow, Samii, Assenova (2015), Cluster-robust variance estimation for dyadic data, Political Analysis 23(4), for the
variance; Schuckers (2010), Computational methods in biometric authentication, for its use; `intervals` for the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ridgefeat.threshold import intervals
from ridgefeat.threshold.intervals import MIN_SUBJECTS, NONE, Interval, binomial_interval, shrink
from ridgefeat.threshold.methods import Choice, Settings
from ridgefeat.threshold.rates import Counts, ErrorCurve
from ridgefeat.threshold.scores import Float, Scores, number

MIN_SUBJECTS_D_PRIME = 20
"""Subjects below which d' has no interval: it would hold d' in 91 of 100 cases (benchmarks/coverage.py)."""
MAX_CUTS, MAX_GROUPS = 200, 2000
"""Cuts, and groups of subjects, that the interval of a threshold is sought with."""
MIN_ERRORS = 30
"""Errors that a rate must rest on to lie within 30 % of the truth with 90 % confidence; Doddington et al. (2000)."""
MIN_EFFECTIVE_ERRORS = 10
"""Errors, as many as independent ones, that a variance must rest on; benchmarks/coverage.py says how it was chosen."""


@dataclass(frozen=True, eq=False)
class Deviation:
    """By how much each subject, and each pair of subjects, moves a figure; sums over their comparisons."""

    mated: Float
    """Of each subject's mated comparisons, shape (n_subjects,)."""
    nonmated: Float
    """Of its non-mated ones, with itself or with others."""
    pairs: Float
    """Of the non-mated comparisons of two subjects, shape (n_pairs,)."""

    def __add__(self, other: Deviation) -> Deviation:
        return Deviation(self.mated + other.mated, self.nonmated + other.nonmated, self.pairs + other.pairs)

    def __mul__(self, factor: float) -> Deviation:
        return Deviation(factor * self.mated, factor * self.nonmated, factor * self.pairs)

    @property
    def variance(self) -> float:
        """The figure's variance, without bias where every two subjects are compared equally often."""
        n = len(self.mated)
        if n < MIN_SUBJECTS:
            return float("nan")
        mated, alone = float((self.mated**2).sum()) * n / (n - 1), float((self.pairs**2).sum())
        if self.pairs.any():
            # Residuals about an estimated mean: of n people, their pairs keep this share of the variance.
            kept = (n - 2) * (n - 3) / (n * (n - 1))
            nonmated = max((float((self.nonmated**2).sum()) - alone) / kept, alone)
        else:
            nonmated = float((self.nonmated**2).sum()) * n / (n - 1)
        both = mated + nonmated + 2 * float(self.mated @ self.nonmated) * n / (n - 2)
        return both if both > 0 else mated + nonmated


@dataclass(frozen=True, eq=False)
class ErrorRate:
    """A rate of errors, of how many comparisons or transactions, and what its interval rests on."""

    errors: int
    count: int
    deviation: Deviation
    """Of the rate, in units of the standard deviation of one comparison."""

    @property
    def value(self) -> float:
        """The rate, 0 to 1."""
        return self.errors / self.count

    @property
    def guess(self) -> float:
        """The rate with half an error more, which is never 0."""
        return (self.errors + 0.5) / (self.count + 1)

    @cached_property
    def effective(self) -> float:
        """Effective number of comparisons, less the more uncertain it is itself."""
        variance = self.deviation.variance
        found = min(1 / variance, self.count) if variance != 0 else self.count
        return shrink(float(found), len(self.deviation.mated))

    @property
    def interval(self) -> Interval:
        """The 95 % interval of the rate; NaN with fewer than 5 subjects."""
        return binomial_interval(self.value, self.effective)


def weighted_interval(value: float, parts: Sequence[tuple[float, ErrorRate]]) -> Interval:
    """Return the interval of a figure (0 to 1) that moves by a weight times each of some rates, such as their mean."""
    deviations = [rate.deviation * (weight * (rate.guess * (1 - rate.guess)) ** 0.5) for weight, rate in parts]
    variance = sum(deviations[1:], deviations[0]).variance
    inner = value if 0 < value < 1 else abs(value - sum(weight * rate.guess for weight, rate in parts))
    # Where all scores of a kind are one number, none of them deviates.
    effective = inner * (1 - inner) / variance if variance != 0 else min(rate.count for _, rate in parts)
    return binomial_interval(value, shrink(float(effective), len(deviations[0].mated)))


class Subjects:
    """Who takes part in which comparison: makes rates and figures whose intervals allow for shared subjects.

    Parameters
    ----------
    scores : Scores

    Examples
    --------
    Ten people, each compared once with each other. Five of the 45 comparisons match falsely, all with the first person:

    >>> p, q = np.triu_indices(10, 1)
    >>> scores = Scores.make(
    ...     np.r_[np.full(10, 3.0), (p == 0) & (q < 6)],
    ...     np.arange(55) < 10,
    ...     subject_probe=np.r_[np.arange(10), p],
    ...     subject_reference=np.r_[np.arange(10), q],
    ... )
    >>> rate = Subjects(scores).rate(False, scores.score - 1)
    >>> round(rate.value, 3), [round(end, 3) for end in rate.interval]
    (0.111, [0.029, 0.267])
    """

    def __init__(self, scores: Scores) -> None:
        self.scores = scores
        rows = np.arange(len(scores))
        self.size = scores.n_subjects or len(rows)
        if scores.probe is None:
            probe = reference = rows
        else:
            place = np.cumsum(np.bincount(scores.subject_codes, minlength=1)) - 1
            probe = place[scores.probe]
            reference = probe if scores.reference is None else place[scores.reference]
        self.ends = probe, reference
        self.pair = np.full(len(rows), -1, np.int64)
        apart = np.flatnonzero((probe != reference) & ~scores.mated)
        if len(apart):
            low, high = np.minimum(probe, reference)[apart], np.maximum(probe, reference)[apart]
            self.pair[apart] = number(low * self.size + high)
        self.n_pairs = 1 + int(self.pair.max(initial=-1))
        self.rows = {
            (mated, attempts): np.flatnonzero((scores.mated == mated) & (attempts | scores.compared))
            for mated in (True, False)
            for attempts in (True, False)
        }
        self._table: tuple[Float, dict[bool, tuple[Counts, Counts, Counts]]] | None = None
        self.everyone = {key: self.sums(own, key[0]) for key, own in self.rows.items()}

    def sums(self, rows: NDArray[np.intp], mated: bool, weights: Float | None = None) -> Deviation:
        """Return the summed weights (1 without) of some comparisons, `rows`, which are all `mated` or all not."""
        p, q = self.ends[0][rows], self.ends[1][rows]
        own = np.bincount(p, weights, self.size).astype(np.float64)
        if mated:
            return Deviation(own, np.zeros(self.size), np.zeros(self.n_pairs))
        pair = self.pair[rows]
        apart = pair >= 0
        others = None if weights is None else weights[apart]
        own += np.bincount(q[apart], others, self.size)
        return Deviation(np.zeros(self.size), own, np.bincount(pair[apart], others, self.n_pairs).astype(np.float64))

    def rate(self, mated: bool, margin: Float, *, attempts: bool = False) -> ErrorRate:
        """Return the rate of one kind's errors.

        Parameters
        ----------
        mated : bool
            Whether it is of mated comparisons that were rejected, or of non-mated ones that were accepted.
        margin : ndarray of float64, shape (n,)
            By how much each similarity exceeds its threshold; NaN for a failure to acquire, which is rejected.
        attempts : bool
            Whether failures to acquire count.
        """
        rows = self.rows[mated, attempts]
        badness = -margin[rows] if mated else margin[rows]
        if attempts:
            badness[np.isnan(badness)] = np.inf if mated else -np.inf
        wrong = badness > 0 if mated else badness >= 0
        errors, half = int(wrong.sum()), -(-len(rows) // 2)
        needed = min(max(errors, MIN_ERRORS), half)
        while True:
            if needed > errors:
                wrong = badness >= np.partition(badness, len(rows) - needed)[len(rows) - needed]
            share = float(wrong.mean())
            unit = len(rows) * max(share * (1 - share), 1e-12) ** 0.5
            deviation = self.sums(rows[wrong], mated) + self.everyone[mated, attempts] * -share
            found = ErrorRate(errors, len(rows), deviation * (1 / unit))
            if needed == half or not found.effective * share < MIN_EFFECTIVE_ERRORS:
                return found
            needed = min(2 * needed, half)

    def mean(self, values: Float, mated: bool) -> tuple[float, Deviation]:
        """Return the mean of the values, shape (n,), of mated or non-mated comparisons (`mated`), and its deviation."""
        rows = self.rows[mated, False]
        found = float(values[rows].mean())
        return found, self.sums(rows, mated, values[rows] - found) * (1 / len(rows))

    def tabulate(self, curve: ErrorCurve) -> tuple[Float, dict[bool, tuple[Counts, Counts, Counts]]]:
        """Return about 200 cuts of the curve, and counts of each kind of comparison.

        The counts are errors by group of subjects and cut, comparisons by group, and errors by cut.
        A comparison of two groups counts for both.
        """
        if self._table is None:
            cuts = curve.cut[curve.thin(MAX_CUTS)]
            groups, steps = min(self.size, MAX_GROUPS), len(cuts) + 1
            p, q = (end % groups * steps for end in self.ends)
            at = np.searchsorted(cuts, self.scores.similarity, "right")
            found = {}
            for kind in (True, False):
                rows = self.rows[kind, False]
                own = at[rows]
                apart = self.pair[rows] >= 0
                counts = np.bincount(p[rows] + own, minlength=groups * steps)
                counts += np.bincount(q[rows[apart]] + own[apart], minlength=groups * steps)
                below = counts.reshape(groups, steps).cumsum(axis=1)
                total = np.bincount(own, minlength=steps).cumsum()
                wrong = [t[..., :-1] if kind else t[..., -1:] - t[..., :-1] for t in (below, total)]
                found[kind] = wrong[0], below[:, -1], wrong[1]
            self._table = cuts, found
        return self._table


def equal_error_interval(subjects: Subjects, curve: ErrorCurve) -> Interval:
    """Return the interval of the equal error rate: both rates at its threshold, weighted by the other's slope."""
    k = curve.crossing(curve.fmr, curve.fnmr)
    value = curve.equal_error.value
    fall, rise = _slopes(curve, k, max(value, 1 / min(curve.n_mated, curve.n_nonmated)))
    rates = _rates_at(subjects, curve.midpoint(k))
    return weighted_interval(value, list(zip((rise / (fall + rise), fall / (fall + rise)), rates, strict=True)))


def held_fmr_interval(subjects: Subjects, curve: ErrorCurve, target: float) -> Interval:
    """Return the interval of FNMR where FMR is held at a target, whose threshold is itself uncertain."""
    k = curve.index_for_fmr(target)
    fall, rise = _slopes(curve, k, target)
    rates = _rates_at(subjects, float(curve.cut[k]))
    return weighted_interval(float(curve.fnmr[k]), list(zip((rise / fall, 1.0), rates, strict=True)))


def auc_interval(subjects: Subjects, curve: ErrorCurve) -> Interval:
    """Return the interval of the area under the ROC curve.

    With fewer than 30 comparisons of either kind among the other's scores, the variance is at most as small as that of
    Birnbaum and Klose's bound, A (1 - A) / min(m, n), with effective numbers.
    """
    at = np.searchsorted(curve.cut, subjects.scores.similarity)
    at, after = (np.minimum(k, len(curve.cut) - 1) for k in (at, at + 1))
    below, above = (1 - (rate[at] + rate[after]) / 2 for rate in (curve.fmr, curve.fnmr))
    variance = (subjects.mean(below, True)[1] + subjects.mean(above, False)[1]).variance
    inside = 0 < curve.auc < 1
    found = shrink(curve.auc * (1 - curve.auc) / variance, subjects.size) if inside else np.inf
    overlap = min(curve.false_nonmatches[curve.index_for_fmr(0)], curve.false_matches[curve.last_without_miss])
    if overlap < MIN_ERRORS:
        rates = _rates_at(subjects, curve.midpoint(curve.crossing(curve.fmr, curve.fnmr)))
        found = min(found, *(rate.effective for rate in rates))
    return binomial_interval(curve.auc, found)


def d_prime_interval(subjects: Subjects, curve: ErrorCurve) -> Interval:
    """Return the interval of d', from the variance of its logarithm; NaN with fewer than 20 subjects."""
    mean_1, var_1, mean_0, var_0 = curve.moments
    spread, d, values = ((var_1 + var_0) / 2) ** 0.5, curve.d_prime, subjects.scores.similarity
    if not (spread > 0 and d > 0 and subjects.size >= MIN_SUBJECTS_D_PRIME):
        return NONE
    sign = np.sign(mean_1 - mean_0)
    pieces = [
        subjects.mean(side * sign * (values - mean) / spread - d / (4 * spread**2) * (values - mean) ** 2, kind)[1]
        for kind, side, mean in ((True, 1, mean_1), (False, -1, mean_0))
    ]
    variance = (pieces[0] + pieces[1]).variance
    factor = float(np.exp(intervals.t_quantile(subjects.size) * variance**0.5 / d))
    return d / factor, d * factor


def threshold_interval(subjects: Subjects, curve: ErrorCurve, choice: Choice, settings: Settings) -> Interval:
    """Return the 95 % interval of a chosen threshold, in the scores' own scale; an end that is open is NaN.

    It holds the thresholds that these scores do not contradict. For a target: those whose FMR is within its binomial
    interval (Woodruff, 1952, Journal of the American Statistical Association 47(260)). For far-frr: those at which the
    two rates do not differ significantly from the ratio. For the minimum of a loss: those whose loss is not
    significantly above it. zero-fmr rests on one extreme score and has none.
    """
    if choice.method == "zero-fmr" or subjects.size < MIN_SUBJECTS:
        return NONE
    if choice.target:
        rate = subjects.rate(False, subjects.scores.similarity - curve.to_threshold(choice.threshold))
        low, high = binomial_interval(choice.target, rate.effective)
        ends = float(curve.cut[curve.index_for_fmr(high)]), float(curve.cut[curve.index_for_fmr(low)])
        inner = ends[0], ends[1] if low * curve.n_nonmated >= 1 else float("nan")
    elif choice.method == "mean-distance":
        (mated, moved), (nonmated, other) = (subjects.mean(subjects.scores.similarity, kind) for kind in (True, False))
        inner = intervals.number_interval((mated + nonmated) / 2, ((moved + other) * 0.5).variance, subjects.size)
    else:
        inner = _not_contradicted(subjects, curve, choice, settings)
    low, high = (-inner[1], -inner[0]) if curve.distance else inner
    return min(low, choice.threshold), max(high, choice.threshold)


def _not_contradicted(subjects: Subjects, curve: ErrorCurve, choice: Choice, settings: Settings) -> Interval:
    """Return the ends of the cuts that a choice by a balance of FAR and FRR might as well have been.

    Both errors of every subject are summed at each of about 200 cuts; that those of a pair then count for both makes
    the interval wider than necessary.
    """
    own = curve.to_threshold(choice.threshold)
    is_balance = choice.method == "far-frr"
    objective = "cost" if choice.method == "min-cost" else settings.objective
    n_mated, n_nonmated = (len(subjects.rows[kind, True]) for kind in (True, False))
    if is_balance:
        weights = 1.0, -settings.ratio
    elif objective == "accuracy":
        weights = n_nonmated / (n_mated + n_nonmated), n_mated / (n_mated + n_nonmated)
    else:
        weights = settings.rate_weights(objective)
    cuts, counted = subjects.tabulate(curve)
    groups = len(counted[True][0])
    moved, level = np.zeros((groups, len(cuts))), np.zeros(len(cuts))
    for kind, weight, n in ((False, weights[0], n_nonmated), (True, weights[1], n_mated)):
        wrong, compared, total = counted[kind]
        moved += (weight / n) * (wrong - compared[:, None] * (total / len(subjects.rows[kind, False])))
        level += (weight / n) * total
    if not is_balance:
        k = min(int(np.searchsorted(cuts, own)), len(cuts) - 1)
        moved, level = moved - moved[:, [k]], level - level[k]
    reach = intervals.t_quantile(groups) * ((moved**2).sum(axis=0) * groups / (groups - 1)) ** 0.5
    held = np.flatnonzero((np.abs(level) if is_balance else level) <= reach)
    # The ends lie between two cuts: the outer ones.
    ends = np.clip([held.min(initial=len(cuts)) - 1, held.max(initial=-1) + 1], 0, len(cuts) - 1)
    return (float(cuts[ends[0]]), float(cuts[ends[1]])) if len(held) else (own, own)


def _rates_at(subjects: Subjects, cut: float) -> tuple[ErrorRate, ErrorRate]:
    margin = subjects.scores.similarity - cut
    return subjects.rate(False, margin), subjects.rate(True, margin)


def _slopes(curve: ErrorCurve, k: int, rate: float) -> tuple[float, float]:
    """Return by how much FMR falls and FNMR rises around a cut: from where FMR is twice a rate to where it is half."""
    first = min(curve.index_for_fmr(min(2 * rate, 1.0)), max(k - 1, 0))
    last = max(curve.index_for_fmr(rate / 2), min(k + 1, len(curve.cut) - 1))
    fall, rise = curve.fmr[first] - curve.fmr[last], curve.fnmr[last] - curve.fnmr[first]
    return max(float(fall), 0.5 / curve.n_nonmated), max(float(rise), 0.5 / curve.n_mated)
