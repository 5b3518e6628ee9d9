"""Error rates: by hand on a few scores, compared with scikit-learn and pyeer on many."""

import numpy as np
import pytest
from sklearn.metrics import det_curve, roc_auc_score, roc_curve

from ridgefeat.threshold import ErrorCurve, Scores
from tests.threshold.helpers import EER, curve_of, normal_scores


@pytest.fixture(params=["continuous", "ties"])
def both(request):
    rng = np.random.default_rng(4)
    mated, others = rng.normal(2, 1, 700), rng.normal(0, 1, 1900)
    return (mated, others) if request.param == "continuous" else (np.rint(4 * mated), np.rint(4 * others))


def test_distances_give_the_same_rates_at_mirrored_thresholds(both):
    mated, others = both
    one, two = curve_of(mated, others), curve_of(-mated, -others, distance=True)
    assert np.array_equal(one.false_matches, two.false_matches) and one.auc == two.auc
    assert two.equal_error.threshold == -one.equal_error.threshold
    assert two.index(-one.cut[5]) == 5


def test_curves_are_those_of_scikit_learn(both):
    mated, others = both
    curve = curve_of(mated, others)
    truth, score = np.repeat([1, 0], [len(mated), len(others)]), np.concatenate(both)
    fpr, tpr, at = roc_curve(truth, score, drop_intermediate=False)
    k = curve.index(at[1:])
    assert np.array_equal(curve.cut[k], at[1:])
    assert np.allclose(curve.fmr[k], fpr[1:], atol=1e-15) and np.allclose(1 - curve.fnmr[k], tpr[1:], atol=1e-15)
    fmr, fnmr, at = det_curve(truth, score)
    k = curve.index(at[np.isfinite(at)])
    assert np.allclose(curve.fmr[k], fmr[np.isfinite(at)]) and np.allclose(curve.fnmr[k], fnmr[np.isfinite(at)])
    assert curve.auc == pytest.approx(roc_auc_score(truth, score), abs=1e-12)


def test_figures_are_those_of_pyeer(both):
    stats = pytest.importorskip("pyeer.eer_stats", reason="pyeer, of the extra peers, is not installed")
    mated, others = both
    curve = curve_of(mated, others)
    thresholds, fmr, fnmr = stats.calculate_roc(mated, others)
    k = curve.index(thresholds)
    assert np.array_equal(curve.fmr[k], fmr) and np.array_equal(curve.fnmr[k], fnmr)
    assert curve.equal_error.value == pytest.approx(stats.get_eer_values(fmr, fnmr)[-1], abs=1e-15)
    spread = stats.get_decidability_value(mated.mean(), mated.std(), others.mean(), others.std())
    assert curve.d_prime == pytest.approx(spread, rel=1e-12)
    assert curve.fnmr[curve.index_for_fmr(0)] == stats.get_fmr_op(fmr, fnmr, 0)[1]


def test_d_prime_and_equal_error_of_known_normal_scores():
    curve = ErrorCurve.from_scores(normal_scores(1, subjects=200, shared=0.0))
    assert curve.d_prime == pytest.approx(3, abs=0.06)
    assert curve.equal_error.value == pytest.approx(EER, abs=0.006)


def test_failures_to_acquire_count_against_transactions_only():
    scores = Scores.make([5, 6, 1, 2, np.nan, np.nan, np.nan], [1, 1, 0, 0, 1, 1, 0], count_failures=True)
    curve = ErrorCurve.from_scores(scores)
    k = curve.index(2.0)
    assert (curve.n_mated, curve.n_nonmated, curve.n_failed_mated, curve.n_failed_nonmated) == (2, 2, 2, 1)
    # FTA of mated transactions is 1/2: FRR = 1/2 + 0 * 1/2; FAR = FMR (1 - 1/3).
    assert (curve.fmr[k], curve.fnmr[k]) == (0.5, 0.0)
    assert curve.frr[k] == 0.5 and curve.far[k] == pytest.approx(1 / 3)


def test_a_thinned_curve_keeps_its_ends_and_shape():
    curve = ErrorCurve.from_scores(normal_scores(2))
    at = curve.thin(200)
    assert at[0] == 0 and at[-1] == len(curve.cut) - 1 and len(at) <= 450
    assert np.abs(np.diff(curve.fmr[at])).max() < 0.05 and np.abs(np.diff(curve.fnmr[at])).max() < 0.05


def test_rates_that_are_equal_at_a_cut_meet_there():
    # At 5 both rates are 0.5; at 9 their sum is smaller, but they no longer meet.
    curve = curve_of([1, 1, 1, 1, 1, 5, 9, 9, 9, 9], [0, 0, 0, 0, 0, 5, 5, 5, 5, 5])
    eer = curve.equal_error
    assert (eer.value, eer.low, eer.high, eer.threshold) == (0.5, 0.5, 0.5, 3)
    # Of two steps with the same sum, the lower cut.
    assert curve.crossing(np.array([0.75, 0.5]), np.array([0.5, 0.75])) == 0
    assert curve.crossing(np.array([0.75, 0.5]), np.array([0.625, 0.625])) == 1
