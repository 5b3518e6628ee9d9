import importlib
import importlib.util
import re
import struct
import sys
import types

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridgefeat.errors import TemplateError
from ridgefeat.structure import CORE, DELTA, Minutiae, SingularPoints
from ridgefeat.templates import decode_records, encode_record, write_record
from ridgefeat.templates.writing import WRITTEN

# Composed by hand from the standard's tables, a field a line.
GOLDEN = bytes.fromhex(
    "464d5200"  # format identifier: FMR, 0
    "20323000"  # version: space, 2, 0, 0
    "00000039"  # record length: 57
    "0000"  # capture equipment: certification 0, device 0
    "0184 0176"  # image: 388 x 374 px
    "00c5 00c5"  # resolution: 197 x 197 px per cm (500 dpi)
    "01"  # finger views
    "00"  # reserved
    "02"  # finger position: right index
    "00"  # view 0, live-scan plain
    "50"  # finger quality 80
    "02"  # minutiae
    "4064 0032 40 5a"  # ending at (100, 50), 64 * 1.40625 = 90 degrees, quality 90
    "812c 00c8 c0 00"  # bifurcation at (300, 200), 270 degrees, quality not reported
    "000f"  # extended data: 15 bytes
    "0002 000f"  # core and delta, 15 bytes with these
    "01"  # cores
    "4096 00a0 80"  # with angle, (150, 160), 180 degrees
    "01"  # deltas
    "00fa 015e"  # without angles, (250, 350)
)


def parse_by_the_book(data):
    """An independent reader: the standard's byte table, field by field; nothing shared with the package."""
    at = 0

    def take(form):
        nonlocal at
        values = struct.unpack_from(">" + form, data, at)
        at += struct.calcsize(">" + form)
        return values if len(values) > 1 else values[0]

    out = {"format": take("4s"), "version": take("4s"), "length": take("I"), "device": take("H")}
    out["size"], out["per_cm"] = take("HH"), take("HH")
    out["views"], out["reserved"] = [None] * take("B"), take("B")
    for number in range(len(out["views"])):
        position, combined, quality, count = take("BBBB")
        view = {"position": position, "number": combined >> 4, "impression": combined & 0x0F, "quality": quality}
        view["minutiae"] = []
        for _ in range(count):
            first, second, angle, score = take("HHBB")
            assert second >> 14 == 0
            view["minutiae"].append((first >> 14, first & 16383, second & 16383, angle * 360 / 256, score))
        end_of_extended = take("H") + at
        view["cores"], view["deltas"], view["other"] = [], [], []
        while at < end_of_extended:
            kind, length = take("HH")
            if kind != 2:
                view["other"].append((kind, data[at : at + length - 4]))
                at += length - 4
                continue
            end_of_block = at + length - 4
            for name, angles in (("cores", 1), ("deltas", 3)):
                for _ in range(take("B")):
                    first, second = take("HH")
                    given = [take("B") * 360 / 256 for _ in range(angles)] if first >> 14 == 1 else []
                    view[name].append((first & 16383, second & 16383, given))
            assert at == end_of_block
        assert at == end_of_extended
        out["views"][number] = view
    assert at == len(data) == out["length"]
    return out


@pytest.fixture
def pyfing_reader(monkeypatch):
    """pyfing's reader of ISO templates, without the neural networks that its package imports."""
    found = importlib.util.find_spec("pyfing")
    if found is None:
        pytest.skip("pyfing, an independent reader of ISO templates, is not installed (extra: peers)")
    package = types.ModuleType("pyfing")
    package.__path__ = list(found.submodule_search_locations)
    monkeypatch.setitem(sys.modules, "pyfing", package)
    modules = ("pyfing.definitions", "pyfing.utils", "pyfing.utils.iso_format")
    for name in modules:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module(modules[-1]).load_minutiae_from_iso_template_file
    for name in modules:
        sys.modules.pop(name, None)


