"""Predictions pooled over folds and fused over a person's prints."""

import numpy as np
import pytest

from ridgefeat.bench import calibration
from ridgefeat.bench.evaluation import Outcome
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
    pooled = pool_predictions(p, outcomes).predictions
    assert np.array_equal(pooled.predicted, pooled.probability[:, 1] > 0.7)
    most_probable = pool_predictions(p, outcomes, balanced=False).predictions
    assert np.array_equal(most_probable.predicted, most_probable.probability[:, 1] > 0.5)
    assert calibration.decide(np.array([[0.3, 0.7], [0.3001, 0.6999]]), np.array([0.3, 0.7])).tolist() == [1, 1]


def test_a_person_has_the_mean_score_and_its_own_probability():
    p, outcomes = scored()
    pooled = {"one": pool_predictions(p, outcomes)}
    one = fuse_predictions(p, pooled, "subject")[1]["one"].predictions
    assert len(one.y) == 40 and np.array_equal(one.predicted, one.probability[:, 1] > 0.7)
    by_hand = pooled["one"].predictions
    assert one.score[0] == pytest.approx(by_hand.score[by_hand.group == one.group[0]].mean(axis=0))
    # Four prints know more than one.
    assert one.probability.max(axis=1).mean() > by_hand.probability.max(axis=1).mean()


def test_a_fold_learns_from_the_other_folds_of_its_own_repeat():
    pooled = pool_predictions(*scored(repeats=2))
    learned = [np.unique(pooled.predictions.fold[rows]).tolist() for rows, _ in sources(pooled, None)]
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
