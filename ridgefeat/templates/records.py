"""Finger minutiae records: ISO/IEC 19794-2:2005 and :2011, ANSI INCITS 378-2004 and -2009.

All four begin with `FMR\\0` and a version, which each ISO edition shares with an ANSI one. A table of STANDARDS says
what follows; all numbers are big-endian. A minutia is type and x (2 + 14 bits), reserved and y (2 + 14 bits), angle
(1 byte), quality (1 byte; the 2011 edition may leave it out). After the minutiae of a view come the length of its
extended data (2) and their blocks: type (2), length with these four bytes (2), content. Block 2 holds the number of
cores (1), each core (x, y, angle), the number of deltas (1), each delta likewise with three angles. Whether angles
follow is said in ISO by the upper two bits of each point's x, in ANSI by those of the number.

Positions are whole pixels of the original image, from its top-left corner, and resolutions whole pixels per cm, in all
four. Angles are counter-clockwise from the x axis, in units of 360/256 degrees in ISO and of 2 degrees in ANSI; they
are on the finger, so with square pixels, also where the two resolutions differ.

Sources: ISO/IEC 19794-2:2005 with Cor. 1:2009, ISO/IEC 19794-2:2011, ANSI INCITS 378-2004 and 378-2009, as summarised
at https://templates.machinezoo.com and as read by NIST's BiomDI.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from ridgefeat.errors import TemplateError
from ridgefeat.files import first_few
from ridgefeat.structure import CORE, DELTA, DPI_RANGE, Minutiae, SingularPoints
from ridgefeat.templates._common import Dpi, MinutiaeRecord, check_resolution, radians, to_working

MAGIC = b"FMR\0"
MAX_MINUTIAE = 255
MAX_VIEWS = 255
MAX_BLOCKS = 255
"""Of extended data in one view."""
LOW_14 = 0x3FFF
CORE_AND_DELTA = 2
LENGTH_TOLERANCE = 32
"""How far a record's length field may be off: by one, by the first fields, or by the whole header."""
_NOMINAL_DPI = {197: 500.0, 394: 1000.0}
"""A scanner's nominal dpi by whole px per cm; 197 / cm would otherwise be read as 500.38 dpi."""
_BLOCKS = {1: "ridge counts", 3: "zonal quality"}
_QUALITY_UNKNOWN = (254, 255)
"""Not computed, and computation failed, to the later editions; earlier records hold them, too."""


@dataclass(frozen=True)
class Standard:
    """One of the four standards."""

    title: str
    versions: tuple[bytes, ...]
    """What follows the magic."""
    header: str
    view: str
    """Fields after the record's length, and before a view's minutiae: `name:code` with a code of `struct`, or bytes to
    skip."""
    unit: float
    """Degrees of an angle's unit."""
    is_ansi: bool
    """Whether the number of cores says if they have angles; in ISO each core does."""
    unknown_zero: bool
    """Whether a minutia's quality of 0 means "not reported"."""


_IMAGE = "width:H height:H x:H y:H"
_OLD_VIEW = "position:B number_impression:B quality:B count:B"
STANDARDS = {
    "iso": Standard("ISO/IEC 19794-2:2005", (b" 20\0",), f"2x {_IMAGE} views:B 1x", _OLD_VIEW, 360 / 256, False, True),
    "ansi": Standard("ANSI INCITS 378-2004", (b" 20\0",), f"6x {_IMAGE} views:B 1x", _OLD_VIEW, 2.0, True, True),
    "iso-2011": Standard(
        "ISO/IEC 19794-2:2011",
        (b"030\0",),
        "views:H certified:B",
        "position:B number:B x:H y:H impression:B width:H height:H sizes:B count:B",
        360 / 256,
        False,
        False,
    ),
    "ansi-2009": Standard(
        "ANSI INCITS 378-2009",
        (b"030\0", b"035\0"),  # 035: amendment 1
        "7x views:B 1x",
        f"position:B number:B impression:B quality:B 4x {_IMAGE} count:B",
        2.0,
        True,
        False,
    ),
}


