from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ridgefeat.errors import ParameterError
from ridgefeat.sources import PrintSource, find_prints
from ridgefeat.table import row
from ridgefeat.table.recipe import Recipe


@pytest.fixture(scope="module")
def recipe():
    return Recipe.make(["ridge"])


def test_a_good_print_has_its_meta_cells_and_features(prints, recipe):
    meta, values, fp = row.make_row(find_prints([prints])[0], recipe)
    assert list(meta) == list(row.META)
    assert (meta["meta_width"], meta["meta_height"], meta["meta_dpi_x"]) == (160, 160, 500.0)
    assert meta["meta_source"] == "101_1.png" and meta["meta_layout"] == "fvc"
    assert meta["meta_error"] is None and fp is not None
    assert "resolution_assumed" in meta["meta_flags"].split()
    period = values[[c.name for c in recipe.columns()].index("ridge_period_mean")]
    assert 8 * 0.0508 < period < 10 * 0.0508


@pytest.mark.parametrize(
    ("pixels", "says"),
    [
        (np.full((200, 200), 255, np.uint8), "the image is all white (grey values 255 to 255)"),
        (np.zeros((200, 200), np.uint8), "the image is all black"),
        (np.full((200, 200), 128, np.uint8), "the image is all grey"),
        (np.zeros((1, 1), np.uint8), "1x1 px, 0.05 x 0.05 mm at 500x500 dpi, too small to hold ridges"),
        (np.zeros((20, 20), np.float32), "two-dimensional uint8 array, got float32"),
    ],
)
def test_what_holds_no_print_is_a_row_that_says_so(pixels, says, recipe):
    meta, values, fp = row.make_row(row.ArrayPrint(pixels, "[0]"), recipe)
    assert says in meta["meta_error"]
    assert np.isnan(values).all() and len(values) == len(recipe.columns()) and fp is None
    assert (meta["meta_flags"] == "no_print") == (pixels.dtype == np.uint8)


def test_the_region_of_a_mirrored_print_is_mirrored_too(prints, tmp_path):
    (tmp_path / "left.csv").write_text("0,0\n39,0\n39,159\n0,159\n")
    item = replace(find_prints([prints])[0], region=tmp_path / "left.csv", labels={"hand": "right"})
    fp = row.open_print(item, Recipe.make(["ridge"], mirror="right"))
    assert fp.hand == "left" and fp.region.any(axis=0).nonzero()[0].tolist() == list(range(120, 160))


def test_a_file_that_is_no_image_says_so_without_its_name_twice(tmp_path, recipe):
    (tmp_path / "note.png").write_text("no image")
    meta, values, _ = row.make_row(find_prints([tmp_path])[0], recipe)
    assert meta["meta_error"] and not meta["meta_error"].startswith("note.png")
    assert meta["meta_source"] == "note.png" and np.isnan(values).all()


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ValueError("odd shape"), "unexpected ValueError in test_row.py:"),
        (MemoryError(), "not enough memory for this image"),
        (RecursionError("deep"), "unexpected RecursionError"),
    ],
)
def test_what_nobody_foresaw_keeps_the_row(monkeypatch, arrays, recipe, error, says):
    def fail(*_):
        raise error

    monkeypatch.setattr(row, "compute_features", fail)
    meta, values, _ = row.make_row(row.ArrayPrint(arrays[0], "[0]"), recipe)
    assert says in meta["meta_error"] and np.isnan(values).all()
    assert meta["meta_width"] == 160 and meta["meta_sha256"]
    assert "(please report)" in meta["meta_error"] or isinstance(error, MemoryError)


def test_messages_have_an_end_and_a_hand_that_is_none_of_ours_is_ignored(arrays, recipe):
    item = PrintSource(None, "a.png", error="x" * 10_000)
    assert len(row.make_row(item, recipe)[0]["meta_error"]) == 500
    assert row.make_row(row.ArrayPrint(arrays[0], "[0]", labels={"hand": "L?"}), recipe)[0]["meta_error"] is None


