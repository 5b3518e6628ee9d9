"""The leak audit: leaks in the labels, names and digests."""

import numpy as np
import pandas as pd
import pytest

from ridgefeat.errors import TableError
from tests.audit.helpers import GROUPS, PRINTS, clean_table, features_of, kinds, of


@pytest.fixture
def frame() -> pd.DataFrame:
    return clean_table()


def copied(frame: pd.DataFrame, one: int, other: int) -> pd.DataFrame:
    """Return the table with one print made a copy of another."""
    frame = frame.copy()
    frame.loc[other, "meta_sha256"] = frame.loc[one, "meta_sha256"]
    features = features_of(frame)
    frame.loc[other, features] = frame.loc[one, features]
    return frame


def people(frame: pd.DataFrame, sex: str) -> list[int]:
    """Return the first row of each person of one sex."""
    return [int(i) for i in np.flatnonzero(frame["sex"] == sex)[::PRINTS]]


def test_a_clean_table_raises_no_alarm():
    found = {seed: of(clean_table(seed)) for seed in range(12)}
    assert {seed: f for seed, f in found.items() if kinds(f) | kinds(f, "warning")} == {}


def test_the_same_picture_under_two_people_is_a_leak_that_names_both(frame):
    one, other = people(frame, "male")[:2]
    found = of(copied(frame, one, other))
    (finding,) = found.of_kind("identical")
    assert finding.severity == "leak" and finding.count == 1
    assert finding.files == ((frame["meta_source"][one], frame["meta_source"][other]),)
    assert finding.groups == ((str(frame["subject"][one]), str(frame["subject"][other])),)
    assert f"2 of {len(frame)} prints (1.0%)" in finding.cost
    assert found.of_kind("label_conflict", "near_duplicate") == ()


def test_the_same_picture_under_both_sexes_is_a_conflict(frame):
    one, other = people(frame, "male")[0], people(frame, "female")[0]
    (conflict,) = of(copied(frame, one, other)).of_kind("label_conflict")
    assert set(conflict.rows[0]) == {one, other}
    assert "at least 1 of these 2 prints" in conflict.cost and "(1.00% of the table)" in conflict.cost


def test_the_same_picture_twice_of_one_person_is_a_note_until_folds_separate_it(frame):
    frame = copied(frame, 0, 1)
    (finding,) = of(frame).of_kind("identical")
    assert finding.severity == "note"
    rest = np.arange(1, len(frame))
    (finding,) = of(frame, folds=[(rest, np.array([0]))]).of_kind("identical")
    assert finding.severity == "leak"


def test_rows_that_are_nearly_equal_in_their_features_are_found_without_images(frame):
    one, other = people(frame, "male")[:2]
    digest = frame.loc[other, "meta_sha256"]
    frame = copied(frame, one, other)
    frame.loc[other, "meta_sha256"] = digest
    features = features_of(frame)
    frame.loc[other, features] += np.random.default_rng(1).normal(0, 0.05, len(features)).astype(np.float32)
    (finding,) = of(frame).of_kind("near_duplicate")
    assert finding.severity == "leak" and set(finding.rows[0]) == {one, other}


def test_folds_that_separate_prints_of_one_person_are_a_leak_with_its_share(frame):
    order = np.random.default_rng(0).permutation(len(frame))
    (finding,) = of(frame, folds=[(order[50:], order[:50])]).of_kind("folds")
    assert finding.severity == "leak" and "of 50 test prints" in finding.cost
    is_test = frame["subject"] <= 8
    (finding,) = of(frame, folds=[(np.flatnonzero(~is_test), np.flatnonzero(is_test))]).of_kind("folds")
    assert finding.severity == "note"
    # A print on both sides is named.
    leaks = of(frame, folds=[(np.arange(10), np.arange(9, 20))]).of_kind("folds")
    assert any("0002_4.png" in f.message for f in leaks)


def test_the_cost_of_duplicates_is_counted_in_the_folds(frame):
    one, other = people(frame, "male")[:2]
    frame = copied(frame, one, other)
    test = np.flatnonzero(frame["subject"] == frame["subject"][other])
    train = np.setdiff1d(np.arange(len(frame)), test)
    (finding,) = of(frame, folds=[(train, test)]).of_kind("identical")
    assert f"1 of {PRINTS} test prints" in finding.cost


def test_it_says_how_many_prints_and_groups_and_whether_the_column_groups_anything(frame):
    (finding,) = of(frame).of_kind("groups")
    assert finding.severity == "note" and finding.count == GROUPS
    assert f"{GROUPS * PRINTS} prints in {GROUPS} groups" in finding.message
    frame["nobody"], frame["each"] = "x", [f"p{i}" for i in range(len(frame))]
    assert "no split by group can be made" in of(frame, group="nobody").of_kind("groups")[0].message
    assert "a split by image" in of(frame, group="each").of_kind("groups")[1].message


