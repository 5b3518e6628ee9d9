"""The same numbers as PyTorch, by the benchmark's own comparison on smaller images; skipped where it is absent."""

import importlib

import numpy as np
import pytest

from tests.scripts import ROOT

SIDE, BATCH = 36, 4


@pytest.fixture
def agreement(monkeypatch):
    pytest.importorskip("torch", reason="PyTorch is not installed (extra peers)", exc_type=ImportError)
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    module = importlib.import_module("nn_agreement")
    monkeypatch.setattr(module, "SIDE", SIDE)
    return module


def batch(dtype=np.float32):
    rng = np.random.default_rng(1)
    return rng.random((BATCH, SIDE, SIDE, 1), np.float32).astype(dtype), rng.integers(0, 2, BATCH)


@pytest.mark.parametrize("name", ["two-block", "three-block-l2"])
def test_in_float64_nothing_is_left(agreement, name):
    a = agreement
    exact = a.torchs(a.network(name, 1), batch(), 1e-3, exact=True)
    mine = a.ours(a.network(name, 1, np.float64), batch(np.float64), 1e-3)
    assert a.unlike(mine, exact) == 0
    assert a.distance(mine.logits, exact.logits) < 1e-10
    assert a.worst(mine, exact) < 1e-9 and a.distance(mine.weights, exact.weights) < 1e-7
