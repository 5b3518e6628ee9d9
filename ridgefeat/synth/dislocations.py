"""Minutiae of a clean ridge pattern: where its phase is dislocated."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import cv2
import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.morphology import skeletonize

from ridgefeat.structure import BIFURCATION, ENDING, Array, Minutiae, SingularPoints
from ridgefeat.synth.growth import Waves

_DIPOLE = 0.7
"""Two opposite dislocations nearer than this many periods undo each other: no ridge ends or forks there."""


def find_minutiae(waves: Waves, angle: Array, period: Array, singular: SingularPoints) -> Minutiae:
    """Find the minutiae of a clean pattern, given orientation (radians along the ridge) and period (px) at every pixel.

    Quality is 100 where a ridge or valley meets the dislocation head-on, and 0 where it lies between the two.

    Notes
    -----
    A minutia is a zero of the pattern's modulus about which its phase winds once: K. G. Larkin and P. A. Fletcher,
    A coherent framework for fingerprint analysis: are fingerprints holograms?, Optics Express 15 (2007). So it
    lies between the last point of a ridge and the fork of the valleys around it, whatever the threshold. It
    counts if the centre line of a ridge or of a valley ends next to it, and that decides its kind: where a valley
    ends, a ridge forks. Around the singular points, where the phase is undefined, only the centre lines are read.
    """
    lines = {ENDING: skeletonize(waves.height > 0), BIFURCATION: skeletonize(waves.height <= 0)}
    nodes = np.zeros(waves.height.shape, np.uint8)
    for kind, line in lines.items():
        nodes[_ends(line)] = kind
    slips = _dislocations(waves, angle, period)
    reach = 1.75 * float(np.median(period))
    free = slips.select(_far(slips.x, slips.y, singular, reach))
    confirmed = _confirm(free, nodes, period)
    rows, columns = np.nonzero(nodes)
    close = ~_far(columns, rows, singular, reach)
    read = [
        (x, y, _read_end(lines[nodes[y, x]], x, y, float(period[y, x])), nodes[y, x])
        for x, y in zip(columns[close], rows[close], strict=True)
    ]
    return _joined(confirmed, [node for node in read if node[2] is not None])


def _dislocations(waves: Waves, angle: Array, period: Array) -> Minutiae:
    # Phase, charge and direction share one sense of the normal; an orientation beyond a half turn would swap it.
    angle = np.mod(angle, np.pi)
    normal_x, normal_y = np.sin(angle), np.cos(angle)
    phase = np.arctan2(normal_x * waves.riesz_x + normal_y * waves.riesz_y, waves.height)
    charge = _winding(phase, normal_x, normal_y)
    rows, columns = np.nonzero(charge)
    points = np.column_stack([columns, rows]) + 0.5
    keep = _without_dipoles(points, charge[rows, columns], _DIPOLE * period[rows, columns])
    rows, columns, points = rows[keep], columns[keep], points[keep]
    theta = angle[rows, columns]
    direction = np.where(charge[rows, columns] > 0, theta, theta + np.pi)
    step = 0.6 * period[rows, columns, None] * np.column_stack([np.cos(direction), -np.sin(direction)])
    level = waves.level
    ahead, behind = (
        ndimage.map_coordinates(level, (points + s * step).T[::-1], order=1, mode="nearest") for s in (1, -1)
    )
    contrast = (ahead - behind) / 2
    kind = np.where(contrast > 0, ENDING, BIFURCATION)
    return Minutiae.make(*points.T, direction, kind, np.minimum(100, 100 * np.abs(contrast)))


def _winding(phase: Array, normal_x: Array, normal_y: Array) -> Array:
    """Turns of the phase around each square of four pixels, in the sense of the first pixel's normal."""
    corners = [np.s_[:-1, :-1], np.s_[:-1, 1:], np.s_[1:, 1:], np.s_[1:, :-1]]
    first = corners[0]
    aligned = [
        np.where(normal_x[first] * normal_x[c] + normal_y[first] * normal_y[c] < 0, -phase[c], phase[c])
        for c in corners
    ]
    total = np.sum([_wrap(aligned[(i + 1) % 4] - aligned[i]) for i in range(4)], axis=0)
    return np.asarray(np.rint(total / (2 * np.pi)), np.int8)


def _wrap(difference: Array) -> Array:
    return np.asarray(difference - 2 * np.pi * np.rint(difference / (2 * np.pi)))


def _without_dipoles(points: Array, charges: Array, reach: Array) -> Array:
    """Mark what remains when opposite neighbours, the nearest first, have undone each other."""
    keep = np.ones(len(points), np.bool_)
    if len(points) < 2:
        return keep
    pairs = cKDTree(points).query_pairs(float(reach.max()), output_type="ndarray")
    distance = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    near = distance < np.minimum(reach[pairs[:, 0]], reach[pairs[:, 1]])
    for i, j in pairs[near][np.argsort(distance[near], kind="stable")]:
        if keep[i] and keep[j]:
            keep[i] = keep[j] = False
    return keep


def _ends(lines: Array) -> Array:
    """Mark the pixels where lines one pixel wide end."""
    neighbours = cv2.filter2D(lines.astype(np.uint8), -1, np.ones((3, 3)), borderType=cv2.BORDER_REFLECT)
    return np.asarray(lines & (neighbours == 2))


def _far(x: Array, y: Array, singular: SingularPoints, reach: float) -> Array:
    away = np.hypot(np.subtract.outer(x, singular.x), np.subtract.outer(y, singular.y))
    return np.asarray(np.all(away > reach, axis=1))


def _confirm(slips: Minutiae, nodes: Array, period: Array) -> Minutiae:
    """Keep the dislocations that are nearest neighbours of a node, with the kind of that node."""
    rows, columns = np.nonzero(nodes)
    if len(slips) == 0 or len(rows) == 0:
        return Minutiae.empty()
    points, places = np.column_stack([slips.x, slips.y]), np.column_stack([columns, rows])
    distance, nearest = cKDTree(places).query(points)
    back = cKDTree(points).query(places)[1]
    index = np.arange(len(slips))
    keep = (back[nearest] == index) & (distance < period[rows[nearest], columns[nearest]])
    kind = nodes[rows[nearest], columns[nearest]]
    quality = np.where(kind == slips.kind, slips.quality, 0)
    return Minutiae.make(slips.x, slips.y, slips.direction, kind, quality).select(keep)


def _read_end(lines: Array, x: int, y: int, period: float) -> float | None:
    """Read the direction in which a line leaves its end, or nothing if it is shorter than a period."""
    reach = round(period)
    window = np.pad(lines, reach)[y : y + 2 * reach + 1, x : x + 2 * reach + 1]
    parts = np.asarray(ndimage.label(window, np.ones((3, 3)))[0])
    grid: Array = np.indices(window.shape) - reach
    down, right = grid
    rim = (parts == parts[reach, reach]) & (np.hypot(down, right) > reach - 1)
    if not rim.any():
        return None
    return float(np.arctan2(-down[rim].mean(), right[rim].mean()) % (2 * np.pi))


def _joined(minutiae: Minutiae, nodes: list[Any]) -> Minutiae:
    if not nodes:
        return minutiae
    x, y, direction, kind = (np.array(column) for column in zip(*nodes, strict=True))
    near = Minutiae.make(x, y, direction, kind, np.full(len(x), 50))
    return Minutiae(*(np.concatenate([getattr(minutiae, f.name), getattr(near, f.name)]) for f in fields(Minutiae)))
