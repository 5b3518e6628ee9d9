import io
import shutil
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from ridgefeat.an2 import split
from ridgefeat.errors import ImageError, LayoutError
from ridgefeat.sources import decode_image, find_prints, load_print
from ridgefeat.sources.find import locate
from ridgefeat.table import extract_many
from tests.an2_files import GS, SECRET, binary, lossless_jpeg, tagged, transaction, type14
from tests.real_prints import real_prints
from tests.sources.image_files import grating, saved

PIXELS = grating()
ROWS, COLUMNS = PIXELS.shape
SIZE = COLUMNS, ROWS
BITS = PIXELS > 127
PACKED = np.packbits(~BITS, axis=1).tobytes()  # 1 is black


def group4() -> bytes:
    """The strip of a facsimile TIFF, 1 being black: Pillow makes 1 white, so its negative."""
    data = saved("TIFF", "1", np.uint8(255) * ~BITS, compression="group4")
    tags = Pillow.open(io.BytesIO(data)).tag_v2
    assert tags[262] == 1 and len(tags[273]) == 1
    return data[tags[273][0] :][: tags[279][0]]


def only(path: Path, data: bytes):
    path.write_bytes(data)
    (found,) = find_prints(path)
    return found


CASES = {
    "type 3, raw": (3, binary(1, b"\x02", SIZE, PIXELS.tobytes()), PIXELS, (250, 250)),
    "type 4, raw": (4, binary(1, b"\x02", SIZE, PIXELS.tobytes()), PIXELS, (500, 500)),
    "type 4, PNG": (4, binary(1, b"\x02\x00", SIZE, saved("PNG"), 6), PIXELS, (500, 500)),
    "type 4, JPEG 2000": (4, binary(1, b"\x02", SIZE, saved("JPEG2000"), 5), PIXELS, (500, 500)),
    "type 5, raw": (5, binary(1, b"\x02", SIZE, PACKED), np.uint8(255) * BITS, (250, 250)),
    "type 6, raw": (6, binary(1, b"\x02", SIZE, PACKED), np.uint8(255) * BITS, (500, 500)),
    "raw": (14, type14(1, SIZE, PIXELS.tobytes()), PIXELS, (500, 500)),
    "raw of 16 bits": (14, type14(1, SIZE, (PIXELS.astype(">u2") * 257).tobytes(), f12="16"), PIXELS, (500, 500)),
    "raw colours": (14, type14(1, SIZE, np.repeat(PIXELS, 3).tobytes(), f12="24"), PIXELS, (500, 500)),
    "raw that begins like a BMP": (14, type14(1, SIZE, b"BM" + PIXELS.tobytes()[2:]), None, (500, 500)),
    "PNG": (14, type14(1, SIZE, saved("PNG", dpi=(300, 300)), "PNG"), PIXELS, (500, 500)),
    "JP2": (14, type14(1, SIZE, saved("JPEG2000", quality_layers=[4]), "JP2"), None, (500, 500)),
    "JPEG": (14, type14(1, SIZE, saved("JPEG"), "JPEGB"), None, (500, 500)),
    "lossless JPEG": (14, type14(1, SIZE, lossless_jpeg(PIXELS), "JPEGL"), PIXELS, (500, 500)),
    "JPEG called raw": (14, type14(1, SIZE, saved("JPEG"), "NONE"), None, (500, 500)),
    "px per cm": (14, type14(1, SIZE, PIXELS.tobytes(), f8="2", f9="394", f10="197"), PIXELS, (1000, 500)),
    "an empty field 999 first": (
        14,
        type14(1, SIZE, b"38423" + GS + b"14.999:" + saved("PNG"), "PNG"),
        PIXELS,
        (500, 500),
    ),
    "type 13": (13, type14(1, SIZE, PIXELS.tobytes()).replace(b"14.", b"13."), PIXELS, (500, 500)),
}


@pytest.mark.parametrize("name", CASES)
def test_every_record_and_compression_gives_its_pixels_and_resolution(tmp_path, name):
    kind, record, expected, dpi = CASES[name]
    found = only(tmp_path / "a.an2", transaction((kind, 1, record)))
    assert found.relative == f"a.an2/{kind:02d}-01-2" and found.error is None
    assert found.labels == {
        "transaction": "a.an2",
        "record_type": str(kind),
        "idc": "1",
        "impression_type": "live-scan plain" if kind < 9 else "live-scan rolled",
        "finger_position": "2",
        "hand": "right",
        "finger": "index",
    }
    print_ = load_print(found)
    if expected is None:
        data = record[record.rindex(b".999:") + 5 : -1]
        expected = (
            np.frombuffer(data, np.uint8).reshape(ROWS, COLUMNS) if "raw that" in name else decode_image(data).pixels
        )
    assert np.array_equal(print_.pixels, expected)
    assert (print_.dpi_x, print_.dpi_y, print_.dpi_origin) == (*dpi, "header")
    assert not set(print_.flags) - {"header_resolution_ignored"}


