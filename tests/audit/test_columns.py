"""The leak audit: the target hidden in columns, gaps, pairs of columns and files."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from ridgefeat.audit.files import check_files
from ridgefeat.audit.probe import make_probe
from ridgefeat.errors import TableError
from tests.audit.helpers import GROUPS, clean_table, coded, kinds, male, of


@pytest.fixture
def frame() -> pd.DataFrame:
    return clean_table(3)


@pytest.mark.parametrize(
    ("name", "spread", "severity"),
    [("own_secret", 0.2, "leak"), ("own_square", 0.4, "leak"), ("own_hint", 0.55, "warning")],
)
def test_a_column_that_holds_the_target_is_a_leak_and_one_that_stands_out_a_warning(frame, name, spread, severity):
    """In whatever way it holds it: own_square is not monotone."""
    values = male(frame) + np.random.default_rng(0).normal(0, spread, len(frame))
    if name == "own_square":
        sign = np.random.default_rng(0).choice([-1, 1], len(frame))
        values = male(frame) * 3 * sign + np.random.default_rng(1).normal(0, spread, len(frame))
    frame[name] = values.astype(np.float32)
    (finding,) = of(frame).of_kind("column")
    assert finding.severity == severity and finding.columns == (name,)
    assert "the best ordinary column" in finding.message


def test_many_good_columns_are_no_leak():
    """Where half of the columns predict the target well, as those of a true effect do, none is suspected."""
    frame = clean_table(5, groups=80)
    rng = np.random.default_rng(0)
    for i in range(0, 60, 2):
        frame[f"own_{i:02d}"] = (male(frame) + rng.normal(0, 0.6, len(frame))).astype(np.float32)
    assert of(frame).of_kind("column") == ()


def test_where_values_are_missing_can_be_a_leak(frame):
    gone = male(frame) & (np.random.default_rng(0).random(len(frame)) < 0.95)
    frame["own_07"] = frame["own_07"].where(~gone)
    (finding,) = of(frame).of_kind("missing")
    assert finding.severity == "leak" and finding.columns == ("own_07",)
    assert of(clean_table(3).assign(own_07=np.nan)).of_kind("missing") == ()


def test_a_column_chosen_by_the_label_is_found_in_its_pair(frame):
    frame["own_radial"] = np.where(male(frame), frame["own_01"], frame["own_02"]).astype(np.float32)
    found = of(frame)
    assert found.of_kind("column") == ()
    (finding,) = found.of_kind("column_pair")
    assert finding.severity == "leak" and finding.columns == ("own_01", "own_radial", "own_02")


def planted(frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    frame, names = frame.copy(), [f"own_{i:02d}" for i in range(60)]
    for name in names if kind == "shift" else names[:30]:
        gone = rng.random(len(frame)) < np.where(male(frame), 0.05, 0.35 if kind == "gaps" else 0.05)
        if kind == "shift":
            frame[name] += np.float32(rng.choice([-0.9, 0.9]) * male(frame))
        elif kind == "filled alike":
            frame.loc[gone, name] = frame[name].mean()
        elif kind == "filled":
            frame.loc[gone, name] = frame.groupby("sex")[name].transform("mean")[gone]
        else:
            frame.loc[gone, name] = np.nan
    return frame


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("shift", ("columns_together", "warning")), ("gaps", ("missing", "warning")), ("filled", ("missing", "leak"))]
    + [("filled alike", None), ("gaps alike", None)],
)
def test_a_target_that_is_spread_over_many_columns_is_found(kind, expected):
    frame = clean_table(11, groups=80)
    before = of(frame)
    found = of(planted(frame, kind))
    assert before.of_kind("missing", "columns_together") == ()
    assert {(f.kind, f.severity) for f in found.of_kind("missing", "columns_together")} == (
        {expected} if expected else set()
    )
    assert not found.of_kind("column")


def test_labels_repeat_the_target_without_harm_if_no_classifier_is_given_them(frame):
    frame["sexcode"] = male(frame).astype(float)
    names = [c for c in frame if c.startswith("own_")]
    (note,) = of(frame, features=names).of_kind("target_name")
    assert note.severity == "note" and note.columns == ("sexcode",)
    assert not of(frame, features=names).leaks and of(frame).leaks
    with pytest.raises(TableError, match="no column ghost"):
        of(frame, features=["ghost"])


def test_labels_left_among_the_features_are_named(frame):
    frame["is_male"] = male(frame).astype(float)
    frame["coded"] = np.where(male(frame), 7, 3)
    leaks = of(frame).of_kind("target_name")
    assert {c for f in leaks for c in f.columns} == {"is_male", "coded"}
    assert {f.severity for f in leaks} == {"leak"}
    harmless = clean_table(3).assign(sex_ratio_of_town=np.random.default_rng(0).random(len(frame)))
    (finding,) = of(harmless).of_kind("target_name")
    assert finding.severity == "warning"
    # Columns of a side that ridgefeat computes are not labels.
    hands = harmless.assign(hand=np.where(np.arange(len(frame)) % 2, "left", "right"))
    own = hands.rename(columns={"sex_ratio_of_town": "ridge_density_left"})
    assert of(own, target="hand").of_kind("target_name") == ()


@pytest.mark.parametrize(
    ("column", "values", "trait"),
    [
        ("meta_width", (300, 301), "width"),
        ("meta_dpi_x", (500.0, 508.0), "resolution across"),
        ("meta_layout", ("fvc", "sd4"), "layout"),
        ("meta_flags", (None, "resolution_assumed"), "flags"),
    ],
)
def test_how_prints_were_stored_can_be_a_leak(frame, column, values, trait):
    frame[column] = [values[int(m)] for m in male(frame)]
    (finding,) = of(frame).of_kind("file")
    assert finding.severity == "leak" and finding.columns == (trait,)


def test_so_can_the_format_and_the_size_of_files(frame, tmp_path):
    names = [f"{s[:-4]}.{'bmp' if m else 'png'}" for s, m in zip(frame["meta_source"], male(frame), strict=True)]
    (finding,) = of(frame.assign(meta_source=names)).of_kind("file")
    assert finding.severity == "leak" and finding.columns == ("format",)
    table = coded(frame)
    for name, man in zip(frame["meta_source"], male(frame), strict=True):
        (tmp_path / name).write_bytes(b"x" * (200 + 10 * int(man)))
    (finding,) = check_files(table, make_probe(table), tmp_path)
    assert finding.severity == "leak" and finding.columns == ("size of file",)


def test_a_folder_by_class_is_only_noted_and_rows_sorted_by_it_are_reported(frame):
    (finding,) = of(frame.assign(meta_source=frame["sex"] + "/" + frame["meta_source"])).of_kind("file")
    assert finding.severity == "note" and "folder" in finding.columns
    (finding,) = of(frame.sort_values("sex", kind="stable", ignore_index=True)).of_kind("order")
    assert finding.severity == "warning"
    assert of(frame).of_kind("order") == ()


def test_several_classes_and_a_quantity_are_judged_too(frame):
    finger = frame["finger"].astype("category").cat.codes.to_numpy()
    planted = frame.assign(own_secret=(finger + np.random.default_rng(0).normal(0, 0.1, len(frame))).astype(np.float32))
    assert of(planted, target="finger").of_kind("column")[0].columns == ("own_secret",)
    age = np.random.default_rng(1).uniform(20, 70, GROUPS)[frame["subject"] - 1]
    aged = frame.assign(age=age, own_birth_year=(2000 - age).astype(np.float32))
    found = of(aged, target="age")
    assert {"column", "target_name"} <= kinds(found)


def test_too_few_groups_or_one_class_are_reported(frame):
    for few in (clean_table(groups=8), frame.assign(sex="male")):
        assert any("12 groups" in f.message for f in of(few).of_kind("not_checked"))


def test_the_probe_measures_an_area_under_the_curve_on_other_groups():
    """Of a monotone column it comes near scikit-learn's; of noise that memorises people, near one half."""
    big = clean_table(1, groups=400)
    probe = make_probe(coded(big))
    rng = np.random.default_rng(0)
    signal = male(big) + rng.normal(0, 1, len(big))
    person = rng.permutation(400)[big["subject"].to_numpy() - 1].astype(float)
    area = probe.of_numbers(np.stack([signal, person, np.ones(len(big))], axis=1))
    assert area[0] == pytest.approx(roc_auc_score(male(big), signal), abs=0.02)
    assert abs(area[1] - 0.5) < 5 * probe.deviation
    assert area[2] == pytest.approx(0.5, abs=1e-9)
    assert pd.Series(probe.fold).groupby(big["subject"].to_numpy()[probe.rows]).nunique().max() == 1