def test_another_package_reads_the_same_minutiae(build, pyfing_reader, tmp_path):
    minutiae = build.minutiae([(i * 3, 300 - i, i * 3.5, i % 3, i) for i in range(1, 100)])
    singular = build.singular([(50, 60, CORE, 45), (70, 80, DELTA, 45)])
    write_record(tmp_path / "a.fmr", minutiae, singular, **SIZE)
    read = pyfing_reader(str(tmp_path / "a.fmr"))
    assert [(m.x, m.y, m.quality) for m in read] == [(i * 3, 300 - i, i) for i in range(1, 100)]
    assert [m.type for m in read] == ["OEB"[i % 3] for i in range(1, 100)]
    assert build.apart([m.direction for m in read], minutiae.direction) <= 180 / 256 + 1e-3


SIZE = {"width": 388, "height": 374, "dpi_x": 500, "dpi_y": 500}


def decode_one(data, **options):
    (record,) = decode_records(data, **options)
    return record


def encode(minutiae, singular=None, **change):
    return encode_record(minutiae, singular or SingularPoints.empty(), **{**SIZE, **change})


@pytest.fixture
def golden(build):
    minutiae = build.minutiae([(100, 50, 90, 1, 90), (300, 200, 270, 2, build.nan)])
    return minutiae, build.singular([(150, 160, CORE, 180), (250, 350, DELTA, 30)])


def test_record_is_byte_exact_and_reads_back(golden):
    assert encode(*golden, finger_position=2, finger_quality=80).hex() == GOLDEN.hex()
    header = decode_one(GOLDEN)
    minutiae, singular = header.minutiae, header.singular_points
    for name in ("x", "y", "kind", "quality"):
        np.testing.assert_array_equal(getattr(minutiae, name), getattr(golden[0], name))
    np.testing.assert_allclose(np.degrees(minutiae.direction), [90, 270], atol=1e-4)
    np.testing.assert_array_equal(singular.x, golden[1].x)
    np.testing.assert_array_equal(singular.kind, [CORE, DELTA])
    np.testing.assert_allclose(np.degrees(singular.direction), [180, np.nan], atol=1e-4)
    assert (header.width, header.height, header.dpi_x, header.dpi_y) == (388, 374, 500, 500)
    assert (header.finger_position, header.finger_quality, header.view, header.views) == (2, 80, 0, 1)


def test_no_points_make_the_shortest_record():
    record = encode(Minutiae.empty(), width=96, height=103, dpi_x=199, dpi_y=173, impression_type=2)
    parsed = parse_by_the_book(record)
    assert len(record) == 30 and (parsed["size"], parsed["per_cm"]) == ((96, 103), (78, 68))
    view = parsed["views"][0]
    assert (view["minutiae"], view["cores"], view["deltas"], view["impression"]) == ([], [], [], 2)
    back = decode_one(record)
    assert (len(back.minutiae), len(back.singular_points)) == (0, 0)


points = st.lists(
    st.tuples(
        st.floats(0, 1, width=32),
        st.floats(0, 1, width=32),
        st.floats(0, 360, exclude_max=True),
        st.sampled_from([0, 1, 2]),
        st.one_of(st.just(float("nan")), st.floats(0, 100)),
    ),
    max_size=60,
)
resolutions = st.tuples(st.floats(50, 5000), st.floats(50, 5000))


