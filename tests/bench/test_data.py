import numpy as np
import pandas as pd
import pytest

from ridgefeat.bench import data
from ridgefeat.errors import ParameterError, TableError
from tests.bench.helpers import make_about, make_frame
from tests.bench.helpers import problem_of as problem


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["a", "b", None], "binary"),
        ([0, 1, 1], "binary"),
        (["a", "b", "c"], "multiclass"),
        (list(range(1, 11)), "multiclass"),
        (list(range(1, 12)), "regression"),
        ([1.5, 2.0, 2.5], "regression"),
    ],
)
def test_the_kind_is_inferred_from_the_column(values, kind):
    assert data.infer_kind(pd.Series(values)) == kind


def test_whole_numbers_that_are_taken_as_classes_are_announced():
    frame = make_frame(people=10)
    frame["grade"] = frame["subject"] % 3
    note = "'grade' has 3 different whole numbers, which are taken as classes; for a quantity give --kind regression"
    assert note in " ".join(problem(frame, target="grade").notes)
    for given in ({"target": "grade", "kind": "regression"}, {"target": "sex"}):
        assert "whole numbers" not in " ".join(problem(frame, **given).notes)


def test_the_rarer_class_is_positive_unless_asked():
    frame = make_frame(people=10)
    frame = frame[~((frame["sex"] == "male") & (frame["subject"] > 6))]
    assert problem(frame).positive == "male"
    assert problem(frame, positive="female").positive == "female"
    with pytest.raises(ParameterError, match="no class 'x' can be the positive one; there are: female, male"):
        problem(frame, positive="x")


def test_rows_and_columns_left_out_are_noted():
    frame = make_frame(people=10)
    frame.loc[0, "sex"] = None
    frame.loc[1, "subject"] = np.nan
    frame.loc[2, "meta_error"] = "broken"
    frame["ridge_made_0"] = np.float32(3)
    frame["texture_made_1"] = np.float32(np.nan)
    got = problem(frame)
    left = ["ridge_made_2", "ridge_made_4", "texture_made_3", "texture_made_5"]
    assert len(got) == 37 and list(got.features) == left
    notes = " ".join(got.notes)
    assert all(s in notes for s in ("have no sex", "have no subject", "could not be read", "constant: ridge_made_0"))
    assert "empty in every print: texture_made_1" in notes
    assert set(got.groups) == {str(i) for i in range(1, 11)}  # 1.0, as a missing one makes it, is 1
    frame[left] = np.float32(np.nan)
    with pytest.raises(TableError, match="every feature column is empty or constant"):
        problem(frame)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"target": "sx"}, "no target column 'sx'; it has: subject, sex, hand, finger, age"),
        ({"group": "who"}, r"no group column 'who'.*--group subject \(10 values in 40 prints\).*--group meta_source"),
        ({"target": "subject"}, "both 'subject'"),
        ({"target": "ridge_made_0"}, "is itself a feature"),
        ({"target": "sex", "kind": "regression"}, "holds 'male', which is not a number"),
        ({"target": "meta_layout"}, "is 'made' in every print"),
        ({"target": "meta_source"}, "is it a name or a number"),
    ],
)
def test_unusable_targets(given, message):
    frame = make_frame(people=10)
    with pytest.raises(TableError, match=message):
        problem(frame, **given)
    assert problem(frame, target="hand", kind="binary", group="finger").kind == "binary"


def test_families_can_be_chosen():
    frame = make_frame(people=10)
    assert set(problem(frame, families=["ridge"]).families) == {"ridge"}
    with pytest.raises(ParameterError, match="no family x; it has: ridge, texture"):
        problem(frame, families=["x"])


def test_a_column_that_was_computed_from_the_target_is_left_out():
    frame = make_frame()
    about = make_about(frame)
    for c in about["columns"]:
        if c["name"] in ("ridge_made_0", "texture_made_1"):
            c["uses"] = ["hand"]
    p = data.make_problem(frame, about, target="hand", group="subject")
    assert not {"ridge_made_0", "texture_made_1"} & set(p.features) and len(p.features.columns) == 4
    assert "2 columns left out, computed with the help of 'hand': ridge_made_0" in p.notes[-1]
    assert len(data.make_problem(frame, about, target="sex", group="subject").features.columns) == 6
    for c in about["columns"]:
        c["uses"] = ["hand"]
    with pytest.raises(TableError, match="every feature column was computed with the help of 'hand'"):
        data.make_problem(frame, about, target="hand", group="subject")
