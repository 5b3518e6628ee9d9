"""Pattern class (Galton-Henry) from cores and deltas, and ridges counted between two points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ridgefeat.structure import MM_PER_PX, Bool, Float, SingularPoints

if TYPE_CHECKING:
    from ridgefeat.fingerprint import Fingerprint

CLASSES = ("arch", "tented_arch", "left_loop", "right_loop", "whorl")

AXIS_ANGLE = np.deg2rad(40)
AXIS_OFFSET = 3 / MM_PER_PX
"""A delta within both this angle (radians, seen from the core) and this distance (px, 3 mm) of the axis along which
the core opens belongs to a tented arch, not to a loop."""


def pattern_class(fp: Fingerprint) -> str | None:
    """Return one of CLASSES, or None where there is no print.

    Two cores or two deltas make a whorl, no singular point an arch. With one core and one delta, the delta's position
    relative to the axis along which the core opens decides: on it a tented arch, to its left (seen from the core) a
    left loop, to its right a right loop; rotating the print changes nothing. A core alone counts as a loop of the side
    to which it opens, a delta alone as one of the other side.

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
    if len(deltas):
        return _by_axis(cores, deltas)
    return "left_loop" if np.cos(cores.direction[0]) < 0 else "right_loop"


def _by_axis(cores: SingularPoints, deltas: SingularPoints) -> str:
    dx, dy = deltas.x - cores.x[0], deltas.y - cores.y[0]
    nearest = int(np.hypot(dx, dy).argmin())
    towards = np.arctan2(-dy[nearest], dx[nearest])
    angle = float(np.angle(np.exp(1j * (towards - cores.direction[0]))))
    offset = float(np.hypot(dx[nearest], dy[nearest]) * abs(np.sin(angle)))
    if abs(angle) < AXIS_ANGLE and offset < AXIS_OFFSET:
        return "tented_arch"
    return "left_loop" if angle > 0 else "right_loop"


def _by_delta(fp: Fingerprint, deltas: SingularPoints) -> str:
    x, _, width, _ = cv2.boundingRect(fp.mask.view(np.uint8))
    return "left_loop" if deltas.x[0] > x + width / 2 else "right_loop"


def ridge_count(enhanced: Float, mask: Bool, start: tuple[float, float], end: tuple[float, float]) -> float:
    """Return how many ridges a straight line between two points crosses, the points' own not counted.

    NaN where a part of the line lies outside the print.

    Examples
    --------
    >>> waves = np.tile(-np.cos(2 * np.pi * np.arange(60) / 9), (3, 1)).astype(np.float32)  # ridges at 0, 9, 18, ...
    >>> ridge_count(waves, np.ones((3, 60), bool), (4, 1), (40, 1))
    4.0
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
