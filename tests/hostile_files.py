"""Small files that ask for much: each claims, unpacks to or repeats far more than it holds."""

import gzip
import io
import os
import socket
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

GRID = np.tile(np.uint8([0, 255]), (32, 16))
IMAGES: dict[str, Callable[[Path], None]] = {}
"""Images and archives by their file name, and what writes each."""


def image(name: str) -> Callable[[Callable[[], bytes]], None]:
    def keep(make: Callable[[], bytes]) -> None:
        IMAGES[name] = lambda path: path.write_bytes(make()) and None

    return keep


def encoded(ending: str, *how: int, pixels: np.ndarray = GRID) -> bytes:
    return bytes(cv2.imencode(ending, pixels, how)[1])


def png(width: int, height: int, *chunks: tuple[bytes, bytes], rows: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts
    )


def tiff(width: int, height: int, data: bytes = bytes(64), **more: tuple[int, int, list[int]]) -> bytes:
    """A grey TIFF; `more` are tags as t<number>=(type, count, values), which stand behind the directory."""
    tags = {256: (4, 1, [width]), 257: (4, 1, [height]), 258: (3, 1, [8]), 259: (3, 1, [1]), 262: (3, 1, [1])}
    tags |= {273: (4, 1, [8]), 277: (3, 1, [1]), 278: (4, 1, [height]), 279: (4, 1, [len(data)])}
    tags |= {int(name[1:]): tag for name, tag in more.items()}
    start = 8 + len(data)
    entries, behind, at = b"", b"", start + 2 + 12 * len(tags) + 4
    for tag, (kind, count, values) in sorted(tags.items()):
        packed = struct.pack(f"<{len(values)}{ {3: 'H', 4: 'I', 1: 'B', 2: 'B'}[kind] }", *values)
        if len(packed) > 4:
            behind, packed = behind + packed, struct.pack("<I", at + len(behind))
        entries += struct.pack("<HHI", tag, kind, count) + packed.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<I", start) + data + struct.pack("<H", len(tags)) + entries + bytes(4) + behind


SIDE = 9_900
"""Pixels of a side whose square is just below the number that is read."""
BOMB = zlib.compress(bytes(SIDE * (SIDE + 1)), 9)


@image("text_of_200_megabytes.png")
def _() -> bytes:
    text = b"key\0\0" + zlib.compress(bytes(200_000_000), 9)
    return png(32, 32, *[(b"zTXt", text)] * 20, rows=zlib.compress(bytes(32 * 33)))


@image("thousand_deflated_strips_of_one_region.tif")
def _() -> bytes:
    data = zlib.compress(bytes(9000 * 9), 9)
    return tiff(9000, 9000, data, t259=(3, 1, [8]), **strips(1000, 9, len(data)))


@image("thousand_lzw_strips_of_one_region.tif")
def _() -> bytes:
    data = bytes(10_000_000)
    return tiff(64, 1000, data, t259=(3, 1, [5]), **strips(1000, 1, len(data)))


@image("strip_that_inflates_for_ever.tif")
def _() -> bytes:
    data = zlib.compress(bytes(1 << 28), 9)
    return tiff(64, 64, data, t259=(3, 1, [8]))


@image("tile_of_4_gigapixels.tif")
def _() -> bytes:
    big = (4, 1, [65_536])
    return tiff(64, 64, t322=big, t323=big, t324=(4, 1, [8]), t325=(4, 1, [64]))


@image("directory_in_a_circle.tif")
def _() -> bytes:
    data = bytearray(tiff(8, 8))
    end = len(data) - 4
    data[end:] = struct.pack("<I", 72)
    return bytes(data)


def strips(count: int, rows: int, size: int) -> dict[str, tuple[int, int, list[int]]]:
    return {"t273": (4, count, [8] * count), "t278": (4, 1, [rows]), "t279": (4, count, [size] * count)}


def jpeg(width: int, height: int, scans: int) -> bytes:
    data = encoded(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    at = data.index(b"\xff\xc2") + 5
    first = data.index(b"\xff\xda")
    second = data.index(b"\xff\xda", first + 2)
    return (
        data[:at] + struct.pack(">HH", height, width) + data[at + 4 : first] + data[first:second] * scans + b"\xff\xd9"
    )


@image("screen_of_65_thousand.gif")
def _() -> bytes:
    frame = b",\0\0\0\0" + struct.pack("<HH", 65_535, 65_535) + b"\0\2\2L\1\0"
    return b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0x80, 0, 0) + bytes(6) + frame + b";"


