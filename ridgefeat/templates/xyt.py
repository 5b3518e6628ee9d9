"""NIST's .xyt: minutiae as mindtct writes them by default and bozorth3 reads them.

One minutia per line, `x y theta quality`, whole numbers. x counts pixels from the left, y = height - y from the
top, so from the bottom (as mindtct computes it: the bottom row is 1). theta is in degrees, counter-clockwise
from the x axis, and points *away* from the ridge that ends, or out of the valley that a bifurcation encloses:
the ISO direction plus 180 degrees. Neither a minutia's kind nor the image's resolution is kept. bozorth3's
tolerances are pixels at 500 dpi: for prints of another or of uneven resolution, write the working image's
pixels (dpi_x = dpi_y = 500 and its height).

Source: NBIS 5.0, User's Guide (Watson et al., NISTIR 7392), mindtct and bozorth3; `lfs2nist_minutia_XYT`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ridgefeat.errors import TemplateError
from ridgefeat.structure import Minutiae
from ridgefeat.templates._common import (
    check_resolution,
    degrees,
    radians,
    read_bytes,
    to_working,
    whole_pixels,
    write_bytes,
)

_MAX_SIZE = 100_000
_MAX_LINES = 10_000


def write_xyt(path: str | Path, minutiae: Minutiae, *, height: int, dpi_x: float, dpi_y: float) -> None:
    """Write minutiae as .xyt, sorted by x, then y.

    Parameters
    ----------
    path : str or Path
        File to write; an existing one is replaced.
    minutiae : Minutiae
        In pixels at 500 dpi. Where the quality of one is unknown (NaN), the quality column is left out, as
        bozorth3 allows. It uses 200 at most: those of `minutiae.best(200)`.
    height : int
        Rows of the original image.
    dpi_x, dpi_y : float
        Its resolution.

    Raises
    ------
    TemplateError
        If a minutia lies outside the image, or the file cannot be written.
    """
    _check_image(height, dpi_x, dpi_y, path)
    x_px, y_px = minutiae.original_xy(dpi_x, dpi_y)
    # The format does not know the width; any column is inside.
    x = whole_pixels(x_px, _MAX_SIZE, dpi_x, "x")
    y = height - whole_pixels(y_px, height, dpi_y, "y")
    if not np.isfinite(minutiae.direction).all():
        raise TemplateError(f"{path}: a minutia without a direction cannot be written as .xyt")
    theta = np.rint(degrees(minutiae.direction) + 180).astype(np.int64) % 360
    columns = [x, y, theta]
    if not np.isnan(minutiae.quality).any():
        columns.append(np.clip(np.rint(minutiae.quality), 0, 100).astype(np.int64))
    table = np.column_stack(columns)[np.lexsort((y, x))]
    write_bytes(path, "".join(" ".join(map(str, row)) + "\n" for row in table.tolist()).encode())


def read_xyt(path: str | Path, *, height: int, dpi_x: float = 500.0, dpi_y: float = 500.0) -> Minutiae:
    """Read a .xyt file in NIST's internal representation (not what `mindtct -m1` writes).

    Parameters
    ----------
    path : str or Path
    height, dpi_x, dpi_y
        Rows and resolution of the image that the minutiae were found in.

    Returns
    -------
    Minutiae
        In pixels at 500 dpi, ISO directions. Their kind is 0, as the format does not keep it; quality is NaN
        where the file has no fourth column.

    Raises
    ------
    TemplateError
        If the file cannot be read or a line is not a minutia; the line is named.
    """
    _check_image(height, dpi_x, dpi_y, path)
    try:
        lines = read_bytes(path).removeprefix(b"\xef\xbb\xbf").decode("ascii").splitlines()
    except UnicodeDecodeError:
        raise TemplateError(f"{path} is not an .xyt file: it is not plain text") from None
    if len(lines) > _MAX_LINES:
        raise TemplateError(f"{path} has {len(lines)} lines; a print has no more than {_MAX_LINES} minutiae")
    rows = [_row(line, f"{path}, line {n}") for n, line in enumerate(lines, 1) if line.strip()]
    x, y, theta, quality = np.array(rows, np.float64).reshape(-1, 4).T
    kind = np.zeros(len(rows))
    return Minutiae.make(to_working(x, dpi_x), to_working(height - y, dpi_y), radians(theta + 180), kind, quality)


def _check_image(height: int, dpi_x: float, dpi_y: float, path: str | Path) -> None:
    check_resolution(dpi_x, dpi_y, str(path))
    if not 0 < height <= _MAX_SIZE:
        raise TemplateError(f"{path}: an image height of {height} px is impossible for a print")


def _row(line: str, where: str) -> tuple[float, float, float, float]:
    fields = line.split()
    try:
        # int() takes digits without end; a coordinate has few.
        numbers = [int(f) if len(f) <= 7 else 1 << 40 for f in fields]
    except ValueError:
        numbers = []
    if len(numbers) not in (3, 4):
        raise TemplateError(f"{where}: expected three or four whole numbers (x y theta quality), got {line[:60]!r}")
    x, y, theta = numbers[:3]
    quality = float(numbers[3]) if len(numbers) == 4 else float("nan")
    if not (abs(x) <= _MAX_SIZE and abs(y) <= _MAX_SIZE and abs(theta) <= 360):
        raise TemplateError(f"{where}: {line[:60]!r} is not a minutia: a position or an angle is out of range")
    if not (quality != quality or 0 <= quality <= 100):
        raise TemplateError(f"{where}: quality must lie between 0 and 100, got {quality:g}")
    return x, y, theta, quality
