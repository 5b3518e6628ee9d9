"""ISO/IEC 19794-2:2005 records read, whatever their bytes; their layout stands in iso19794_2."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from ridgefeat.errors import TemplateError
from ridgefeat.structure import CORE, DELTA, Minutiae, SingularPoints
from ridgefeat.templates._common import DPI_RANGE, check_resolution, radians, read_bytes, to_working
from ridgefeat.templates.iso19794_2 import ANGLE, CORE_AND_DELTA, HEADER, LOW_14, MAGIC, MINUTIA, VIEW, IsoHeader

_ANSI_LENGTH = 26
"""ANSI INCITS 378-2004 begins alike, but its length stands in the first two bytes, and is at least this."""
_NOMINAL_DPI = {197: 500.0, 394: 1000.0}
"""Whole px per cm that stand for a scanner's nominal dpi; 197 / cm would else read as 500.38 dpi."""


def decode_iso(
    data: bytes, *, view: int = 0, dpi: tuple[float, float] | None = None
) -> tuple[Minutiae, SingularPoints, IsoHeader]:
    """Return one view of a record; see decode_iso_views.

    Parameters
    ----------
    data : bytes
        A whole record.
    view : int
        Which of its views, from 0.
    dpi : (float, float), optional
        The resolution across and down, if better known than to the record.

    Raises
    ------
    TemplateError
        If the record is malformed or has no such view.
    """
    views = decode_iso_views(data, dpi=dpi)
    if not 0 <= view < len(views):
        raise TemplateError(f"ISO/IEC 19794-2: no view {view}; the record has {len(views)}, counted from 0")
    return views[view]


def decode_iso_views(
    data: bytes, *, dpi: tuple[float, float] | None = None
) -> list[tuple[Minutiae, SingularPoints, IsoHeader]]:
    """Return every view of a record: minutiae, singular points and what the record says beside them.

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
        raise TemplateError(f"ISO/IEC 19794-2: the record says it has {length} bytes, but there are {len(data)}")
    if not (width and height and count):
        raise TemplateError(f"ISO/IEC 19794-2: an image of {width}x{height} px with {count} views is no print")
    if dpi is None:
        low, high = (round(d / 2.54) for d in DPI_RANGE)
        if not (low <= per_cm_x <= high and low <= per_cm_y <= high):
            raise TemplateError(f"ISO/IEC 19794-2: {per_cm_x}x{per_cm_y} px per cm is no resolution; give dpi instead")
        dpi = _dpi(per_cm_x), _dpi(per_cm_y)
    else:
        check_resolution(*dpi, "ISO/IEC 19794-2")
    views = [_decode_view(read, width, height, *dpi, count) for _ in range(count)]
    read.end("the last view")
    return views


def read_iso(
    path: str | Path, *, view: int = 0, dpi: tuple[float, float] | None = None
) -> tuple[Minutiae, SingularPoints, IsoHeader]:
    """Read one view of a record's file; as decode_iso, with the file named in errors.

    Parameters
    ----------
    path : str or Path
    view, dpi
        As decode_iso takes them.

    Returns
    -------
    (Minutiae, SingularPoints, IsoHeader)

    Raises
    ------
    TemplateError
        As decode_iso, or if the file cannot be read.
    """
    data = read_bytes(path)
    try:
        return decode_iso(data, view=view, dpi=dpi)
    except TemplateError as error:
        raise TemplateError(f"{path}: {error}") from None


def _dpi(per_cm: int) -> float:
    return _NOMINAL_DPI.get(per_cm, per_cm * 2.54)


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
    return (minutiae, points, IsoHeader(width, height, dpi_x, dpi_y, position, impression, quality, number, views))


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
