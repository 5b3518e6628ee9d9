"""Pattern class (Galton-Henry) from cores and deltas, and ridges counted between two points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ridgefeat.structure import Bool, Float, SingularPoints

if TYPE_CHECKING:
    from ridgefeat.fingerprint import Fingerprint

CLASSES = ("arch", "tented_arch", "left_loop", "right_loop", "whorl")

UPRIGHT = np.deg2rad(14)
"""A core that opens closer than this to straight down belongs to a tented arch, when its delta stands below."""


def pattern_class(fp: Fingerprint) -> str | None:
    """Return one of CLASSES, or None where there is no print.

    Two cores or two deltas make a whorl, none an arch. With one core, a delta straight below along the ridges makes a
    tented arch; else the side to which the core opens tells the loops apart (a left loop's ridges leave to the left).

    Notes
    -----
    After Kawagoe and Tojo (1984) and Karu and Jain, "Fingerprint classification" (Pattern Recognition 1996).
    """
    if not fp.mask.any():
        return None
    cores, deltas = fp.singular_points.cores, fp.singular_points.deltas
    if len(cores) >= 2 or len(deltas) >= 2:
        return "whorl"
    if not len(cores) and not len(deltas):
        return "arch"
    if not len(cores):
        return _by_delta(fp, deltas)
    lean = _lean(float(cores.direction[0]))
    if len(deltas):
        dx, dy = float(deltas.x[0] - cores.x[0]), float(deltas.y[0] - cores.y[0])
        if dy > 0 and abs(np.arctan2(dx, dy)) < 1.5 * UPRIGHT and abs(lean) < 1.5 * UPRIGHT:
            return "tented_arch"
        if abs(lean) < UPRIGHT:
            return "left_loop" if dx > 0 else "right_loop"
    return "left_loop" if lean < 0 else "right_loop"


def _lean(direction: float) -> float:
    """Return the angle from straight down, negative to the left."""
    return float(np.arctan2(np.cos(direction), -np.sin(direction)))


def _by_delta(fp: Fingerprint, deltas: SingularPoints) -> str:
    columns = np.flatnonzero(fp.mask.any(0))
    middle = (columns[0] + columns[-1]) / 2
    return "left_loop" if deltas.x[0] > middle else "right_loop"


def ridge_count(enhanced: Float, mask: Bool, start: tuple[float, float], end: tuple[float, float]) -> float:
    """Return how many ridges a straight line between two points crosses, the points' own not counted.

    NaN where a part of the line lies outside the print.
    """
    length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
    n = max(2, round(length * 2))
    x = np.linspace(start[0], end[0], n, dtype=np.float32)[None]
    y = np.linspace(start[1], end[1], n, dtype=np.float32)[None]
    value = cv2.remap(enhanced, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)[0]
    inside = cv2.remap(mask.view(np.uint8), x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT)[0]
    if not inside.all():
        return float("nan")
    ridge = value < 0
    entered = int(np.count_nonzero(ridge[1:] & ~ridge[:-1]))
    return float(max(0, entered - int(ridge[-1])))
