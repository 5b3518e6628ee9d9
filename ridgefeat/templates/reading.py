"""A file of minutiae in any format, recognised by its content: records, also as base64 or hex text, .xyt, CSV."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import replace
from pathlib import Path

from ridgefeat.errors import TemplateError
from ridgefeat.files import first_few
from ridgefeat.structure import SingularPoints
from ridgefeat.templates._common import MinutiaeRecord, read_bytes
from ridgefeat.templates.cards import CARDS, decode_card
from ridgefeat.templates.records import MAGIC, STANDARDS, decode_records
from ridgefeat.templates.text_csv import read_minutiae_csv
from ridgefeat.templates.xyt import read_xyt

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
    path: str | Path,
    *,
    form: str = "auto",
    view: int | None = None,
    dpi: tuple[float, float] | None = None,
    height: int | None = None,
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


def _decode(data: bytes, form: str, view: int | None, dpi: tuple[float, float] | None) -> MinutiaeRecord:
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
    try:
        if text[:6].lower() == b"464d52":
            return binascii.unhexlify(text), "hexadecimal"
        if len(text) >= 8:
            return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True), "base64"
    except binascii.Error:
        pass
    return data, ""