@image("frame_larger_than_its_screen.gif")
def _() -> bytes:
    frame = b",\0\0\0\0" + struct.pack("<HH", 65_535, 65_535) + b"\0\2\2L\1\0"
    return b"GIF89a" + struct.pack("<HHBBB", 16, 16, 0x80, 0, 0) + bytes(6) + frame + b";"


@image("million_frames.gif")
def _() -> bytes:
    frame = b",\0\0\0\0\1\0\1\0\0\2\2D\1\0"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6) + frame * 1_000_000 + b";"


@image("claims_268_megapixels.webp")
def _() -> bytes:
    bits = (16_383 | 16_383 << 14).to_bytes(4, "little")
    body = b"WEBPVP8L" + struct.pack("<I", 20) + b"/" + bits + bytes(15)
    return b"RIFF" + struct.pack("<I", len(body)) + body


@image("claims_4_gigapixels.jp2")
def _() -> bytes:
    data = bytearray(encoded(".jp2"))
    at = data.index(b"\xff\x51") + 6
    data[at : at + 8] = struct.pack(">II", 65_000, 65_000)
    return bytes(data)


@image("tiles_of_one_pixel.jp2")
def _() -> bytes:
    data = bytearray(encoded(".jp2"))
    at = data.index(b"\xff\x51") + 6
    data[at : at + 24] = struct.pack(">IIIIII", 9000, 9000, 0, 0, 1, 1)
    ihdr = data.find(b"ihdr")
    if ihdr > 0:
        data[ihdr + 4 : ihdr + 12] = struct.pack(">II", 9000, 9000)
    return bytes(data)


@image("claims_a_terapixel.bmp")
def _() -> bytes:
    data = bytearray(encoded(".bmp"))
    data[18:26] = struct.pack("<ii", 1_000_000, 1_000_000)
    return bytes(data)


@image("runs_of_nothing.bmp")
def _() -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, 9900, 9900, 1, 8, 1, 0, 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + 1024) + header + bytes(1024) + b"\0\0" * 50_000 + b"\0\1"