def decode_records(data: bytes, *, standard: str | None = None, dpi: Dpi | None = None) -> list[MinutiaeRecord]:
    """Return every view of a record.

    ISO and ANSI share magic and version: the standard is the one whose fields lead through all views to where the
    record's length says that it ends. A length field that is a little off, padding, and blocks whose length leaves out
    their own four bytes are accepted, and noted.

    Parameters
    ----------
    data : bytes
        A record, and possibly padding after it.
    standard : {"iso", "ansi", "iso-2011", "ansi-2009"}, optional
        The standard, if it is known; it counts for records of its version.
    dpi : (float, float), optional
        The resolution across and down, if better known than to the record, which has whole px per cm.

    Returns
    -------
    list of MinutiaeRecord
        Positions in pixels at 500 dpi. A minutia of type "other" has kind 0; a quality that is not reported
        and a direction that is not given are NaN; of a delta's three angles the first is kept.

    Raises
    ------
    TemplateError
        If the bytes are no such record or contradict themselves.
    """
    if data[:4] != MAGIC:
        advice = "card formats must be named, by --template-format iso-normal-card or iso-compact-card"
        raise TemplateError(f"no finger minutiae record: it begins with {data[:4]!r}, not {MAGIC!r}; {advice}")
    names = [n for n, s in STANDARDS.items() if data[4:8] in s.versions]
    if not names:
        raise TemplateError(f"finger minutiae record of an unknown version {data[4:8]!r}; ' 20' and '030' are known")
    names = [standard] if standard in names else names
    if dpi is not None:
        check_resolution(*dpi, "template")
    found, errors = [], []
    for name in names:
        try:
            found.append(_decode(data, name, dpi))
        except TemplateError as error:
            errors.append((abs(_Reader(data, name).length - len(data)), str(error)))
    if not found:
        raise TemplateError(min(errors)[1])
    misfit, views = min(found, key=lambda each: each[0])
    also = [STANDARDS[other[0].format].title for fit, other in found if fit == misfit and other is not views]
    if also:
        note = f"read as {STANDARDS[views[0].format].title}, though the bytes fit {also[0]} as well"
        views = [replace(view, notes=(note, *view.notes)) for view in views]
    return views


class _Reader:
    """Takes bytes from the front, and never more than there are; `length` is what the record says of itself."""

    def __init__(self, data: bytes, standard: str) -> None:
        self.data, self.standard, self.at = data, STANDARDS[standard], 8
        start = data[8:14].ljust(6, b"\0")
        short = int.from_bytes(start[:2], "big") if standard == "ansi" else 0
        self.length = short or int.from_bytes(start[2:] if standard == "ansi" else start[:4], "big")
        self.at += 2 if short else 6 if standard == "ansi" else 4

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise self.error(f"cut off at byte {self.at}: {count} bytes needed, {self.left} left")
        self.at += count
        return self.data[self.at - count : self.at]

    def fields(self, text: str) -> dict[str, int]:
        names, layout = _layout(text)
        return dict(zip(names, layout.unpack(self.take(layout.size)), strict=True))

    def error(self, what: str) -> TemplateError:
        return TemplateError(f"{self.standard.title}: {what}")


@lru_cache
def _layout(text: str) -> tuple[list[str], struct.Struct]:
    parts = [part.rpartition(":") for part in text.split()]
    return [name for name, colon, _ in parts if colon], struct.Struct(">" + "".join(code for _, _, code in parts))


