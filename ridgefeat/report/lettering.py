"""Lettering on pictures: matplotlib's DejaVu Sans on OpenCV's arrays, as OpenCV's own letters know only ASCII."""

from __future__ import annotations

import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.structure import UInt8

Colour = tuple[int, int, int]


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
    """Write one line of text onto an RGB picture, in place.

    Parameters
    ----------
    picture : ndarray of uint8, shape (rows, columns, 3)
    text : str
        What falls outside the picture is cut off.
    x, baseline : float
        Where the line stands, in pixels.
    size : float
        Pixels per em.
    colour : (int, int, int)
        Red, green, blue.
    bold : bool
    align : float
        0 begins at x, 0.5 is centred on it, 1 ends there.

    Returns
    -------
    int
        The line's width in pixels.
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
    for keep in range(len(text) - 1, 0, -1):
        short = text[: keep - keep // 2] + "…" + text[len(text) - keep // 2 :]
        if measure(short, size, bold=bold) <= width:
            return short
    return "…"


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)[:300]


@lru_cache(maxsize=512)
def _render(text: str, size: float, bold: bool) -> tuple[NDArray[np.uint8], int]:
    """Return the line's ink, 0 to 255, and how many of its rows lie below the baseline."""
    font = _font(bold)
    font.set_size(size, 72)
    with warnings.catch_warnings():
        # A letter that the font lacks is drawn as a box; a warning about somebody's file name helps nobody.
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
