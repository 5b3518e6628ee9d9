"""Walking along a skeleton: many walkers at once, one table look-up per step."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ridgefeat.structure import Bool, UInt8

Int = NDArray[np.int32]

STEPS_X = np.array([1, 1, 0, -1, -1, -1, 0, 1], np.int32)
STEPS_Y = np.array([0, -1, -1, -1, 0, 1, 1, 1], np.int32)
"""The eight neighbours, counter-clockwise on the page from the right."""

NOWHERE = 8


def neighbour_codes(skeleton: Bool) -> UInt8:
    """Return for each skeleton pixel which of its eight neighbours are set, as a bit mask; 0 off the skeleton.

    Examples
    --------
    >>> neighbour_codes(np.array([[True, True, True]]))  # bit 0 is the right neighbour, bit 4 the left one
    array([[ 1, 17, 16]], dtype=uint8)
    """
    kernel = np.zeros((3, 3), np.float32)
    kernel[STEPS_Y + 1, STEPS_X + 1] = 1 << np.arange(8)
    line = skeleton.view(np.uint8)
    codes = cv2.filter2D(line, cv2.CV_8U, kernel, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(codes * line)


@lru_cache(maxsize=1)
def branches() -> tuple[UInt8, UInt8]:
    """Return, for each code, how many ridges leave the pixel, shape (256,), and in which steps, shape (256, 4).

    Neighbours that touch each other belong to one ridge; among them the one in line with an axis leads.

    Examples
    --------
    >>> count, first = branches()
    >>> count[0b00010001], first[0b00010001, :2]  # neighbours to the right and to the left
    (np.uint8(2), array([0, 4], dtype=uint8))
    """
    count = np.zeros(256, np.uint8)
    first = np.full((256, 4), NOWHERE, np.uint8)
    for code in range(1, 256):
        on = [(code >> k) & 1 for k in range(8)]
        starts = [k for k in range(8) if on[k] and not on[k - 1]] or [0]
        for start in starts:
            run = [start]
            while on[(run[-1] + 1) % 8] and len(run) < 8:
                run.append((run[-1] + 1) % 8)
            first[code, count[code]] = next((k for k in run if k % 2 == 0), run[0])
            count[code] += 1
    return count, first


@lru_cache(maxsize=1)
def _turns() -> UInt8:
    """Return the next step for each code and last step, shape (256, 9): the straightest, never back."""
    table = np.full((256, 9), NOWHERE, np.uint8)
    for code in range(256):
        for last in range(8):
            for turn in (0, 1, -1, 2, -2, 3, -3):
                step = (last + turn) % 8
                if (code >> step) & 1:
                    table[code, last] = step
                    break
    return table


def walk(codes: UInt8, x: Int, y: Int, first: UInt8, steps: int) -> tuple[Int, Int]:
    """Walk from (x, y) and return all x and y, each of shape (steps + 1, walkers).

    The first step is given, each further one is the straightest possible; at a ridge's end a walker stays.

    Examples
    --------
    >>> line = np.zeros((3, 6), bool)
    >>> line[1, 1:5] = True
    >>> start = np.array([1], np.int32)
    >>> walk(neighbour_codes(line), start, start, np.array([0], np.uint8), 5)[0].ravel()
    array([1, 2, 3, 4, 4, 4], dtype=int32)
    """
    turns = _turns()
    dx, dy = np.append(STEPS_X, 0).astype(np.int32), np.append(STEPS_Y, 0).astype(np.int32)
    xs, ys = np.empty((steps + 1, len(x)), np.int32), np.empty((steps + 1, len(x)), np.int32)
    xs[0], ys[0] = x, y
    step = first
    for k in range(1, steps + 1):
        xs[k], ys[k] = xs[k - 1] + dx[step], ys[k - 1] + dy[step]
        step = turns[codes[ys[k], xs[k]], step]
    return xs, ys
