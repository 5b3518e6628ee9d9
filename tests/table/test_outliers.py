import numpy as np

from ridgefeat.table import outliers
from ridgefeat.table.outliers import find_outliers


def normal(count, seed=0):
    return np.random.default_rng(seed).normal(0.45, 0.03, (count, 2)).astype(np.float32)


def test_groups_are_judged_apart():
    values = np.concatenate([normal(30), normal(30, 1) + 5])
    assert not find_outliers(values, ["a"] * 30 + ["b"] * 30).any()
    values[3] += 5  # usual in the other group
    assert np.flatnonzero(find_outliers(values, ["a"] * 30 + ["b"] * 30)).tolist() == [3]


def test_small_groups_and_missing_values_are_not_judged():
    values = normal(20)
    values[0] = 100
    assert find_outliers(values, ["a"] * 20)[0]
    values[1] = np.nan
    assert not find_outliers(values, ["a"] * 20).any()


def test_a_column_that_is_constant_for_most_says_nothing():
    values = np.ones((40, 1), np.float32)
    values[0] = 1.001
    assert not find_outliers(values, ["a"] * 40).any()


def test_an_outlier_is_more_than_six_robust_deviations_from_the_median():
    values = np.concatenate([np.linspace(-1, 1, 2001), [0.0, 0.0]])[:, None]
    deviation = 1.4826 * 0.5
    for distance, expected in ((5.9, False), (6.1, True)):
        values[-2:, 0] = distance * deviation, -distance * deviation
        found = find_outliers(values.astype(np.float32), ["a"] * len(values))
        assert found[-2:].tolist() == [expected] * 2 and not found[:-2].any()


def test_nineteen_prints_are_too_few_and_other_resolutions_are_another_group():
    meta = {"meta_layout": "fvc", "meta_dpi_x": 500.0, "meta_dpi_y": 500.0, "meta_flags": "upscaled"}
    values = np.linspace(0.4, 0.5, 21, dtype=np.float32)[:, None]
    values[0] = 9
    for count, other, expected in ((19, 500.0, ""), (20, 500.0, " outlier"), (20, 300.0, "")):
        rows = [dict(meta) for _ in range(count)]
        rows[-1]["meta_dpi_y"] = other
        outliers.flag_outliers(rows, values[:count], ["ridge_period_mean"])
        assert rows[0]["meta_flags"] == "upscaled" + expected and rows[-1]["meta_flags"] == "upscaled"
