import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from ridgefeat.bench import calibration


def test_probabilities_are_calibrated_by_the_other_folds():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 4000)
    odds = 2.0 * (2 * y - 1) + 2 * rng.normal(size=4000)  # log-odds are 1 x; handed out as 5 x
    scores = np.stack([-5 * odds, 5 * odds], axis=1)
    fold = np.arange(4000) % 5
    parts = [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(5)]
    p = calibration.transfer(scores, y, scores, parts)
    assert p[:, 1] == pytest.approx(1 / (1 + np.exp(-odds)), abs=0.05)
    flipped = calibration.transfer(scores, np.where(fold == 0, 1 - y, y), scores, parts)
    assert np.corrcoef(flipped[fold == 0, 1], odds[fold == 0])[0, 1] > 0.5  # a fold's own labels decide nothing
    assert calibration.transfer(scores, y, scores, [(np.flatnonzero(y == 0), np.arange(4000))]) is None
    bins = calibration.reliability(p[:, 1], y == 1)
    assert sum(b["count"] for b in bins) == 4000
    assert all(abs(b["predicted"] - b["observed"]) < 0.08 for b in bins)


def test_reliability_is_shown_in_ten_bins_of_equal_counts():
    p = np.linspace(0, 1, 1000)
    bins = calibration.reliability(p, p > 0.5)
    assert [b["count"] for b in bins] == [100] * 10 and bins[9]["observed"] == 1
    assert len(calibration.reliability(p[:4], p[:4] > 0.5)) == 4


def test_probabilities_of_0_and_1_have_finite_scores():
    class Certain:
        def predict_proba(self, X):
            return np.array([[0.0, 1.0]])

    assert calibration.raw_scores(Certain(), None, 2)[0, 1] == pytest.approx(np.log(1e6 - 1))
    separable = np.array([[1.0, -1.0]] * 5 + [[-1.0, 1.0]] * 5)
    p = calibration.apply(calibration.fit(separable, np.repeat([0, 1], 5)), separable)[0, 0]
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
    scores = calibration.raw_scores(model, X[200:], 2)[:, 1]
    assert len(np.unique(scores)) == 200
    log = model.predict_joint_log_proba(X[200:])
    assert np.allclose(scores, log[:, 1] - log[:, 0])