@settings(max_examples=150, deadline=None)
@given(
    rows=points,
    dpi=resolutions,
    size=st.tuples(st.integers(1, 2000), st.integers(1, 2000)),
    standard=st.sampled_from(WRITTEN),
)
def test_round_trip_is_within_the_quantisation(rows, dpi, size, standard):
    (dpi_x, dpi_y), (width, height) = dpi, size
    rows = np.array(rows, np.float64).reshape(-1, 5)
    x = ((rows[:, 0] * (width - 1) + 0.5) * 500 / dpi_x - 0.5).astype(np.float32)
    y = ((rows[:, 1] * (height - 1) + 0.5) * 500 / dpi_y - 0.5).astype(np.float32)
    direction, quality = np.radians(rows[:, 2]).astype(np.float32), rows[:, 4].astype(np.float32)
    minutiae = Minutiae(x, y, direction, rows[:, 3].astype(np.uint8), quality)
    singular = SingularPoints(x[:20], y[:20], np.tile(np.uint8([1, 2]), 10)[: len(x[:20])], direction[:20])
    image = {"width": width, "height": height, "dpi_x": dpi_x, "dpi_y": dpi_y}
    record = encode_record(minutiae, singular, **image, standard=standard)

    read = decode_one(record, dpi=dpi)
    back, points_back = read.minutiae, read.singular_points
    assert (read.width, read.height, read.format, read.notes) == (*size, standard, ())
    assert np.abs(back.x - x).max(initial=0) <= 0.501 * 500 / dpi_x + 1e-3
    assert np.abs(back.y - y).max(initial=0) <= 0.501 * 500 / dpi_y + 1e-3
    turn = (back.direction - direction + np.pi) % (2 * np.pi) - np.pi
    assert np.abs(turn).max(initial=0) <= np.pi / (256 if standard == "iso" else 180) + 1e-5
    assert ((back.direction >= 0) & (back.direction < 2 * np.pi)).all()
    np.testing.assert_array_equal(back.kind, minutiae.kind)
    np.testing.assert_array_equal(np.isnan(back.quality), np.isnan(quality))
    assert np.nan_to_num(np.abs(back.quality - quality)).max(initial=0) <= 1
    assert len(points_back) == len(singular)
    if standard == "ansi":
        return

    view = parse_by_the_book(record)["views"][0]
    assert [m[:3] for m in view["minutiae"]] == [
        (int(k), round(p), round(q))
        for k, p, q in zip(back.kind, *(a.astype(float) for a in back.original_xy(*dpi)), strict=True)
    ]
    assert [c[0] for c in view["cores"]] == np.rint(points_back.cores.original_xy(*dpi)[0]).tolist()
    assert all(c[2] for c in view["cores"]) and not any(d[2] for d in view["deltas"])


@pytest.mark.parametrize(("degrees", "unit"), [(359.9, 0), (359.2, 255), (0.0, 0), (0.71, 1), (180.0, 128)])
def test_direction_wraps(build, degrees, unit):
    assert encode(build.minutiae([(5, 5, degrees, 1, 50)]))[28 + 4] == unit


def test_best_255_minutiae_are_kept_in_their_order(build):
    many = build.minutiae([(i, i, 0, 1, i % 100 + 1 if i % 7 else build.nan) for i in range(400)])
    kept = decode_one(encode(many, width=400, height=400)).minutiae
    assert len(kept) == 255 and (np.diff(kept.x) > 0).all()
    left_out = np.setdiff1d(many.x, kept.x).astype(int)
    assert np.min(kept.quality) >= np.nanmax(many.quality[left_out])


def test_cores_and_deltas_beyond_four_bits_are_left_out(build):
    singular = build.singular([(i, i, kind, 0) for i in range(20) for kind in (CORE, DELTA)])
    view = parse_by_the_book(encode(Minutiae.empty(), singular))["views"][0]
    assert len(view["cores"]) == len(view["deltas"]) == 15


def test_views_and_unknown_extended_data_are_read():
    view, rest = GOLDEN[24:40], GOLDEN[40:]
    private = bytes.fromhex("0018 8001 0009 aabbccddee") + rest[2:]
    other = bytes([7, 0x23]) + view[2:]
    body = view + rest + other + private
    record = GOLDEN[:8] + struct.pack(">I", 24 + len(body)) + GOLDEN[12:22] + b"\x02\x00" + body
    assert parse_by_the_book(record)["views"][1]["other"] == [(0x8001, b"\xaa\xbb\xcc\xdd\xee")]
    first, second = decode_records(record)
    assert (second.finger_position, second.view, second.impression_type, second.views) == (7, 2, 3, 2)
    np.testing.assert_array_equal(first.minutiae.x, second.minutiae.x)
    assert len(second.singular_points) == 2
    assert first.notes == () and second.notes == ("extended data of type 0x8001 are not read",)


