"""Intervals: replicates equal a plain bootstrap, in which subjects are drawn, not comparisons."""

import numpy as np
import pytest

from ridgefeat.threshold import ErrorCurve, Scores
from ridgefeat.threshold.uncertainty import _interpolated, interval, rate_interval, resample, select_cuts
from tests.threshold.helpers import EER, normal_scores


def test_a_comparison_weighs_as_often_as_its_two_subjects_were_drawn():
    scores = normal_scores(3, subjects=9, each=3)
    cuts = np.array([0.0, 0.7, 1.5, 2.4])
    found = resample(scores, cuts, replicates=25, seed=8)
    drawn = np.random.default_rng(8).multinomial(9, np.full(9, 1 / 9), size=25)
    p, q, mated, above = scores.probe, scores.reference, scores.mated, scores.score >= cuts[:, None]
    kept = 0
    for row in drawn:
        weight = np.where(p == q, row[p], row[p] * row[q])
        if not weight[mated].any() or not weight[~mated].any():
            continue
        kept += 1
        fmr = (above * weight * ~mated).sum(axis=1) / weight[~mated].sum()
        fnmr = (~above * weight * mated).sum(axis=1) / weight[mated].sum()
        np.testing.assert_allclose(found.fmr[kept], fmr, rtol=0, atol=1e-6)
        np.testing.assert_allclose(found.fnmr[kept], fnmr, rtol=0, atol=1e-6)
    assert len(found.fmr) == kept + 1


def test_the_first_row_is_the_sample_itself():
    scores = normal_scores(4)
    curve = ErrorCurve.from_scores(scores)
    cuts = curve.cut[::97]
    found = resample(scores, cuts, replicates=0)
    assert np.allclose(found.fmr[0], curve.fmr[::97]) and np.allclose(found.fnmr[0], curve.fnmr[::97])
    assert np.isnan(interval(found.fmr[:, 3])).all()


def test_drawing_subjects_gives_wider_intervals_than_drawing_comparisons():
    scores = normal_scores(5, subjects=40, each=20)
    no_subjects = Scores.make(scores.score, scores.mated)
    cuts = np.linspace(-2, 5, 60)
    low, high = resample(scores, cuts, seed=1).equal_error()
    low_blind, high_blind = resample(no_subjects, cuts, seed=1).equal_error()
    assert high - low > 1.5 * (high_blind - low_blind)
    assert low < EER < high


def test_no_error_among_n_is_bounded_by_three_over_n():
    low, high = rate_interval(np.zeros(100), 0, 1000)
    assert low == 0 and high == pytest.approx(3.7 / 1000, rel=0.01)  # two-sided: 3.7; one-sided: 3
    low, high = rate_interval(np.ones(100), 50, 50)
    assert high == 1 and 0.9 < low < 0.95


def test_an_interval_covers_95_percent_and_needs_twenty_replicates():
    values = np.r_[np.nan, np.linspace(0, 1, 41)]
    assert interval(values) == (pytest.approx(0.025), pytest.approx(0.975))
    assert np.isnan(interval(values[:20])).all() and np.isfinite(interval(values[:21])).all()


def test_draws_in_turns_are_those_at_once(monkeypatch):
    scores = normal_scores(3, subjects=9, each=3)
    cuts = np.array([0.0, 1.5])
    one = resample(scores, cuts, replicates=25, seed=8)
    monkeypatch.setattr("ridgefeat.threshold.uncertainty.MAX_DRAWS", 9 * 10)
    two = resample(scores, cuts, replicates=25, seed=8)
    assert np.array_equal(one.fmr, two.fmr) and np.array_equal(one.fnmr, two.fnmr)


def test_intervals_at_a_held_fmr_and_of_auc_are_those_of_the_replicates():
    scores = normal_scores(3, subjects=30, each=3)
    curve = ErrorCurve.from_scores(scores)
    found = resample(scores, select_cuts(curve, np.zeros(0)), replicates=200)
    k = curve.index_for_fmr(0.01)
    low, high = found.fnmr_for(0.01)
    assert low < curve.fnmr[k] < high
    for (low, high), value in ((found.auc(), curve.auc), (found.d_prime(), curve.d_prime)):
        assert low < value < high < low + 0.5 * value


@pytest.mark.parametrize(("falling", "rate"), [([0.3, 0.1], 0.25), ([0.9, 0.8], 0.3), ([0.05, 0.01], 0.2)])
def test_rates_are_read_between_two_cuts_and_not_beyond(falling, rate):
    assert _interpolated(np.array([falling]), 0.2, np.array([[0.2, 0.3]])) == [pytest.approx([rate])]


def test_cuts_show_high_rates_too():
    curve = ErrorCurve.from_scores(normal_scores(3))
    at = curve.index(select_cuts(curve, np.zeros(0)))
    assert (curve.fmr[at] > 0.9).sum() > 5 and (curve.fnmr[at] > 0.9).sum() > 5
