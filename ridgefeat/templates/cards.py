"""ISO/IEC 19794-2:2005's card formats: minutiae alone, without header, size or resolution.

normal
    5 bytes: type and x (2 + 14 bits), reserved and y (2 + 14 bits), angle (1); units of 0.01 mm and 360/256 degrees.
compact
    3 bytes: x (1), y (1), type and angle (2 + 6 bits); units of 0.1 mm and 360/64 degrees.

Nothing in the bytes names the format, so that it must be given.

Source: ISO/IEC 19794-2:2005, 8.3 and 8.4, as NIST's BiomDI reads them (ISONC, ISOCC).
"""

from __future__ import annotations

import numpy as np

from ridgefeat.errors import TemplateError
from ridgefeat.structure import MM_PER_PX, WORKING_DPI, Minutiae, SingularPoints
from ridgefeat.templates._common import MinutiaeRecord, radians
from ridgefeat.templates.records import LOW_14, MAX_MINUTIAE, minutia_layout

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
        raise TemplateError(
            f"{form}: {len(data)} bytes are no {size} bytes for each of at most {MAX_MINUTIAE} minutiae"
        )
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