def test_mirrored_prints_of_one_hand_are_those_of_the_other(arrays):
    def made(image, hand, mirror):
        item = row.ArrayPrint(image, "[0]", labels={} if hand is None else {"hand": hand})
        return row.make_row(item, Recipe.make(["ridge"], mirror=mirror))[:2]

    turned = np.ascontiguousarray(arrays[0][:, ::-1])
    meta, values = made(arrays[0], "right", "right")
    np.testing.assert_array_equal(values, made(turned, "left", "right")[1])  # the left hand's stays as it is
    assert not np.array_equal(values, made(arrays[0], "right", None)[1], equal_nan=True)
    assert meta["meta_sha256"] == made(arrays[0], "right", None)[0]["meta_sha256"]  # of the image as it was given
    assert "hand_unknown" in made(arrays[0], None, "right")[0]["meta_flags"].split()
    with pytest.raises(ParameterError, match="mirror must be 'left', 'right' or None, got 'both'"):
        Recipe.make(mirror="both")


def test_minutiae_stay_in_their_folder_and_names_that_collide_keep_their_ending():
    names = ["A.png", "a.bmp", "b.png", "../c.png", "/d/e.png", "..", "f.png#1x2+0+0", "f.png#1x2+5+0"]
    targets = [t.as_posix() for t in row.name_targets(names, Path("m"))]
    assert targets == ["m/A.png", "m/a.bmp", "m/b", "m/c", "m/d/e", "m/print", *(f"m/{n}" for n in names[-2:])]


def test_cells_hold_no_control_characters():
    assert row.escape_controls("plain é 指紋.png") == "plain é 指紋.png"
    assert row.escape_controls("a\nb\tc\x00") == "a\\x0ab\\x09c\\x00"
    assert row.escape_controls(b"\xff.png".decode("utf-8", "surrogateescape")) == "\\xff.png"
    assert row.escape_controls("\u2028\ud800") == "\\u2028\\ud800"


@pytest.mark.parametrize(
    ("size", "contrast", "says"),
    [(40, 3, "all grey"), (40, 4, None), (29, 100, "too small to hold ridges"), (30, 100, None)],
)
def test_an_image_needs_four_grey_values_and_a_side_of_a_millimetre_and_a_half(recipe, size, contrast, says):
    pixels = np.full((size, 200), 100, np.uint8)
    pixels[0, 0] += contrast
    error = row.make_row(row.ArrayPrint(pixels, "[0]"), recipe)[0]["meta_error"]
    assert says in error if says else "no print found: the image is" not in (error or "")


@settings(deadline=None)
@given(hnp.arrays(np.uint32, st.integers(1, 200)))
def test_every_float32_reads_back_to_the_same_bits(bits):
    values = bits.view(np.float32)
    values[~np.isfinite(values)] = np.nan
    back = np.array([float(c) if c else np.nan for c in row.numbers(values)]).astype(np.float32)
    np.testing.assert_array_equal(back, values)


def test_numbers_are_short():
    values = np.array([0.1, 12, np.nan, 1e-7, 1 / 3], np.float32)
    assert row.numbers(values) == ["0.1", "12.0", "", "1e-07", "0.33333334"]


def test_missing_text_is_empty():
    assert [row.text(v) for v in (None, float("nan"), "", 7, 199.5)] == ["", "", "", "7", "199.5"]


def test_labels_stand_in_their_own_order_then_as_they_come():
    items = [PrintSource(None, "a", labels=labels) for labels in ({"zone": "1", "hand": "left"}, {"subject": "2"})]
    assert row.label_names(items) == ["subject", "hand", "zone"]


def test_a_kind_gives_every_cell_back_as_written():
    assert row.kind_of(["1", "", "-20", "0"]) == "integer"
    assert row.kind_of(["1", "2.5", "1e3"]) == "number"
    assert {row.kind_of(cells) for cells in (["007", "8"], ["", ""], ["nan"])} == {"text"}


def test_columns_are_typed_and_missing_stays_missing():
    assert row.column(["1", "2"], "integer").dtype == np.int64
    with_gap = row.column(["9007199254740993", ""], "integer")
    assert with_gap.dtype == "Int64" and pd.isna(with_gap[1])
    assert row.column(["1.5", ""], "number").isna().tolist() == [False, True]
    assert row.column(["NA", ""], "text").tolist() == ["NA", None]


def test_a_flag_stands_once():
    assert row.join_flags(["upscaled", "outlier", "upscaled"]) == "upscaled outlier"
