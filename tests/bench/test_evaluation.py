"""Fits: what their seconds hold, what two classes are called, and where their settings come from."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from ridgefeat.bench import Options, evaluation, splits
from ridgefeat.bench.classifiers import ENSEMBLES, build, default_names, find
from ridgefeat.bench.options import Method
from ridgefeat.bench.results import Fold
from ridgefeat.work.threads import one_thread
from tests.bench.helpers import make_problem

FOLD = Fold(0, 0, np.arange(6), np.arange(6, 12))
X, Y = np.random.default_rng(0).normal(size=(12, 3)), np.arange(12) % 2


def test_seconds_hold_the_fit_and_not_the_start_up(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(evaluation.time, "perf_counter", lambda: clock[0])

    class Quick(DummyClassifier):
        def fit(self, X, y):
            clock[0] += 0.7
            return super().fit(X, y)

    def make(options):  # as long as a worker takes to import scikit-learn on a busy machine
        clock[0] += 31
        return Quick()

    outcome = evaluation.run_fit(Method("quick", "", make), FOLD, Options(), X, Y, Y)
    assert outcome.reason == "" and outcome.seconds == pytest.approx(0.7)


def test_a_classifier_imports_nothing_while_it_is_fitted():
    """In a process of its own, as a worker is: modules are compared when the clock is started and when it is read."""
    script = """
import sys
import numpy as np
from ridgefeat.bench import evaluation
from ridgefeat.bench.classifiers import find
from ridgefeat.bench.options import Options
from ridgefeat.bench.results import Fold
seen = []
evaluation.time = type("Clock", (), {"perf_counter": staticmethod(lambda: seen.append(set(sys.modules)) or 0.0)})
X, y = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32), np.arange(60) % 2
for name in sys.argv[1:]:
    evaluation.run_fit(find(name), Fold(0, 0, np.arange(40), np.arange(40, 60)), Options(), X, y, y)
    late = {m.split(".")[0] for m in seen[-1] - seen[-2]} & {"sklearn", "scipy", "pandas", "ridgefeat"}
    print(name, *late)
"""
    names = [n for n in default_names("binary") if n not in ENSEMBLES]
    done = subprocess.run([sys.executable, "-c", script, *names], check=True, capture_output=True, text=True)
    assert done.stdout.split("\n")[:-1] == names


def test_what_two_classes_are_called_is_what_the_estimator_calls_them():
    """The shortcut through scores gives the estimator's own answers, for every classifier of features."""
    p = make_problem(people=30, effect=1.0)
    X = p.features.to_numpy(np.float32)
    fold = Fold(0, 0, np.arange(60), np.arange(60, 120))
    for name in set(default_names("binary")) - set(ENSEMBLES):
        with one_thread():
            outcome = evaluation.run_fit(find(name), fold, Options(), X, p.y, p.groups)
            fitted = build(find(name), Options()).fit(X[fold.train], p.y[fold.train])
            assert outcome.reason == "" and np.array_equal(outcome.predicted, fitted.predict(X[fold.test])), name


@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_neighbours_are_as_many_as_there_are_rows(kind):
    outcome = evaluation.run_fit(find("knn"), FOLD, Options(kind=kind), X, Y, np.arange(12))
    assert outcome.reason == ""
    near = ((X[6:, None] - X[None, :6]) / X[:6].std(axis=0)) ** 2
    weight = 1 / np.sqrt(near.sum(axis=2))
    share = (weight @ Y[:6]) / weight.sum(axis=1)
    expected = share if kind == "regression" else share > 0.5
    np.testing.assert_allclose(outcome.predicted, expected, atol=1e-6)


def test_tuning_searches_within_training_people_in_three_folds(monkeypatch):
    p = make_problem(people=20)
    seen, inner = [], evaluation.inner_splits

    def spy(y, groups, folds, seed):
        out = inner(y, groups, folds, seed)
        seen.extend((set(groups[a]), set(groups[b])) for a, b in out)
        return out

    monkeypatch.setattr(evaluation, "inner_splits", spy)
    folds = splits.make_folds(p, folds=2)
    inputs = {"features": p.features.to_numpy(np.float32)}
    options = Options(tune=True, jobs=1)
    (outcomes,) = evaluation.evaluate(p, [find("logistic")], folds, options, inputs).values()
    assert len(seen) == 6 and all(not a & b for a, b in seen)
    assert all(list(o.chosen) == ["model__C"] for o in outcomes)


def test_parameters_that_are_no_settings_reach_estimators_that_have_them():
    network = build(find("cnn-two-block"), Options(epochs=7), n_threads=3, on_epoch=print)[-1]
    assert (network.n_threads, network.on_epoch, network.epochs) == (3, print, 7)
    assert (network.validation_fraction, network.patience) == (0.2, 5)
    build(find("logistic"), Options(), n_threads=3)
