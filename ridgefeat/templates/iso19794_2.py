"""ISO/IEC 19794-2:2005 finger minutiae records, the standard's record format (not its card formats).

All numbers big-endian. Record header, 24 bytes: format `FMR\\0` (4), version ` 20\\0` (4), length of the
record (4), capture equipment (2), image width and height in px (2 + 2), resolution across and down in px per
cm (2 + 2), number of finger views (1), reserved (1). Each view, 4 bytes: finger position (1), view number and
impression type (4 + 4 bits), finger quality (1), number of minutiae (1). Each minutia, 6 bytes: type and x (2
+ 14 bits), reserved and y (2 + 14 bits), angle in units of 360/256 degrees (1), quality (1; 0: not
reported). Then the length of the extended data (2) and its blocks: type (2), length with these four bytes
(2), content. Block 2 holds the number of cores (1), each core (whether an angle follows and x in 2 + 14 bits,
y (2), angle (1)), the number of deltas (1), each delta likewise with three angles.

Positions are whole pixels of the original image, from its top-left corner. Directions are on the finger, so
with square pixels, also where the two resolutions differ.

Source: ISO/IEC 19794-2:2005 with Cor. 1:2009, as summarised at
https://templates.machinezoo.com/iso-19794-2-2005.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ridgefeat.errors import TemplateError
from ridgefeat.structure import CORE, DELTA, DPI_RANGE, Minutiae, SingularPoints
from ridgefeat.templates._common import (
    check_resolution,
    degrees,
    radians,
    read_bytes,
    to_working,
    whole_pixels,
    write_bytes,
)

MAGIC = b"FMR\0 20\0"
HEADER = struct.Struct(">IHHHHHBB")
VIEW = struct.Struct(">BBBB")
MINUTIA = np.dtype([("x", ">u2"), ("y", ">u2"), ("angle", "u1"), ("quality", "u1")])
CORE_AND_DELTA = 2
LOW_14 = 0x3FFF
ANGLE = 360 / 256
"""Degrees of an angle's unit."""
MAX_MINUTIAE = 255
MAX_SINGULAR = 15
"""The standard's count of cores, and of deltas, has four bits."""
_ANSI_LENGTH = 26
"""ANSI INCITS 378-2004 begins the same, but has its length, at least this, in the first two bytes."""
_NOMINAL_DPI = {197: 500.0, 394: 1000.0}
"""A scanner's nominal dpi by whole px per cm; 197 / cm would otherwise be read as 500.38 dpi."""


@dataclass(frozen=True)
class IsoHeader:
    """What a record contains besides the points.

    Attributes
    ----------
    width, height : int
        The original image's size in pixels.
    dpi_x, dpi_y : float
        Its resolution, from whole pixels per cm (within 1.3 dpi; 197 and 394 per cm are read as 500 and 1000 dpi).
    finger_position : int
        0 unknown, 1 right thumb to 5 right little, 6 left thumb to 10 left little.
    impression_type : int
        0 live plain, 1 live rolled, 2 non-live plain, 3 non-live rolled, 8 swipe.
    finger_quality : int
        0 to 100, of the whole print.
    view, views : int
        Number of this view, and how many the record has.
    """

    width: int
    height: int
    dpi_x: float
    dpi_y: float
    finger_position: int
    impression_type: int
    finger_quality: int
    view: int
    views: int


def decode_iso(
    data: bytes, *, view: int = 0, dpi: tuple[float, float] | None = None
) -> tuple[Minutiae, SingularPoints, IsoHeader]:
    """Return one view of a record, counted from 0; `data` and `dpi` as decode_iso_views takes them.

    Raises TemplateError if the record is malformed or has no such view.
    """
    views = decode_iso_views(data, dpi=dpi)
    if not 0 <= view < len(views):
        raise TemplateError(f"ISO/IEC 19794-2: no view {view}; the record has {len(views)}, counted from 0")
    return views[view]


