"""ISO/IEC 19794-2:2005 records written; their layout stands in iso19794_2."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ridgefeat.errors import TemplateError
from ridgefeat.structure import Minutiae, SingularPoints
from ridgefeat.templates._common import best, check_resolution, degrees, whole_pixels, write_bytes
from ridgefeat.templates.iso19794_2 import ANGLE, CORE_AND_DELTA, HEADER, LOW_14, MAGIC, MINUTIA, VIEW

MAX_MINUTIAE = 255
MAX_SINGULAR = 15
"""The standard's count of cores, and of deltas, has four bits."""


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
    minutiae : Minutiae
        In pixels at 500 dpi. A quality of NaN is written as "not reported", any other as 1 to 100.
    singular_points : SingularPoints
        In pixels at 500 dpi.
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
        If a size, resolution or code is none that the format has, or a point lies outside the image.
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
    minutiae = best(minutiae, MAX_MINUTIAE)
    if (minutiae.kind > 2).any():
        raise TemplateError(f"ISO/IEC 19794-2 has no minutia kind {int(minutiae.kind.max())}; 0, 1 and 2 are known")
    rows = np.zeros(len(minutiae), MINUTIA)
    x, y = minutiae.original_xy(dpi_x, dpi_y)
    rows["x"] = whole_pixels(x, width, dpi_x, "x") | minutiae.kind.astype(np.int64) << 14
    rows["y"] = whole_pixels(y, height, dpi_y, "y")
    rows["angle"] = _angles(minutiae.direction)
    known = np.clip(np.rint(np.nan_to_num(minutiae.quality)), 1, 100)
    rows["quality"] = np.where(np.isnan(minutiae.quality), 0, known)

    extended = _encode_singular(singular_points, width, height, dpi_x, dpi_y)
    view = VIEW.pack(finger_position, impression_type, finger_quality, len(rows))
    body = view + rows.tobytes() + struct.pack(">H", len(extended)) + extended
    per_cm = round(dpi_x / 2.54), round(dpi_y / 2.54)
    length = len(MAGIC) + HEADER.size + len(body)
    return MAGIC + HEADER.pack(length, 0, width, height, *per_cm, 1, 0) + body


def write_iso(
    path: str | Path,
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
) -> None:
    """Write the record that encode_iso makes of the same arguments; an existing file is replaced.

    Parameters
    ----------
    path : str or Path
    minutiae, singular_points, width, height, dpi_x, dpi_y, finger_position, impression_type, finger_quality
        As encode_iso takes them.

    Raises
    ------
    TemplateError
        As encode_iso, or if the file cannot be written.
    """
    record = encode_iso(
        minutiae,
        singular_points,
        width=width,
        height=height,
        dpi_x=dpi_x,
        dpi_y=dpi_y,
        finger_position=finger_position,
        impression_type=impression_type,
        finger_quality=finger_quality,
    )
    write_bytes(path, record)


def _angles(direction: NDArray[np.float32]) -> NDArray[np.int64]:
    if not np.isfinite(direction).all():
        raise TemplateError("ISO/IEC 19794-2: a minutia needs a direction, got one that is no finite number")
    return np.rint(degrees(direction) / ANGLE).astype(np.int64) % 256


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
                out.append(int(_angles(np.array([direction]))[0]))
    return struct.pack(">HH", CORE_AND_DELTA, len(out) + 4) + bytes(out)
