"""Intervals: variances allow for shared subjects, contain their figure, and none has the width zero."""

import numpy as np
import pytest
from scipy.stats import norm

from ridgefeat.threshold import ErrorCurve, Scores, Settings, Subjects, choose, uncertainty
from ridgefeat.threshold.intervals import binomial_interval, fraction_interval, shrink
from ridgefeat.threshold.uncertainty import auc_interval, equal_error_interval, threshold_interval
from tests.threshold.helpers import APART, EER, mirrored, normal_scores


def make(p, q, mated, score):
    return Scores.make(score, mated, subject_probe=p, subject_reference=q)


def test_the_variance_is_over_all_pairs_of_comparisons_that_share_a_subject():
    scores = normal_scores(3, subjects=9, each=3)
    subjects, values = Subjects(scores), scores.score
    p, q, mated = scores.probe, scores.reference, scores.mated
    total = 0.0
    factors = {(True, True): 9 / 8, (False, False): 9 * 8 / (7 * 6), (True, False): 9 / 7, (False, True): 9 / 7}
    off = {kind: (values - values[mated == kind].mean()) / (mated == kind).sum() for kind in (True, False)}
    for i in range(len(values)):
        for k in np.flatnonzero((p == p[i]) | (p == q[i]) | (q == p[i]) | (q == q[i])):
            total += factors[mated[i], mated[k]] * off[mated[i]][i] * off[mated[k]][k]
    found = (subjects.mean(values, True)[1] + subjects.mean(values, False)[1]).variance
    assert found == pytest.approx(total)


def test_the_variance_of_rates_has_no_bias():
    # 200 sets of 12 subjects: the mean of the estimated variances is the variance of the rates.
    found = {True: [], False: []}
    for seed in range(200):
        subjects = Subjects(normal_scores(seed, subjects=12, each=4))
        for kind, cut in ((True, APART - 0.5), (False, 0.5)):
            rate = subjects.rate(kind, subjects.scores.score - cut)
            found[kind].append((rate.value, rate.deviation.variance * rate.value * (1 - rate.value)))
    for rates in found.values():
        value, variance = np.array(rates).T
        assert variance.mean() == pytest.approx(value.var(), rel=0.25)


@pytest.mark.parametrize(("subjects", "expected"), [(4, False), (5, True), (30, True)])
@pytest.mark.parametrize("separated", [0, 1, 20])
def test_every_interval_contains_its_figure_and_none_is_a_point(subjects, expected, separated):
    scores = normal_scores(1, subjects=subjects, each=4)
    scores = make(scores.probe, scores.reference, scores.mated, scores.score + separated * scores.mated)
    curve, people = ErrorCurve.from_scores(scores), Subjects(scores)
    rates = [people.rate(kind, scores.score - 1.5) for kind in (True, False)]
    found = [(rate.value, rate.interval) for rate in rates]
    found += [(curve.equal_error.value, equal_error_interval(people, curve)), (curve.auc, auc_interval(people, curve))]
    found += [(curve.fnmr[curve.index_for_fmr(0.3)], uncertainty.held_fmr_interval(people, curve, 0.3))]
    for value, (low, high) in found:
        assert (low <= value <= high and 0 <= low < high <= 1) if expected else np.isnan([low, high]).all()
    low, high = uncertainty.d_prime_interval(people, curve)
    assert low < curve.d_prime < high if subjects >= uncertainty.MIN_SUBJECTS_D_PRIME else np.isnan([low, high]).all()


def test_a_variance_is_not_trusted_below_three_subjects_worth_of_errors():
    assert fraction_interval(0.95, 1e-6, 50) == binomial_interval(0.95, 50)
    assert np.ptp(fraction_interval(0.93, 1e-6, 50)) < 0.01


def test_shared_subjects_widen_and_few_subjects_widen_more():
    scores = normal_scores(5, subjects=40, each=20)
    known, blind = Subjects(scores), Subjects(Scores.make(scores.score, scores.mated))
    curve = ErrorCurve.from_scores(scores)
    (low, high), (low_blind, high_blind) = (equal_error_interval(one, curve) for one in (known, blind))
    assert high - low > 1.5 * (high_blind - low_blind) and low < EER < high
    assert shrink(100, 5) == pytest.approx(100 * (1.959964 / 2.776445) ** 2)


