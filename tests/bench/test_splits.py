from dataclasses import replace

import numpy as np
import pytest

from ridgefeat.bench import Options, splits
from ridgefeat.errors import ParameterError, TableError
from tests.bench.helpers import make_problem


@pytest.mark.parametrize("split", ["group", "holdout"])
def test_no_group_stands_on_both_sides(split):
    p = make_problem(people=40)
    folds = splits.make_folds(p, split, folds=5, repeats=2)
    assert len(folds) == (10 if split == "group" else 2)
    for f in folds:
        assert not set(p.groups[f.train]) & set(p.groups[f.test]) and f.shared_groups == ()
        assert len(f.train) + len(f.test) == len(p)
        assert np.mean(p.y[f.test]) == pytest.approx(0.5) and len(f.test) == len(p) / 5
    assert not np.array_equal(folds[0].test, folds[len(folds) // 2].test)
    assert all("on both sides: none" in line for line in splits.describe(folds, p))


def test_a_split_by_image_says_what_it_leaks():
    folds = splits.make_folds(p := make_problem(people=20), "image", folds=4)
    for fold, line in zip(folds, splits.describe(folds, p), strict=True):
        shared = np.isin(p.groups[fold.test], p.groups[fold.train])
        count = len(set(p.groups[fold.test][shared]))
        assert f"{count} subjects, {shared.mean():.0%} of the test prints (LEAKS)" in line


def test_groups_on_both_sides_are_left_out_of_training():
    p = make_problem(people=10)
    half = np.arange(len(p)) % 2 == 0
    with pytest.raises(TableError, match="nothing is left to train on"):
        splits.between(p, half)
    (fold,) = splits.between(p, half & (p.groups == "3") | np.isin(p.groups, ["1", "2"]))
    assert len(fold.test) == 10 and set(p.groups[fold.train]) == set("456789") | {"10"}


def test_too_few_groups():
    for people, how, error, says in (
        (4, {}, TableError, "4 subjects, fewer than the 5 folds"),
        (8, {}, TableError, "class 'female' of 'sex' has 4 subjects, fewer than the 5 folds"),
        (40, {"folds": 1}, ParameterError, "folds must be 2 or more"),
        (40, {"split": "person"}, ParameterError, "split must be one of"),
    ):
        with pytest.raises(error, match=says):
            splits.make_folds(make_problem(people=people), **how)


def test_a_quantity_is_balanced_over_its_deciles():
    p = replace(make_problem(people=50), kind="regression", classes=(), y=np.arange(200.0))
    assert np.bincount(splits.strata_of(p)).tolist() == [20] * 10


def test_inner_folds_are_fewer_where_there_are_few_groups():
    y, groups = np.tile([0, 1], 8), np.repeat(np.arange(4), 4)
    assert len(splits.inner_splits(y, groups, 3, 0)) == 3
    assert len(splits.inner_splits(y, np.repeat([0, 1], 8), 3, 0)) == 2


def test_a_protocol_is_described_in_words():
    assert Options(repeats=2).describe_split(10) == "group, 5 folds, 2 repeats"
    assert Options(split="holdout").describe_split(1) == "holdout 80/20 by group"
