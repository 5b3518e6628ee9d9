"""Prints on a page: small grey pictures, with minutiae, singular points and outlines as numbers to draw over them.

As numbers they need a tenth of the bytes that pixels would, stay sharp at any size and can be switched off.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ridgefeat.errors import ImageError, RidgefeatError
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.params import Params
from ridgefeat.sources.find import locate
from ridgefeat.structure import CORE, DELTA, MM_PER_PX, UInt8
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.row import open_print
from ridgefeat.work.engine import count_workers, spread_items
from ridgefeat.work.guard import Stopped, current_limits, guarded_map

GRID = 4095
"""Steps from one edge of a picture to the other in which marks are placed."""
TURN = 256
"""Steps of a full turn; NO_DIRECTION where it is unknown."""
NO_DIRECTION = 999
KINDS = {CORE: 3, DELTA: 4}
"""Codes of singular points; those of minutiae are 0 (unknown), 1 (ending) and 2 (bifurcation)."""
OUTLINE_TOLERANCE = 0.15
"""Maximum distance in mm between the outline and the mask's edge."""

LADDER = (
    *((512, 50), (448, 45), (384, 40), (320, 30), (256, 25), (192, 20), (160, 16), (128, 16)),
    *((side, 8) for side in (128, 112, 96, 80, 64)),
)
"""Longer side in pixels and WebP quality, from the best to what still shows a print's pattern."""
TRIED = 24

Progress = Callable[[int, int, int], None]
Numbers = NDArray[np.uint16]


@dataclass(frozen=True)
class PackedPrint:
    """One print in the form that a page holds."""

    picture: str
    """A data URI; empty where it could not be read."""
    size: tuple[float, float]
    """Width and height in mm."""
    marks: Numbers
    """Shape (n, 4): x, y (0 to GRID), direction (0 to TURN, or NO_DIRECTION) and kind."""
    outline: Numbers
    """Shape (m, 2): x, y of the mask's outline; 65535 and a number begin a line of so many points."""
    error: str = ""
    """Why it could not be read."""


NOTHING = np.zeros((0, 4), np.uint16), np.zeros((0, 2), np.uint16)


def draw_prints(
    rows: Sequence[Mapping[str, Any]],
    root: Path,
    params: Params,
    *,
    room: int,
    overlays: bool,
    jobs: int | None,
    progress: Progress | None,
) -> tuple[list[PackedPrint], tuple[int, int]]:
    """Return the prints of a table's rows, and the size and quality of their pictures.

    `root` is the folder that was extracted, `params` are the table's own, so that its minutiae are drawn, and `room` is
    the approximate number of bytes of all pictures together. With `overlays`, minutiae, singular points and outline are
    found too. `progress` is called with the numbers of prints done, failed and in total.
    """
    step = choose_step(rows, root, params, room)
    draw = partial(draw_print, root=root, params=params, step=step, overlays=overlays)
    drawn: list[PackedPrint] = []
    failed = 0
    for made in spread_items(draw, rows, count_workers(jobs)):
        drawn.append(PackedPrint("", (1.0, 1.0), *NOTHING, made.reason) if isinstance(made, Stopped) else made)
        failed += drawn[-1].error != ""
        if progress is not None:
            progress(len(drawn), failed, len(rows))
    return drawn, step


def choose_step(rows: Sequence[Mapping[str, Any]], root: Path, params: Params, room: int) -> tuple[int, int]:
    """Return the best size and quality at which the pictures of all rows fit, estimated on some of them."""
    tried = [rows[i] for i in np.unique(np.linspace(0, len(rows) - 1, TRIED).astype(int))]
    read = guarded_map(partial(_original, root=root, params=params), tried, current_limits())
    some = [pixels for pixels in read if isinstance(pixels, np.ndarray)]
    for step in LADDER:
        if not some or len(rows) * float(np.mean([len(embed(pixels, *step)) for pixels in some])) <= room:
            return step
    return LADDER[-1]


def _original(row: Mapping[str, Any], root: Path, params: Params) -> UInt8 | None:
    with suppress(RidgefeatError):
        return reopen(row, root, params).original
    return None


