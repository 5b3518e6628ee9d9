import numpy as np
import pytest
from sklearn import metrics as sk

from ridgefeat.bench import calibration, metrics, statistics
from ridgefeat.bench.metrics import Predictions, areas, by_class, figures


def some(kind="binary", classes=2, n=240, seed=0):
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n // 4), 4)
    y = rng.integers(0, classes, n)
    score = np.round(rng.normal(size=(n, classes)) + np.eye(classes)[y], 1)  # rounded, so that there are ties
    p = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    return Predictions(kind, y, score.argmax(axis=1), score, p, np.zeros(n, np.int64), group)


def test_figures_of_two_classes_are_scikit_learns():
    p = some()
    got = {k: v[0] for k, v in figures(p).items()}
    y, said, s = p.y, p.predicted, p.score[:, 1]
    assert got["roc_auc"] == pytest.approx(sk.roc_auc_score(y, s))
    assert got["average_precision"] == pytest.approx(sk.average_precision_score(y, s))
    assert got["accuracy"] == pytest.approx(sk.accuracy_score(y, said))
    assert got["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(y, said))
    assert got["f1"] == pytest.approx(sk.f1_score(y, said))
    assert got["precision"] == pytest.approx(sk.precision_score(y, said))
    assert got["recall"] == pytest.approx(sk.recall_score(y, said))
    assert got["brier"] == pytest.approx(sk.brier_score_loss(y, p.probability[:, 1]))


def test_figures_of_several_classes_are_scikit_learns():
    p = some("multiclass", 3)
    got = {k: v[0] for k, v in figures(p).items()}
    assert got["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(p.y, p.predicted))
    assert got["f1"] == pytest.approx(sk.f1_score(p.y, p.predicted, average="macro"))
    each = [sk.roc_auc_score(p.y == k, p.score[:, k]) for k in range(3)]
    assert got["roc_auc"] == pytest.approx(np.mean(each))
    rows = by_class(p)
    assert [r["support"] for r in rows] == np.bincount(p.y).tolist()
    assert rows[2]["recall"] == pytest.approx(sk.recall_score(p.y, p.predicted, average=None)[2])


def test_figures_of_numbers_are_scikit_learns():
    rng = np.random.default_rng(0)
    y = rng.normal(size=60)
    said = y + rng.normal(size=60)
    none = np.zeros((60, 0))
    p = Predictions("regression", y, said, none, none, np.zeros(60, np.int64), np.arange(60))
    got = {k: v[0] for k, v in figures(p).items()}
    assert got["mae"] == pytest.approx(sk.mean_absolute_error(y, said))
    assert got["rmse"] == pytest.approx(sk.root_mean_squared_error(y, said))
    assert got["r2"] == pytest.approx(sk.r2_score(y, said))


def test_weights_count_a_group_as_if_it_stood_there_so_often():
    p = some()
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
    p = some(n=400)
    fold = np.arange(400) // 200
    weights = statistics.group_weights(100, 0, 30)
    paired = areas(p.y == 1, p.score[:, 1], fold, weights, p.group)
    monkeypatch.setattr(metrics, "MAX_GROUP_PAIRS", 0)
    monkeypatch.setattr(metrics, "CHUNK", 1000)  # a few samples at once
    np.testing.assert_array_equal(areas(p.y == 1, p.score[:, 1], fold, weights, p.group), paired)
    assert 0.6 < paired.min() < paired.max() < 0.95


def test_one_class_alone_has_no_curve():
    p = some().select(np.arange(240))
    p = p.select(p.y == 1)
    assert np.isnan(figures(p)["roc_auc"][0]) and figures(p)["recall"][0] > 0


def test_intervals_hold_whole_groups():
    # Prints of a person say the same: the interval must be as wide as that of the people alone.
    p = some(n=200)
    people = p.select(np.arange(0, 200, 4))
    people = Predictions(
        "binary", people.y, people.predicted, people.score, people.probability, people.fold, np.arange(50)
    )
    copies = people.select(np.repeat(np.arange(50), 4))
    weights = statistics.group_weights(50, 0, 400)
    one = statistics.with_intervals(people, weights, ["roc_auc"])
    four = statistics.with_intervals(copies, weights, ["roc_auc"])
    assert one == pytest.approx(four)
    assert one["roc_auc_low"] < one["roc_auc"] < one["roc_auc_high"]


def test_holm_by_hand():
    got = statistics.holm([0.01, np.nan, 0.04, 0.03])
    assert got[[0, 2, 3]] == pytest.approx([0.03, 0.06, 0.06]) and np.isnan(got[1])


def test_the_corrected_test_is_milder_than_the_plain_one():
    from scipy import stats

    d = np.array([0.02, 0.03, 0.01, 0.04, 0.02])
    plain = stats.ttest_1samp(d, 0).pvalue
    assert statistics.corrected_t(d, 0.0) == pytest.approx(plain)
    t = d.mean() / np.sqrt((1 / 5 + 1 / 4) * d.var(ddof=1))
    assert statistics.corrected_t(d, 1 / 4) == pytest.approx(2 * stats.t.sf(t, 4))
    assert statistics.corrected_t(d, 1 / 4) > plain
    assert statistics.corrected_t(np.zeros(5), 0.25) == 1.0


def test_probabilities_are_calibrated_by_the_other_folds():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 4000)
    odds = 2.0 * (2 * y - 1) + 2 * rng.normal(size=4000)  # log-odds are 1 x; handed out as 5 x
    scores = np.stack([-5 * odds, 5 * odds], axis=1)
    fold = np.arange(4000) % 5
    p = calibration.across_folds(scores, y, fold, [0] * 5)
    assert p[:, 1] == pytest.approx(1 / (1 + np.exp(-odds)), abs=0.05)
    flipped = calibration.across_folds(scores, np.where(fold == 0, 1 - y, y), fold, [0] * 5)
    assert np.corrcoef(flipped[fold == 0, 1], odds[fold == 0])[0, 1] > 0.5  # a fold's own labels decide nothing
    assert calibration.across_folds(scores, y, np.zeros(4000, int), [0]) is None
    bins = calibration.reliability(p[:, 1], y == 1)
    assert sum(b["count"] for b in bins) == 4000
    assert all(abs(b["predicted"] - b["observed"]) < 0.08 for b in bins)


def test_bootstrap_samples_of_a_large_table_fit_into_memory():
    assert statistics.samples_for(4_200, 1000) == 1000
    assert statistics.samples_for(1_000_000, 1000) == 50
    assert statistics.samples_for(10**9, 1000) == 40 and statistics.samples_for(10**9, 20) == 20
