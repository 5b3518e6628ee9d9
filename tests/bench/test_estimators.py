import numpy as np
import pandas as pd
import pytest

from ridgefeat.bench.estimators import CLIP, GroupScaler
from ridgefeat.bench.inputs import level_codes, level_names
from ridgefeat.errors import TableError


def rows(seed=0, n=200):
    rng = np.random.default_rng(seed)
    code = np.arange(n) % 2
    values = rng.normal(size=(n, 3)) * [1, 5, 2] + code[:, None] * [100, -7, 0]
    return np.c_[values, code].astype(np.float32)


def test_each_level_has_mean_0_and_deviation_1():
    X = rows()
    out = GroupScaler().fit(X).transform(X)
    assert out.shape == (200, 3) and out.dtype == np.float32
    for level in (0, 1):
        part = out[X[:, -1] == level]
        assert part.mean(axis=0) == pytest.approx(0, abs=1e-4) and part.std(axis=0) == pytest.approx(1, abs=1e-3)


def test_new_rows_are_measured_by_the_training_rows():
    X, new = rows(), rows(1)
    fitted = GroupScaler().fit(X)
    alone = fitted.transform(new[:1])
    assert alone == pytest.approx(fitted.transform(new)[:1])


def test_an_unknown_level_is_measured_by_the_whole():
    X = rows()
    new = X[:1].copy()
    new[0, -1] = -1
    expected = (X[0, :3] - X[:, :3].mean(axis=0)) / X[:, :3].std(axis=0)
    assert GroupScaler().fit(X).transform(new)[0] == pytest.approx(expected, abs=1e-3)


def test_gaps_stay_and_constants_become_0_and_the_extreme_is_cut():
    X = rows()
    X[0, 0], X[:, 1], X[2, 2] = np.nan, 4, 1e6
    out = GroupScaler().fit(X).transform(X)
    assert np.isnan(out[0, 0]) and np.isfinite(out[1:]).all()
    assert (out[:, 1] == 0).all() and out[2, 2] == CLIP


def test_levels_go_by_name():
    labels = pd.DataFrame({"hand": ["left", "right", None], "finger": ["index", "index", "ring"]})
    names = level_names(labels, ["hand", "finger"])
    assert names.tolist() == ["left index", "right index", ""]
    assert level_codes(names, ["right index", "left index"]).tolist() == [1, 0, -1]
    with pytest.raises(TableError, match="no column 'side'"):
        level_names(labels, ["side"])