def packed_zip(*members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


@image("claims_2_gigabytes.zip")
def _() -> bytes:
    data = bytearray(packed_zip(("a.png", bytes(10_000_000))))
    at = data.rindex(b"PK\1\2") + 24
    data[at : at + 4] = struct.pack("<I", 299_000_000)
    return bytes(data)


def packed_tar(*members: tarfile.TarInfo) -> bytes:
    """A gzipped tar of members of zero bytes."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as file:
        for info in members:
            file.write(info.tobuf())
            for _ in range(info.size >> 20):
                file.write(bytes(1 << 20))
    return out.getvalue()


def member(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info


@image("deep_names.tar.gz")
def _() -> bytes:
    info = tarfile.TarInfo("d/" * 400_000 + "a.png")
    return gzip.compress(info.tobuf(tarfile.GNU_FORMAT) * 20, 9)


@image("sparse_map.tar")
def _() -> bytes:
    info = member("a.png", 512, tarfile.GNUTYPE_SPARSE)
    data = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    data[482] = 1
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data)
    return bytes(data) + (b"00000000001\0" * 42 + b"\1" + bytes(7)) * 100_000


@image("header_of_gigabytes.tar.xz")
def _() -> bytes:
    import lzma

    return lzma.compress(member("x", 1 << 33, tarfile.XHDTYPE).tobuf(tarfile.GNU_FORMAT) + bytes(50_000_000))


BYTES: dict[str, Callable[[], bytes]] = {
    "claims_a_terapixel.png": lambda: png(1_000_000, 1_000_000, rows=BOMB),
    "all_of_100_megapixels.png": lambda: png(SIDE, SIDE, rows=BOMB),
    "inflates_beyond_its_header.png": lambda: png(32, 32, rows=zlib.compress(bytes(100_000_000), 9)),
    "profile_of_200_megabytes.png": lambda: png(
        32, 32, (b"iCCP", b"p\0\0" + zlib.compress(bytes(200_000_000), 9)), rows=zlib.compress(bytes(32 * 33))
    ),
    "million_chunks.png": lambda: png(32, 32, *[(b"tEXt", b"a\0b")] * 600_000, rows=zlib.compress(bytes(32 * 33))),
    "width_of_300_million_values.tif": lambda: tiff(64, 64, t256=(4, 300_000_000, [0, 0])),
    "million_strips_of_one_region.tif": lambda: tiff(4000, 25_000, bytes(4000), **strips(25_000, 1, 4000)),
    "five_thousand_scans.jpg": lambda: jpeg(6000, 6000, 5000),
    "scans_just_below_the_limit.jpg": lambda: jpeg(9000, 9000, 32),
    "claims_4_gigapixels.jpg": lambda: jpeg(65_000, 65_000, 1),
    "claims_a_terapixel.pgm": lambda: b"P5 1000000 1000000 255\n" + bytes(1000),
    "comment_without_end.pgm": lambda: b"P2\n#" + b"#" * 20_000_000,
    "million_comments.pgm": lambda: b"P2\n" + b"# a\n" * 4_000_000 + b"8 8 255\n" + b"1 " * 64,
    "digits_without_end.pgm": lambda: b"P2 " + b"9" * 5_000_000 + b" 8 255\n",
    "claims_4_gigapixels.wsq": lambda: b"\xff\xa0\xff\xa2\0\x11\0\xff" + struct.pack(">HH", 65_000, 65_000) + bytes(40),
    "unpacks_to_gigabytes.zip": lambda: packed_zip(
        *[(n, b"\x89PNG\r\n\x1a\n" + bytes(290_000_000)) for n in ("0.png", "1.png")]
    ),
    "transaction_of_gigabytes.zip": lambda: packed_zip(
        *[(n, b"1.001:199\x1d" + bytes(300_000_000)) for n in ("0.an2", "1.an2")]
    ),
    "hour_of_listing.tar.gz": lambda: packed_tar(member("a.txt", 1 << 29), member("b.png", 1 << 29)),
    "million_entries.tar.gz": lambda: gzip.compress(member("a.png").tobuf() * 500_000, 6),
}
for _name, _make in BYTES.items():
    image(_name)(_make)


ODD: dict[str, Callable[[Path], None]] = {
    "fifo": os.mkfifo,
    "folder": Path.mkdir,
    "socket": lambda path: socket.socket(socket.AF_UNIX).bind(str(path)),
    "zero": lambda path: path.symlink_to("/dev/zero"),
    "random": lambda path: path.symlink_to("/dev/urandom"),
    "stdin": lambda path: path.symlink_to("/dev/stdin"),
}
"""What is not a regular file, or never ends."""


TABLES: dict[str, Callable[[Path], object]] = {
    "cell_without_end.csv": lambda path: path.write_text("score,mated\n1," + "x" * 50_000_000 + "\n"),
    "line_without_end.csv": lambda path: path.write_text("a," * 20_000_000),
    "million_columns.csv": lambda path: path.write_text(
        ",".join(map(str, range(1_000_000))) + "\n" + "1," * 999_999 + "1\n"
    ),
    "quotes_without_end.csv": lambda path: path.write_text('score,mated\n1,"' + '""' * 10_000_000),
    "metadata_of_gigabytes.parquet": lambda path: path.write_bytes(
        b"PAR1" + bytes(1000) + struct.pack("<I", 0x7FFFFFFF) + b"PAR1"
    ),
}
"""Tables by their file name, and what writes each."""


def table(name: str) -> Callable[[Callable[[Path], object]], None]:
    def keep(make: Callable[[Path], object]) -> None:
        TABLES[name] = make

    return keep


@table("zeros.csv")
def _(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(200_000_000)


@table("sheet_of_gigabytes.xlsx")
def _(path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="needs the extra `excel`")
    openpyxl.Workbook().save(path)
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    rows = b"<row><c><v>1</v></c></row>" * 1_000
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, data in parts.items():
            if "sheet1" not in name:
                book.writestr(name, data)
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as file:
            start, _ = parts["xl/worksheets/sheet1.xml"].split(b"<sheetData", 1)
            file.write(start + b"<sheetData>")
            for _ in range(21_000):
                file.write(rows)
            file.write(b"</sheetData></worksheet>")


@table("rows_claimed.parquet")
def _(path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="needs the extra `parquet`")
    from pyarrow import parquet

    column = pa.DictionaryArray.from_arrays(np.zeros(60_000_000, np.int32), ["x" * 100])
    parquet.write_table(pa.table({"score": column, "mated": column}), path, compression="zstd")