def _decode(data: bytes, name: str, dpi: Dpi | None) -> tuple[int, list[MinutiaeRecord]]:
    """Return how badly the record's length fits its parts, and the views."""
    read = _Reader(data, name)
    header = read.fields(read.standard.header)
    count = header["views"]
    if not 0 < count <= MAX_VIEWS:
        raise read.error(f"a record with {count} views holds no print; 1 to {MAX_VIEWS} are possible")
    views = [_decode_view(read, name, header, dpi, i == count - 1) for i in range(count)]
    # A writer may count padding as part of the record.
    misfit = min(abs(read.length - end) for end in (read.at, len(data)))
    length = f"the record's length is given as {read.length} bytes, but its parts fill {read.at}"
    if misfit > LENGTH_TOLERANCE:
        raise read.error(length)
    notes = [length] if misfit else []
    if rest := data[read.at :]:
        what = "bytes of padding" if not any(rest) else "bytes"
        notes.append(f"{len(rest)} {what} after the record are ignored")
    return misfit, [replace(v, views=count, notes=(*v.notes, *notes)) for v in views]


def _decode_view(read: _Reader, name: str, header: dict[str, int], dpi: Dpi | None, is_last: bool) -> MinutiaeRecord:
    extra = {}
    if name == "iso-2011":
        # Length, time, device; blocks of quality, of which the first counts, and certificates.
        blocks = read.take(read.fields("18x blocks:B")["blocks"] * 5)
        extra = {"quality": blocks[0] if blocks else 254}
        if header["certified"]:
            read.take(read.fields("blocks:B")["blocks"] * 3)
    f = header | extra | read.fields(read.standard.view)
    if "number_impression" in f:
        f |= {"number": f["number_impression"] >> 4, "impression": f["number_impression"] & 15}
    if not (f["width"] and f["height"]):
        raise read.error(f"an image of {f['width']}x{f['height']} px is not a print")
    if f["position"] > (50 if "number_impression" not in f else 10) or not _is_quality(f["quality"]):
        raise read.error(f"finger position {f['position']}, quality {f['quality']} are out of range")
    if dpi is None:
        low, high = (round(d / 2.54) for d in DPI_RANGE)
        if not (low <= f["x"] <= high and low <= f["y"] <= high):
            raise read.error(f"{f['x']}x{f['y']} px per cm is not a resolution; give dpi instead")
        dpi = _NOMINAL_DPI.get(f["x"], f["x"] * 2.54), _NOMINAL_DPI.get(f["y"], f["y"] * 2.54)
    minutiae = _decode_minutiae(read, f["width"], f["height"], dpi, f["count"], f.get("sizes", 0x60) >> 4)
    found, notes = _decode_extended(read, f["width"], f["height"], is_last)
    x, y, kind, direction = np.array(found, np.float64).reshape(-1, 4).T
    place = to_working(x, dpi[0]), to_working(y, dpi[1])
    points = SingularPoints(*place, kind.astype(np.uint8), radians(direction * read.standard.unit))
    size, capture = (f["width"], f["height"]), (f["position"], f["impression"], f["quality"])
    return MinutiaeRecord(minutiae, points, name, *dpi, *size, *capture, f["number"], notes=tuple(notes))


def _is_quality(value: Any) -> Any:
    """Whether a quality, or each of several, is one: 0 to 100, or "unknown"."""
    return (np.asarray(value) <= 100) | np.isin(value, _QUALITY_UNKNOWN)


def minutia_layout(size: int) -> np.dtype[Any]:
    """Return the layout of a minutia of 6 bytes, or of 5 without its quality."""
    return np.dtype([("x", ">u2"), ("y", ">u2"), ("angle", "u1"), ("quality", "u1")][: size - 2])


