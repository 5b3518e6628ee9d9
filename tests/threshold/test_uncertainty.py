"""Intervals: replicates equal a plain bootstrap, people are drawn, not comparisons; remarks name what is thin."""

import numpy as np
import pytest

from ridgefeat.errors import ScoreError
from ridgefeat.threshold import ErrorCurve, Scores, analyse
from ridgefeat.threshold.uncertainty import interval, rate_interval, resample
from tests.threshold.made_scores import EER, normal_scores


def test_a_replicate_counts_a_comparison_by_its_two_subjects():
    scores = normal_scores(3, subjects=9, each=3)
    cuts = np.array([0.0, 0.7, 1.5, 2.4])
    found = resample(scores, cuts, replicates=25, seed=8)
    drawn = np.random.default_rng(8).multinomial(9, np.full(9, 1 / 9), size=25)
    kept = 0
    for row in drawn:
        weight = np.where(
            scores.probe == scores.reference, row[scores.probe], row[scores.probe] * row[scores.reference]
        )
        if not weight[scores.mated].any() or not weight[~scores.mated].any():
            continue
        kept += 1
        for k, cut in enumerate(cuts):
            above = scores.score >= cut
            fmr = weight[above & ~scores.mated].sum() / weight[~scores.mated].sum()
            fnmr = weight[~above & scores.mated].sum() / weight[scores.mated].sum()
            assert found.fmr[kept, k] == pytest.approx(fmr, abs=1e-6)
            assert found.fnmr[kept, k] == pytest.approx(fnmr, abs=1e-6)
    assert len(found.fmr) == kept + 1


def test_the_first_row_is_the_sample_itself():
    scores = normal_scores(4)
    curve = ErrorCurve.from_scores(scores)
    cuts = curve.cut[::97]
    found = resample(scores, cuts, replicates=0)
    assert np.allclose(found.fmr[0], curve.fmr[::97]) and np.allclose(found.fnmr[0], curve.fnmr[::97])
    assert np.isnan(interval(found.fmr[:, 3])).all()


def test_drawing_people_gives_wider_intervals_than_drawing_comparisons():
    scores = normal_scores(5, subjects=40, each=20)
    blind = Scores.make(scores.score, scores.mated)
    cuts = np.linspace(-2, 5, 60)
    low, high = resample(scores, cuts, seed=1).equal_error()
    low_blind, high_blind = resample(blind, cuts, seed=1).equal_error()
    assert high - low > 1.5 * (high_blind - low_blind)
    assert low < EER < high


def test_no_error_among_n_is_bounded_by_three_over_n():
    low, high = rate_interval(np.zeros(100), 0, 1000)
    assert low == 0 and high == pytest.approx(3.7 / 1000, rel=0.01)  # two-sided: 3.7; one-sided: 3
    low, high = rate_interval(np.ones(100), 50, 50)
    assert high == 1 and 0.9 < low < 0.95


def test_scores_fully_apart_are_not_sure_to_stay_so():
    apart = Scores.make(np.arange(80.0), np.arange(80) >= 40)
    eer, fmr100, _, _, auc, _ = analyse(apart, ("exact",), replicates=50, development=1).reported.figures
    assert (eer.value, eer.low, fmr100.value) == (0, 0, 0)
    assert eer.high == fmr100.high == pytest.approx(1 - 0.025 ** (1 / 40))
    assert auc.value == 1 and np.isnan(auc.low)


def test_intervals_hold_their_figure_and_seeds_repeat():
    one, two = (analyse(normal_scores(6), ("exact", "fmr=1%"), replicates=200, seed=3) for _ in range(2))
    assert one.thresholds().equals(two.thresholds()) and one.figures().equals(two.figures())
    for part in one.parts:
        for figure in part.figures:
            if figure.name != "ZeroFMR":
                assert figure.low <= figure.value <= figure.high
        for operation in part.operating_points:
            for rate in (
                operation.fmr,
                operation.fnmr,
                operation.far,
                operation.frr,
                operation.hter,
                operation.accuracy,
            ):
                assert rate.low <= rate.value <= rate.high
    assert np.isnan(one.parts[0].figures[3].low)