def test_deltas_with_three_angles_give_the_first():
    block = bytes.fromhex("0002 000d 00 01 40fa 015e 40 80 c0")
    record = GOLDEN[:8] + struct.pack(">I", 24 + 16 + 2 + len(block)) + GOLDEN[12:40]
    record += struct.pack(">H", len(block)) + block
    singular = decode_one(record).singular_points
    np.testing.assert_allclose(np.degrees(singular.direction), [90], atol=1e-4)


def changed(at, value, record=GOLDEN):
    out = bytearray(record)
    out[at : at + len(value)] = value
    return bytes(out)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no finger minutiae record"),
        (b"BM" + GOLDEN[2:], "no finger minutiae record: it begins with"),
        (changed(4, b" 21\0"), "unknown version"),
        (GOLDEN[:-20], "cut off at byte"),
        (changed(8, b"\0\0\x20\x39"), "length is given as 8249 bytes, but its parts fill 57"),
        (changed(14, b"\0\0"), "0x374 px is not a print"),
        (changed(22, b"\0"), "with 0 views holds no print; 1 to 255"),
        (changed(22, b"\2"), "cut off"),
        (changed(18, b"\0\0"), "0x197 px per cm is not a resolution"),
        (changed(24, b"\x0b"), "finger position 11"),
        (changed(27, b"\xff"), "cut off"),
        (changed(27, b"\1"), "cut off"),
        (changed(28, b"\xc0"), r"minutia 1: type 3, position \(100, 50\)"),
        (changed(28, b"\x41\x84"), r"position \(388, 50\), .* is out of range in an image of 388x374 px"),
        (changed(33, b"\x65"), "quality 101 is out of range"),
        (changed(26, b"\x65"), "quality 101 are out of range"),
    ],
)
def test_malformed_records_are_refused(data, message):
    with pytest.raises(TemplateError, match=message):
        decode_records(data)


EXTENDED = GOLDEN[42:]
"""The golden record's block of cores and deltas."""


def extended(total, blocks, length=None):
    """The golden record with other extended data."""
    record = GOLDEN[:40] + struct.pack(">H", total) + blocks
    return changed(8, struct.pack(">I", len(record) if length is None else length), record)


@pytest.mark.parametrize(
    ("data", "singular", "note"),
    [
        (GOLDEN + bytes(100), 2, "100 bytes of padding after the record are ignored"),
        (changed(8, struct.pack(">I", 157), GOLDEN + bytes(100)), 2, "100 bytes of padding"),
        (GOLDEN + b"abc", 2, "3 bytes after the record are ignored"),
        (changed(8, b"\0\0\0\x38"), 2, "given as 56 bytes, but its parts fill 57"),
        (changed(8, b"\0\0\0\x3a"), 2, "given as 58 bytes, but its parts fill 57"),
        (extended(15, changed(2, b"\0\x0b", EXTENDED)), 2, "leave out the four bytes of type and length"),
        (extended(11, changed(2, b"\0\x0b", EXTENDED)), 2, "leave out the four bytes of type and length"),
        (extended(20, EXTENDED + b"\0\1\0\5\0"), 2, r"of type 0x0001 \(ridge counts\) are not read"),
        (extended(19, EXTENDED + b"\0\3\0\0", 61), 0, "19 bytes of extended data contradict their own lengths"),
        (changed(46, b"\x02"), 0, "15 bytes of extended data contradict"),
        (changed(47, b"\x80"), 0, "15 bytes of extended data contradict"),
        (changed(44, b"\x00\x03"), 0, "15 bytes of extended data contradict"),
        (GOLDEN[:-1], 0, "cut off in its extended data"),
        (GOLDEN[:40], 0, "ends without the length of its extended data"),
    ],
)
def test_what_is_there_is_read_and_the_rest_is_named(data, singular, note):
    record = decode_one(data)
    np.testing.assert_array_equal(record.minutiae.x, [100, 300])
    assert len(record.singular_points) == singular
    assert len(record.notes) >= 1 and re.search(note, "; ".join(record.notes))


