"""The report: intervals contain their figures, thresholds ignore evaluation, remarks name what is weak."""

from dataclasses import replace

import numpy as np
import pytest

from ridgefeat.errors import ScoreError
from ridgefeat.threshold import ErrorCurve, Scores, Settings, analyse, resample
from ridgefeat.threshold.analysis import _operating_point
from tests.threshold.helpers import changed, normal_scores


def operating_rates(point):
    return point.fmr, point.fnmr, point.far, point.frr, point.hter, point.accuracy


def test_the_bounds_of_fully_separated_scores_are_not_zero():
    apart = Scores.make(np.arange(80.0), np.arange(80) >= 40)
    eer, fmr100, _, _, auc, _ = analyse(apart, ("exact",), replicates=50, development=1).reported.figures
    assert (eer.value, eer.low, fmr100.value) == (0, 0, 0)
    assert eer.high == fmr100.high == pytest.approx(1 - 0.025 ** (1 / 40))
    assert auc.value == 1 and np.isnan(auc.low)


def test_intervals_contain_their_figure_and_seeds_repeat():
    one, two = (analyse(normal_scores(6), ("exact", "fmr=1%"), replicates=200, seed=3) for _ in range(2))
    assert one.thresholds().equals(two.thresholds()) and one.figures().equals(two.figures())
    for part in one.parts:
        assert all(figure.low <= figure.value <= figure.high for figure in part.figures if figure.name != "ZeroFMR")
        for point in part.operating_points:
            assert all(rate.low <= rate.value <= rate.high for rate in operating_rates(point))
    assert np.isnan(one.parts[0].figures[3].low)


def test_rates_are_those_of_their_counts():
    found = analyse(normal_scores(7), ("exact",), replicates=50)
    part = found.reported
    threshold = found.choices[0].threshold
    accepted, mated = part.scores.score >= threshold, part.scores.mated
    wrong = int((accepted & ~mated).sum()), int((~accepted & mated).sum())
    o = part.operating_points[0]
    assert (o.fmr.errors, o.fnmr.errors) == wrong
    assert o.fmr.value == wrong[0] / o.fmr.count and o.hter.value == (o.fmr.value + o.fnmr.value) / 2
    assert o.accuracy.value == 1 - sum(wrong) / (o.fmr.count + o.fnmr.count)
    assert o.cost == pytest.approx(o.hter.value)


def test_evaluation_does_not_change_a_threshold():
    scores = normal_scores(8)
    found = analyse(scores, ("exact",), replicates=0, seed=1)
    held_out = found.split.evaluation.subject_codes
    held = np.isin(scores.probe, held_out) & np.isin(scores.reference, held_out)
    noise = np.random.default_rng(0).normal(0, 1, len(scores))
    other = analyse(changed(scores, scores.score + held * noise), ("exact",), replicates=0, seed=1)
    assert other.choices[0].threshold == found.choices[0].threshold
    assert other.reported.operating_points[0].fnmr.errors != found.reported.operating_points[0].fnmr.errors


def test_remarks_name_what_is_weak():
    remarks = " ".join(analyse(normal_scores(9, subjects=50), replicates=50).remarks)
    for said in (
        "fmr=0.1%: 45 non-mated comparisons of evaluation are too few for",
        "30,000 are needed",
        "evaluation part has 10 subjects",
        "400 comparisons of development subjects",
    ):
        assert said in remarks
    no_subjects = normal_scores(9)
    remarks = " ".join(analyse(Scores.make(no_subjects.score, no_subjects.mated), ("exact",), replicates=50).remarks)
    assert "names no subjects" in remarks
    remarks = " ".join(analyse(no_subjects, ("exact",), replicates=50, development=1).remarks)
    assert "same scores" in remarks and "rule of 30" not in remarks


def test_failures_to_acquire_raise_frr_and_its_interval():
    scores = normal_scores(10)
    values = scores.score.copy()
    values[scores.mated & (scores.probe % 5 == 0)] = np.nan
    found = analyse(changed(scores, values, count_failures=True), ("exact",), replicates=100, development=1)
    o = found.reported.operating_points[0]
    assert o.frr.value == pytest.approx(0.2 + 0.8 * o.fnmr.value) and o.frr.low > 0.2 > o.fnmr.high
    assert o.far.value == o.fmr.value
    assert "96 transactions failed" in " ".join(found.remarks)


def test_impossible_arguments_are_refused():
    with pytest.raises(ScoreError, match="no method"):
        analyse(normal_scores(0), ())
    with pytest.raises(ScoreError, match="-1 replicates"):
        analyse(normal_scores(0), replicates=-1)


def test_curves_are_small_and_monotonic():
    curves = analyse(normal_scores(0, subjects=150), ("exact",), replicates=0).curves()
    assert set(curves["part"]) == {"development", "evaluation"} and len(curves) < 2 * 4500
    one = curves[curves["part"] == "development"]
    assert one["threshold"].is_monotonic_increasing and one["fmr"].is_monotonic_decreasing


def test_the_constants_that_remarks_and_curves_rest_on():
    # 30 errors, 20 subjects, about 2,000 rows of a curve per part.
    scores = Scores.make(np.r_[np.zeros(30), np.ones(70), np.full(30, 1.0), np.zeros(970)], np.arange(1100) < 100)
    found = analyse(scores, ["far-frr"], Settings(), development=1, replicates=0)
    point = found.reported.operating_points[0]
    assert (point.fmr.errors, point.fnmr.errors) == (30, 30)
    assert not any("fewer than 30 errors" in r for r in found.remarks)
    found = analyse(scores.select(np.arange(1100) > 0), ["far-frr"], Settings(), development=1, replicates=0)
    assert "1 of 2 rates on development rest on fewer than 30 errors" in " ".join(found.remarks)
    for subjects, is_few in ((19, True), (20, False)):
        few = analyse(normal_scores(0, subjects=subjects), ["exact"], replicates=0, development=1).remarks
        assert any(f"development part has {subjects} subjects" in r for r in few) == is_few
    assert 1300 < len(analyse(normal_scores(0, 150), ["exact"], replicates=0, development=1).curves()) < 2600


def test_a_target_needs_thirty_expected_errors():
    for count, is_few in ((2999, True), (3000, False)):
        scores = Scores.make(np.r_[np.linspace(0, 1, count), np.full(9, 2.0)], np.arange(count + 9) >= count)
        remarks = " ".join(analyse(scores, ["fmr=1%"], replicates=0, development=1).remarks)
        assert ("too few for an FMR of 1 % (rule of 30: 3,000 are needed)" in remarks) == is_few


def test_replicates_that_equal_the_sample_give_its_figures():
    scores = normal_scores(10)
    values = np.where(scores.mated & (scores.probe % 5 == 0), np.nan, np.round(scores.score, 1))
    scores = Scores.make(values, scores.mated, count_failures=True)
    curve = ErrorCurve.from_scores(scores)
    sample = resample(scores, curve.cut, replicates=0)
    same = replace(sample, mated=np.repeat(sample.mated, 25, 0), nonmated=np.repeat(sample.nonmated, 25, 0))
    point = _operating_point(curve, same, curve.cut[len(curve.cut) // 2], Settings())
    for rate in operating_rates(point):
        assert (rate.low, rate.high) == pytest.approx((rate.value, rate.value), abs=1e-9)
    assert same.auc() == pytest.approx((curve.auc, curve.auc), abs=1e-9)
    assert same.d_prime() == pytest.approx((curve.d_prime, curve.d_prime))