def decode_iso_views(
    data: bytes, *, dpi: tuple[float, float] | None = None
) -> list[tuple[Minutiae, SingularPoints, IsoHeader]]:
    """Return every view of a record: minutiae, singular points and what else the record contains.

    Parameters
    ----------
    data : bytes
        A whole record, nothing after it.
    dpi : (float, float), optional
        The resolution across and down, if better known than to the record, which has whole px per cm.

    Returns
    -------
    list of (Minutiae, SingularPoints, IsoHeader)
        Positions in pixels at 500 dpi. A minutia of type "other" has kind 0; a quality that is not reported
        and a direction that is not given are NaN; of a delta's three angles the first is kept.

    Raises
    ------
    TemplateError
        If the bytes are no such record or contradict themselves.
    """
    read = _Reader(data)
    magic = read.take(len(MAGIC))
    if magic != MAGIC:
        raise TemplateError(f"no ISO/IEC 19794-2:2005 record: it begins with {magic!r}, not {MAGIC!r}")
    length, _, width, height, per_cm_x, per_cm_y, count, _ = read.unpack(HEADER)
    if length >> 16 >= _ANSI_LENGTH:
        raise TemplateError("this is an ANSI INCITS 378-2004 record, which ridgefeat does not read")
    if length != len(data):
        raise TemplateError(f"ISO/IEC 19794-2: the record's length is given as {length} bytes, but it has {len(data)}")
    if not (width and height and count):
        raise TemplateError(f"ISO/IEC 19794-2: an image of {width}x{height} px with {count} views is no print")
    if dpi is None:
        low, high = (round(d / 2.54) for d in DPI_RANGE)
        if not (low <= per_cm_x <= high and low <= per_cm_y <= high):
            raise TemplateError(f"ISO/IEC 19794-2: {per_cm_x}x{per_cm_y} px per cm is no resolution; give dpi instead")
        dpi = _NOMINAL_DPI.get(per_cm_x, per_cm_x * 2.54), _NOMINAL_DPI.get(per_cm_y, per_cm_y * 2.54)
    else:
        check_resolution(*dpi, "ISO/IEC 19794-2")
    views = [_decode_view(read, width, height, *dpi, count) for _ in range(count)]
    read.end("the last view")
    return views


def read_iso(
    path: str | Path, *, view: int = 0, dpi: tuple[float, float] | None = None
) -> tuple[Minutiae, SingularPoints, IsoHeader]:
    """Return one view of a record from the file at `path`; `view` and `dpi` as decode_iso takes them.

    Raises TemplateError as decode_iso does, with the file named, or if the file cannot be read.
    """
    data = read_bytes(path)
    try:
        return decode_iso(data, view=view, dpi=dpi)
    except TemplateError as error:
        raise TemplateError(f"{path}: {error}") from None