def test_facsimile_records_and_wsq(tmp_path):
    found = only(tmp_path / "a.an2", transaction((6, 1, binary(1, b"\x02", SIZE, group4(), 1))))
    assert np.array_equal(load_print(found).pixels, np.uint8(255) * BITS)
    pytest.importorskip("wsq", reason="the extra wsq is not installed")
    data = saved("WSQ", pixels=cv2.resize(PIXELS, (300, 320)))
    found = only(tmp_path / "b.an2", transaction((4, 1, binary(1, b"\x02", (300, 320), data, 1))))
    assert np.array_equal(load_print(found).pixels, decode_image(data).pixels)


@pytest.mark.parametrize(
    ("isr", "resolution", "dpi"),
    [
        (0, "19.69", 500),
        (0, "20.00", 500),
        (0, "39.37", 1000),
        (1, "39.37", 1000),
        (1, "19.69", 500),
        (1, "20.00", 508),
        (0, "00.00", 500),
        (1, "05450622", None),
        (0, "nonsense", 500),
    ],
)
def test_resolution_of_binary_records(tmp_path, isr, resolution, dpi):
    record = binary(1, b"\x02", SIZE, PIXELS.tobytes(), isr=isr)
    print_ = load_print(only(tmp_path / "a.an2", transaction((4, 1, record), resolution=resolution)))
    assert (print_.dpi_x, print_.dpi_origin) == ((dpi, "header") if dpi else (500, "assumed"))


@pytest.mark.parametrize(
    ("position", "labels"),
    [
        ("0", {}),
        ("6", {"hand": "left", "finger": "thumb"}),
        ("11", {"hand": "right", "finger": "thumb"}),
        ("13", {"hand": "right", "finger_id": "13"}),
        ("15", {"finger_id": "15"}),
        ("44", {}),
        ("2\x1e3", {}),
    ],
)
def test_positions(tmp_path, position, labels):
    found = only(tmp_path / "a.an2", transaction((14, 1, type14(1, SIZE, saved("PNG"), "PNG", position))))
    assert found.labels["finger_position"] == position.replace("\x1e", "+")
    assert {k: v for k, v in found.labels.items() if k in ("hand", "finger", "finger_id")} == labels


def record(idc: int, position: str = "2") -> tuple[int, int, bytes]:
    return 14, idc, type14(idc, SIZE, PIXELS.tobytes(), position=position)


WHOLE = transaction(record(1), (10, 2, tagged(10, {2: "02", 11: "JPEGB"}, b"\xff\xd8")), record(3), record(3))


def test_a_transaction_that_breaks_off_gives_the_records_before_and_the_reason(tmp_path):
    records, reason = split(WHOLE)
    assert reason is None and [r.kind for r in records] == [1, 2, 14, 10, 14, 14]
    for at in range(40, len(WHOLE), 97):
        whole = [r for r in records if r.stop <= at]
        found, why = split(WHOLE[:at])
        assert found == whole and why and "break" in why
    path = tmp_path / "cut.an2"
    path.write_bytes(WHOLE[:-5])
    found = find_prints(path)
    assert [p.relative for p in found] == ["cut.an2/14-01-2", "cut.an2/14-03-2", "cut.an2"]
    assert found[2].error.startswith("breaks off in record 6 (type 14), which claims ") and load_print(found[1])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is not an ANSI/NIST transaction"),
        (b"<?xml version='1.0'?><itl:NISTBiometricInformationExchangePackage>", "in XML are not read"),
        (transaction(), "holds no finger image; its records are of type 1, 2"),
        (WHOLE + b"1.001:9\x1d1.002:0500\x1d", "a second transaction"),
        (transaction((4, 1, binary(1, b"\x02", SIZE, b"short"))), "it holds 5 bytes, which are not a known image"),
        (transaction((14, 1, type14(1, (7, 7), PIXELS.tobytes()))), "claims 7x7 px, 8 bits per pixel"),
        (transaction((14, 1, tagged(14, {2: "01"}))), "without an image"),
    ],
)
def test_what_cannot_be_read_has_its_reason(tmp_path, data, says):
    path = tmp_path / "a.an2"
    path.write_bytes(data)
    reasons = [p.error for p in find_prints(path) if p.error]
    assert says in reasons[0]


def test_lengths_that_are_off_by_a_byte_or_two_are_put_right():
    for wrong in (-2, -1, 1, 2):
        one = type14(1, SIZE, saved("PNG"), "PNG")
        length = one[7 : one.index(GS)]
        data = transaction((14, 1, one.replace(length, b"%d" % (int(length) + wrong), 1)), record(2))
        records, reason = split(data)
        assert reason is None and [r.idc for r in records[2:]] == [1, 2]
        assert data[slice(*records[2].data)] == saved("PNG")


