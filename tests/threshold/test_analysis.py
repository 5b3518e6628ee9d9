"""The report: every comparison judged once, targets refused that cannot be supported, remarks name what is weak."""

import numpy as np
import pytest

from ridgefeat.errors import ScoreError
from ridgefeat.threshold import DEFAULT_METHODS, ErrorCurve, Scores, Settings, analyse, choose, deal_folds
from tests.threshold.helpers import changed, normal_scores


def operating_rates(point):
    return point.fmr, point.fnmr, point.far, point.frr, point.hter, point.accuracy


def test_intervals_contain_their_figure_and_seeds_repeat():
    one, two = (analyse(normal_scores(6), ("exact", "fmr=1%"), seed=3) for _ in range(2))
    assert one.thresholds().equals(two.thresholds()) and one.figures().equals(two.figures())
    assert all(f.low < f.value < f.high for f in one.metrics if f.name not in ("ZeroFMR", "FMR1000"))
    assert np.isnan(one.metrics[3].low)
    for point in one.operating_points:
        assert all(rate.low < rate.value < rate.high for rate in operating_rates(point))
    for choice in one.choices:
        assert choice.low < choice.threshold < choice.high


def test_two_people_have_no_interval_and_the_reason_is_given():
    found = analyse(normal_scores(0, subjects=2), ("exact",), folds=1)
    assert all(np.isnan([f.low, f.high]).all() for f in found.metrics)
    assert "no intervals: 2 subjects" in " ".join(found.remarks)
    assert "d' has no interval: with 5 subjects" in " ".join(analyse(normal_scores(0, subjects=5), ("exact",)).remarks)


def test_each_rate_counts_every_comparison_once_at_the_threshold_of_others():
    scores = normal_scores(7)
    found = analyse(scores, ("exact",), seed=4)
    wrong = np.zeros(2, int)
    for chosen, judged in deal_folds(scores, 5, 4):
        accepted = scores.score >= choose(ErrorCurve.from_scores(scores.select(chosen)), "exact").threshold
        wrong += (accepted & ~scores.mated & judged).sum(), (~accepted & scores.mated & judged).sum()
    o = found.operating_points[0]
    assert (o.fmr.errors, o.fnmr.errors) == tuple(wrong)
    assert (o.fmr.count, o.fnmr.count) == (60 * 59 / 2, 480)
    assert o.fmr.value == wrong[0] / o.fmr.count and o.hter.value == (o.fmr.value + o.fnmr.value) / 2
    assert o.accuracy.value == 1 - sum(wrong) / (o.fmr.count + o.fnmr.count)
    assert o.cost == pytest.approx(o.hter.value)
    assert found.choices[0].threshold == choose(ErrorCurve.from_scores(scores), "exact").threshold


@pytest.mark.parametrize(("count", "is_refused"), [(299, True), (300, False)])
def test_a_target_takes_three_comparisons_per_expected_error(count, is_refused):
    scores = Scores.make(np.r_[np.linspace(0, 1, count), np.full(9, 2.0)], np.arange(count + 9) >= count)
    found = analyse(scores, ["exact", "fmr=1%"], folds=1)
    said = "fmr=1% takes at least 300 non-mated comparisons, but there are 299"
    assert (len(found.choices) == 1, any(said in r for r in found.remarks)) == (is_refused, is_refused)
    assert np.isnan(found.metrics[1].value) == is_refused
    if is_refused:
        with pytest.raises(ScoreError, match=rf"{said}.* ask for fmr=1.1% or more"):
            analyse(scores, ["fmr=1%"], folds=1)


@pytest.mark.parametrize(
    ("subjects", "named", "settings", "expected"),
    [
        (60, None, {}, "fmr=1%"),  # 1,770 non-mated comparisons
        (20, None, {}, "exact"),  # 190
        (60, None, {"prior": 0.9}, "min-cost"),
        (60, None, {"objective": "accuracy"}, "exact"),
        (60, None, {"ratio": 0.1}, "far-frr"),
        (60, ("grid", "fmr=1%"), {}, "grid"),
    ],
)
def test_one_method_is_recommended_for_the_task(subjects, named, settings, expected):
    found = analyse(normal_scores(0, subjects=subjects), named, Settings(**settings))
    assert found.recommended.method == expected and found.thresholds()["recommended"].sum() == 1
    assert found.recommended in found.choices


def test_remarks_name_what_is_weak():
    found = analyse(normal_scores(9, subjects=50))
    remarks = " ".join(found.remarks)
    assert {c.method for c in found.choices} == set(DEFAULT_METHODS) - {"fmr=0.1%"}
    for said in (
        "fmr=0.1% takes at least 3,000 non-mated comparisons, but there are 1,225",
        "fmr=1%: 1,225 non-mated comparisons are too few to know an FMR of 1 % well (rule of 30: 3,000 are needed)",
    ):
        assert said in remarks
    no_subjects = normal_scores(9)
    assert "names no subjects" in " ".join(
        analyse(Scores.make(no_subjects.score, no_subjects.mated), ("exact",)).remarks
    )
    assert "same scores" in " ".join(analyse(no_subjects, ("exact",), folds=1).remarks)


def test_failures_to_acquire_raise_frr_and_its_interval():
    scores = normal_scores(10)
    values = scores.score.copy()
    values[scores.mated & (scores.probe % 5 == 0)] = np.nan
    found = analyse(changed(scores, values, count_failures=True), ("exact",), folds=1)
    o = found.operating_points[0]
    assert o.frr.value == pytest.approx(0.2 + 0.8 * o.fnmr.value) and o.frr.low < 0.2 < o.frr.value < o.frr.high
    assert o.far == o.fmr and o.frr.high > o.fnmr.high
    assert "96 transactions failed" in " ".join(found.remarks)


def test_impossible_arguments_are_refused():
    with pytest.raises(ScoreError, match="no method"):
        analyse(normal_scores(0), ())
    for folds in (0, 21):
        with pytest.raises(ScoreError, match=f"{folds} folds"):
            analyse(normal_scores(0), folds=folds)


def test_curves_are_small_and_monotonic():
    curves = analyse(normal_scores(0, subjects=150), ("exact",), folds=1).curves()
    assert 1300 < len(curves) < 2600
    assert curves["threshold"].is_monotonic_increasing and curves["fmr"].is_monotonic_decreasing


def test_thirty_errors_are_not_few():
    scores = Scores.make(np.r_[np.zeros(30), np.ones(70), np.full(30, 1.0), np.zeros(970)], np.arange(1100) < 100)
    found = analyse(scores, ["far-frr"], folds=1)
    assert (found.operating_points[0].fmr.errors, found.operating_points[0].fnmr.errors) == (30, 30)
    assert not any("fewer than 30 errors" in r for r in found.remarks)
    found = analyse(scores.select(np.arange(1100) > 0), ["far-frr"], folds=1)
    assert "1 of 2 rates rest on fewer than 30 errors" in " ".join(found.remarks)


@pytest.mark.parametrize("mated_score", [0.75, 0.25])
def test_scores_of_two_values_have_intervals(mated_score):
    mated = np.arange(200) % 2 == 1
    found = analyse(Scores(np.where(mated, mated_score, 1 - mated_score), mated))
    for rate in operating_rates(found.operating_points[0]):
        assert rate.low <= rate.value <= rate.high < rate.low + 0.05