# Composed by hand from the standards' tables, as GOLDEN is, and with the same content.
_POINTS = "4064 0032 {} 5a 812c 00c8 {} {}"
_ANSI_EXTENDED = "000f 0002 000f 41 0096 00a0 5a 01 00fa 015e"  # 0x41: one core, with an angle; 180 degrees = 90 x 2
ANSI = bytes.fromhex(
    "464d5200 20323000 003b"  # length: 59, in two bytes
    "0103 0000 0000"  # product: owner unknown, type 0; capture equipment
    "0184 0176 00c5 00c5 01 00 02 00 50 02" + _POINTS.format("2d", "87", "00") + _ANSI_EXTENDED
)
ANSI_LONG = ANSI[:8] + bytes.fromhex("0000 0000003f") + ANSI[10:]  # length: 63, in six bytes
ANSI_2009 = bytes.fromhex(
    "464d5200 30333000 00000043"  # length: 67, in four bytes
    "0103 0000 00 0000 01 00"  # product, certified, device, views, reserved
    "02 00 00 50 0103 0001"  # finger, view, impression, quality, its owner and algorithm
    "0184 0176 00c5 00c5 02" + _POINTS.format("2d", "87", "fe") + _ANSI_EXTENDED
)
ISO_2011 = bytes.fromhex(
    "464d5200 30333000 00000055 0001 01"  # length: 85; one representation; with certificates
    "00000046 07db 01 01 00 00 00 0000 00 0000 0000"  # representation: 70 bytes; time; device
    "01 50 0103 0001 01 000000"  # a block of quality, a certificate
    "02 00 00c5 00c5 00 0184 0176 60 02"  # finger, number, resolution, impression, size; minutiae of 6 bytes
    + _POINTS.format("40", "c0", "fe")
    + "000f 0002 000f 01 4096 00a0 80 01 00fa 015e"
)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (GOLDEN, "iso"),
        (ANSI, "ansi"),
        (ANSI_LONG, "ansi"),
        (ANSI_2009, "ansi-2009"),
        (ANSI_2009.replace(b"030", b"035"), "ansi-2009"),
        (ISO_2011, "iso-2011"),
    ],
    ids=["iso", "ansi", "long", "2009", "am1", "2011"],
)
@pytest.mark.parametrize("padding", [0, 1, 1000])
def test_every_standard_is_recognised_and_read(data, name, padding):
    record = decode_one(data + bytes(padding))
    assert record.format == name and len(record.notes) == bool(padding)
    np.testing.assert_array_equal(np.stack([record.minutiae.x, record.minutiae.y]), [[100, 300], [50, 200]])
    np.testing.assert_allclose(np.degrees(record.minutiae.direction), [90, 270], atol=1e-4)
    np.testing.assert_array_equal(record.minutiae.quality, [90, np.nan])
    np.testing.assert_allclose(np.degrees(record.singular_points.direction), [180, np.nan], atol=1e-4)
    assert (record.width, record.height, record.dpi_x, record.dpi_y) == (388, 374, 500, 500)
    assert (record.finger_position, record.finger_quality, record.view, record.views) == (2, 80, 0, 1)


def test_ansi_is_written_byte_by_byte(golden):
    assert encode(*golden, finger_position=2, finger_quality=80, standard="ansi").hex() == ANSI.hex()


def test_iso_2011_without_qualities_and_certificates():
    record = bytearray(ISO_2011[:14] + b"\0" + ISO_2011[15:33] + b"\0" + ISO_2011[43:])
    at = record.index(b"\x60\x02")
    record[at] = 0x50
    del record[at + 13], record[at + 7]  # the qualities of both minutiae
    record[8:12], record[15:19] = struct.pack(">I", len(record)), struct.pack(">I", len(record) - 15)
    read = decode_one(bytes(record))
    np.testing.assert_array_equal(read.minutiae.x, [100, 300])
    assert read.format == "iso-2011" and np.isnan(read.minutiae.quality).all() and read.finger_quality == 254


