"""A file of minutiae in any format, recognised by its content: records, also as base64 or hex text, .xyt, CSV.

The card formats of ISO/IEC 19794-2:2005 are minutiae alone, without header, size or resolution. Nothing in their bytes
names the format, so that it must be given.

normal
    5 bytes: type and x (2 + 14 bits), reserved and y (2 + 14 bits), angle (1); units of 0.01 mm and 360/256 degrees.
compact
    3 bytes: x (1), y (1), type and angle (2 + 6 bits); units of 0.1 mm and 360/64 degrees.

Source: ISO/IEC 19794-2:2005, 8.3 and 8.4, as NIST's BiomDI reads them (ISONC, ISOCC).
"""

from __future__ import annotations

import base64
import binascii
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from ridgefeat.errors import TemplateError
from ridgefeat.files import first_few
from ridgefeat.structure import MM_PER_PX, WORKING_DPI, Minutiae, SingularPoints
from ridgefeat.templates._common import Dpi, MinutiaeRecord, radians, read_bytes
from ridgefeat.templates.records import LOW_14, MAGIC, MAX_MINUTIAE, STANDARDS, decode_records, minutia_layout
from ridgefeat.templates.text_csv import read_minutiae_csv
from ridgefeat.templates.xyt import read_xyt

CARDS = {"iso-normal-card": 5, "iso-compact-card": 3}
"""Bytes of a minutia."""


