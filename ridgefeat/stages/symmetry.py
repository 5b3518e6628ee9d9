"""Symmetry filters: how much the ridges around each point are like those around a core or a delta.

The Poincare index finds a core only if the smoothed orientation field turns around it, which it may not do where ridges
recurve sharply. A symmetry filter compares a whole neighbourhood with that of an ideal core or delta, and its response
is continuous.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ridgefeat.stages.grid import FINE
from ridgefeat.stages.orientation import structure_tensor
from ridgefeat.structure import Bool, Float

Complex = NDArray[np.complex64]

WINDOW = 8.0
"""Standard deviation, in pixels, of the Gaussian that smooths the flow."""
REACH = 2.6
"""Standard deviations at which a filter's Gaussian is truncated."""
MIN_SHARE = np.float32(0.25)
"""Minimum share of coherent ridges in a filter's window; below it the response is reduced."""
OPPOSITE = np.float32(0.5)
"""Share of the opposite symmetry's response that is subtracted, so that parallel bent ridges count as neither."""
DEVIATION = 14.0
"""Standard deviation, in pixels, of the filter that locates a point; its window spans about five ridges."""
MARGIN = 4
"""Distance from the mask's edge, in fine cells (16 px), within which no point is searched for."""


def ridge_flow(normalised: Float, mask: Bool) -> Complex:
    """Return coherence times exp(2 i angle) on fine cells of 4 x 4 px, complex64, shape (grid rows, grid columns).

    The angle runs along the ridge, counter-clockwise as seen on the page. Outside the mask the flow is 0. It is
    computed at half the resolution, so that the gradient follows the ridges and not the grain of the ink.
    """
    rows, columns = mask.shape
    half = cv2.resize(normalised, (-(-columns // 2), -(-rows // 2)), interpolation=cv2.INTER_AREA)
    gx, gy = cv2.Scharr(half, cv2.CV_32F, 1, 0), cv2.Scharr(half, cv2.CV_32F, 0, 1)
    tensor = structure_tensor(gx, gy, WINDOW)
    inside = cv2.resize(mask.view(np.uint8), tensor.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    # Ridges are at a right angle to the gradient, and y points up.
    flow = (-tensor[..., 0] + 1j * tensor[..., 1]) / (tensor[..., 2] + np.float32(1e-6)) * inside
    return np.asarray(flow, np.complex64)


def symmetry(flow: Complex, deviation: float) -> tuple[Complex, Complex]:
    """Correlate the flow with that of a core and of a delta.

    Parameters
    ----------
    flow : ndarray of complex64, shape (grid rows, grid columns)
    deviation : float
        Standard deviation of the window in pixels at 500 dpi.

    Returns
    -------
    core, delta : ndarray of complex64, shape (grid rows, grid columns)
        The magnitude is 0 to about 1 (at an ideal point). A core's argument is the direction in which it opens; a third
        of a delta's argument is the direction of one of its arms.

    Notes
    -----
    First-order complex symmetry filters (K. Nilsson and J. Bigun, "Localization of corresponding points in
    fingerprints by complex filtering", Pattern Recognition Letters 2003), normalised by how much of the window is
    coherent.
    """
    c = deviation / FINE
    n = int(np.ceil(REACH * c))
    t = np.arange(-n, n + 1, dtype=np.float32)
    even = np.exp(-(t**2) / np.float32(2 * c * c))
    odd, ring = t * even, t * t * even
    total = np.sum(np.hypot(t, t[:, None]) * even * even[:, None])
    parts, weight = flow.view(np.float32).reshape(*flow.shape, 2), np.abs(flow)
    across, up = (_filtered(parts, *k).view(np.complex64)[..., 0] for k in ((odd, even), (even, -odd)))
    share = (_filtered(weight, ring, even) + _filtered(weight, even, ring)) / (2 * ring.sum() * even.sum())
    scale = 1 / (total * np.maximum(share, MIN_SHARE))
    across, turned = scale * across, 1j * scale * up
    return across - turned, across + turned


def _filtered(values: Float, along_x: Float, along_y: Float) -> Float:
    return np.asarray(cv2.sepFilter2D(values, cv2.CV_32F, along_x, along_y, borderType=cv2.BORDER_CONSTANT))


def deep_inside(flow: Complex, margin: int = MARGIN) -> Bool:
    """Return the cells at least `margin` cells inside the print."""
    square = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    inside = (flow != 0).view(np.uint8)
    return np.asarray(cv2.erode(inside, square, borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0)


def summit(core: Complex, delta: Complex, flow: Complex) -> tuple[int, int]:
    """Return row and column of the cell whose surroundings are most like a core that opens downwards.

    On a loop or whorl that is the upper core, on an arch the place where the ridges bend most. Places near the middle
    of the print are preferred.
    """
    downward = np.maximum(-core.imag / np.maximum(np.abs(core), np.float32(1e-6)), 0)
    likeness = np.abs(core) * np.sqrt(downward) - OPPOSITE * np.abs(delta)
    y, x = np.nonzero(flow != 0)
    across = (np.arange(flow.shape[1]) - x.mean()) / (1.6 * x.std() + 1)
    down = (np.arange(flow.shape[0])[:, None] - y.mean()) / (1.8 * y.std() + 1)
    score = (likeness + 0.3) * (0.4 + 0.6 * np.exp(-(down**2) / 2) * np.exp(-(across**2) / 2))
    deep = deep_inside(flow)
    best = np.where(deep if deep.any() else flow != 0, score, -np.inf).argmax()
    row, column = np.unravel_index(best, score.shape)
    return int(row), int(column)


def core_near(core: Complex, delta: Complex, at: tuple[int, int]) -> tuple[tuple[int, int], float]:
    """Return the cell within 3 cells of `at` that is most like a core in any direction, and its likeness."""
    top, left = max(0, at[0] - 3), max(0, at[1] - 3)
    near = slice(top, at[0] + 4), slice(left, at[1] + 4)
    likeness = np.abs(core[near]) - OPPOSITE * np.abs(delta[near])
    row, column = np.unravel_index(likeness.argmax(), likeness.shape)
    return (top + int(row), left + int(column)), float(likeness[row, column])


def delta_likeness(core: Complex, delta: Complex) -> Float:
    """Return how much each cell is like a delta with one arm pointing up, as in loops and whorls."""
    upright = np.sqrt(np.abs(delta) * np.maximum(-delta.imag, 0))
    return np.asarray(upright - OPPOSITE * np.abs(core), np.float32)