def draw_print(
    row: Mapping[str, Any], root: Path, params: Params, step: tuple[int, int], overlays: bool
) -> PackedPrint:
    """Return one row's print; never raises for one that cannot be read."""
    try:
        fp = reopen(row, root, params)
        rows, columns = fp.image.shape
        marks, outline = (_marks(fp), _outline(fp)) if overlays else NOTHING
        return PackedPrint(embed(fp.original, *step), (columns * MM_PER_PX, rows * MM_PER_PX), marks, outline)
    except RidgefeatError as error:
        return PackedPrint("", (1.0, 1.0), *NOTHING, str(error))


def reopen(row: Mapping[str, Any], root: Path, params: Params) -> Fingerprint:
    """Read the print of a table's row again, as it was read for the table; `meta_source` is relative to `root`.

    Raises RidgefeatError if the print is not there, cannot be read, or is not what it was.
    """
    name = str(row["meta_source"])
    hand = row.get("hand")
    located = locate(root, name, str(row["meta_layout"]))
    source = replace(located, labels={"hand": hand} if isinstance(hand, str) else {})
    meta: dict[str, Any] = {}
    dpi = float(row["meta_dpi_x"]), float(row["meta_dpi_y"])
    fp = open_print(source, Recipe.make(None, params, dpi), meta)
    if meta["meta_sha256"] != row["meta_sha256"]:
        raise ImageError(f"{name}: its pixels are no longer those that the table was made from")
    return fp


def embed(pixels: UInt8, side: int, quality: int) -> str:
    """Return a grey picture as a data URI, its longer side at most `side` pixels.

    Raises ImageError if this OpenCV writes neither WebP nor JPEG.
    """
    factor = side / max(pixels.shape)
    if factor < 1:
        size = max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    for kind, flag in (("webp", cv2.IMWRITE_WEBP_QUALITY), ("jpeg", cv2.IMWRITE_JPEG_QUALITY)):
        try:
            written, data = cv2.imencode(f".{kind}", pixels, [flag, quality])
        except cv2.error:  # an OpenCV built without it
            continue
        if written:
            return f"data:image/{kind};base64,{base64.b64encode(data.tobytes()).decode('ascii')}"
    raise ImageError(f"this OpenCV ({cv2.__version__}) writes neither WebP nor JPEG; install opencv-python")


def _marks(fp: Fingerprint) -> Numbers:
    if not fp.mask.any():
        return NOTHING[0]
    minutiae, singular = fp.minutiae, fp.singular_points
    kinds = [KINDS.get(int(k), 0) for k in singular.kind]
    x = np.concatenate([minutiae.x, singular.x])
    y = np.concatenate([minutiae.y, singular.y])
    direction = np.concatenate([minutiae.direction, singular.direction]).astype(np.float64)
    kind = np.concatenate([minutiae.kind, np.array(kinds, np.int64)])
    turn = np.where(np.isfinite(direction), np.rint(direction / (2 * np.pi) * TURN) % TURN, NO_DIRECTION)
    return np.column_stack([*_placed(fp, x, y), turn, kind]).astype(np.uint16)


def _outline(fp: Fingerprint) -> Numbers:
    lines, _ = cv2.findContours(fp.mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    parts: list[NDArray[Any]] = []
    for line in lines:
        simple = cv2.approxPolyDP(line, OUTLINE_TOLERANCE / MM_PER_PX, True)[:, 0]
        if len(simple) > 2:
            parts += [np.array([[65535, len(simple)]]), np.column_stack(_placed(fp, simple[:, 0], simple[:, 1]))]
    return np.concatenate(parts).astype(np.uint16) if parts else NOTHING[1]


def _placed(fp: Fingerprint, x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return working positions in steps of the picture."""
    rows, columns = fp.image.shape
    return tuple(  # type: ignore[return-value]
        np.clip(np.rint((p.astype(np.float64) + 0.5) / n * GRID), 0, GRID) for p, n in ((x, columns), (y, rows))
    )
