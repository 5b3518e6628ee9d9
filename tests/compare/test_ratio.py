"""The likelihood ratio by value: near the true one, refused where it would be made up, calibrated on others."""

import numpy as np
import pytest
from scipy.stats import norm

from ridgefeat.compare import likelihood_ratio
from ridgefeat.errors import ParameterError, TableError
from tests.compare.helpers import NAMES, make_frame, people_of


def test_the_ratio_is_near_the_true_one_inside_its_support():
    people = people_of(make_frame(people=600, prints=1, effect=1.5).assign(finger="index"))
    found = likelihood_ratio(people, NAMES[0])
    x, spread = found.curve["value"], 1.25**0.5
    true = norm.pdf(x, 0, spread) / norm.pdf(x, 1.5, spread)
    inside = (found.curve["ratio_low"] / 1.2 <= true) & (true <= found.curve["ratio_high"] * 1.2)
    assert inside.mean() > 0.9 and (found.curve["ratio_low"] <= found.curve["ratio"]).all()
    values = people.values[:, 0]
    reach = [np.sort(values[people.label == k]) for k in (0, 1)]
    assert found.support == (reach[1][2], reach[0][-3])
    assert 0.6 < found.cost.min_cllr <= found.cost.cllr < 0.9 and found.cost.calibration < 0.05
    assert 0 < found.refused == found.held_out["log10_ratio"].isna().sum() < 200


def test_without_a_difference_the_ratio_says_nothing():
    found = likelihood_ratio(people_of(make_frame(people=200, effect=0)), NAMES[0])
    assert found.cost.cllr == pytest.approx(1, abs=0.1) and found.curve["ratio"].between(0.2, 5).all()
    assert (found.curve["ratio_low"] < 1).mean() > 0.7 and (found.curve["ratio_high"] > 1).mean() > 0.7


@pytest.mark.parametrize(
    ("given", "column", "kind", "message"),
    [
        ({"levels": ("a", "b", "c")}, NAMES[0], ParameterError, "a label with two levels; sex has 3"),
        ({}, "ridge_area", ParameterError, "--ratio ridge_area: no such column was compared; there are: ridge_made_0"),
        ({"people": 30}, NAMES[0], TableError, "needs 20 people per level with a ridge_made_0; there are: female 15"),
        ({"effect": 2.6}, NAMES[0], TableError, "fewer than 5 people of a level of sex have a ridge_made_0 that both"),
        ({"effect": 50}, NAMES[0], TableError, "the levels of sex hardly overlap in ridge_made_0"),
    ],
)
def test_what_has_no_ratio_is_refused(given, column, kind, message):
    with pytest.raises(kind, match=message):
        likelihood_ratio(people_of(make_frame(**{"people": 60} | given)), column)
