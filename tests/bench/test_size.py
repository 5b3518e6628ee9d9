import numpy as np
import pytest

from ridgefeat.bench.classifiers import find
from ridgefeat.bench.evaluation import run_fit
from ridgefeat.bench.options import Options
from ridgefeat.bench.results import Fold
from ridgefeat.bench.statistics import samples_for


@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_neighbours_are_as_many_as_there_are_rows(kind):
    X, y = np.random.default_rng(0).normal(size=(12, 3)), np.arange(12) % 2
    fold = Fold(0, 0, np.arange(6), np.arange(6, 12))
    outcome = run_fit(find("knn"), fold, Options(kind=kind), X, y, np.arange(12))
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
