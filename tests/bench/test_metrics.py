from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from ridgefeat.bench import metrics
from ridgefeat.bench.metrics import Predictions, areas, by_class, figures
from ridgefeat.threshold.intervals import fraction_interval
from tests.bench.helpers import make_predictions


def test_figures_are_scikit_learns():
    p = make_predictions()
    y, predicted, score = p.y, p.predicted, p.score[:, 1]
    named = ("accuracy", "balanced_accuracy", "f1", "precision", "recall")
    expected = {name: getattr(sk, f"{name}_score")(y, predicted) for name in named}
    expected |= {name: getattr(sk, f"{name}_score")(y, score) for name in ("roc_auc", "average_precision")}
    expected["brier"] = sk.brier_score_loss(y, p.probability[:, 1])
    assert {k: v[0] for k, v in figures(p).items()} == pytest.approx(expected)

    p = make_predictions("multiclass", 3)
    got = {k: v[0] for k, v in figures(p).items()}
    assert got["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(p.y, p.predicted))
    assert got["f1"] == pytest.approx(sk.f1_score(p.y, p.predicted, average="macro"))
    assert got["roc_auc"] == pytest.approx(np.mean([sk.roc_auc_score(p.y == k, p.score[:, k]) for k in range(3)]))
    assert got["brier"] == pytest.approx(((p.probability - np.eye(3)[p.y]) ** 2).sum(axis=1).mean())
    rows = by_class(p)
    assert [r["support"] for r in rows] == np.bincount(p.y).tolist()
    assert rows[2]["recall"] == pytest.approx(sk.recall_score(p.y, p.predicted, average=None)[2])

    y, none = np.random.default_rng(0).normal(size=(2, 60)), np.zeros((60, 0))
    p = Predictions("regression", y[0], y.sum(axis=0), none, none, np.zeros(60, np.int64), np.arange(60))
    named = {"mae": sk.mean_absolute_error, "rmse": sk.root_mean_squared_error, "r2": sk.r2_score}
    expected = {name: score(p.y, p.predicted) for name, score in named.items()}
    assert {k: v[0] for k, v in figures(p).items()} == pytest.approx(expected)


def test_weights_count_a_group_as_if_it_stood_there_so_often():
    p = make_predictions()
    rng = np.random.default_rng(1)
    weights = rng.integers(0, 3, (3, 60)).astype(float)
    drawn = figures(p, weights)
    for i, w in enumerate(weights):
        rows = np.repeat(np.arange(len(p.y)), w[p.group].astype(int))
        again = figures(p.select(rows))
        assert all(drawn[name][i] == pytest.approx(again[name][0]) for name in again)


def test_scores_are_ranked_within_a_fold_only():
    y = np.array([0, 1, 0, 1], bool)
    score = np.array([0.0, 1.0, 10.0, 11.0])
    fold, group, w = np.array([0, 0, 1, 1]), np.arange(4), np.ones((1, 4))
    assert areas(y, score, fold, w, group)[0] == 1.0
    assert areas(y, score, np.zeros(4, int), w, group)[0] == 0.75


def test_the_area_is_the_same_to_the_last_bit_however_many_groups_there_are(monkeypatch):
    p = make_predictions(n=400)
    fold = np.arange(400) // 200
    weights = metrics.group_weights(100, 0, 30)
    paired = areas(p.y == 1, p.score[:, 1], fold, weights, p.group)
    monkeypatch.setattr(metrics, "MAX_GROUP_PAIRS", 0)
    monkeypatch.setattr(metrics, "CHUNK", 1000)  # a few samples at once
    np.testing.assert_array_equal(areas(p.y == 1, p.score[:, 1], fold, weights, p.group), paired)
    assert 0.6 < paired.min() < paired.max() < 0.95


def test_one_class_alone_has_no_curve():
    p = make_predictions()
    p = p.select(p.y == 1)
    assert np.isnan(figures(p)["roc_auc"][0]) and figures(p)["recall"][0] > 0


def test_an_interval_is_as_wide_as_that_of_the_people_alone():
    # Prints of a person say the same: the interval must be as wide as that of the people alone.
    people = replace(make_predictions(n=200).select(np.arange(0, 200, 4)), group=np.arange(50))
    copies = people.select(np.repeat(np.arange(50), 4))
    weights = metrics.group_weights(50, 0, 400)
    one = metrics.with_intervals(people, weights, ["roc_auc"])
    four = metrics.with_intervals(copies, weights, ["roc_auc"])
    assert one == pytest.approx(four)
    assert one["roc_auc_low"] < one["roc_auc"] < one["roc_auc_high"]


def test_the_corrected_test_is_milder_than_the_plain_one_and_holm_counts_what_is_known():
    got = metrics.holm([0.01, np.nan, 0.04, 0.03])
    assert got[[0, 2, 3]] == pytest.approx([0.03, 0.06, 0.06]) and np.isnan(got[1])
    d = np.array([0.02, 0.03, 0.01, 0.04, 0.02])
    plain = stats.ttest_1samp(d, 0).pvalue
    assert metrics.corrected_t(d, 0.0) == pytest.approx(plain)
    t = d.mean() / np.sqrt((1 / 5 + 1 / 4) * d.var(ddof=1))
    assert metrics.corrected_t(d, 1 / 4) == pytest.approx(2 * stats.t.sf(t, 4))
    assert metrics.corrected_t(d, 1 / 4) > plain
    assert metrics.corrected_t(np.zeros(5), 0.25) == 1.0


def test_bootstrap_samples_of_a_large_table_fit_into_memory():
    assert metrics.samples_for(4_200, 1000) == 1000
    assert metrics.samples_for(1_000_000, 1000) == 50
    assert metrics.samples_for(10**9, 1000) == 40 and metrics.samples_for(10**9, 20) == 20


@pytest.mark.parametrize(("folds", "factor"), [(1, 1.0), (2, 2**0.5), (5, 2**0.5)])
def test_intervals_are_wider_by_the_root_of_two_where_folds_share_training_data(folds, factor):
    p = make_predictions()
    weights = metrics.group_weights(60, 0, 200)
    p = replace(p, fold=p.group % folds)
    assert metrics.widening(p) == factor
    found = metrics.with_intervals(p, weights, ["roc_auc"])
    value, drawn = found["roc_auc"], figures(p, weights)["roc_auc"]
    expected = fraction_interval(value, factor**2 * drawn.var() * 60 / 59, 60)
    assert (found["roc_auc_low"], found["roc_auc_high"]) == pytest.approx(expected)
    other = replace(p, score=p.score[::-1])
    point, low, high = metrics.difference(p, other, weights, "roc_auc")
    assert point == pytest.approx(value - figures(other)["roc_auc"][0])
    drawn = drawn - figures(other, weights)["roc_auc"]
    reach = factor * stats.t.ppf(0.975, 59) * drawn.std() * (60 / 59) ** 0.5
    assert [low, high] == pytest.approx([point - reach, point + reach])
    # Nothing differs, so nothing can be estimated.
    assert np.isnan(metrics.difference(p, p, weights, "roc_auc")[1:]).all()


@pytest.mark.parametrize(("people", "low"), [(4, np.nan), (5, 0.478), (12, 0.735), (50, 0.929)])
def test_perfect_figures_have_a_bound_over_people_and_fewer_than_five_none(people, low):
    y = np.repeat(np.arange(people) % 2, 2)
    score = np.eye(2)[y]
    p = metrics.Predictions("binary", y, y, score, score, np.zeros(2 * people, int), np.repeat(np.arange(people), 2))
    found = metrics.with_intervals(p, metrics.group_weights(people, 0, 100), ["roc_auc", "accuracy"])
    for name in ("roc_auc", "accuracy"):
        assert found[name] == 1 and found[f"{name}_low"] == pytest.approx(low, abs=0.001, nan_ok=True)
        assert found[f"{name}_high"] == 1 or people < 5
    constant = metrics.with_intervals(replace(p, score=0 * score), np.ones((40, people)), ["roc_auc"])
    assert constant["roc_auc"] == 0.5 and np.isnan(constant["roc_auc_low"])


def test_errors_are_never_negative_and_r2_may_be():
    y = 10.0 * np.repeat([0, 1], 20)
    predicted = np.where(np.arange(40) == 0, 10.0, y)  # one error
    none = np.zeros((40, 0))
    p = metrics.Predictions("regression", y, predicted, none, none, np.arange(40) % 2, np.arange(40))
    found = metrics.with_intervals(p, metrics.group_weights(40, 0, 400), ["mae", "r2"])
    assert found["mae_low"] == 0 and found["r2_high"] > 1


def test_a_variance_needs_a_figure_in_half_of_the_samples():
    assert metrics.variance(np.array([np.nan, 1.0, np.nan, 3.0]), 5) == pytest.approx(1.25)
    assert np.isnan(metrics.variance(np.array([np.nan, 1.0, np.nan]), 5))
    assert metrics.group_weights(3, 0).shape == (1000, 3)
