import numpy as np
import pytest

from ridgefeat.bench import size
from ridgefeat.bench.classifiers import find
from ridgefeat.bench.evaluation import Task, run_task
from ridgefeat.bench.method import Settings
from ridgefeat.bench.results import Fold
from ridgefeat.bench.size import refuse_too_large
from ridgefeat.bench.statistics import samples_for
from ridgefeat.errors import ParameterError


def test_what_would_take_hours_is_refused_with_the_estimate():
    with pytest.raises(
        ParameterError, match=r"rbf-svm on 800,000 rows x 50 columns would take about \d\.\d hours a fit"
    ):
        refuse_too_large("rbf-svm", 800_000, 50)
    with pytest.raises(
        ParameterError, match=r"knn on 500,000 rows x 50 columns, asked about 500,000, would take about 0\.3 hours"
    ):
        refuse_too_large("knn", 500_000, 50, 500_000)
    refuse_too_large("rbf-svm", 4_000, 1_100)
    refuse_too_large("knn", 4_000, 1_100, 1_000)
    refuse_too_large("logistic", 10_000_000, 50)


def test_what_would_fill_the_memory_is_refused_with_the_estimate():
    with pytest.raises(ParameterError, match=r"extra-trees on 800,000 rows would hold about 6\.4 GB of trees"):
        refuse_too_large("extra-trees", 800_000, 50)
    refuse_too_large("extra-trees", 500_000, 50)
    refuse_too_large("random-forest", 4_000_000, 50)


def test_a_refused_fit_is_a_row_with_its_reason(monkeypatch):
    monkeypatch.setattr(size, "LONGEST", 1e-9)
    X, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
    fold = Fold(0, 0, np.arange(20), np.arange(20, 40))
    outcome = run_task(Task(find("rbf-svm"), fold, Settings(kind="binary"), 2), X, y, np.arange(40))
    assert outcome.predicted is None and outcome.reason.startswith("ParameterError: not begun: rbf-svm on 20 rows")


@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_neighbours_are_as_many_as_there_are_rows(kind):
    X, y = np.random.default_rng(0).normal(size=(12, 3)), np.arange(12) % 2
    fold = Fold(0, 0, np.arange(6), np.arange(6, 12))
    outcome = run_task(Task(find("knn"), fold, Settings(kind=kind), 2), X, y, np.arange(12))
    assert outcome.reason == ""
    near = ((X[6:, None] - X[None, :6]) / X[:6].std(axis=0)) ** 2
    weight = 1 / np.sqrt(near.sum(axis=2))
    share = (weight @ y[:6]) / weight.sum(axis=1)
    expected = share if kind == "regression" else share > 0.5
    np.testing.assert_allclose(outcome.predicted, expected, atol=1e-6)


def test_bootstrap_samples_of_a_large_table_fit_into_memory():
    assert samples_for(4_200, 1000) == 1000
    assert samples_for(1_000_000, 1000) == 50
    assert samples_for(10**9, 1000) == 40 and samples_for(10**9, 20) == 20
