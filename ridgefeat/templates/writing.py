"""Minutiae -> a finger minutiae record of ISO/IEC 19794-2:2005 or ANSI INCITS 378-2004, as `records` describes them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.errors import TemplateError
from ridgefeat.structure import Minutiae, SingularPoints
from ridgefeat.templates._common import check_resolution, degrees, whole_pixels, write_bytes
from ridgefeat.templates.records import CORE_AND_DELTA, LOW_14, MAGIC, MAX_MINUTIAE, STANDARDS, Standard, minutia_layout

WRITTEN = ("iso", "ansi")
"""The standards that are written."""
MAX_SINGULAR = 15
"""The standards' count of cores, and of deltas, has four bits."""
UNKNOWN_OWNER = 0x0103
"""CBEFF owner "unknown" of IBIA's register; ANSI INCITS 378 forbids 0."""


def encode_record(
    minutiae: Minutiae,
    singular_points: SingularPoints,
    *,
    width: int,
    height: int,
    dpi_x: float,
    dpi_y: float,
    standard: str = "iso",
    finger_position: int = 0,
    impression_type: int = 0,
    finger_quality: int = 0,
) -> bytes:
    """Return a record of one view, of ISO/IEC 19794-2:2005 or ANSI INCITS 378-2004.

    A record holds 255 minutiae, 15 cores and 15 deltas: of more minutiae those of highest quality are kept,
    of more singular points the first. A delta's direction is left out, as the standards ask for all three of
    its arms; ANSI's cores have directions only if all have.

    Parameters
    ----------
    minutiae, singular_points : Minutiae, SingularPoints
        In pixels at 500 dpi. A quality of NaN is written as "not reported", any other as 1 to 100.
    width, height : int
        The original image's size in pixels, 1 to 16384 [scalar].
    dpi_x, dpi_y : float
        The original image's resolution.
    standard : {"iso", "ansi"}
    finger_position, impression_type, finger_quality : int
        As in MinutiaeRecord.

    Returns
    -------
    bytes

    Raises
    ------
    TemplateError
        If a size, resolution or code is impossible in the format, or a point lies outside the image.
    """
    check_resolution(dpi_x, dpi_y)
    if standard not in WRITTEN:
        raise TemplateError(f"records are written as {' or '.join(WRITTEN)}, not as {standard!r}")
    form = STANDARDS[standard]
    sizes = (("width", width, 1, LOW_14 + 1), ("height", height, 1, LOW_14 + 1))
    codes = (("finger_position", finger_position, 0, 10), ("impression_type", impression_type, 0, 15))
    for name, value, low, high in (*sizes, *codes, ("finger_quality", finger_quality, 0, 100)):
        if not low <= value <= high:
            raise TemplateError(f"{form.title}: {name} must lie between {low} and {high}, got {value}")
    minutiae = minutiae.best(MAX_MINUTIAE)
    if (minutiae.kind > 2).any():
        raise TemplateError(f"{form.title} has no minutia kind {int(minutiae.kind.max())}; 0, 1 and 2 are known")
    if not np.isfinite(minutiae.direction).all():
        raise TemplateError(f"{form.title}: a minutia needs a direction, got one that is not a finite number")
    rows = np.zeros(len(minutiae), minutia_layout(6))
    x, y = minutiae.original_xy(dpi_x, dpi_y)
    rows["x"] = whole_pixels(x, width, dpi_x, "x") | minutiae.kind.astype(np.int64) << 14
    rows["y"] = whole_pixels(y, height, dpi_y, "y")
    rows["angle"] = _units(minutiae.direction, form)
    known = np.clip(np.rint(np.nan_to_num(minutiae.quality)), 1, 100)
    rows["quality"] = np.where(np.isnan(minutiae.quality), 0, known)

    extended = _encode_singular(singular_points, width, height, dpi_x, dpi_y, form)
    image = struct.pack(">HHHHBB", width, height, round(dpi_x / 2.54), round(dpi_y / 2.54), 1, 0)
    view = struct.pack(">BBBB", finger_position, impression_type, finger_quality, len(rows))
    body = image + view + rows.tobytes() + struct.pack(">H", len(extended)) + extended
    # Length and equipment; in ANSI the product's identifier between them. 65535 bytes are never reached.
    start = ">HHHH" if form.is_ansi else ">IH"
    numbers = (UNKNOWN_OWNER, 0, 0) if form.is_ansi else (0,)
    length = len(MAGIC) + len(form.versions[0]) + struct.calcsize(start) + len(body)
    return MAGIC + form.versions[0] + struct.pack(start, length, *numbers) + body


def write_record(path: str | Path, minutiae: Minutiae, singular_points: SingularPoints, **record: Any) -> None:
    """Write the record that encode_record makes of the same arguments; an existing file is replaced.

    Parameters
    ----------
    path : str or Path
    minutiae, singular_points
        As encode_record takes them.
    **record
        width, height, dpi_x, dpi_y, and optionally standard, finger_position, impression_type, finger_quality: as in
        encode_record.

    Raises
    ------
    TemplateError
        As encode_record, or if the file cannot be written.
    """
    write_bytes(path, encode_record(minutiae, singular_points, **record))


def _units(direction: Any, form: Standard) -> NDArray[np.int64]:
    return np.rint(degrees(direction) / form.unit).astype(np.int64) % round(360 / form.unit)


def _encode_singular(
    points: SingularPoints, width: int, height: int, dpi_x: float, dpi_y: float, form: Standard
) -> bytes:
    if not len(points):
        return b""
    out = bytearray()
    for group, with_angle in ((points.cores, True), (points.deltas, False)):
        some = group.select(slice(MAX_SINGULAR))
        x, y = some.original_xy(dpi_x, dpi_y)
        xs, ys = whole_pixels(x, width, dpi_x, "x"), whole_pixels(y, height, dpi_y, "y")
        angled = np.isfinite(some.direction) & with_angle
        if form.is_ansi:
            angled &= angled.all()
        out.append(len(some) | (form.is_ansi and bool(angled.any())) << 6)
        for px, py, direction, has_angle in zip(xs.tolist(), ys.tolist(), some.direction, angled, strict=True):
            out += struct.pack(">HH", px | (has_angle and not form.is_ansi) << 14, py)
            if has_angle:
                out.append(int(_units(direction, form)))
    return struct.pack(">HH", CORE_AND_DELTA, len(out) + 4) + bytes(out)