def _decode_minutiae(read: _Reader, width: int, height: int, dpi: Dpi, count: int, size: int) -> Minutiae:
    if size not in (5, 6):
        raise read.error(f"a minutia has 5 or 6 bytes, got {size}")
    rows = np.frombuffer(read.take(count * size), minutia_layout(size))
    quality = rows["quality"] if size == 6 else np.full(count, 254, np.uint8)
    kind = (rows["x"] >> 14).astype(np.uint8)
    x, y = rows["x"] & LOW_14, rows["y"] & LOW_14
    angle = rows["angle"] * read.standard.unit
    bad = (kind == 3) | ~_is_quality(quality) | (x >= width) | (y >= height) | (angle >= 360)
    if bad.any():
        i = int(bad.argmax())
        raise read.error(
            f"minutia {i + 1}: type {kind[i]}, position ({x[i]}, {y[i]}), angle {rows['angle'][i]} or quality "
            f"{quality[i]} is out of range in an image of {width}x{height} px"
        )
    unknown = (quality > 100) | (read.standard.unknown_zero & (quality == 0))
    known = np.where(unknown, np.float32(np.nan), quality.astype(np.float32))
    place = to_working(x.astype(np.float64), dpi[0]), to_working(y.astype(np.float64), dpi[1])
    return Minutiae(*place, radians(angle), kind, known)


_Point = tuple[int, int, int, float]
"""x, y, kind, angle in the standard's units."""


def _decode_extended(read: _Reader, width: int, height: int, is_last: bool) -> tuple[list[_Point], list[str]]:
    """Return cores and deltas, and in words what was not read."""
    if is_last and not read.left:
        return [], ["the record ends without the length of its extended data"]
    total = read.fields("total:H")["total"]
    if is_last and total > read.left and read.at + total == read.length:
        read.at = len(read.data)
        return [], ["the record is cut off in its extended data, which are not read"]
    # The length of a block may leave out its own four bytes, and then the total those of all blocks.
    for own, counted in ((0, True), (4, True), (4, False)):
        try:
            blocks, end = _blocks(read.data, read.at, total, own, counted)
            bodies = [body for kind, body in blocks if kind == CORE_AND_DELTA]
            found = [p for body in bodies for p in _points(read, body, width, height)]
        except (IndexError, struct.error):
            continue
        read.at = end
        others = sorted({kind for kind, _ in blocks} - {CORE_AND_DELTA})
        names = [f"{k:#06x} ({_BLOCKS[k]})" if k in _BLOCKS else f"{k:#06x}" for k in others]
        notes = [f"extended data of type {first_few(names)} are not read"] if names else []
        if own:
            notes.append("the lengths of its extended data leave out the four bytes of type and length")
        return found, notes
    read.take(total)
    return [], [f"{total} bytes of extended data contradict their own lengths and are not read"]


def _blocks(data: bytes, at: int, total: int, own: int, counted: bool) -> tuple[list[tuple[int, bytes]], int]:
    """Return type and content of each block, and where they end.

    A block takes `own` bytes more than its length says; the total includes these if they are `counted`. Raises
    IndexError or struct.error if the lengths do not add up to the total.
    """
    blocks, used = list[tuple[int, bytes]](), 0
    while used < total:
        kind, length = struct.unpack_from(">HH", data, at)
        size = length + own
        used += size if counted else length
        if size < 4 or not length or at + size > len(data) or len(blocks) == MAX_BLOCKS:
            raise IndexError
        blocks.append((kind, data[at + 4 : at + size]))
        at += size
    if used > total:
        raise IndexError
    return blocks, at


def _points(read: _Reader, body: bytes, width: int, height: int) -> list[_Point]:
    """Return each core and delta of a block; raise IndexError or struct.error where it does not add up."""
    found, at = list[_Point](), 0
    for kind, angles in ((CORE, 1), (DELTA, 3)):
        number, at = body[at], at + 1
        for _ in range(number & 15 if read.standard.is_ansi else number):
            first, y = struct.unpack_from(">HH", body, at)
            at, marked = at + 4, number >> 6 if read.standard.is_ansi else first >> 14
            angle = float("nan")
            if marked:
                angle, at = body[at], at + angles
            x, y = first & LOW_14, y & LOW_14
            if marked > 1 or angle * read.standard.unit >= 360 or x >= width or y >= height:
                raise IndexError
            found.append((x, y, kind, angle))
    if at != len(body):
        raise IndexError
    return found
