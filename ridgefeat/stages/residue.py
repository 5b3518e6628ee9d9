"""Residue: what lies next to a print and is not part of it.

A sensor's dark frame, what earlier fingers left on its platen, and the next phalanx, below the crease.
"""

from __future__ import annotations

import cv2
import numpy as np

from ridgefeat.stages.grid import CELL
from ridgefeat.structure import MM_PER_PX, Bool, Float, UInt8

CELL_MM = CELL * MM_PER_PX
MIN_BREADTH = 3
"""Cells (1.2 mm, some three ridges): narrower is an edge or a line, whose response Gabor filters spread over two cells.
Two pieces are one only where they join as broadly."""
MIN_LINE = 11
"""Cells (4.5 mm): from this length, narrow cells along a row or a column of the image are a line."""
USUAL, FAINT = 0.75, 1 / 6
"""Quantile, over the cells, that is usual in the print; and the part of the usual contrast times ridge share below
which cells are faint. Residue has less than half of a print's contrast and about a third of its ridge share; dry skin
has as little of one, seldom of both."""
MAX_SHARE = 0.7
"""Ridge share of residue and of the next phalanx compared with the print's, at most: their ridges are broken."""
MIN_FAINT_MM2 = 2.5
"""A smaller faint place at the outline, away from the image's border, is a dry edge of the print."""
MIN_PIECE_MM2 = 15.0
"""A smaller piece below a print may be a dry part of it, and what touches residue may be more of it."""
MIN_FINGER = 0.25
"""Area of a finger compared with the largest, at least: what is faint within its outline is a damaged place."""
MAX_RISE_MM = 0.8
"""How far the next phalanx reaches above the lowest place of the fingertip, whose lower outline is round."""
MIN_OVERLAP = 0.5
"""Part of the narrower one's breadth that phalanx and fingertip have in common."""


