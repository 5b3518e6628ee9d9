"""What the template formats share: files of bounded size, resolutions, and pixels of the original image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ridgefeat.brief import Brief
from ridgefeat.errors import TemplateError
from ridgefeat.files import atomic_write, os_errors_as, read_bounded
from ridgefeat.structure import DPI_RANGE, WORKING_DPI, Float, Minutiae, SingularPoints

Dpi = tuple[float, float]
"""Resolution across and down."""
MAX_BYTES = 4 << 20
"""No template is larger; a file that claims to be is refused before it is read."""


@dataclass(frozen=True, eq=False, repr=False)
class MinutiaeRecord(Brief):
    """Minutiae as a file holds them, and what else it says.

    Attributes
    ----------
    minutiae : Minutiae
        In pixels at 500 dpi, radians.
    singular_points : SingularPoints
        Likewise; a direction that is not given is NaN.
    format : str
        What it was read as, a name in FORMATS.
    dpi_x, dpi_y : float
        Resolution of the original image. Records hold whole pixels per cm (within 1.3 dpi; 197 and 394 per cm are
        read as 500 and 1000 dpi).
    width, height : int or None
        The original image's size in pixels; None where the format does not keep it.
    finger_position : int
        0 unknown, 1 right thumb to 5 right little, 6 left thumb to 10 left little; the later standards have more.
    impression_type : int
        0 live plain, 1 live rolled, 2 non-live plain, 3 non-live rolled, 8 swipe.
    finger_quality : int
        0 to 100, of the whole print; 254 and 255 unknown.
    view, views : int
        Number of this view, and how many the record has.
    ids : tuple of str
        Of each minutia, then of each singular point, where the file has them; else they are numbered from 1.
    notes : tuple of str
        In words, what in the file was not read, or understood in a way that its writer may not have meant.
    """

    minutiae: Minutiae
    singular_points: SingularPoints
    format: str
    dpi_x: float
    dpi_y: float
    width: int | None = None
    height: int | None = None
    finger_position: int = 0
    impression_type: int = 0
    finger_quality: int = 0
    view: int = 0
    views: int = 1
    ids: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write a small file that its owner alone may read, so that its final name never holds half of it.

    Raises TemplateError if that fails.
    """
    with (
        os_errors_as(TemplateError, f"template {path} cannot be written"),
        atomic_write(path, durable=False, mode=0o600) as temporary,
    ):
        temporary.write_bytes(data)


def read_bytes(path: str | Path) -> bytes:
    """Read a template file; raise TemplateError if it is no regular file, larger than MAX_BYTES or unreadable."""
    return read_bounded(path, MAX_BYTES, TemplateError, "template")


def check_resolution(dpi_x: float, dpi_y: float, where: str = "template") -> None:
    """Raise TemplateError for a resolution that no print has (50 to 5000 dpi are allowed)."""
    low, high = DPI_RANGE
    if not (low <= dpi_x <= high and low <= dpi_y <= high):
        raise TemplateError(f"{where}: resolution must lie between {low:g} and {high:g} dpi, got {dpi_x:g}x{dpi_y:g}")


def to_working(px: NDArray[np.float64], dpi: float | NDArray[np.float64]) -> Float:
    """Return coordinates in pixels of an image at the given resolution as pixels at 500 dpi, float32."""
    return np.asarray((px + 0.5) * (WORKING_DPI / dpi) - 0.5, np.float32)


def whole_pixels(px: Float, size: int, dpi: float, axis: str) -> NDArray[np.int64]:
    """Return coordinates rounded to whole pixels inside an image; raise TemplateError for one that lies outside.

    Resampling rounds the working image's size, so that a point on its rim may come out half a working pixel outside.
    """
    slack = 1 + 0.5 * max(1.0, dpi / WORKING_DPI)
    bad = ~((px > -slack) & (px < size - 1 + slack))
    if bad.any():
        outside = f"{axis} = {px[bad][0]:g} px lies outside an image of {size} px"
        raise TemplateError(f"{outside}; is its resolution or size wrong?")
    return np.clip(np.rint(px), 0, size - 1).astype(np.int64)


def degrees(direction: Float) -> NDArray[np.float64]:
    """Return directions in degrees, [0, 360)."""
    return np.asarray(np.degrees(direction.astype(np.float64)) % 360.0)


def radians(degrees: NDArray[np.float64]) -> Float:
    """Return degrees as float32 radians in [0, 2 pi)."""
    # Just below a full turn, float32 rounds up to it.
    turn = np.radians(degrees % 360.0).astype(np.float32)
    return np.where(turn >= np.float32(2 * math.pi), np.float32(0), turn)