def test_people_whom_the_groups_separate_are_a_leak(frame):
    frame["place"] = [f"place {i % 7}" for i in range(len(frame))]
    found = [f for f in of(frame, group="place").of_kind("groups") if f.severity == "leak"]
    assert found and found[0].count == GROUPS
    assert not [f for f in of(frame).of_kind("groups") if f.severity == "leak"]
    moved = frame.assign(home=frame["subject"].where(frame.index > 0, 99))
    moved["subject"] = moved["subject"].astype(object).where(frame.index < 100)
    (finding,) = (f for f in of(moved, group="home").of_kind("groups") if f.severity == "leak")
    assert "1 subject has prints in several groups by 'home', first subject 1" in finding.message
    assert finding.cost.startswith("2.5% of the prints")


def test_a_person_of_two_sexes_is_a_conflict_but_two_fingers_are_none(frame):
    frame.loc[0, "sex"] = "female" if frame.loc[0, "sex"] == "male" else "male"
    (finding,) = of(frame).of_kind("label_conflict")
    assert finding.groups == (("1",),) and len(finding.rows[0]) == PRINTS
    assert "at least 1 of their 5 prints" in finding.cost
    assert of(frame, target="finger").of_kind("label_conflict") == ()


def altered(frame: pd.DataFrame) -> pd.DataFrame:
    """Add altered copies of the first ten people's prints; another has several prints of one finger, none altered."""
    frame = frame.assign(finger=frame["finger"].where(frame["subject"] != 20, "thumb"))
    copies = frame.iloc[: 10 * PRINTS].copy()
    copies["meta_source"] = "altered/" + copies["meta_source"]
    copies["meta_sha256"] = [d[::-1] for d in copies["meta_sha256"]]
    features = features_of(copies)
    copies[features] += np.random.default_rng(2).normal(0, 1, copies[features].shape).astype(np.float32)
    both = pd.concat([frame.assign(alteration="none"), copies.assign(alteration="CR")], ignore_index=True)
    both["print"] = both["meta_source"]
    return both


def test_altered_copies_are_a_leak_where_groups_or_folds_separate_them(frame):
    frame = altered(frame)
    assert [f.severity for f in of(frame).of_kind("altered_copy")] == ["note"]
    (finding,) = of(frame, group="print").of_kind("altered_copy")
    assert finding.severity == "leak" and finding.count == 10 * PRINTS
    assert ("0001_0.png", "altered/0001_0.png") in finding.files
    # A label that is missing, as it is in a table that was merged from two, hides none.
    (finding,) = of(frame.assign(finger_id=None), group="print").of_kind("altered_copy")
    assert finding.count == 10 * PRINTS
    originals = np.flatnonzero(frame["alteration"] == "none")
    copies = np.flatnonzero(frame["alteration"] == "CR")
    (finding,) = of(frame, folds=[(copies, originals)]).of_kind("altered_copy")
    assert finding.severity == "leak" and finding.count == 10 * PRINTS


def test_missing_labels_and_digests_are_noted(frame):
    frame.loc[3, "sex"] = None
    (note,) = of(frame).of_kind("target")
    assert note.count == 1 and "0001_3.png" in note.message
    assert "meta_sha256" in of(frame.drop(columns="meta_sha256")).of_kind("not_checked")[0].message
    assert of(frame.assign(sex="male")).of_kind("target")[0].severity == "warning"
    found = of(frame[["meta_source", "subject", "sex"]])
    assert kinds(found) == set() and len(found.of_kind("not_checked")) == 2


@pytest.mark.parametrize(
    ("change", "how", "words"),
    [
        (lambda f: f.iloc[:0], {}, "no rows"),
        (lambda f: f, {"target": "age"}, "target column 'age'"),
        (lambda f: f, {"group": "family"}, "group column 'family'"),
        (lambda f: f.assign(subject=f["subject"].where(f.index != 7)), {}, "first 0002_2.png"),
        (lambda f: f.assign(sex=None), {}, "no print has a value"),
        (lambda f: f, {"folds": [(np.array([0]), np.array([1000]))]}, "names row 1000"),
        (lambda f: f, {"folds": [(np.array([0]), np.array([], int))]}, "test side of fold 0"),
        (lambda f: f, {"folds": [3]}, "fold 0 must be a pair"),
        (lambda f: f, {"images_root": "/no/such/folder"}, "does not exist"),
    ],
)
def test_unusable_input_is_refused(change, how, words):
    with pytest.raises(TableError, match=words):
        of(change(clean_table()), **how)


def test_text_and_frame_begin_with_the_worst_and_a_repeat_changes_nothing(frame):
    frame = copied(frame, 0, PRINTS)
    kept, found = frame.copy(), of(frame)
    text = found.text()
    assert text.splitlines()[0].startswith("Leak audit of 200 prints, target 'sex', groups by 'subject': 1 leak,")
    assert text.index("LEAK") < text.index("NOTE") and "0001_0.png = 0002_0.png" in text
    table = found.to_frame()
    assert table["severity"][0] == "leak" and table["files"][0] == "0001_0.png = 0002_0.png"
    assert of(frame) == found
    pd.testing.assert_frame_equal(frame, kept)