def test_rates_stand_with_the_errors_they_rest_on():
    found = analyse(normal_scores(7), ("exact",), replicates=50)
    part = found.reported
    threshold = found.choices[0].threshold
    false_matches = int((part.scores.score[~part.scores.mated] >= threshold).sum())
    false_nonmatches = int((part.scores.score[part.scores.mated] < threshold).sum())
    o = part.operating_points[0]
    assert (o.fmr.errors, o.fnmr.errors) == (false_matches, false_nonmatches)
    assert o.fmr.value == false_matches / o.fmr.count and o.hter.value == (o.fmr.value + o.fnmr.value) / 2
    assert o.accuracy.value == 1 - (false_matches + false_nonmatches) / (o.fmr.count + o.fnmr.count)
    assert o.cost == pytest.approx(o.hter.value)


def test_a_threshold_is_chosen_without_a_look_at_evaluation():
    scores = normal_scores(8)
    found = analyse(scores, ("exact",), replicates=0, seed=1)
    held = np.isin(scores.probe, found.split.evaluation.subject_codes) & np.isin(
        scores.reference, found.split.evaluation.subject_codes
    )
    spoilt = Scores.make(
        np.where(held, scores.score + np.random.default_rng(0).normal(0, 1, len(scores)), scores.score),
        scores.mated,
        subject_probe=scores.probe,
        subject_reference=scores.reference,
    )
    other = analyse(spoilt, ("exact",), replicates=0, seed=1)
    assert other.choices[0].threshold == found.choices[0].threshold
    assert other.reported.operating_points[0].fnmr.errors != found.reported.operating_points[0].fnmr.errors


def test_remarks_name_what_is_thin():
    said = " ".join(analyse(normal_scores(9, subjects=50), replicates=50).remarks)
    assert "fmr=0.1%: 45 non-mated comparisons of evaluation are too few for" in said and "30,000 are needed" in said
    assert "evaluation part has 10 subjects" in said and "400 comparisons of development subjects" in said
    blind = normal_scores(9)
    said = " ".join(analyse(Scores.make(blind.score, blind.mated), ("exact",), replicates=50).remarks)
    assert "names no subjects" in said
    said = " ".join(analyse(blind, ("exact",), replicates=50, development=1).remarks)
    assert "same scores" in said and "rule of 30" not in said


def test_failures_to_acquire_raise_frr_and_its_interval():
    scores = normal_scores(10)
    values = scores.score.copy()
    values[scores.mated & (scores.probe % 5 == 0)] = np.nan
    failed = Scores.make(
        values, scores.mated, subject_probe=scores.probe, subject_reference=scores.reference, count_failures=True
    )
    found = analyse(failed, ("exact",), replicates=100, development=1)
    o = found.reported.operating_points[0]
    assert o.frr.value == pytest.approx(0.2 + 0.8 * o.fnmr.value) and o.frr.low > 0.2 > o.fnmr.high
    assert o.far.value == o.fmr.value
    assert "96 transactions failed" in " ".join(found.remarks)


def test_what_cannot_be_analysed_is_refused():
    with pytest.raises(ScoreError, match="no method"):
        analyse(normal_scores(0), ())
    with pytest.raises(ScoreError, match="-1 replicates"):
        analyse(normal_scores(0), replicates=-1)


def test_curves_are_of_a_size_to_draw():
    curves = analyse(normal_scores(0, subjects=150), ("exact",), replicates=0).curves()
    assert set(curves["part"]) == {"development", "evaluation"} and len(curves) < 2 * 4500
    one = curves[curves["part"] == "development"]
    assert one["threshold"].is_monotonic_increasing and one["fmr"].is_monotonic_decreasing
