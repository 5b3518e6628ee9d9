"""Minutiae and lines of text, drawn on RGB pictures with a light halo.

Kinds differ in shape as well as in colour; the colours are Okabe and Ito's, which are safe for colour-blind readers.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ridgefeat.structure import BIFURCATION, UInt8

Array = NDArray[Any]
Colour = tuple[int, int, int]

OTHER_COLOUR: Colour = (106, 112, 122)
ENDING_COLOUR: Colour = (213, 94, 0)
BIFURCATION_COLOUR: Colour = (0, 114, 178)
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
    """Draw a minutia in place: a square for a bifurcation, a ring for every other kind, with a tail in its direction.

    The centre (x, y) is in the picture's pixels, the direction in radians, counter-clockwise; the scale is picture
    pixels per pixel at 500 dpi.
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


def _line(picture: UInt8, points: Array, colour: Colour, width: int, *, closed: bool = False) -> None:
    cv2.polylines(picture, [fixed(points)], closed, colour, width, cv2.LINE_AA, SHIFT)


def _ring(picture: UInt8, centre: Array, radius: float, colour: Colour, width: int) -> None:
    x, y = fixed(np.asarray(centre)).tolist()
    cv2.circle(picture, (x, y), round(radius * (1 << SHIFT)), colour, width, cv2.LINE_AA, SHIFT)


def measure(text: str, size: float, *, bold: bool = False) -> int:
    """Return the width of a line in pixels; size is the letters' height in pixels per em."""
    return int(_render(_clean(text), size, bold)[0].shape[1])


def write(
    picture: UInt8,
    text: str,
    x: float,
    baseline: float,
    size: float,
    colour: Colour = (0, 0, 0),
    *,
    bold: bool = False,
    align: float = 0.0,
) -> int:
    """Write one line of text onto an RGB picture, in place, and return its width in pixels.

    What falls outside the picture is cut off. The size is in pixels per em. With `align` 0 the line begins at x, with
    0.5 it is centred on it, with 1 it ends there.
    """
    ink, descent = _render(_clean(text), size, bold)
    height, width = ink.shape
    left, top = round(x - align * width), round(baseline + descent - height)
    rows, columns = picture.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + width, columns), min(top + height, rows)
    if x0 < x1 and y0 < y1:
        alpha = ink[y0 - top : y1 - top, x0 - left : x1 - left, None].astype(np.float32) / 255
        under = picture[y0:y1, x0:x1]
        picture[y0:y1, x0:x1] = np.rint(under + alpha * (np.array(colour, np.float32) - under))
    return int(width)


def shorten(text: str, width: int, size: float, *, bold: bool = False) -> str:
    """Return the text, with its middle left out where it would be wider than width."""
    text = _clean(text)
    if measure(text, size, bold=bold) <= width:
        return text
    shorter = (text[: keep - keep // 2] + "…" + text[len(text) - keep // 2 :] for keep in range(len(text) - 1, 0, -1))
    return next((short for short in shorter if measure(short, size, bold=bold) <= width), "…")


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)[:300]


@lru_cache(maxsize=512)
def _render(text: str, size: float, bold: bool) -> tuple[NDArray[np.uint8], int]:
    """Return the line's ink, 0 to 255, and how many of its rows lie below the baseline."""
    font = _font(bold)
    font.set_size(size, 72)
    with warnings.catch_warnings():
        # A letter that the font lacks is drawn as a box; a warning about a file name would not help.
        warnings.simplefilter("ignore")
        font.set_text(text or " ", 0.0)
        font.draw_glyphs_to_bitmap(antialiased=True)
    return np.array(font.get_image()), int(font.get_descent() / 64)


@lru_cache(maxsize=2)
def _font(bold: bool) -> Any:
    import matplotlib
    from matplotlib.ft2font import FT2Font

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return FT2Font(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name))
