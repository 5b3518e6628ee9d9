"""Differences, effects and tests against simulated truth and against SciPy."""

import numpy as np
import pytest
from scipy import stats

from ridgefeat.compare import compare_people, effects, make_people
from ridgefeat.compare.differences import ENOUGH, count_permutations, permutation_p
from ridgefeat.errors import ParameterError
from tests.compare.helpers import NAMES, make_frame, people_of

SETS = 1500


@pytest.mark.parametrize("people", [10, 40, 200])
def test_intervals_hold_the_truth_in_94_to_97_of_100_sets(people):
    rng = np.random.default_rng(people)
    a, b = rng.normal(0.8, 1, (people // 2, SETS)), rng.normal(0, 1, (people // 2, SETS))
    for estimate in (effects.hedges_g, effects.welch):
        value, (low, high) = estimate(a, b)
        assert 0.94 <= ((low <= 0.8) & (high >= 0.8)).mean() <= 0.97
        assert (low <= value).all() and (value <= high).all() and abs(value.mean() - 0.8) < 0.06
    number = rng.normal(size=people)
    value, (low, high) = effects.slope(0.5 * number[:, None] + rng.normal(size=(people, SETS)), number)
    assert 0.93 <= ((low <= 0.5) & (high >= 0.5)).mean() <= 0.97
    group = np.arange(people) % 2
    true = 0.8**2 / 4 / (0.8**2 / 4 + 1)
    _, (low, high) = effects.eta_squared(rng.normal(size=(people, SETS)) + 0.8 * group[:, None], group)
    assert 0.93 <= ((low <= true) & (high >= true)).mean() <= 0.98


@pytest.mark.parametrize("people", [10, 40, 400])
def test_the_ends_of_g_are_those_of_the_noncentral_t_distribution(people):
    """SciPy's function is NaN now and then, far from where the ends lie."""
    half, shift = people // 2, np.linspace(-3, 3, 3000)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(half, 3000)) + shift, rng.normal(size=(half, 3000))
    t, size = stats.ttest_ind(a, b).statistic, (half / 2) ** 0.5
    _, (low, high) = effects.hedges_g(a, b)
    near = np.abs(t) < 30
    for end, tail in ((low, 0.975), (high, 0.025)):
        assert np.allclose(stats.nct.cdf(t, people - 2, end * size)[near], tail, atol=1e-6)
    assert (np.diff(low[np.argsort(t)]) > 0).all() and (np.diff(high[np.argsort(t)]) > 0).all()


def test_effects_of_columns_with_gaps_are_those_of_scipy():
    rng = np.random.default_rng(0)
    values, number = rng.normal(size=(50, 3)).round(1), rng.normal(size=50).round(1)
    values[rng.random(values.shape) < 0.2] = np.nan
    a, b = values[:20], values[20:]
    _, (low, high) = effects.welch(a, b)
    delta, (rho, ends) = effects.cliffs_delta(a, b), effects.rank_correlation(values, number)
    for k in range(3):
        x, y = (g[np.isfinite(g[:, k]), k] for g in (a, b))
        interval = stats.ttest_ind(x, y, equal_var=False).confidence_interval()
        assert np.allclose([low[k], high[k]], interval)
        assert delta[k] == pytest.approx(2 * stats.mannwhitneyu(x, y).statistic / len(x) / len(y) - 1)
        known = np.isfinite(values[:, k])
        assert rho[k] == pytest.approx(stats.spearmanr(values[known, k], number[known]).statistic)
        reach = stats.norm.ppf(0.975) * ((1 + rho[k] ** 2 / 2) / (known.sum() - 3)) ** 0.5  # Bonett and Wright
        assert np.allclose(np.arctanh([end[k] for end in ends]) - np.arctanh(rho[k]), [-reach, reach])


@pytest.mark.parametrize("people", [10, 60])
def test_the_smallest_effect_is_shown_by_four_of_five_studies(people):
    half = people // 2
    g = effects.smallest_effect(np.array([float(half)]), np.array([float(half)])).item()
    rng = np.random.default_rng(2)
    p = stats.ttest_ind(rng.normal(g, 1, (half, SETS)), rng.normal(0, 1, (half, SETS))).pvalue
    assert abs((p < 0.05).mean() - 0.8) < 0.03


@pytest.mark.parametrize("levels", [2, 3, 0])
def test_p_is_uniform_without_an_effect_and_near_that_of_theory_with_one(levels):
    rng = np.random.default_rng(3)
    label = np.arange(60) % levels if levels else rng.normal(size=60)
    values = rng.normal(size=(60, 400))
    values[rng.random(values.shape) < 0.05] = np.nan
    values[:, :40] += 0.45 * stats.zscore(label)[:, None]
    p = permutation_p(values, label, levels)
    assert abs((p[40:] < 0.05).mean() - 0.05) < 0.03 and (p[:40] < 0.05).mean() > 0.5
    for k in range(0, 40, 5):
        known = np.isfinite(values[:, k])
        x, of = values[known, k], label[known]
        if levels:
            theory = stats.f_oneway(*(x[of == j] for j in range(levels))).pvalue
        else:
            theory = stats.spearmanr(x, of).pvalue
        assert p[k] == pytest.approx(theory, rel=0.5, abs=0.002)


def test_unequal_spreads_and_group_sizes_do_not_make_a_difference():
    """The permutation of a plain difference of means would call every fourth of these columns significant."""
    rng, label = np.random.default_rng(4), np.repeat([0, 1], [12, 60])
    values = rng.normal(size=(72, 400)) * np.where(label == 0, 4, 1)[:, None]
    assert (permutation_p(values, label, 2) < 0.05).mean() < 0.09


def test_permutations_grow_with_columns_and_shrink_with_people():
    assert (ENOUGH, count_permutations(600, 14), count_permutations(420, 1069)) == (100, 9999, 42760)
    assert count_permutations(100_000, 1069) == 1870


def test_a_planted_difference_is_found_and_the_rest_is_not():
    found = compare_people(people_of(make_frame(effect=2.0, people=60)))
    assert found.found["column"].tolist() == [NAMES[0]] and found.kind == "two"
    row = found.frame.iloc[0]
    assert row.difference_low < -2 < row.difference_high and row.hedges_g_low < -2 / 1.04 < row.hedges_g_high
    assert (row.people_female, row.people_male, row.prints) == (30, 30, 180) and 0.6 < row.smallest_effect < 0.8
    assert (found.frame["q"] >= found.frame["p"]).all()
    again = compare_people(people_of(make_frame(effect=2.0, people=60)))
    assert again.frame.equals(found.frame)


@pytest.mark.parametrize(
    ("by", "levels", "kind", "effect"),
    [("sex", ("a", "b", "c"), "several", "eta_squared"), ("age", ("a", "b"), "number", "rank_correlation")],
)
def test_several_levels_and_numbers(by, levels, kind, effect):
    found = compare_people(people_of(make_frame(effect=1.5, people=60, levels=levels), by))
    assert (found.kind, found.effect) == (kind, effect)
    assert found.found["column"].tolist() == [NAMES[0] if kind == "several" else NAMES[1]]
    assert (found.frame[f"{effect}_low"] <= found.frame[effect]).all()
    if kind == "number":  # age rises by 7.5 per unit of the column
        row = found.frame.iloc[1]
        assert row.difference_low < 1 / 7.5 < row.difference_high


def test_columns_that_cannot_be_compared_have_a_reason_and_no_figures():
    frame = make_frame()
    frame[NAMES[1]] = 7.5
    frame.loc[(frame["sex"] == "male") & (frame["subject"] > 8), NAMES[2]] = np.nan
    found = compare_people(people_of(frame, columns=NAMES)).frame
    assert found["note"].tolist() == ["", "the same in all people", "too few people with a value: male 4", ""]
    assert found.loc[[1, 2], ["p", "q", "hedges_g", "difference", "smallest_effect"]].isna().all(axis=None)
    assert found.loc[[0, 3], "q"].notna().all()
    frame.loc[frame["subject"] > 8, NAMES[2]] = np.nan
    assert compare_people(people_of(frame, "age")).frame["note"][2] == "too few people with a value: people 9"


def test_reliability_is_that_of_the_named_set():
    frame = make_frame().rename(columns={NAMES[0]: "ridge_period_mean"})
    about = {"columns": [{"name": "ridge_period_mean"}, {"name": NAMES[1]}]}
    people = make_people(frame, about, by="sex", columns=["ridge_period_mean", NAMES[1]])
    found = compare_people(people).frame
    assert found["icc_set"].tolist() == ["FCJ2020", ""] and found["icc_low"][0] < found["icc"][0] < found["icc_high"][0]
    assert found["icc"].isna().tolist() == [False, True]


def test_a_mixed_model_agrees_with_the_permutations():
    people = people_of(make_frame(effect=1.0, people=40))
    pytest.importorskip("statsmodels", reason="statsmodels, of the extra mixed, is not installed")
    mixed, dealt = (compare_people(people, model=model).frame for model in ("mixed", "permutation"))
    assert np.allclose(mixed["difference"], dealt["difference"], atol=1e-3)
    assert np.allclose(mixed["p"], dealt["p"], rtol=0.3, atol=0.01) and mixed["note"].tolist() == [""] * 4


def test_a_mixed_model_without_statsmodels_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "statsmodels.regression.mixed_linear_model", None)
    with pytest.raises(ParameterError, match=r"pip install 'ridgefeat\[mixed\]'; or leave out --model mixed"):
        compare_people(people_of(make_frame()), model="mixed")