def find_residue(image: UInt8, ridges: Bool, contrast: Float, share: Float) -> Bool:
    """Return which cells are an edge, residue of an earlier print, or the next phalanx.

    Parameters
    ----------
    image : ndarray of uint8, shape (rows, columns)
        500 dpi.
    ridges : ndarray of bool, shape (grid rows, grid columns)
        Where ridges or the like are, before gaps are closed: what joins a print only through a gap is separate.
    contrast, share : ndarray of float32, shape (grid rows, grid columns)
        Of `local_contrast` and `ridge_share`.

    Returns
    -------
    ndarray of bool, shape (grid rows, grid columns)

    Notes
    -----
    Own method. Faint cells are residue only outside the print's convex hull, where they have the tone of the paper
    rather than that of wet skin, and not above its middle, where a fingertip fades.

    Examples
    --------
    >>> ridges = np.zeros((30, 40), bool)
    >>> ridges[4:26, 4:20] = ridges[12:26, 21:30] = ridges[:, 39] = True  # a print, residue, a frame
    >>> image = np.full((240, 320), 250, np.uint8)
    >>> image[32:208, 32:160] = 120
    >>> strength = np.where(np.arange(40) < 20, 1.0, 0.3) * np.ones((30, 1))
    >>> np.flatnonzero((ridges & ~find_residue(image, ridges, strength, strength)).any(0))[[0, -1]]
    array([ 4, 19])
    """
    cells = ridges.view(np.uint8)
    broad = _opened(cells, MIN_BREADTH, MIN_BREADTH)
    narrow = cells & ~broad
    found = _opened(narrow, MIN_LINE, 1) | _opened(narrow, 1, MIN_LINE)
    if found.any():
        # A frame goes on where the print touches it.
        for turns in range(4):
            lines, near = np.rot90(found, turns), np.rot90(cells, turns)
            if np.count_nonzero(lines[0]) >= MIN_LINE:
                lines[: MIN_BREADTH - 1] = near[: MIN_BREADTH - 1]
        broad = _opened(cells & ~found, MIN_BREADTH, MIN_BREADTH)
    if not broad.any():
        return found > 0
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(broad, connectivity=4)
    pieces = _next_phalanges(labels, boxes, share) if count > 2 else np.zeros_like(cells)
    strength, own = contrast * share, broad > 0
    low = (strength < FAINT * _usual(strength[own])) & (share < MAX_SHARE * _usual(share[own]))
    # Specks, such as dust at the platen's edge, would be joined to the print when gaps close. A tip may fall apart.
    specks = narrow & low & ~cv2.dilate(broad, _square(MIN_BREADTH))
    left, top, width, height = boxes[1 + boxes[1:, cv2.CC_STAT_AREA].argmax(), :4]
    specks[: top + height // 2, left : left + width] = 0
    found |= specks
    faint = _opened(broad & low & ~pieces, MIN_BREADTH, MIN_BREADTH)
    if faint.any():
        pieces |= _outside(image, _opened(broad & ~pieces & ~faint, MIN_BREADTH, MIN_BREADTH), faint)
    if pieces.any():
        # What is left of residue is small and touches it.
        _, labels, boxes, _ = cv2.connectedComponentsWithStats(broad & ~pieces, connectivity=4)
        more = boxes[:, cv2.CC_STAT_AREA] * CELL_MM**2 < MIN_PIECE_MM2
        more &= np.bincount(labels.ravel(), cv2.dilate(pieces, _square(MIN_BREADTH)).ravel()) > 0
        more[0] = False
        pieces |= more[labels].view(np.uint8)
        # With the ragged rim of what is dropped, unless it is the print's as well.
        rim = cv2.dilate(pieces, _square(2 * MIN_BREADTH - 1)) & ~cv2.dilate(broad & ~pieces, _square(MIN_BREADTH))
        found |= (pieces | rim) & cells
    return found > 0


def _next_phalanges(labels: np.ndarray, boxes: np.ndarray, share: Float) -> UInt8:
    """Return pieces that lie below a larger one and whose waves explain less."""
    shares = np.bincount(labels.ravel(), share.ravel()) / boxes[:, cv2.CC_STAT_AREA]
    large = np.flatnonzero(boxes[:, cv2.CC_STAT_AREA] * CELL_MM**2 >= MIN_PIECE_MM2)
    large = large[large > 0]
    left, top, width, height, area = boxes[large].T
    right = left + width
    common = np.minimum(right[:, None], right) - np.maximum(left[:, None], left)
    is_below = (top[:, None] >= top + height - MAX_RISE_MM / CELL_MM) & (area[:, None] < area)
    is_below &= common > MIN_OVERLAP * np.minimum(width[:, None], width)
    is_below &= shares[large, None] < MAX_SHARE * shares[large]
    return np.isin(labels, large[is_below.any(1)]).view(np.uint8)


def _outside(image: UInt8, clear: UInt8, faint: UInt8) -> UInt8:
    """Return the faint pieces that are outside every finger's outline and no fading tip."""
    _, labels, boxes, centres = cv2.connectedComponentsWithStats(faint, connectivity=4)
    x, y = centres.T
    hull, is_tip = np.zeros_like(clear), np.zeros(len(boxes), bool)
    outlines, _ = cv2.findContours(clear, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    areas = [cv2.contourArea(outline) for outline in outlines]
    for outline, size in zip(outlines, areas, strict=True):
        if size >= MIN_FINGER * max(areas):
            cv2.fillConvexPoly(hull, cv2.convexHull(outline), 1)
            left, top, width, height = cv2.boundingRect(outline)
            is_tip |= (x > left) & (x < left + width) & (y < top + height / 2)
    rows, columns = faint.shape
    below, right = CELL * rows - image.shape[0], CELL * columns - image.shape[1]
    padded = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE)
    grey = cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32)
    around = (clear | faint) == 0
    own = grey[clear > 0].mean() if hull.any() else 0.0
    to_paper = np.median(grey[around]) - own if around.any() else 0.0
    area = boxes[:, cv2.CC_STAT_AREA]
    inside, tone = (np.bincount(labels.ravel(), values.ravel()) / area for values in (hull, grey))
    left, top, width, height = boxes.T[:4]
    is_cut = (left <= 1) | (top <= 1) | (left + width >= columns - 1) | (top + height >= rows - 1)
    is_edge = (area * CELL_MM**2 < MIN_FAINT_MM2) & ~is_cut
    dropped = (inside < 0.5) & ((tone - own) * to_paper > 0) & ~is_tip & ~is_edge
    dropped[0] = False
    return np.asarray(dropped[labels].view(np.uint8))


def _usual(values: Float) -> float:
    at = int(USUAL * (values.size - 1))  # in a fifth of the time of np.quantile
    return float(np.partition(values, at)[at])


def _square(side: int) -> UInt8:
    return np.ones((side, side), np.uint8)


def _opened(cells: UInt8, height: int, width: int) -> UInt8:
    """Open cells; nothing lies beyond the image, so that a frame along its border is narrow."""
    element = np.ones((height, width), np.uint8)
    return np.asarray(cv2.morphologyEx(cells, cv2.MORPH_OPEN, element, borderType=cv2.BORDER_CONSTANT, borderValue=0))
