import numpy as np

from ridgefeat.table.outliers import MIN_PRINTS, find_outliers


def normal(count, seed=0):
    return np.random.default_rng(seed).normal(0.45, 0.03, (count, 2)).astype(np.float32)


def test_a_print_far_from_its_group_is_found_and_no_other():
    values = normal(60)
    values[17, 1] = 2.0
    assert np.flatnonzero(find_outliers(values, ["a"] * 60)).tolist() == [17]


def test_groups_are_judged_apart():
    values = np.concatenate([normal(30), normal(30, 1) + 5])
    assert not find_outliers(values, ["a"] * 30 + ["b"] * 30).any()
    values[3] += 5  # usual in the other group
    assert np.flatnonzero(find_outliers(values, ["a"] * 30 + ["b"] * 30)).tolist() == [3]


def test_small_groups_and_missing_values_are_not_judged():
    values = normal(MIN_PRINTS)
    values[0] = 100
    assert find_outliers(values, ["a"] * MIN_PRINTS)[0]
    values[1] = np.nan
    assert not find_outliers(values, ["a"] * MIN_PRINTS).any()


def test_a_column_that_is_constant_for_most_says_nothing():
    values = np.ones((40, 1), np.float32)
    values[0] = 1.001
    assert not find_outliers(values, ["a"] * 40).any()
