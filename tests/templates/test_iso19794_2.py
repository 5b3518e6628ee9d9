import importlib
import importlib.util
import struct
import sys
import types

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridgefeat.errors import TemplateError
from ridgefeat.structure import CORE, DELTA, Minutiae, SingularPoints
from ridgefeat.templates import decode_iso, decode_iso_views, encode_iso, read_iso, write_iso

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
    write_iso(tmp_path / "a.fmr", minutiae, singular, **SIZE)
    read = pyfing_reader(str(tmp_path / "a.fmr"))
    assert [(m.x, m.y, m.quality) for m in read] == [(i * 3, 300 - i, i) for i in range(1, 100)]
    assert [m.type for m in read] == ["OEB"[i % 3] for i in range(1, 100)]
    assert build.apart([m.direction for m in read], minutiae.direction) <= 180 / 256 + 1e-3


SIZE = {"width": 388, "height": 374, "dpi_x": 500, "dpi_y": 500}


def encode(minutiae, singular=None, **change):
    return encode_iso(minutiae, singular or SingularPoints.empty(), **{**SIZE, **change})


@pytest.fixture
def golden(build):
    minutiae = build.minutiae([(100, 50, 90, 1, 90), (300, 200, 270, 2, build.nan)])
    return minutiae, build.singular([(150, 160, CORE, 180), (250, 350, DELTA, 30)])


def test_record_is_byte_exact_and_reads_back(golden):
    assert encode(*golden, finger_position=2, finger_quality=80).hex() == GOLDEN.hex()
    minutiae, singular, header = decode_iso(GOLDEN)
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
    assert [len(points) for points in decode_iso(record)[:2]] == [0, 0]


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
@given(rows=points, dpi=resolutions, size=st.tuples(st.integers(1, 2000), st.integers(1, 2000)))
def test_round_trip_is_within_the_quantisation(rows, dpi, size):
    (dpi_x, dpi_y), (width, height) = dpi, size
    rows = np.array(rows, np.float64).reshape(-1, 5)
    x = ((rows[:, 0] * (width - 1) + 0.5) * 500 / dpi_x - 0.5).astype(np.float32)
    y = ((rows[:, 1] * (height - 1) + 0.5) * 500 / dpi_y - 0.5).astype(np.float32)
    direction, quality = np.radians(rows[:, 2]).astype(np.float32), rows[:, 4].astype(np.float32)
    minutiae = Minutiae(x, y, direction, rows[:, 3].astype(np.uint8), quality)
    singular = SingularPoints(x[:20], y[:20], np.tile(np.uint8([1, 2]), 10)[: len(x[:20])], direction[:20])
    record = encode_iso(minutiae, singular, width=width, height=height, dpi_x=dpi_x, dpi_y=dpi_y)

    back, points_back, header = decode_iso(record, dpi=dpi)
    assert (header.width, header.height) == size
    assert np.abs(back.x - x).max(initial=0) <= 0.501 * 500 / dpi_x + 1e-3
    assert np.abs(back.y - y).max(initial=0) <= 0.501 * 500 / dpi_y + 1e-3
    turn = (back.direction - direction + np.pi) % (2 * np.pi) - np.pi
    assert np.abs(turn).max(initial=0) <= np.pi / 256 + 1e-5
    assert ((back.direction >= 0) & (back.direction < 2 * np.pi)).all()
    np.testing.assert_array_equal(back.kind, minutiae.kind)
    np.testing.assert_array_equal(np.isnan(back.quality), np.isnan(quality))
    assert np.nan_to_num(np.abs(back.quality - quality)).max(initial=0) <= 1
    assert len(points_back) == len(singular)

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
    kept = decode_iso(encode(many, width=400, height=400))[0]
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
    first, second = decode_iso_views(record)
    assert (second[2].finger_position, second[2].view, second[2].impression_type, second[2].views) == (7, 2, 3, 2)
    np.testing.assert_array_equal(first[0].x, second[0].x)
    assert len(second[1]) == 2 and decode_iso(record, view=1)[2].finger_position == 7
    for view in (2, -1):
        with pytest.raises(TemplateError, match=f"no view {view}; the record has 2"):
            decode_iso(record, view=view)


def test_deltas_with_three_angles_give_the_first():
    block = bytes.fromhex("0002 000d 00 01 40fa 015e 40 80 c0")
    record = GOLDEN[:8] + struct.pack(">I", 24 + 16 + 2 + len(block)) + GOLDEN[12:40]
    record += struct.pack(">H", len(block)) + block
    singular = decode_iso(record)[1]
    np.testing.assert_allclose(np.degrees(singular.direction), [90], atol=1e-4)


def changed(at, value):
    out = bytearray(GOLDEN)
    out[at : at + len(value)] = value
    return bytes(out)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cut off at byte 0"),
        (b"BM" + GOLDEN[2:], "no ISO/IEC 19794-2:2005 record"),
        (changed(8, b"\x00\x39\x00\x00"), "ANSI INCITS 378-2004"),
        (GOLDEN[:-1], "given as 57 bytes, but it has 56"),
        (GOLDEN + b"\0", "given as 57 bytes, but it has 58"),
        (changed(14, b"\0\0"), "0x374 px with 1 views is no print"),
        (changed(22, b"\0"), "with 0 views"),
        (changed(22, b"\2"), "cut off"),
        (changed(18, b"\0\0"), "0x197 px per cm is no resolution"),
        (changed(24, b"\x0b"), "finger position 11"),
        (changed(27, b"\xff"), "cut off"),
        (changed(27, b"\1"), "cut off"),
        (changed(28, b"\xc0"), "type, quality or position"),
        (changed(28, b"\x7f"), "type, quality or position"),
        (changed(33, b"\x65"), "type, quality or position"),
        (changed(40, b"\x00\x0e"), "cut off"),
        (changed(44, b"\x00\x03"), "block of 3 bytes"),
        (changed(46, b"\x02"), "outside the image"),
        (changed(47, b"\x80"), "outside the image or is of unknown type"),
        (changed(46, b"\x00"), "outside the image"),
    ],
)
def test_malformed_records_are_refused(data, message):
    with pytest.raises(TemplateError, match=message):
        decode_iso(data)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_hostile_bytes_never_raise_anything_else(data):
    record = bytearray(GOLDEN)
    for _ in range(data.draw(st.integers(1, 6))):
        record[data.draw(st.integers(8, len(record) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(record)))
    record = record[:cut] + data.draw(st.binary(max_size=40))
    if len(record) >= 12 and data.draw(st.booleans()):
        record[8:12] = struct.pack(">I", len(record))
    try:
        views = decode_iso_views(bytes(record))
    except TemplateError:
        return
    for minutiae, singular, header in views:
        assert len(minutiae) <= 255 and (minutiae.kind <= 2).all() and np.isfinite(minutiae.x).all()
        assert len(singular) <= len(record) and header.width > 0


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
    write_iso(path, *golden, **SIZE, finger_position=2, finger_quality=80)
    assert path.read_bytes() == GOLDEN
    assert [p.name for p in tmp_path.iterdir()] == ["a.fmr"]
    np.testing.assert_array_equal(read_iso(path)[0].x, [100, 300])
    path.write_bytes(GOLDEN[:30])
    with pytest.raises(TemplateError, match=r"a\.fmr: ISO/IEC 19794-2: the record's length is given as 57"):
        read_iso(path)
    with pytest.raises(TemplateError, match="no such file"):
        read_iso(tmp_path / "missing.fmr")
    with pytest.raises(TemplateError, match="cannot be written"):
        write_iso(tmp_path / "none" / "a.fmr", *golden, **SIZE)
