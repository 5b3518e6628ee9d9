"""Ensembles: which members, and where the cut between classes is."""

import numpy as np
import pytest

from ridgefeat.bench import ensemble
from ridgefeat.bench.evaluation import Outcome
from ridgefeat.bench.metrics import Predictions
from ridgefeat.bench.pooling import pool_predictions
from ridgefeat.bench.splits import make_folds
from tests.bench.helpers import make_problem


def off_by(error):
    none = np.zeros((8, 0))
    return Predictions("regression", np.zeros(8), np.full(8, error), none, none, np.zeros(8, int), np.arange(8))


def with_errors(count):
    y = np.arange(200) % 2
    predicted = np.where(np.arange(200) < count, 1 - y, y)
    score = np.eye(2)[predicted]
    return Predictions("multiclass", y, predicted, score, score, np.zeros(200, int), np.arange(200))


@pytest.mark.parametrize(
    ("errors", "chosen"),
    [
        ([2.0, 1.0, 1.019, 1.015, 1.01, 1.021], [1, 4, 3, 2]),  # all within 2 % of the best
        ([1.0, 2.0, 3.0, 4.0], [0, 1, 2]),  # three at least
        ([1.0] * 8, [0, 1, 2, 3, 4, 5]),  # six at most
    ],
)
def test_members_are_three_to_six_that_are_nearly_as_good_as_the_best(errors, chosen):
    members = {str(i): off_by(e) for i, e in enumerate(errors)}
    assert ensemble.best_members(members, np.arange(8), "mae") == [str(i) for i in chosen]
    assert ensemble.best_members(members, np.arange(0), "mae") == ["0", "1", "2"]


def test_members_worse_than_dummy_are_left_out_unless_all_are():
    members = {str(i): off_by(e) for i, e in enumerate([1.0, 2.0, 3.0])}
    for dummy, chosen in ((2.5, ["0", "1"]), (2.0, ["0", "1"]), (0.5, ["0"]), (9.0, ["0", "1", "2"])):
        pooled = off_by(dummy)
        assert ensemble.best_members(members, np.arange(8), "mae", pooled) == chosen


def test_nearly_is_an_absolute_share_of_a_score():
    members = {str(n): with_errors(n) for n in (100, 24, 20, 22, 26)}  # balanced accuracies 0.9, 0.89, 0.88, 0.87
    assert ensemble.best_members(members, np.arange(200), "balanced_accuracy") == ["20", "22", "24"]
    members["21"] = with_errors(21)
    assert len(ensemble.best_members(members, np.arange(200), "balanced_accuracy")) == 4


def unbalanced():
    """Return a problem with one woman in ten, and outcomes of three members that know something."""
    p = make_problem(people=100, prints=1)
    p.y[:] = np.arange(100) % 10 > 0
    folds = make_folds(p, folds=5)
    rng = np.random.default_rng(0)
    outcomes = {}
    for name in ("a", "b", "c"):
        s = 2.0 * p.y + rng.normal(size=100)
        scores = np.stack([-s, s], axis=1)
        outcomes[name] = [Outcome(name, f, p.y[f.test], scores[f.test]) for f in folds]
    return p, {n: pool_predictions(p, o) for n, o in outcomes.items()}


@pytest.mark.parametrize("name", ["mean", "stack"])
def test_the_cut_between_classes_is_at_their_share_in_training(name):
    p, pooled = unbalanced()
    one = pool_predictions(p, ensemble.evaluate_ensemble(p, name, pooled))
    assert (one.predicted == 0).sum() > 10  # by the larger probability hardly a woman would be found


def test_two_members_are_needed_and_two_folds_for_a_stack():
    p, pooled = unbalanced()
    with pytest.raises(ValueError, match="mean needs two classifiers besides dummy that ran; there are 1"):
        ensemble.evaluate_ensemble(p, "mean", {"dummy": pooled["b"], "a": pooled["a"]})
    fold = make_folds(p, "holdout")
    one = {n: pool_predictions(p, [Outcome(n, fold[0], p.y[fold[0].test], np.zeros((20, 2)))]) for n in "ab"}
    with pytest.raises(ValueError, match="there is one fold alone"):
        ensemble.evaluate_ensemble(p, "stack", one)
    assert ensemble.fit_stack(np.eye(2), np.arange(2)).C == 0.1
