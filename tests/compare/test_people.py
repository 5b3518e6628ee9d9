"""A table reduced to people: fingers' means are taken off, and what cannot be compared is refused or said."""

import numpy as np
import pytest

from ridgefeat.compare.people import choose_columns, make_people, person_values
from ridgefeat.errors import ParameterError, TableError
from tests.compare.helpers import FINGER_EFFECT, NAMES, make_frame, people_of


def test_what_a_finger_adds_is_no_difference_between_people():
    """Least squares recovers people exactly though each gave other fingers, some twice."""
    rng = np.random.default_rng(1)
    true = rng.normal(size=30)
    person = np.repeat(np.arange(30), 4)
    finger = rng.integers(0, 3, len(person))
    prints = np.stack([true[person] + FINGER_EFFECT[finger], true[person]], axis=1)
    prints[rng.random(len(prints)) < 0.1, 0] = np.nan
    found = person_values(prints, person, finger)
    assert np.allclose(found - found.mean(axis=0), (true - true.mean())[:, None], atol=1e-6)


def test_a_person_without_a_value_has_none_and_fingers_are_named():
    frame = make_frame()
    frame.loc[frame["subject"] == 3, NAMES[1]] = np.nan
    people = people_of(frame)
    assert np.isnan(people.values).sum(axis=0).tolist() == [0, 1, 0, 0]
    assert people.fingers == ("index", "little", "thumb") and len(people) == 40 and people.levels == ("female", "male")


def test_prints_and_levels_that_do_not_count_are_said():
    frame = make_frame(levels=("female", "male", "other"), people=60)
    frame.loc[(frame["sex"] == "other") & (frame["subject"] > 8), "sex"] = None
    frame.loc[0, "meta_error"] = "damaged"
    people = people_of(frame)
    assert people.levels == ("female", "male")
    assert [n.partition(":")[0] for n in people.notes] == [
        "1 of 180 prints left out",
        "51 of 180 prints left out",
        "levels with fewer than 5 people left out",
    ]


@pytest.mark.parametrize(
    ("change", "given", "message"),
    [
        ({}, {"by": "gender"}, "no label column 'gender'; it has: subject, sex, finger, age"),
        ({}, {"group": "person"}, "no group column 'person'"),
        ({}, {"by": "subject"}, "by and group are both 'subject'"),
        (
            {},
            {"by": "finger"},
            r"finger differs between prints of one person \(40 of 40 people, such as 0: index, thumb\)",
        ),
        (
            {"age": lambda f: f.groupby("subject").cumcount()},
            {"by": "age", "number": True},
            "average each person's prints",
        ),
        ({"sex": None}, {}, "no print has features, sex and subject"),
        ({"sex": "female"}, {}, "two levels of sex with at least 5 people are needed; people: female 40"),
        ({}, {"by": "meta_source", "group": "meta_source"}, "are both"),
        ({"sex": "20 or so"}, {"number": True}, "sex holds '20 or so', which is not a number"),
        ({"age": 20.0}, {"by": "age", "number": True}, "with different values are needed"),
    ],
)
def test_a_label_that_cannot_be_compared_is_refused(change, given, message):
    with pytest.raises(TableError, match=message):
        people_of(make_frame().assign(**change), **given)


def test_too_many_levels_are_taken_for_a_quantity():
    frame = make_frame(people=100)
    with pytest.raises(TableError, match=r"sex has 20 levels, more than 12: .* give --number"):
        people_of(frame.assign(sex=[f"g{s % 20}" for s in frame["subject"]]))


def test_a_column_that_was_computed_with_the_label_is_left_out():
    columns = [{"name": NAMES[0], "uses": ["hand", "sex"]}, {"name": NAMES[1]}]
    people = make_people(make_frame(), {"columns": columns}, by="sex", columns=NAMES[:2])
    assert people.columns == NAMES[1:2] and people.notes == (
        f"1 column left out, computed with the help of sex: {NAMES[0]}",
    )


def test_a_number_that_varies_little_within_people_is_averaged_and_said():
    frame = make_frame()
    frame.loc[0, "age"] += 1
    people = people_of(frame, "age", number=True)
    assert people.label[0] == pytest.approx(frame["age"][1] + 1 / 3)
    assert "age differs between prints of 1 person; their mean is compared" in people.notes


def test_one_print_per_person_is_pointed_out():
    assert "every subject has one print" in people_of(make_frame(prints=1)).notes[0]


def test_columns_are_chosen_by_pattern():
    assert choose_columns(["ridge_area", "ridge_period_mean", "sex"], None) == ["ridge_period_mean"]
    assert choose_columns(["edge_a", "edge_b"], None, "edge_b") == ["edge_a"]
    with pytest.raises(ParameterError, match=r"no column matches 'rigde_\*'; the table has: ridge_area"):
        choose_columns(["ridge_area"], ["rigde_*"])
