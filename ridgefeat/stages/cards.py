"""Cards: frame lines, captions and handwriting around a print, which are not print."""

from __future__ import annotations

import cv2
import numpy as np

from ridgefeat.stages.grid import CELL, part_at_necks
from ridgefeat.stages.percentiles import percentiles
from ridgefeat.structure import Bool, Float, UInt8

# Lengths in px at 500 dpi.
PAPER = 25
"""Side of the square whose closing shows the paper beneath ridges and strokes."""
MIN_INK = 16
"""Grey levels by which ink is darker than the paper, at least; else INK_SHARE of the 99th percentile."""
INK_SHARE = 0.3

# Lines are searched for at half the resolution; their lengths are in pixels of that, 0.1 mm.
BORDER = 1
"""Outermost pixels, in which a sensor's edge is often dark."""
MAX_BREADTH, ALONE = 6, (4, 9)
"""A line is at most as broad as the first, and has no ink at these distances to either side: a ridge has neighbours."""
MIN_LINE, MAX_BREAK = 60, 13
"""Minimum length of a line (6 mm), and the longest break in it."""
MIN_RUN = 10
"""Pixels of a line that lie in one row: its breadth over its lean."""
MAX_LEAN = 0.1
"""Rise of a line over its length: cards lie up to 6 degrees askew."""
MIN_DRAWN, MAX_DEVIATION = 0.7, 1.5
"""Share of a line's length in which there is ink, and deviation from a straight line."""
BEYOND = 12
"""A line is followed beyond its ends, up to the ridges that hide whether it is alone there."""

NECK = 1.0
"""Cells by which a neck is narrower, to either side of its middle, than the parts that it joins."""
MIN_PART = 130
"""Cells of a part that is judged: 21 mm²."""
MAX_SHARE, MAX_OF_BEST = 0.25, 0.6
"""Writing's ridge share, and the same compared with that of the clearest part: print, where one is higher."""
GAP, MIN_GAPS = 7, 0.04
"""Between a pen's strokes more than this share of pixels is farther than GAP from ink; also dry prints have less."""
MAX_TEXTURE, AWAY = 0.075, 7
"""Deviation of the paper between strokes, at pixels that no ink touches within a square of AWAY, compared with how dark
they are: less on blank paper than where ridges are faint or smeared."""
MIN_STROKE = 20
"""Side of the parts that half of a piece's ink belongs to; print that is as faint falls apart into dots."""