@pytest.mark.parametrize("subjects", [5, 10, 40])
def test_intervals_hold_the_truth_in_95_of_100_sets(subjects):
    # benchmarks/coverage.py, small: of 100, 89 to 100 is within 2.8 standard deviations of 95.
    held = np.zeros(4)
    truth = EER, norm.cdf(APART / 2**0.5), 0.05, 0.1
    for seed in range(100):
        scores = normal_scores(seed, subjects=subjects, each=6)
        people, curve = Subjects(scores), ErrorCurve.from_scores(scores)
        found = [equal_error_interval(people, curve), auc_interval(people, curve)]
        cuts = (False, norm.isf(0.05)), (True, APART + norm.ppf(0.1))
        found += [people.rate(kind, scores.score - cut).interval for kind, cut in cuts]
        held += [low <= value <= high for value, (low, high) in zip(truth, found, strict=True)]
    assert (held >= 89).all()


@pytest.mark.parametrize(("value", "n"), [(0.0, 1000), (1.0, 50), (0.1, 40)])
def test_a_bound_is_clopper_and_pearsons(value, n):
    from scipy.stats import binomtest

    exact = binomtest(round(value * n), n).proportion_ci(0.95, "exact")
    assert binomial_interval(value, n) == pytest.approx((exact.low, exact.high))


def test_with_few_errors_people_differ_as_they_do_at_thirty():
    assert (uncertainty.MIN_ERRORS, uncertainty.MIN_EFFECTIVE_ERRORS) == (30, 10)
    subjects = Subjects(normal_scores(2, subjects=40, shared=0))
    nonmated = np.sort(subjects.scores.score[~subjects.scores.mated])[::-1]
    at_30, at_3, at_60 = (subjects.rate(False, subjects.scores.score - nonmated[n - 1]) for n in (30, 3, 60))
    assert (at_3.errors, at_30.errors) == (3, 30) and at_3.effective == at_30.effective != at_60.effective
    # Where people differ much, 30 errors and 60 are as sure as fewer than 10: both variances are of yet more errors.
    subjects = Subjects(normal_scores(2, subjects=30))
    nonmated = np.sort(subjects.scores.score[~subjects.scores.mated])[::-1]
    at_30, at_60 = (subjects.rate(False, subjects.scores.score - nonmated[n - 1]) for n in (30, 60))
    assert at_30.effective == at_60.effective


@pytest.mark.parametrize("method", ["fmr=10%", "far-frr", "exact", "min-cost", "grid", "mean-distance", "zero-fmr"])
def test_thresholds_have_intervals_that_hold_the_best_one(method):
    truth = {"fmr=10%": 1.2816, "zero-fmr": None}.get(method, APART / 2)
    held = []
    for seed in range(10):
        scores = normal_scores(seed, subjects=40)
        curve, subjects = ErrorCurve.from_scores(scores), Subjects(scores)
        choice = choose(curve, method)
        low, high = threshold_interval(subjects, curve, choice, Settings())
        if truth is None:
            assert np.isnan([low, high]).all()
            continue
        assert low <= choice.threshold <= high and high - low < 2
        held.append(low <= truth <= high)
        other = mirrored(scores)
        curve, subjects = ErrorCurve.from_scores(other), Subjects(other)
        ends = threshold_interval(subjects, curve, choose(curve, method), Settings())
        assert ends == pytest.approx((10 - high, 10 - low), abs=0.1)
    assert sum(held) >= 8 or truth is None


def test_a_threshold_beyond_which_nothing_was_seen_is_open_at_that_end():
    scores = normal_scores(0, subjects=30)
    curve, subjects = ErrorCurve.from_scores(scores), Subjects(scores)
    choice = choose(curve, "fmr=0.7%")
    low, high = threshold_interval(subjects, curve, choice, Settings())
    assert low < choice.threshold and np.isnan(high)
    curve, subjects = ErrorCurve.from_scores(mirrored(scores)), Subjects(mirrored(scores))
    low, high = threshold_interval(subjects, curve, choose(curve, "fmr=0.7%"), Settings())
    assert np.isnan(low) and high > 10 - choice.threshold