def test_records_of_one_name_are_told_apart_and_nothing_of_a_person_is_kept(tmp_path):
    path = tmp_path / "a.an2"
    path.write_bytes(WHOLE)
    passed = Counter()
    found = find_prints(path, passed_over=passed)
    assert [p.path.name for p in found] == ["14-01-2", "14-03-2", "14-03-2-2"]
    assert passed == {"type-10 record": 1}
    table = extract_many([path], families=["ridge"])
    assert len(table) == 3 and "class" not in table and table.finger_position.tolist() == [2, 2, 2]
    text = table.to_csv() + repr(found)
    assert not any(word in text for word in (SECRET.decode(), "19510928", "AGENCY", "CASE99", "20260101"))


def test_a_transaction_is_known_by_content_or_suffix_alone_in_folders_archives_and_lists(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("b.EFT", "unnamed", "c.bin"):
        (folder / name).write_bytes(transaction(record(1)))
    (folder / "not.an2").write_bytes(b"hello")
    (folder / "notes.txt").write_text("1.001 is a number")
    passed = Counter()
    found = find_prints(folder, passed_over=passed)
    assert {p.relative: bool(p.error) for p in found} == {
        "b.EFT/14-01-2": False,
        "c.bin/14-01-2": False,
        "not.an2": True,
        "unnamed/14-01-2": False,
    }
    assert passed == {".txt": 1}
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        archive.write(folder / "b.EFT", "d/b.EFT")
    (inside,) = find_prints(tmp_path / "in.zip")
    assert inside.relative == "d/b.EFT/14-01-2" and np.array_equal(load_print(inside).pixels, PIXELS)
    with tarfile.open(tmp_path / "in.tgz", "w:gz") as archive:
        for name in ("z.an2", "a.an2"):
            (tmp_path / name).write_bytes(WHOLE)
            archive.add(tmp_path / name, name)
    packed = find_prints(tmp_path / "in.tgz")  # in the archive's order, as every packed tar
    assert [p.relative[:5] for p in packed] == ["z.an2"] * 3 + ["a.an2"] * 3
    assert all(np.array_equal(load_print(p).pixels, PIXELS) for p in packed)
    (tmp_path / "list.txt").write_text("in/unnamed\nin/b.EFT/14-01-2\n")
    assert [p.path.name for p in find_prints([], lists=[tmp_path / "list.txt"])] == ["14-01-2", "14-01-2"]
    (alone,) = find_prints(folder / "b.EFT" / "14-01-2")
    assert alone.relative == "b.EFT/14-01-2"
    with pytest.raises(LayoutError, match="no such file"):
        find_prints(folder / "b.EFT" / "14-01-3")
    assert np.array_equal(load_print(locate(folder, "b.EFT/14-01-2", "transaction")).pixels, PIXELS)
    shutil.copy(folder / "not.an2", folder / "b.EFT")
    with pytest.raises(ImageError, match="has changed"):
        load_print(alone)


def test_labels_by_index_layout_and_expression(tmp_path):
    for person in ("ann", "bob"):
        (tmp_path / person).mkdir()
        (tmp_path / person / "7.an2").write_bytes(transaction(record(1), record(2, "3")))
    (tmp_path / "i.csv").write_text("file,subject,age\nann/7.an2,A,30\nbob/7.an2/14-02-3,B,40\n7.an2,C,50\n")
    labels = {p.relative: p.labels for p in find_prints(tmp_path, index=tmp_path / "i.csv")}
    assert labels.pop("7.an2")["age"] == "50"  # there is none, and two of the name elsewhere
    ages = {name: own.get("age") for name, own in labels.items()}
    assert ages == {
        "ann/7.an2/14-01-2": "30",
        "ann/7.an2/14-02-3": "30",
        "bob/7.an2/14-01-2": None,
        "bob/7.an2/14-02-3": "40",
    }
    by_folder = find_prints(tmp_path, layout="person-folders")
    assert [(p.labels["subject"], p.labels["finger"]) for p in by_folder] == [
        ("ann", "index"),
        ("ann", "middle"),
        ("bob", "index"),
        ("bob", "middle"),
    ]
    by_name = find_prints(tmp_path, regex=r"(?P<subject>\w+)/7\.an2/\d+-(?P<take>\d+)")
    assert by_name[3].labels["subject"] == "bob" and by_name[3].labels["take"] == "02"


def test_real_transactions():
    passed = Counter()
    found = find_prints(real_prints("AN2"), passed_over=passed)
    images = [p for p in found if p.error is None]
    assert passed == {"type-9 record": 2, "type-10 record": 1}
    assert {p.relative for p in found if p.error} == {"type-1.an2", "valid1.2.an2/06-02-0"}
    assert Counter(p.labels["record_type"] for p in images) == {"4": 18, "13": 4, "14": 5}
    pytest.importorskip("wsq", reason="the extra wsq is not installed")
    flags = {p.relative: load_print(p).flags for p in images}
    assert flags["type-9-10-14.an2/14-01-8"] == () and flags["valid1.8.an2/14-01-13"] == ("record_size_ignored",)
