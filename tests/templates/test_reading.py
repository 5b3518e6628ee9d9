"""Files of minutiae, recognised by their content."""

import base64
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridgefeat.errors import TemplateError
from ridgefeat.templates import decode_card, read_minutiae, recognise, write_minutiae_csv, write_xyt

CASES = Path(__file__).parents[1] / "data" / "templates"
GOOD = (CASES / "good.fmr").read_bytes()


def same(record, other, build, degrees, px=0.51):
    return (
        len(record.minutiae) == len(other.minutiae) == 35
        and np.abs(record.minutiae.x - other.minutiae.x).max() <= px
        and np.abs(record.minutiae.y - other.minutiae.y).max() <= px
        and build.apart(record.minutiae.direction, other.minutiae.direction) <= degrees
    )


@pytest.mark.parametrize(
    ("name", "form", "read_as", "degrees", "note"),
    [
        ("padded_to_1024", "auto", "iso", 0, "769 bytes of padding"),
        ("length_one_short", "auto", "iso", 0, "given as 254 bytes, but its parts fill 255"),
        ("made_ANSI", "auto", "ansi", 2, ""),
        ("made_ISONC", "iso-normal-card", "iso-normal-card", 1.5, ""),
        ("good", "iso-compact-card", "iso", 0, ""),
    ],
)
def test_templates_of_other_tools(build, name, form, read_as, degrees, note):
    record = read_minutiae(CASES / f"{name}.fmr", form=form)
    assert record.format == read_as and same(record, read_minutiae(CASES / "good.fmr"), build, degrees)
    assert note in "; ".join(record.notes) and bool(note) == bool(record.notes)


def test_what_cannot_be_recognised_must_be_named(tmp_path):
    with pytest.raises(TemplateError, match="must be named, by --template-format iso-normal-card"):
        read_minutiae(CASES / "made_ISONC.fmr")
    with pytest.raises(TemplateError, match="is it the other card format"):
        decode_card(bytes.fromhex("6464 50  c864 f0"), "iso-compact-card")
    with pytest.raises(TemplateError, match="175 bytes are not 3 bytes for each"):
        read_minutiae(CASES / "made_ISONC.fmr", form="iso-compact-card")
    with pytest.raises(TemplateError, match="unknown template format 'fmr'"):
        read_minutiae(CASES / "good.fmr", form="fmr")
    (tmp_path / "empty.fmr").write_bytes(b"")
    with pytest.raises(TemplateError, match="0 bytes are not 5 bytes"):
        read_minutiae(tmp_path / "empty.fmr", form="iso-normal-card")


TEXT = base64.b64encode(GOOD)


@pytest.mark.parametrize(
    "data",
    [
        TEXT,
        TEXT.rstrip(b"=") + b"\n",
        base64.encodebytes(GOOD).replace(b"\n", b"\r\n"),
        base64.urlsafe_b64encode(GOOD),
        b"data:application/octet-stream;base64," + TEXT,
        b'"' + TEXT + b'"\n',
        b"\xef\xbb\xbf" + TEXT,
        TEXT.decode().encode("utf-16"),
        GOOD.hex().encode(),
        GOOD.hex("\n", 30).upper().encode(),
        GOOD.hex(" ").encode(),
        b"0x" + GOOD.hex().encode(),
    ],
    ids=["plain", "unpadded", "lines", "urlsafe", "uri", "quoted", "bom", "utf16", "hex", "hex lines", "dump", "0x"],
)
def test_text_of_a_record(build, data, tmp_path):
    (tmp_path / "a.txt").write_bytes(data)
    record = read_minutiae(tmp_path / "a.txt")
    kind = "hexadecimal" if data[:2] in (b"46", b"0x") else "base64"
    assert recognise(data) == "record" and record.notes == (f"read from {kind} text",)
    assert same(record, read_minutiae(CASES / "good.fmr"), build, 0)


def test_base64_text_of_a_card(tmp_path):
    (tmp_path / "a").write_bytes(base64.encodebytes((CASES / "made_ISONC.fmr").read_bytes()))
    assert len(read_minutiae(tmp_path / "a", form="iso-normal-card").minutiae) == 35


def test_padding_of_a_card_is_left_out():
    record = decode_card(bytes.fromhex("6464 50 c864 b0") + bytes(10), "iso-compact-card")
    assert len(record.minutiae) == 2 and record.notes == ("10 bytes of padding after the minutiae are ignored",)


@pytest.mark.parametrize("name", ["a.xyt", "a.csv", "a.dat"])
def test_the_suffix_does_not_matter(build, tmp_path, name):
    good = read_minutiae(CASES / "good.fmr")
    path = tmp_path / name
    write_xyt(path, good.minutiae, height=400, dpi_x=500, dpi_y=500)
    order = np.lexsort((400 - good.minutiae.y, good.minutiae.x))
    record = read_minutiae(path, height=400)
    assert record.format == "xyt" and np.array_equal(record.minutiae.y, good.minutiae.y[order])
    write_minutiae_csv(path, good.minutiae, good.singular_points, dpi_x=500, dpi_y=500)
    record = read_minutiae(path)
    assert record.format == "csv" and same(record, good, build, 0.01) and record.ids[:2] == ("1", "2")
    path.write_bytes(GOOD)
    assert read_minutiae(path).format == "iso"


def test_one_view_is_read_and_the_others_are_named(tmp_path):
    path = tmp_path / "two.fmr"
    path.write_bytes(GOOD[:8] + (2 * len(GOOD) - 24).to_bytes(4, "big") + GOOD[12:22] + b"\2\0" + 2 * GOOD[24:])
    assert read_minutiae(path).notes == ("the first of 2 views is read (finger 0), not fingers 0",)
    assert read_minutiae(path, view=1).notes == ()
    for view in (2, -1):
        with pytest.raises(TemplateError, match=rf"two\.fmr: no view {view}; the record has 2"):
            read_minutiae(path, view=view)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TemplateError, match="no such file"):
        read_minutiae(tmp_path / "missing.fmr")


@settings(max_examples=200, deadline=None)
@given(
    data=st.binary(max_size=40) | st.text("Rk1SACAyMAA=-_ ", max_size=60).map(str.encode),
    form=st.sampled_from(["auto", "iso-normal-card", "iso-compact-card"]),
)
def test_hostile_bytes_never_raise_anything_else(tmp_path_factory, data, form):
    path = tmp_path_factory.mktemp("t") / "a"
    path.write_bytes(data)
    try:
        record = read_minutiae(path, form=form)
    except TemplateError:
        return
    assert len(record.minutiae) <= len(data) and np.isfinite(record.minutiae.x).all()