def without_lines(image: UInt8, near: Bool) -> UInt8:
    """Return the image with straight, single, nearly upright or level lines painted over with paper.

    Parameters
    ----------
    image : ndarray of uint8, shape (rows, columns)
        500 dpi, ink dark.
    near : ndarray of bool, shape (rows, columns)
        Where lines matter: the mask that may contain them.

    Returns
    -------
    ndarray of uint8, shape (rows, columns)
        The image itself where no line touches `near`.

    Notes
    -----
    Form lines are usually found as long runs of black (Yu and Jain, "A generic system for form dropout", IEEE PAMI
    1996). Ridges make such runs too, but never alone: only ink with paper on both sides counts here.

    Examples
    --------
    >>> card = np.full((200, 300), 250, np.uint8)
    >>> card[100:104] = 20
    >>> without_lines(card, np.ones(card.shape, bool)).min()
    np.uint8(250)
    """
    if not near.any():
        return image
    # Half the resolution shows lines as well, in a quarter of the time.
    rows, columns = image.shape
    half = cv2.resize(image[: rows & -2, : columns & -2], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    dark = cv2.subtract(_paper(half, PAPER // 2 + 1), half)
    inner = np.zeros_like(dark)
    inside = np.s_[BORDER:-BORDER, BORDER:-BORDER]
    inner[inside] = dark[inside] > max(MIN_INK, INK_SHARE * percentiles(dark[::2, ::2], 99)[0])
    lines = _level_lines(inner, (rows, columns)) | _level_lines(np.ascontiguousarray(inner.T), (columns, rows)).T
    return np.where(lines, _paper(image, PAPER), image) if (lines & near).any() else image


def _paper(image: UInt8, side: int) -> UInt8:
    """Return the paper beneath ridges and strokes."""
    return np.asarray(cv2.morphologyEx(image, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8)))


def _level_lines(ink: UInt8, shape: tuple[int, int]) -> Bool:
    """Return the nearly level lines of a black and white image of half the resolution, drawn as broad as they are."""
    thin = ink & ~cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((MAX_BREADTH, 1), np.uint8))
    here, around = (
        cv2.boxFilter(ink, -1, (1, 2 * reach + 1), normalize=False, borderType=cv2.BORDER_CONSTANT)
        for reach in (ALONE[0] - 1, ALONE[1])
    )
    alone = thin & (around - here <= 1)
    joined = cv2.copyMakeBorder(alone, 0, 0, MAX_BREAK, MAX_BREAK, cv2.BORDER_CONSTANT)
    joined = cv2.morphologyEx(joined, cv2.MORPH_CLOSE, np.ones((3, MAX_BREAK), np.uint8))
    joined = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((1, MIN_RUN), np.uint8))[:, MAX_BREAK:-MAX_BREAK]
    lines = np.zeros(shape, np.uint8)
    # Outlines take a tenth of the time of labelled components.
    outlines, _ = cv2.findContours(np.ascontiguousarray(joined), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    for outline in outlines:
        left, top, width, height = cv2.boundingRect(outline)
        if width < MIN_LINE or height > MAX_BREADTH + MAX_LEAN * width:
            continue
        within = np.zeros((height, width), np.uint8)
        cv2.drawContours(within, [outline], -1, 1, cv2.FILLED, offset=(-left, -top))
        y, x = np.nonzero(within & alone[top : top + height, left : left + width])
        if np.unique(x).size < MIN_DRAWN * width:
            continue
        slope, start = np.polyfit(x, y, 1)
        off = np.abs(y - slope * x - start)
        if np.sqrt(np.mean(off**2)) < MAX_DEVIATION:
            one, other = (
                (2 * int(left + at), round(2 * (top + start + slope * at) + 0.5)) for at in (-BEYOND, width + BEYOND)
            )
            cv2.line(lines, one, other, 1, int(4 * max(1, np.percentile(off, 98)) + 3))
    return lines > 0


def find_writing(image: UInt8, cells: Bool, share: Float) -> Bool:
    """Return which cells are strokes of a pen or letters rather than ridges.

    Parameters
    ----------
    image : ndarray of uint8, shape (rows, columns)
        500 dpi.
    cells : ndarray of bool, shape (grid rows, grid columns)
        Where ridges or the like are.
    share : ndarray of float32, shape (grid rows, grid columns)
        Of `ridge_share`.

    Returns
    -------
    ndarray of bool, shape (grid rows, grid columns)
        Whole parts, as `part_at_necks` makes them; never the one with the highest share.
    """
    parts = part_at_necks(cells, NECK)
    if parts.max() < 2:
        return np.zeros(cells.shape, bool)
    flat = parts.ravel()
    count = np.bincount(flat)
    count[0] = 0
    shares = np.bincount(flat, share.ravel()) / np.maximum(count, 1)
    large = count >= MIN_PART
    faint = np.flatnonzero(large & (shares < min(MAX_SHARE, MAX_OF_BEST * shares[large].max(initial=0))))
    return np.isin(parts, [n for n in faint if _is_writing(image, parts == n)])


def _is_writing(image: UInt8, cells: Bool) -> bool:
    left, top, width, height = cv2.boundingRect(cells.view(np.uint8))
    box = np.s_[CELL * top : CELL * (top + height), CELL * left : CELL * (left + width)]
    dark = cv2.subtract(_paper(image[box], PAPER), image[box])
    where = cv2.resize(cells.view(np.uint8), None, fx=CELL, fy=CELL, interpolation=cv2.INTER_NEAREST)[box]
    where = where[: dark.shape[0], : dark.shape[1]]
    strong = float(np.percentile(dark[where > 0], 95))
    to_ink = cv2.distanceTransform((dark <= 0.4 * strong).view(np.uint8), cv2.DIST_L2, 3)
    if (to_ink[where > 0] > GAP).mean() < MIN_GAPS:
        return False
    ink = (dark > 0.5 * strong).view(np.uint8) & where
    blank = dark[(where > 0) & (cv2.dilate(ink, np.ones((AWAY, AWAY), np.uint8)) == 0)]
    if blank.size == 0 or blank.std() >= MAX_TEXTURE * strong:
        return False
    _, _, boxes, _ = cv2.connectedComponentsWithStats(ink)
    side, area = boxes[1:, 2:4].max(1, initial=0), boxes[1:, cv2.CC_STAT_AREA]
    return bool(area[side >= MIN_STROKE].sum() > 0.5 * area.sum())
