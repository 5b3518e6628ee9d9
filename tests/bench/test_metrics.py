import numpy as np
import pytest
from sklearn import metrics as sk

from ridgefeat.bench import metrics, statistics
from ridgefeat.bench.metrics import Predictions, areas, by_class, figures
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
    weights = statistics.group_weights(100, 0, 30)
    paired = areas(p.y == 1, p.score[:, 1], fold, weights, p.group)
    monkeypatch.setattr(metrics, "MAX_GROUP_PAIRS", 0)
    monkeypatch.setattr(metrics, "CHUNK", 1000)  # a few samples at once
    np.testing.assert_array_equal(areas(p.y == 1, p.score[:, 1], fold, weights, p.group), paired)
    assert 0.6 < paired.min() < paired.max() < 0.95


def test_one_class_alone_has_no_curve():
    p = make_predictions()
    p = p.select(p.y == 1)
    assert np.isnan(figures(p)["roc_auc"][0]) and figures(p)["recall"][0] > 0
