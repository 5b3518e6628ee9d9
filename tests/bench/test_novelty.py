"""Prints unlike those of training."""

import numpy as np
import pytest

from ridgefeat.bench import novelty
from ridgefeat.bench.novelty import NoveltyDetector


def rows(people, seed, shift=0.0, columns=12):
    rng = np.random.default_rng(seed)
    person = rng.normal(size=(people, 4)).repeat(5, axis=0)
    X = (person + 0.7 * rng.normal(size=person.shape)) @ np.random.default_rng(9).normal(size=(4, columns))
    return X + 0.3 * rng.standard_t(5, size=X.shape) + shift, np.arange(people).repeat(5)


@pytest.fixture(scope="module")
def detector():
    X, groups = rows(300, 0)
    return NoveltyDetector({"ridge": range(6), "quality": range(6, 12)}).fit(X, groups)


def test_half_of_a_hundredth_of_unseen_people_is_refused(detector):
    assert novelty.REFUSED_SHARE == 0.005 and novelty.COMPONENTS == 30
    assert 0.001 < detector.exceeded(rows(2000, 1)[0]).any(axis=1).mean() < 0.01


def test_the_family_is_named_and_combinations_that_do_not_occur_are_found(detector):
    X, _ = rows(50, 2)
    X[:, 7] += 6 * X[:, 7].std()
    assert detector.exceeded(X).mean(axis=0) == pytest.approx([0, 1], abs=0.05)
    mixed = np.random.default_rng(0).permuted(rows(200, 3)[0], axis=0)  # ordinary column by column
    assert detector.exceeded(mixed).any(axis=1).mean() > 0.5  # one in 200 otherwise


def test_few_prints_refuse_few_and_gaps_are_ordinary(detector):
    X, groups = rows(16, 4)
    small = NoveltyDetector({"ridge": range(6), "quality": range(6, 12)}).fit(X, groups)
    assert small.exceeded(rows(500, 5)[0]).any(axis=1).mean() < 0.06
    X[:, 3] = np.nan
    one = NoveltyDetector({"ridge": [3], "quality": [4]}).fit(X, groups)
    assert not one.exceeded(np.full((2, 12), np.nan)).any()


def test_a_column_alone_is_measured_without_a_limit():
    X, groups = rows(300, 6)
    X[:, 0] = 0
    X[::300, 0] = 4, 5, 6, 7, 8  # few ordinary prints are far off the others
    alone = NoveltyDetector({"noise": [0], "quality": range(1, 12)}).fit(X, groups)
    new, _ = rows(50, 7)
    new[:, 0] = 0, *[12] * 249
    assert alone.exceeded(new)[:, 0].tolist() == [False, *[True] * 249]
