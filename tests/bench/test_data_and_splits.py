import numpy as np
import pandas as pd
import pytest

from ridgefeat.audit import Audit
from ridgefeat.audit.table import Finding
from ridgefeat.bench import data, splits
from ridgefeat.bench.job import settle_duplicates
from ridgefeat.errors import ParameterError, TableError
from tests.bench.helpers import make_about, make_frame, make_problem


def problem(frame, **given):
    return data.make_problem(frame, make_about(frame), **{"target": "sex", "group": "subject"} | given)


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
def test_the_kind_is_told_from_the_column(values, kind):
    assert data.infer_kind(pd.Series(values)) == kind


def test_the_rarer_class_is_positive_unless_asked():
    frame = make_frame(people=10)
    frame = frame[~((frame["sex"] == "male") & (frame["subject"] > 6))]
    assert problem(frame).positive == "male"
    assert problem(frame, positive="female").positive == "female"
    with pytest.raises(ParameterError, match="no class 'x' to be the positive one; there are: female, male"):
        problem(frame, positive="x")


def test_rows_and_columns_left_out_are_said():
    frame = make_frame(people=10)
    frame.loc[0, "sex"] = None
    frame.loc[1, "subject"] = np.nan
    frame.loc[2, "meta_error"] = "broken"
    frame["ridge_made_0"] = np.float32(3)
    frame["texture_made_1"] = np.float32(np.nan)
    got = problem(frame)
    assert len(got) == 37 and list(got.features) == [
        f"{f}_made_{i}" for f, i in (("ridge", 2), ("ridge", 4), ("texture", 3), ("texture", 5))
    ]
    said = " ".join(got.notes)
    assert all(s in said for s in ("have no sex", "have no subject", "could not be read", "constant: ridge_made_0"))
    assert "empty in every print: texture_made_1" in said
    assert set(got.groups) == {str(i) for i in range(1, 11)}  # 1.0, as a missing one makes it, is 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"target": "sx"}, "no target column 'sx'; it has: subject, sex, hand, finger, age"),
        ({"group": "person"}, "no group column 'person'"),
        ({"target": "subject"}, "both 'subject'"),
        ({"target": "ridge_made_0"}, "is itself a feature"),
        ({"target": "sex", "kind": "regression"}, "holds 'male', which is no number"),
        ({"target": "meta_layout"}, "is 'made' in every print"),
        ({"target": "meta_source"}, "is it a name or a number"),
        ({"target": "hand", "kind": "binary", "group": "finger"}, None),
    ],
)
def test_unusable_targets(given, message):
    frame = make_frame(people=10)
    if message is None:
        assert problem(frame, **given).kind == "binary"
        return
    with pytest.raises(TableError, match=message):
        problem(frame, **given)


def test_families_can_be_chosen():
    frame = make_frame(people=10)
    assert set(problem(frame, families=["ridge"]).families) == {"ridge"}
    with pytest.raises(ParameterError, match="no family x; it has: ridge, texture"):
        problem(frame, families=["x"])


def test_a_table_without_any_value_is_refused():
    frame = make_frame(people=10)
    names = [c for c in frame if frame[c].dtype == np.float32]
    frame[names] = np.float32(np.nan)
    with pytest.raises(TableError, match="every feature column is empty or constant"):
        problem(frame)


@pytest.mark.parametrize("split", ["group", "holdout"])
def test_no_group_stands_on_both_sides(split):
    p = make_problem(people=40)
    folds = splits.make_folds(p, split, folds=5, repeats=2)
    assert len(folds) == (10 if split == "group" else 2)
    for f in folds:
        assert not set(p.groups[f.train]) & set(p.groups[f.test]) and f.shared_groups == ()
        assert len(f.train) + len(f.test) == len(p)
        assert np.mean(p.y[f.test]) == pytest.approx(0.5)
    assert not np.array_equal(folds[0].test, folds[len(folds) // 2].test)
    assert all("on both sides: none" in line for line in splits.describe(folds, p))


def test_a_split_by_image_says_what_it_leaks():
    p = make_problem(people=20)
    folds = splits.make_folds(p, "image", folds=4)
    assert all(f.shared_groups for f in folds)
    assert "LEAKS" in splits.describe(folds, p)[0]


def test_a_promise_that_is_broken_is_an_error():
    p = make_problem(people=10)
    half = np.arange(len(p)) % 2 == 0
    with pytest.raises(TableError, match="10 of the subjects stand in training and in test, first '1'"):
        splits.between(p, half)


def test_too_few_groups():
    with pytest.raises(TableError, match="4 subjects, fewer than the 5 folds"):
        splits.make_folds(make_problem(people=4))
    with pytest.raises(TableError, match="class 'female' of 'sex' has 4 subjects, fewer than the 5 folds"):
        splits.make_folds(make_problem(people=8))
    with pytest.raises(ParameterError, match="folds must be 2 or more"):
        splits.make_folds(make_problem(), folds=1)
    with pytest.raises(ParameterError, match="split must be one of"):
        splits.make_folds(make_problem(), "person")


def found(p, **sets):
    """An audit that found these sets of rows."""
    findings = tuple(Finding(kind, "leak", "made up", rows=tuple(rows), count=len(rows)) for kind, rows in sets.items())
    return Audit(findings, p.target, p.group, len(p))


def test_duplicates_are_merged_dropped_or_said():
    p = make_problem(people=10)
    audit = found(p, identical=[(0, 4)], near_duplicate=[(5, 8)])  # people 1, 2 and 3 are one
    merged = settle_duplicates(p, audit, "merge")
    assert set(merged.groups[:12]) == {"1+2+3"} and len(set(merged.groups)) == 8
    assert "3 groups that share images were merged into 1: 1+2+3" in merged.notes[-1]
    dropped = settle_duplicates(p, audit, "drop")
    # 1 is male and 2 female, 2 female and 3 male: each pair contradicts itself and goes as a whole.
    assert len(dropped) == len(p) - 4 and len(dropped.features) == len(dropped.labels) == len(dropped)
    assert "0_0.png" not in dropped.sources
    left = settle_duplicates(p, audit, "warn")
    assert len(left) == len(p) and "too good" in left.notes[-1]
    assert len(settle_duplicates(p, found(p, identical=[(0, 1)]), "merge")) == len(p)
    assert settle_duplicates(p, found(p), "merge") is p
    with pytest.raises(ParameterError, match="duplicates must be one of merge, drop, warn, got 'ignore'"):
        settle_duplicates(p, audit, "ignore")


def test_other_pictures_of_one_finger_stay_together_whatever_is_done_about_copies():
    p = make_problem(people=10)
    audit = found(p, same_finger=[(0, 8)], altered_copy=[(12, 16)])
    for how in ("merge", "drop"):
        done = settle_duplicates(p, audit, how)
        assert len(done) == len(p) and set(done.groups[:4]) == set(done.groups[8:12]) == {"1+3"}
        assert set(done.groups[12:20]) == {"4+5"}


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
