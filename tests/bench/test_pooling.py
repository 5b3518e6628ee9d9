"""Predictions pooled over folds, calibrated, and fused over a person's prints."""

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from ridgefeat.bench import pooling
from ridgefeat.bench.evaluation import Outcome, raw_scores
from ridgefeat.bench.pooling import fuse_predictions, pool_predictions, sources
from ridgefeat.bench.results import Fold
from ridgefeat.bench.splits import make_folds
from ridgefeat.errors import TableError
from tests.bench.helpers import make_problem


def scored(women=0.3, repeats=1):
    """Return a problem, and pooled predictions of two folds by scores that know the class."""
    p = make_problem(people=40)
    p.y[:] = (np.arange(40) >= 40 * women).astype(int).repeat(4)
    s = 2.0 * p.y + np.random.default_rng(0).normal(size=160)
    scores = np.stack([-s, s], axis=1)
    return p, [Outcome("one", f, p.y[f.test], scores[f.test]) for f in make_folds(p, folds=2, repeats=repeats)]


def test_the_class_is_the_one_that_is_likely_relative_to_its_share():
    p, outcomes = scored()
    pooled = pool_predictions(p, outcomes)
    assert np.array_equal(pooled.predicted, pooled.probability[:, 1] > 0.7)
    most_probable = pool_predictions(p, outcomes, balanced=False)
    assert np.array_equal(most_probable.predicted, most_probable.probability[:, 1] > 0.5)
    assert pooling.decide(np.array([[0.3, 0.7], [0.3001, 0.6999]]), np.array([0.3, 0.7])).tolist() == [1, 1]


def test_a_person_has_the_mean_score_and_its_own_probability():
    p, outcomes = scored()
    pooled = {"one": pool_predictions(p, outcomes)}
    one = fuse_predictions(p, pooled, "subject")[1]["one"]
    assert len(one.y) == 40 and np.array_equal(one.predicted, one.probability[:, 1] > 0.7)
    by_hand = pooled["one"]
    assert one.score[0] == pytest.approx(by_hand.score[by_hand.group == one.group[0]].mean(axis=0))
    # Four prints know more than one.
    assert one.probability.max(axis=1).mean() > by_hand.probability.max(axis=1).mean()


def test_a_fold_learns_from_the_other_folds_of_its_own_repeat():
    pooled = pool_predictions(*scored(repeats=2))
    learned = [np.unique(pooled.fold[rows]).tolist() for rows, _ in sources(pooled, None)]
    assert learned == [[1], [0], [3], [2]]


def test_prints_are_not_fused_by_a_label_with_several_targets_or_that_is_missing():
    p = make_problem(people=4)
    outcome = Outcome("one", Fold(0, 0, np.arange(0), np.arange(16)), p.y, np.zeros((16, 2)))
    pooled = {"one": pool_predictions(p, [outcome])}
    assert not pooled["one"].calibrated
    with pytest.raises(TableError, match="cannot be fused by 'hand': 'left' has several values of 'sex'"):
        fuse_predictions(p, pooled, "hand")
    with pytest.raises(TableError, match="no column 'toe' to fuse prints by"):
        fuse_predictions(p, pooled, "toe")


def test_probabilities_are_calibrated_by_the_other_folds():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 4000)
    odds = 2.0 * (2 * y - 1) + 2 * rng.normal(size=4000)  # log-odds are 1 x; handed out as 5 x
    scores = np.stack([-5 * odds, 5 * odds], axis=1)
    fold = np.arange(4000) % 5
    parts = [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(5)]
    p = pooling.transfer(scores, y, scores, parts)
    assert p[:, 1] == pytest.approx(1 / (1 + np.exp(-odds)), abs=0.05)
    flipped = pooling.transfer(scores, np.where(fold == 0, 1 - y, y), scores, parts)
    assert np.corrcoef(flipped[fold == 0, 1], odds[fold == 0])[0, 1] > 0.5  # a fold's own labels decide nothing
    assert pooling.transfer(scores, y, scores, [(np.flatnonzero(y == 0), np.arange(4000))]) is None
    bins = pooling.reliability_bins(p[:, 1], y == 1)
    assert sum(b["count"] for b in bins) == 4000
    assert all(abs(b["predicted"] - b["observed"]) < 0.08 for b in bins)


def test_reliability_is_shown_in_ten_bins_of_equal_counts():
    p = np.linspace(0, 1, 1000)
    bins = pooling.reliability_bins(p, p > 0.5)
    assert [b["count"] for b in bins] == [100] * 10 and bins[9]["observed"] == 1
    assert len(pooling.reliability_bins(p[:4], p[:4] > 0.5)) == 4


def test_probabilities_of_0_and_1_have_finite_scores():
    class Certain:
        def predict_proba(self, X):
            return np.array([[0.0, 1.0]])

    assert raw_scores(Certain(), None, 2)[0, 1] == pytest.approx(np.log(1e6 - 1))
    separable = np.array([[1.0, -1.0]] * 5 + [[-1.0, 1.0]] * 5)
    p = pooling.apply_calibrator(pooling.fit_calibrator(separable, np.repeat([0, 1], 5)), separable)[0, 0]
    # Where the penalty's slope w equals the loss's: w = C n (1 - p), with C = 1000 and n = 10.
    assert np.log(p / (1 - p)) == pytest.approx(1e4 * (1 - p), rel=0.1)


def test_probabilities_that_round_to_0_and_1_still_rank():
    """Naive Bayes is sure of nearly every print of a wide table; its areas are those of its own log-odds."""
    rng = np.random.default_rng(0)
    y = np.arange(400) % 2
    X = (rng.normal(size=(400, 1)) + 0.4 * y[:, None] + 0.1 * rng.normal(size=(400, 300))).astype(np.float32)
    model = GaussianNB().fit(X[:200], y[:200])
    p = model.predict_proba(X[200:])[:, 1]
    assert ((p < 1e-9) | (p > 1 - 1e-9)).mean() > 0.5
    scores = raw_scores(model, X[200:], 2)[:, 1]
    assert len(np.unique(scores)) == 200
    log = model.predict_joint_log_proba(X[200:])
    assert np.allclose(scores, log[:, 1] - log[:, 0])
