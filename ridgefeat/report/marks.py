"""Marks of single points: minutiae, cores and deltas, drawn on RGB pictures with a light halo.

Kinds differ in shape as well as in colour; the colours are Okabe and Ito's, which the colour-blind can tell apart.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ridgefeat.report.lettering import Colour
from ridgefeat.structure import BIFURCATION, UInt8

Array = NDArray[Any]

OTHER_COLOUR: Colour = (106, 112, 122)
ENDING_COLOUR: Colour = (213, 94, 0)
BIFURCATION_COLOUR: Colour = (0, 114, 178)
CORE_COLOUR: Colour = (0, 140, 100)
DELTA_COLOUR: Colour = (190, 60, 140)
_HALO: Colour = (255, 255, 255)

SHIFT = 4
"""Binary places of a pixel that OpenCV's drawing keeps."""


def fixed(points: Array) -> NDArray[np.int32]:
    """Return picture positions as the fixed-point numbers that OpenCV draws with."""
    return np.asarray(np.rint(points * (1 << SHIFT)), np.int32)


def ray(centre: Array, direction: float, start: float, end: float) -> Array:
    """Return a straight line's two ends, shape (2, 2); the direction runs counter-clockwise, while y runs down."""
    way = np.array([np.cos(direction), -np.sin(direction)])
    return np.asarray(np.asarray(centre) + np.array([[start], [end]]) * way)


def mark_minutia(picture: UInt8, centre: Array, direction: float, kind: int, scale: float) -> None:
    """Draw a minutia in place: a ring for an ending, a square for a bifurcation, with a tail in its direction.

    Parameters
    ----------
    picture : ndarray of uint8, shape (rows, columns, 3)
    centre : ndarray, shape (2,)
        x, y in the picture's pixels.
    direction : float
        Radians, counter-clockwise.
    kind : int
        1 ending, 2 bifurcation, 0 unknown.
    scale : float
        Picture pixels per pixel at 500 dpi.
    """
    colour = {1: ENDING_COLOUR, BIFURCATION: BIFURCATION_COLOUR}.get(kind, OTHER_COLOUR)
    radius, width = max(4.0, 3.2 * scale), max(2, round(0.9 * scale))
    tail = ray(centre, direction, radius, 2.8 * radius)
    square = np.asarray(centre) + 0.9 * radius * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    for thickness, paint in ((width + 2, _HALO), (width, colour)):
        _line(picture, tail, paint, thickness)
        if kind == BIFURCATION:
            _line(picture, square, paint, thickness, closed=True)
        else:
            _ring(picture, centre, radius, paint, thickness)


def mark_core(picture: UInt8, centre: Array, direction: float, size: float) -> None:
    """Draw a core in place: two rings, and a tail to where its ridges open if that is known (not NaN)."""
    width = round(2 * size)
    for thickness, paint in ((width + 3, _HALO), (width, CORE_COLOUR)):
        _ring(picture, centre, 8 * size, paint, thickness)
        _ring(picture, centre, 2.5 * size, paint, thickness)
        if np.isfinite(direction):
            _line(picture, ray(centre, direction, 8 * size, 19 * size), paint, thickness)


def mark_delta(picture: UInt8, centre: Array, direction: float, size: float) -> None:
    """Draw a delta in place: a triangle with a corner on the arm that is known, else upright."""
    width = round(2 * size)
    first = direction if np.isfinite(direction) else np.pi / 2
    corners = np.array([ray(centre, first + turn, 0, 10 * size)[1] for turn in (0, 2 * np.pi / 3, 4 * np.pi / 3)])
    for thickness, paint in ((width + 3, _HALO), (width, DELTA_COLOUR)):
        _line(picture, corners, paint, thickness, closed=True)
        _ring(picture, centre, size, paint, thickness)


def _line(picture: UInt8, points: Array, colour: Colour, width: int, *, closed: bool = False) -> None:
    cv2.polylines(picture, [fixed(points)], closed, colour, width, cv2.LINE_AA, SHIFT)


def _ring(picture: UInt8, centre: Array, radius: float, colour: Colour, width: int) -> None:
    x, y = fixed(np.asarray(centre)).tolist()
    cv2.circle(picture, (x, y), round(radius * (1 << SHIFT)), colour, width, cv2.LINE_AA, SHIFT)