def decode_card(data: bytes, form: str) -> MinutiaeRecord:
    """Return the minutiae of a card template.

    Parameters
    ----------
    data : bytes
        The minutiae; zeros at the end are padding.
    form : {"iso-normal-card", "iso-compact-card"}

    Returns
    -------
    MinutiaeRecord
        Positions from the origin that the card's writer chose; quality is NaN.

    Raises
    ------
    TemplateError
        If the format is unknown or the bytes cannot be of this format, which not every wrong choice shows.

    Examples
    --------
    Minutiae at 1 cm and 2 cm from the left, an ending at 90 degrees and a bifurcation at 270:

    >>> card = decode_card(bytes.fromhex("6464 50  c864 b0"), "iso-compact-card")
    >>> card.minutiae.x.round(1), np.degrees(card.minutiae.direction), card.minutiae.kind
    (array([196.9, 393.7], dtype=float32), array([ 90., 270.], dtype=float32), array([1, 2], dtype=uint8))
    """
    if form not in CARDS:
        raise TemplateError(f"unknown card format {form!r}; there are: {', '.join(CARDS)}")
    size = CARDS[form]
    kept = len(data.rstrip(b"\0"))
    count = -(-kept // size)
    if not 0 < count * size <= len(data) or count > MAX_MINUTIAE:
        needed = f"{size} bytes for each of at most {MAX_MINUTIAE} minutiae"
        raise TemplateError(f"{form}: {len(data)} bytes are not {needed}")
    raw = data[: count * size]
    if form == "iso-normal-card":
        rows, unit = np.frombuffer(raw, minutia_layout(size)), 0.01
        kind, x, y, reserved = rows["x"] >> 14, rows["x"] & LOW_14, rows["y"] & LOW_14, rows["y"] >> 14
        angle = rows["angle"] * (360 / 256)
    else:
        columns, unit = np.frombuffer(raw, np.uint8).astype(np.uint16).reshape(-1, size).T, 0.1
        x, y, kind, reserved = columns[0], columns[1], columns[2] >> 6, columns[2] & 0
        angle = (columns[2] & 63) * (360 / 64)
    if (kind == 3).any() or reserved.any():
        raise TemplateError(f"{form}: minutiae of unknown type, or reserved bits; is it the other card format?")
    x_px, y_px = x * (unit / MM_PER_PX), y * (unit / MM_PER_PX)
    minutiae = Minutiae.make(x_px, y_px, radians(angle.astype(np.float64)), kind, np.full(count, np.nan))
    padding = len(data) - count * size
    notes = (f"{padding} bytes of padding after the minutiae are ignored",) if padding else ()
    return MinutiaeRecord(minutiae, SingularPoints.empty(), form, WORKING_DPI, WORKING_DPI, notes=notes)


FORMATS = ("auto", *STANDARDS, *CARDS)
"""What may be named: which standard a record follows, and which card format what is not recognised has."""
HEAD = 4096
"""Bytes from which a template is recognised."""
_XYT_HEIGHT = 500
"""The format counts rows from the bottom of an image of unknown height; the height does not affect comparisons."""
_XYT_LINE = re.compile(rb"\s*-?\d{1,7}[ \t]+-?\d{1,7}[ \t]+-?\d{1,7}([ \t]+-?\d{1,7})?[ \t]*(\r|\n|$)")
_MAGIC_TEXT = re.compile(rb"[\s\"']*((data:[\w/+.;-]*,)?Rk1SA[A-D]|(0x)?46[\s:]?4[Dd][\s:]?52[\s:]?00)")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def recognise(data: bytes) -> str | None:
    """Return "record", "xyt" or "csv" if `data` begins such a file (4096 bytes of it are enough), else None.

    Examples
    --------
    >>> recognise(b"FMR\\0 20\\0"), recognise(b"Rk1SACAyMAA="), recognise(b"12 34 90 50\\n"), recognise(b"GIF89a")
    ('record', 'record', 'xyt', None)
    """
    text = _plain(data[:HEAD])
    if data.startswith(MAGIC) or _MAGIC_TEXT.match(text):
        return "record"
    if _XYT_LINE.match(text):
        return "xyt"
    first = b" ".join(text.lower().split(b"\n", 2)[:2])  # the first line may be `sep=;`
    return "csv" if all(c in first for c in (b"kind", b"x_px", b"y_px", b"direction_deg")) else None


def read_minutiae(
    path: str | Path, *, form: str = "auto", view: int | None = None, dpi: Dpi | None = None, height: int | None = None
) -> MinutiaeRecord:
    """Read minutiae from a file of any format that ridgefeat knows.

    Parameters
    ----------
    path : str or Path
    form : str
        A name in FORMATS. What is recognised by its content is read as that, except that a standard may be named for
        records; the card formats must be named, since nothing in their bytes does.
    view : int, optional
        Which view of a record, counted from 0; the first if omitted, and a note says so where there are more.
    dpi : (float, float), optional
        Resolution across and down; 500 for .xyt if omitted. A CSV table and the card formats have their own.
    height : int, optional
        Rows of the image, for .xyt; without it, positions are relative.

    Returns
    -------
    MinutiaeRecord
        With what was not read, or understood in a way that its writer may not have meant, in `notes`.

    Raises
    ------
    TemplateError
        If the file cannot be read or is no such template; the message names it.
    """
    if form not in FORMATS:
        raise TemplateError(f"unknown template format {form!r}; there are: {', '.join(FORMATS)}")
    data = read_bytes(path)
    # An empty .xyt file is a print without minutiae.
    found = recognise(data) or Path(path).suffix.lower().removeprefix(".")
    if found == "csv":
        minutiae, points, resolution, ids = read_minutiae_csv(path)
        return MinutiaeRecord(minutiae, points, "csv", *(resolution or (500.0, 500.0)), ids=ids)
    if found == "xyt":
        across, down = dpi or (500.0, 500.0)
        minutiae = read_xyt(path, height=height or _XYT_HEIGHT, dpi_x=across, dpi_y=down)
        return MinutiaeRecord(minutiae, SingularPoints.empty(), "xyt", across, down, height=height)
    try:
        return _decode(data, form, view, dpi)
    except TemplateError as error:
        raise TemplateError(f"{path}: {error}") from None


def _decode(data: bytes, form: str, view: int | None, dpi: Dpi | None) -> MinutiaeRecord:
    data, text = _from_text(data)
    if form in CARDS and not data.startswith(MAGIC):
        record = decode_card(data, form)
    else:
        views = decode_records(data, standard=form if form in STANDARDS else None, dpi=dpi)
        if not 0 <= (view or 0) < len(views):
            raise TemplateError(f"no view {view}; the record has {len(views)}, counted from 0")
        record = views[view or 0]
        if view is None and len(views) > 1:
            others = first_few([str(v.finger_position) for v in views[1:]], 10)
            note = f"the first of {len(views)} views is read (finger {record.finger_position}), not fingers {others}"
            record = replace(record, notes=(note, *record.notes))
    return replace(record, notes=(*record.notes, f"read from {text} text")) if text else record


def _plain(data: bytes) -> bytes:
    """Return text without its byte-order mark, UTF-16 as bytes."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace").encode("ascii", "replace")
    return data.removeprefix(b"\xef\xbb\xbf")


def _from_text(data: bytes) -> tuple[bytes, str]:
    """Return what text stands for, and its kind: base64 of any line ends, padding and alphabet, or hexadecimal."""
    text = _plain(data).strip(b" \t\r\n\"'").removeprefix(b"0x")
    text = (text.partition(b",")[2] if text.startswith(b"data:") else text).translate(_URL_SAFE, b" \t\r\n:=")
    with suppress(binascii.Error):
        if text[:6].lower() == b"464d52":
            return binascii.unhexlify(text), "hexadecimal"
        if len(text) >= 8:
            return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True), "base64"
    return data, ""