def test_directions_beyond_ansis_units_are_refused():
    at = ANSI.index(b"\x2d\x5a")
    with pytest.raises(TemplateError, match="angle 180 or quality 90 is out of range"):
        decode_records(changed(at, b"\xb4", ANSI))
    read = decode_one(changed(at, b"\xb3", ANSI))
    assert np.degrees(read.minutiae.direction[0]) == pytest.approx(358)


def test_ansi_cores_of_which_one_has_no_direction_are_written_without(build):
    singular = build.singular([(50, 60, CORE, 45), (70, 80, CORE, build.nan)])
    record = encode(Minutiae.empty(), singular, standard="ansi")
    assert np.isnan(decode_one(record).singular_points.direction).all()
    assert np.isfinite(decode_one(encode(Minutiae.empty(), singular)).singular_points.direction).sum() == 1


def test_a_record_that_fits_two_standards_says_so_and_a_standard_can_be_named():
    both = bytes.fromhex(
        "464d5200 30333000 00000036 0001 0000 00 0000 01 00 02 00 00 50 0103 0001 0184 0176 0120 00c5 00"
        "000e 00 00c5 00c5 00 0184 0176 60 00 0000"
    )
    record = decode_one(both)
    assert (record.format, record.finger_position) == ("iso-2011", 14)
    assert "read as ISO/IEC 19794-2:2011, though the bytes fit ANSI INCITS 378-2009 as well" in record.notes
    assert decode_one(both, standard="ansi-2009").finger_position == 2
    assert decode_one(both, standard="iso").format == "iso-2011"  # of another version
    with pytest.raises(TemplateError, match="ANSI INCITS 378-2004"):
        decode_records(GOLDEN, standard="ansi")


RECORDS = (GOLDEN, ANSI, ANSI_LONG, ANSI_2009, ISO_2011)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_hostile_bytes_never_raise_anything_else(data):
    record = bytearray(data.draw(st.sampled_from(RECORDS)))
    for _ in range(data.draw(st.integers(1, 6))):
        record[data.draw(st.integers(4, len(record) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(record)))
    record = record[:cut] + data.draw(st.binary(max_size=40))
    if len(record) >= 12 and data.draw(st.booleans()):
        record[8:12] = struct.pack(">I", len(record))
    try:
        views = decode_records(bytes(record))
    except TemplateError:
        return
    for view in views:
        minutiae, singular = view.minutiae, view.singular_points
        assert len(minutiae) <= 255 and (minutiae.kind <= 2).all() and np.isfinite(minutiae.x).all()
        assert len(singular) <= len(record) and view.width > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 0}, "width must lie between 1 and 16384, got 0"),
        ({"height": 16385}, "height must lie"),
        ({"finger_position": 11}, "finger_position must lie between 0 and 10, got 11"),
        ({"impression_type": 16}, "impression_type"),
        ({"finger_quality": 101}, "finger_quality"),
        ({"dpi_x": 10}, "resolution must lie"),
        ({"width": 50}, "x = 100 px lies outside an image of 50 px"),
        ({"standard": "iso-2011"}, "written as iso or ansi, not as 'iso-2011'"),
    ],
)
def test_what_cannot_be_written_is_said(golden, change, message):
    with pytest.raises(TemplateError, match=message):
        encode(*golden, **change)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((np.nan, 1, 0, 1, 1), "x = nan"),
        ((1, 1, np.nan, 1, 1), "needs a direction"),
        ((1, 1, 0, 3, 1), "no minutia kind 3"),
    ],
)
def test_minutiae_without_position_direction_or_known_kind_are_refused(build, row, message):
    with pytest.raises(TemplateError, match=message):
        encode(build.minutiae([row]))


def test_files(golden, tmp_path):
    path = tmp_path / "a.fmr"
    write_record(path, *golden, **SIZE, finger_position=2, finger_quality=80)
    assert path.read_bytes() == GOLDEN
    assert [p.name for p in tmp_path.iterdir()] == ["a.fmr"]
    with pytest.raises(TemplateError, match="cannot be written"):
        write_record(tmp_path / "none" / "a.fmr", *golden, **SIZE)
