"""Log likelihood ratios: their cost, and scores turned into them."""

import numpy as np
import pytest

from ridgefeat.errors import ScoreError
from ridgefeat.threshold import Scores, analyse, log_ratios, ratio_cost
from ridgefeat.threshold.likelihood import best_monotone

rng = np.random.default_rng(0)
MATED = np.repeat([True, False], [2000, 6000])
TRUE = rng.normal(size=8000) + 2 * MATED
TRUE_RATIO = 2 * TRUE - 2  # of normal densities two deviations apart


def test_true_ratios_lose_nothing_by_calibration_and_others_do():
    good, shifted = ratio_cost(TRUE_RATIO, MATED), ratio_cost(TRUE_RATIO + 3, MATED)
    assert good.calibration < 0.02 < 0.3 < shifted.calibration and shifted.min_cllr == good.min_cllr
    assert ratio_cost(np.zeros(8000), MATED).cllr == pytest.approx(1)
    assert 0 <= good.min_cllr <= good.cllr < 0.6


def test_the_best_monotone_change_rises_and_equal_scores_stay_equal():
    scores = TRUE.round(1)
    ratio = best_monotone(scores, MATED)
    rising = ratio[np.argsort(scores, kind="stable")]
    assert (rising[1:] >= rising[:-1]).all()
    assert all(len(set(ratio[scores == v])) == 1 for v in (0.0, 1.0, 2.0))


@pytest.mark.parametrize(("how", "scale"), [("natural", 1), ("10", np.log(10)), ("2", np.log(2))])
def test_ratios_are_read_in_their_base(how, scale):
    found = log_ratios(Scores.make(TRUE_RATIO / scale, MATED), how)
    assert np.allclose(found.natural, TRUE_RATIO) and not found.fitted


@pytest.mark.parametrize("distance", [False, True])
def test_scores_become_calibrated_ratios_in_the_given_order(distance):
    scores = Scores.make((-1 if distance else 1) * (5 * TRUE + 40), MATED, distance=distance)
    found = log_ratios(scores, "fit")
    assert np.abs(found.natural - TRUE_RATIO).mean() < 0.15 and found.cost.calibration < 0.03
    assert np.allclose(found.table()["log10_ratio"], found.natural / np.log(10)) and found.fitted
    assert (found.table()["score"] == scores.score).all()


def test_a_ratio_is_no_stronger_than_the_scores_are_many():
    found = log_ratios(Scores.make(TRUE + 50 * MATED, MATED), "fit").natural
    assert np.exp(found.max()) == pytest.approx(6001) and np.exp(-found.min()) == pytest.approx(2001)


def test_a_failure_has_no_ratio_and_distances_are_none():
    failed = Scores.make(np.where(np.arange(8000) == 5, np.nan, TRUE), MATED, count_failures=True)
    assert np.flatnonzero(np.isnan(log_ratios(failed, "fit").natural)).tolist() == [5]
    with pytest.raises(ScoreError, match="distances are not log likelihood ratios"):
        log_ratios(Scores.make(-TRUE, MATED, distance=True), "10")


def test_a_report_has_both_costs():
    scores = Scores.make(TRUE_RATIO, MATED)
    found = analyse(scores, ["exact"], folds=1, ratios=log_ratios(scores, "natural"))
    costs = {f.name: f.value for f in found.metrics}
    assert costs["Cllr"] == ratio_cost(TRUE_RATIO, MATED).cllr and costs["min Cllr"] < costs["Cllr"]
