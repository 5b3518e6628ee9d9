from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from ridgefeat.bench import statistics
from ridgefeat.bench.metrics import figures
from ridgefeat.threshold.intervals import fraction_interval
from tests.bench.helpers import make_predictions


def test_an_interval_is_as_wide_as_that_of_the_people_alone():
    # Prints of a person say the same: the interval must be as wide as that of the people alone.
    people = replace(make_predictions(n=200).select(np.arange(0, 200, 4)), group=np.arange(50))
    copies = people.select(np.repeat(np.arange(50), 4))
    weights = statistics.group_weights(50, 0, 400)
    one = statistics.with_intervals(people, weights, ["roc_auc"])
    four = statistics.with_intervals(copies, weights, ["roc_auc"])
    assert one == pytest.approx(four)
    assert one["roc_auc_low"] < one["roc_auc"] < one["roc_auc_high"]


def test_the_corrected_test_is_milder_than_the_plain_one_and_holm_counts_what_is_known():
    got = statistics.holm([0.01, np.nan, 0.04, 0.03])
    assert got[[0, 2, 3]] == pytest.approx([0.03, 0.06, 0.06]) and np.isnan(got[1])
    d = np.array([0.02, 0.03, 0.01, 0.04, 0.02])
    plain = stats.ttest_1samp(d, 0).pvalue
    assert statistics.corrected_t(d, 0.0) == pytest.approx(plain)
    t = d.mean() / np.sqrt((1 / 5 + 1 / 4) * d.var(ddof=1))
    assert statistics.corrected_t(d, 1 / 4) == pytest.approx(2 * stats.t.sf(t, 4))
    assert statistics.corrected_t(d, 1 / 4) > plain
    assert statistics.corrected_t(np.zeros(5), 0.25) == 1.0


def test_bootstrap_samples_of_a_large_table_fit_into_memory():
    assert statistics.samples_for(4_200, 1000) == 1000
    assert statistics.samples_for(1_000_000, 1000) == 50
    assert statistics.samples_for(10**9, 1000) == 40 and statistics.samples_for(10**9, 20) == 20


@pytest.mark.parametrize(("folds", "factor"), [(1, 1.0), (2, 2**0.5), (5, 2**0.5)])
def test_intervals_are_wider_by_the_root_of_two_where_folds_share_training_data(folds, factor):
    p = make_predictions()
    weights = statistics.group_weights(60, 0, 200)
    p = replace(p, fold=p.group % folds)
    assert statistics.widening(p) == factor
    found = statistics.with_intervals(p, weights, ["roc_auc"])
    value, drawn = found["roc_auc"], figures(p, weights)["roc_auc"]
    expected = fraction_interval(value, factor**2 * drawn.var() * 60 / 59, 60)
    assert (found["roc_auc_low"], found["roc_auc_high"]) == pytest.approx(expected)
    other = replace(p, score=p.score[::-1])
    point, low, high = statistics.difference(p, other, weights, "roc_auc")
    assert point == pytest.approx(value - figures(other)["roc_auc"][0])
    drawn = drawn - figures(other, weights)["roc_auc"]
    reach = factor * stats.t.ppf(0.975, 59) * drawn.std() * (60 / 59) ** 0.5
    assert [low, high] == pytest.approx([point - reach, point + reach])
    # Nothing differs, so nothing can be estimated.
    assert np.isnan(statistics.difference(p, p, weights, "roc_auc")[1:]).all()


@pytest.mark.parametrize(("people", "low"), [(4, np.nan), (5, 0.478), (12, 0.735), (50, 0.929)])
def test_perfect_figures_have_a_bound_over_people_and_fewer_than_five_none(people, low):
    y = np.repeat(np.arange(people) % 2, 2)
    score = np.eye(2)[y]
    p = statistics.Predictions("binary", y, y, score, score, np.zeros(2 * people, int), np.repeat(np.arange(people), 2))
    found = statistics.with_intervals(p, statistics.group_weights(people, 0, 100), ["roc_auc", "accuracy"])
    for name in ("roc_auc", "accuracy"):
        assert found[name] == 1 and found[f"{name}_low"] == pytest.approx(low, abs=0.001, nan_ok=True)
        assert found[f"{name}_high"] == 1 or people < 5
    constant = statistics.with_intervals(replace(p, score=0 * score), np.ones((40, people)), ["roc_auc"])
    assert constant["roc_auc"] == 0.5 and np.isnan(constant["roc_auc_low"])


def test_errors_are_never_negative_and_r2_may_be():
    y = 10.0 * np.repeat([0, 1], 20)
    predicted = np.where(np.arange(40) == 0, 10.0, y)  # one error
    none = np.zeros((40, 0))
    p = statistics.Predictions("regression", y, predicted, none, none, np.arange(40) % 2, np.arange(40))
    found = statistics.with_intervals(p, statistics.group_weights(40, 0, 400), ["mae", "r2"])
    assert found["mae_low"] == 0 and found["r2_high"] > 1


def test_a_variance_needs_a_figure_in_half_of_the_samples():
    assert statistics.variance(np.array([np.nan, 1.0, np.nan, 3.0]), 5) == pytest.approx(1.25)
    assert np.isnan(statistics.variance(np.array([np.nan, 1.0, np.nan]), 5))
    assert statistics.group_weights(3, 0).shape == (1000, 3)