class _Reader:
    """Takes bytes from the front, and never more than there are."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            left = len(self.data) - self.at
            raise TemplateError(f"ISO/IEC 19794-2: cut off at byte {self.at}: {count} bytes needed, {left} left")
        self.at += count
        return self.data[self.at - count : self.at]

    def unpack(self, layout: struct.Struct) -> tuple[int, ...]:
        return layout.unpack(self.take(layout.size))

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def end(self, where: str) -> None:
        if self.at != len(self.data):
            raise TemplateError(f"ISO/IEC 19794-2: {len(self.data) - self.at} bytes too many after {where}")


def _decode_view(
    read: _Reader, width: int, height: int, dpi_x: float, dpi_y: float, views: int
) -> tuple[Minutiae, SingularPoints, IsoHeader]:
    position, number_and_type, quality, count = read.unpack(VIEW)
    if position > 10 or quality > 100:
        raise TemplateError(f"ISO/IEC 19794-2: finger position {position}, quality {quality} are out of range")
    rows = np.frombuffer(read.take(count * MINUTIA.itemsize), MINUTIA)
    kind = (rows["x"] >> 14).astype(np.uint8)
    x, y = rows["x"] & LOW_14, rows["y"] & LOW_14
    if (kind == 3).any() or (rows["quality"] > 100).any() or (x >= width).any() or (y >= height).any():
        raise TemplateError("ISO/IEC 19794-2: a minutia's type, quality or position is out of range")
    score = rows["quality"].astype(np.float32)
    minutiae = Minutiae(
        to_working(x.astype(np.float64), dpi_x),
        to_working(y.astype(np.float64), dpi_y),
        radians(rows["angle"] * ANGLE),
        kind,
        np.where(score == 0, np.float32(np.nan), score),
    )
    extended = _Reader(read.take(read.number(2)))
    found: list[tuple[int, int, int, float]] = []
    while extended.at < len(extended.data):
        block, length = extended.number(2), extended.number(2)
        if length < 4:
            raise TemplateError(f"ISO/IEC 19794-2: extended data block of {length} bytes, at least 4 needed")
        content = extended.take(length - 4)
        if block == CORE_AND_DELTA:
            found += _decode_singular(_Reader(content), width, height)
    singular = np.array(found, np.float64).reshape(-1, 4)
    points = SingularPoints(
        to_working(singular[:, 0], dpi_x),
        to_working(singular[:, 1], dpi_y),
        singular[:, 2].astype(np.uint8),
        radians(singular[:, 3]),
    )
    number, impression = number_and_type >> 4, number_and_type & 15
    return minutiae, points, IsoHeader(width, height, dpi_x, dpi_y, position, impression, quality, number, views)


def _decode_singular(read: _Reader, width: int, height: int) -> list[tuple[int, int, int, float]]:
    """Return (x, y, kind, degrees) of each core and delta."""
    found = []
    for kind, angles in ((CORE, 1), (DELTA, 3)):
        for _ in range(read.number(1)):
            first, y = read.number(2), read.number(2) & LOW_14
            x, information = first & LOW_14, first >> 14
            if x >= width or y >= height or information > 1:
                raise TemplateError("ISO/IEC 19794-2: a core or delta lies outside the image or is of unknown type")
            direction = read.take(angles)[0] * ANGLE if information else float("nan")
            found.append((x, y, kind, direction))
    read.end("cores and deltas")
    return found


def encode_iso(
    minutiae: Minutiae,
    singular_points: SingularPoints,
    *,
    width: int,
    height: int,
    dpi_x: float,
    dpi_y: float,
    finger_position: int = 0,
    impression_type: int = 0,
    finger_quality: int = 0,
) -> bytes:
    """Return a record of one view.

    A record holds 255 minutiae, 15 cores and 15 deltas: of more minutiae those of highest quality are kept,
    of more singular points the first. A delta's direction is left out, as the standard asks for all three of
    its arms.

    Parameters
    ----------
    minutiae, singular_points : Minutiae, SingularPoints
        In pixels at 500 dpi. A quality of NaN is written as "not reported", any other as 1 to 100.
    width, height : int
        The original image's size in pixels, 1 to 16384 [scalar].
    dpi_x, dpi_y : float
        The original image's resolution.
    finger_position, impression_type, finger_quality : int
        As in IsoHeader.

    Returns
    -------
    bytes

    Raises
    ------
    TemplateError
        If a size, resolution or code is impossible in the format, or a point lies outside the image.
    """
    check_resolution(dpi_x, dpi_y)
    codes = (
        ("width", width, 1, LOW_14 + 1),
        ("height", height, 1, LOW_14 + 1),
        ("finger_position", finger_position, 0, 10),
        ("impression_type", impression_type, 0, 15),
        ("finger_quality", finger_quality, 0, 100),
    )
    for name, value, low, high in codes:
        if not low <= value <= high:
            raise TemplateError(f"ISO/IEC 19794-2: {name} must lie between {low} and {high}, got {value}")
    minutiae = minutiae.best(MAX_MINUTIAE)
    if (minutiae.kind > 2).any():
        raise TemplateError(f"ISO/IEC 19794-2 has no minutia kind {int(minutiae.kind.max())}; 0, 1 and 2 are known")
    if not np.isfinite(minutiae.direction).all():
        raise TemplateError("ISO/IEC 19794-2: a minutia needs a direction, got one that is no finite number")
    rows = np.zeros(len(minutiae), MINUTIA)
    x, y = minutiae.original_xy(dpi_x, dpi_y)
    rows["x"] = whole_pixels(x, width, dpi_x, "x") | minutiae.kind.astype(np.int64) << 14
    rows["y"] = whole_pixels(y, height, dpi_y, "y")
    rows["angle"] = np.rint(degrees(minutiae.direction) / ANGLE) % 256
    known = np.clip(np.rint(np.nan_to_num(minutiae.quality)), 1, 100)
    rows["quality"] = np.where(np.isnan(minutiae.quality), 0, known)

    extended = _encode_singular(singular_points, width, height, dpi_x, dpi_y)
    view = VIEW.pack(finger_position, impression_type, finger_quality, len(rows))
    body = view + rows.tobytes() + struct.pack(">H", len(extended)) + extended
    length = len(MAGIC) + HEADER.size + len(body)
    return MAGIC + HEADER.pack(length, 0, width, height, round(dpi_x / 2.54), round(dpi_y / 2.54), 1, 0) + body


def write_iso(path: str | Path, minutiae: Minutiae, singular_points: SingularPoints, **record: Any) -> None:
    """Write the record that encode_iso makes of the same arguments; an existing file is replaced.

    Parameters
    ----------
    path : str or Path
    minutiae, singular_points
        As encode_iso takes them.
    **record
        width, height, dpi_x, dpi_y, and optionally finger_position, impression_type, finger_quality: as in encode_iso.

    Raises
    ------
    TemplateError
        As encode_iso, or if the file cannot be written.
    """
    write_bytes(path, encode_iso(minutiae, singular_points, **record))


def _encode_singular(points: SingularPoints, width: int, height: int, dpi_x: float, dpi_y: float) -> bytes:
    if not len(points):
        return b""
    out = bytearray()
    for group, with_angle in ((points.cores, True), (points.deltas, False)):
        some = group.select(slice(MAX_SINGULAR))
        x, y = some.original_xy(dpi_x, dpi_y)
        xs, ys = whole_pixels(x, width, dpi_x, "x"), whole_pixels(y, height, dpi_y, "y")
        out.append(len(some))
        for px, py, direction in zip(xs.tolist(), ys.tolist(), some.direction, strict=True):
            angled = with_angle and bool(np.isfinite(direction))
            out += struct.pack(">HH", px | angled << 14, py)
            if angled:
                out.append(round(float(degrees(direction)) / ANGLE) % 256)
    return struct.pack(">HH", CORE_AND_DELTA, len(out) + 4) + bytes(out)
