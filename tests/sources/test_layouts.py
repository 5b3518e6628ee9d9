from pathlib import PurePath

import numpy as np
import pytest

from ridgefeat.errors import LayoutError
from ridgefeat.sources import LAYOUTS, recognise, regex_layout
from ridgefeat.sources.layouts import normalise_labels


def labels(path: str) -> tuple[str, dict[str, str]]:
    layout, found = recognise(PurePath(path))
    return layout.name, found


def test_socofing_names():
    real = {"subject": "100", "sex": "male", "hand": "left", "finger": "index", "alteration": "none"}
    assert labels("Real/100__M_Left_index_finger.BMP") == ("socofing", real)
    altered = real | {"sex": "female", "hand": "right", "finger": "thumb", "alteration": "Obl", "level": "medium"}
    assert labels("x/Altered-Medium/100__F_Right_thumb_finger_Obl.BMP") == ("socofing", altered)
    for code in ("CR", "Obl", "Zcut"):
        assert labels(f"100__F_Right_thumb_finger_{code}.BMP")[1]["alteration"] == code
    for wrong in ("100__X_Left_index_finger", "100_M_Left_index_finger", "100__M_Left_index_finger_Cut"):
        assert labels(f"{wrong}.BMP") == ("plain", {})


def test_socofing_frame_is_cut_off_and_the_resolution_goes_by_the_size():
    prepare = LAYOUTS["socofing"].prepare
    small = np.arange(103 * 96, dtype=np.uint32).reshape(103, 96).astype(np.uint8)
    pixels, dpi = prepare(small, PurePath("a.bmp"))
    assert dpi == (199, 173) and np.array_equal(pixels, small[2:99, 2:92])
    for shape, left, known in (((298, 241), (292, 235), (500, 500)), ((97, 90), (97, 90), None)):
        pixels, dpi = prepare(np.zeros(shape, np.uint8), PurePath("a.bmp"))
        assert (pixels.shape, dpi) == (left, known)


def test_fvc_names_and_databases():
    assert labels("FVC2002/DB1_B/101_1.tif") == ("fvc", {"subject": "FVC2002-DB1-101", "impression": "1"})
    assert labels("fvc2004_db3_a/7_12.tif") == ("fvc", {"subject": "FVC2004-DB3-7", "impression": "12"})
    assert labels("101_1.tif") == ("fvc", {"subject": "101", "impression": "1"})
    assert labels("101_1_extra.tif") == ("plain", {})
    subjects = {labels(f"FVC{y}/DB{d}_B/101_1.tif")[1]["subject"] for y in (2000, 2002, 2004) for d in (1, 2, 3, 4)}
    assert len(subjects) == 12


@pytest.mark.parametrize(
    ("path", "dpi"),
    [
        ("FVC2000/DB1_B/1_1.tif", 500),
        ("FVC2002/DB1_B/1_1.tif", 500),
        ("FVC2002/Db2_a/1_1.tif", 569),
        ("FVC2004/DB3_B/1_1.tif", 512),
        ("FVC2006/DB1_A/1_1.bmp", 250),
        ("FVC2006/DB2_A/1_1.bmp", 569),
        ("DB2_B/1_1.tif", None),
        ("FVC2002/1_1.tif", None),
    ],
)
def test_fvc_resolution_by_database(path, dpi):
    pixels = np.zeros((5, 5), np.uint8)
    same, found = LAYOUTS["fvc"].prepare(pixels, PurePath(path))
    assert same is pixels and found == (None if dpi is None else (dpi, dpi))


def test_fcj_names_count_only_below_its_folder():
    expected = {"subject": "101", "finger_id": "4", "impression": "6"}
    assert labels("FCJ2020/FCJ2020_DB6/101_4_6.bmp") == ("fcj", expected)
    assert labels("mine/101_4_6.bmp") == ("plain", {})
    assert LAYOUTS["fcj"].parse(PurePath("mine/101_4_6.bmp")) == expected


def test_sd4_names_hold_rolling_and_finger_position():
    first = {"subject": "0024", "hand": "left", "finger": "thumb", "impression": "1"}
    assert labels("SD4/f0024_06.png") == ("sd4", first)
    other = {**first, "hand": "right", "finger": "little", "impression": "2"}
    assert labels("sd04/png_txt/figs_0/s0024_05.png")[1] == other
    assert labels("mine/f0024_06.png") == labels("SD4/f0024_11.png") == ("plain", {})
    assert LAYOUTS["sd4"].prepare(np.zeros((5, 5), np.uint8), PurePath("f0024_06.png"))[1] == (500, 500)


def test_regex_groups_become_labels():
    layout = regex_layout(r"(?P<subject>[a-z]+)/(?P<sex>[MF])-(?P<hand>[LR])(?P<finger>[A-Z][a-z]+)(?P<note>x)?\.png$")
    expected = {"subject": "ann", "sex": "female", "hand": "right", "finger": "thumb"}
    assert layout.parse(PurePath("set/ann/F-RThumb.png")) == expected
    assert layout.parse(PurePath("set/ann/F-RThumb.tif")) is None


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(?P<subject", "not a regular expression"),
        (r"\d+_(\d+)", "no named group"),
        (r"(?P<meta_x>\d)", "'meta_x' begins like the table's own"),
        (r"(?P<ridge_x>\d)", "'ridge_x'"),
    ],
)
def test_bad_expressions_are_refused(pattern, reason):
    with pytest.raises(LayoutError, match=reason):
        regex_layout(pattern)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("alice/2_1.png", {"subject": "alice", "finger_id": "2", "impression": "1"}),
        ("alice/scan-3.png", {"subject": "alice", "impression": "3"}),
        ("07/right_index_2.png", {"subject": "07", "hand": "right", "finger": "index", "impression": "2"}),
        ("07/L-thumb.bmp", {"subject": "07", "hand": "left", "finger": "thumb"}),
        ("a.png", None),
    ],
)
def test_a_folder_per_person_or_class(path, expected):
    assert LAYOUTS["person-folders"].parse(PurePath(path)) == expected
    assert LAYOUTS["class-folders"].parse(PurePath(path)) == (expected and {"class": PurePath(path).parent.name})


def test_labels_that_say_missing_are_left_out():
    given = {"subject": "7", "sex": "NA", "age": "NaN", "note": "None", "alteration": "none", "hand": "L"}
    assert normalise_labels(given) == {"subject": "7", "alteration": "none", "hand": "left"}


def test_layouts_are_tried_in_this_order():
    assert LAYOUTS["plain"].parse(PurePath("100__M_Left_index_finger.BMP")) == {}
    known = ["socofing", "sd4", "sd9", "nist-sd300", "casia", "mcyt", "polyu-hrf", "polyu-cross"]
    known += ["livdet", "fcj", "fvc"]
    assert list(LAYOUTS) == [*known, "person-folders", "class-folders", "plain"]
    assert all(name == layout.name for name, layout in LAYOUTS.items())
