"""Methods: what each promises, and that the exact scan is beaten by none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ridgefeat.errors import ScoreError
from ridgefeat.threshold import DEFAULT_METHODS, METHODS, ErrorCurve, Settings, choose
from ridgefeat.threshold.methods import expected_improvement, search_range
from tests.threshold.helpers import curve_of, mirrored, normal_scores

CURVE = ErrorCurve.from_scores(normal_scores(5))
SEPARATED = curve_of([5.0, 5.1], [0.1, 0.2, 0.3])


def loss_at(curve, method, settings):
    return settings.loss(curve)[curve.index(choose(curve, method, settings).threshold)]


@pytest.mark.parametrize("objective", ["hter", "accuracy", "cost"])
@pytest.mark.parametrize("seed", range(2))
def test_no_method_beats_exact_and_searches_come_near(objective, seed):
    curve = ErrorCurve.from_scores(normal_scores(seed, subjects=30))
    settings = Settings(objective=objective, prior=0.9, cost_false_accept=20, cost_false_reject=1)
    best = loss_at(curve, "exact", settings)
    assert best == settings.loss(curve).min()
    for method in [*METHODS, "fmr=1%", "fmr=0.1%"]:
        assert loss_at(curve, method, settings) >= best
    for method in ("grid", "bayes"):
        assert loss_at(curve, method, settings) - best < 0.01


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-5, 12), min_size=1, max_size=30),
    st.lists(st.integers(-12, 5), min_size=1, max_size=30),
    st.sampled_from(["hter", "accuracy"]),
)
def test_exact_equals_a_search_through_everything(mated, others, objective):
    values = np.array([*mated, *others], float)
    truth = np.repeat([True, False], [len(mated), len(others)])
    try:
        curve = curve_of(mated, others)
    except ScoreError:
        return

    def loss(t):
        fmr, fnmr = np.mean(np.array(others) >= t), np.mean(np.array(mated) < t)
        if objective == "hter":
            return (fmr + fnmr) / 2
        return np.mean((values >= t) != truth)

    settings = Settings(objective=objective)
    found = choose(curve, "exact", settings).threshold
    assert loss(found) == pytest.approx(min(loss(t) for t in np.arange(-13, 15, 0.5)), abs=1e-12)
    for method in ("grid", "far-frr", "zero-fmr"):
        assert loss(choose(curve, method, settings).threshold) >= loss(found) - 1e-12


def test_far_frr_holds_the_relation_and_of_ratio_one_is_the_equal_error_rate():
    for ratio in (0.1, 1.0, 4.0):
        k = CURVE.index(choose(CURVE, "far-frr", Settings(ratio=ratio)).threshold)
        assert CURVE.far[k] == pytest.approx(ratio * CURVE.frr[k], abs=0.006)
    assert choose(CURVE, "far-frr").threshold == CURVE.equal_error.threshold


@pytest.mark.parametrize(("method", "target"), [("fmr=1%", 0.01), ("fmr=0.001", 0.001), ("zero-fmr", 0.0)])
def test_targets_are_held_by_the_lowest_threshold_that_does(method, target):
    choice = choose(CURVE, method)
    k = CURVE.index(choice.threshold)
    assert choice.target == target
    assert CURVE.fmr[k] <= target < CURVE.fmr[k - 1]


@pytest.mark.parametrize("method", [*METHODS, "fmr=1%"])
def test_distances_give_the_mirrored_threshold(method):
    other = ErrorCurve.from_scores(mirrored(normal_scores(5)))
    assert choose(other, method).threshold == pytest.approx(10 - choose(CURVE, method).threshold, abs=0.02)


@pytest.mark.parametrize("method", [*METHODS, "fmr=1%"])
def test_fully_separated_scores_are_separated(method):
    k = SEPARATED.index(choose(SEPARATED, method).threshold)
    assert SEPARATED.false_nonmatches[k] == SEPARATED.false_matches[k] == 0


@pytest.mark.parametrize("method", ["exact", "far-frr", "min-cost", "grid"])
def test_a_threshold_between_scores_is_midway(method):
    for curve in (SEPARATED, curve_of([0.3, 0.1], [5.1, 5.0], distance=True)):
        assert choose(curve, method).threshold == pytest.approx(2.65, abs=0.03)


def test_thresholds_of_whole_scores_are_whole():
    curve = curve_of([7, 8], [0, 1, 2])
    assert choose(curve, "exact").threshold == 5
    assert [curve.midpoint(k) for k in range(len(curve.cut))] == [0, 1, 2, 5, 8, 9]
    assert curve_of([8.5], [3]).cut[-1] == np.nextafter(8.5, 9)
    assert curve_of([np.nextafter(1.0, 2), 1.5], [1.0]).midpoint(1) == np.nextafter(1.0, 2)


def test_bayes_records_its_search_and_repeats_with_its_seed():
    one, two = (choose(CURVE, "bayes", Settings(seed=3)) for _ in range(2))
    assert one.evaluations == 25 == len(one.path.tried) and one.threshold == two.threshold
    assert one.path.loss.min() == Settings().loss(CURVE)[CURVE.index(one.threshold)]
    assert one.path.grid.shape == one.path.mean.shape == one.path.deviation.shape


@pytest.mark.parametrize(
    ("name", "value"),
    [("objective", "luck"), ("ratio", 0), ("ratio", np.nan), ("prior", 1.0), ("grid_steps", 1)]
    + [("cost_false_accept", -1), ("cost_false_accept", np.nan), ("evaluations", 4), ("evaluations", 501)],
)
def test_settings_out_of_range_are_refused(name, value):
    with pytest.raises(ScoreError, match=f"{value}"):
        Settings(**{name: value})
    with pytest.raises(ScoreError, match="nor both 0"):
        Settings(cost_false_accept=0, cost_false_reject=0)


@pytest.mark.parametrize("method", ["exakt", "fmr=", "fmr=2", "fmr=x%", "fmr=0"])
def test_an_unknown_method_is_refused(method):
    with pytest.raises(ScoreError, match=r"fmr=0\.1%"):
        choose(CURVE, method)


def test_the_defaults_of_methods_and_settings():
    assert " ".join(DEFAULT_METHODS) == "fmr=0.1% fmr=1% far-frr exact min-cost grid mean-distance zero-fmr"
    assert Settings() == Settings("hter", 1.0, 0.5, 1.0, 1.0, 100, 25, 0)


def test_of_equal_losses_the_highest_threshold_is_chosen():
    # Both 3 and 6 make one error.
    curve = curve_of([3, 6], [1, 5])
    assert Settings().loss(curve).tolist() == [0.5, 0.25, 0.5, 0.25, 0.5]
    assert choose(curve, "exact").threshold == 6 == choose(curve, "min-cost").threshold
    # From 2.5 to 10 none of four makes an error: of the two in the middle the higher.
    assert choose(curve_of([10], [0]), "grid", Settings(grid_steps=5)).threshold == 7.5


def test_bayes_starts_with_five_thresholds_and_then_seeks_the_gain():
    tried = [choose(CURVE, "bayes", Settings(seed=seed, evaluations=6)).path.tried for seed in (0, 1)]
    assert sorted(tried[0][:5]) == pytest.approx(sorted(tried[1][:5])) and len(set(tried[0])) == 6
    low, high = search_range(CURVE)
    assert sorted(tried[0][:5]) == pytest.approx(low + (high - low) * np.linspace(0.05, 0.95, 5))
    gain = expected_improvement(np.array([0.2, 0.3]), np.array([0.1, 0.1]), 0.25)
    assert gain == pytest.approx([0.069780, 0.019780], abs=1e-6)
