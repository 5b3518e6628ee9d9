"""Minutia cylinders: what surrounds each minutia, as a vector that rotation and translation leave alone.

Source: Cappelli, Ferrara and Maltoni, "Minutia Cylinder-Code: a new representation and matching technique for
fingerprint recognition" (IEEE PAMI 32, 2010). Cylinders are real-valued. The radius and the two deviations are narrower
than the paper's (70 px, 9.3 px, 40 degrees): chosen on synthetic prints, FVC2004 DB1_B and half of FVC2002's fingers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr

from ridgefeat.structure import Bool, Float
from ridgefeat.verify.template import Template, hull, inside

RADIUS = 65.0
SIDE = 8
"""Cells along the base's diameter."""
LEVELS = 6
"""Cells along the height, which is a full turn of directions."""
SPREAD = 7.0
"""Pixels: deviation of a neighbour's position."""
TURN_SPREAD = 0.5
"""Radians: deviation of a neighbour's direction."""
_STEEPNESS, _MIDDLE = 400.0, 0.01
_HULL_REACH = 50.0
_LEAST_VALID = 0.6
_LEAST_NEIGHBOURS = 2
_LEAST_COMMON = 0.6
_MOST_TURN = np.pi / 2


def _cells() -> tuple[Float, Float]:
    middle = ((np.arange(SIDE) + 0.5) / SIDE * 2 - 1) * RADIUS
    x, y = np.meshgrid(middle, middle)
    within = np.hypot(x, y) <= RADIUS
    return x[within].astype(np.float32), y[within].astype(np.float32)


_X, _Y = _cells()
_LEVEL = ((np.arange(LEVELS) + 0.5) * 2 * np.pi / LEVELS - np.pi).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Cylinders:
    """The cylinders of a template's minutiae.

    Attributes
    ----------
    values : ndarray of float32, shape (n, cells * levels)
        0 in cells that are not valid.
    valid : ndarray of float32, shape (n, cells)
        1 where a cell's base lies where minutiae could have been found, else 0.
    energy : ndarray of float32, shape (n, cells)
        Sum of squares over the levels.
    usable : ndarray of bool, shape (n,)
        Cylinders with enough valid cells and neighbours.
    """

    values: Float
    valid: Float
    energy: Float
    usable: Bool


def wrap(angle: Float) -> Float:
    """Return angles in (-pi, pi]."""
    return np.asarray(angle - np.float32(2 * np.pi) * np.rint(angle * np.float32(0.5 / np.pi)), np.float32)


def describe(template: Template) -> Cylinders:
    """Return the cylinders of a template's minutiae."""
    m = template.minutiae
    n = len(m)
    c, s = np.cos(m.direction)[:, None], np.sin(m.direction)[:, None]
    across, up = m.x - m.x[:, None], m.y[:, None] - m.y
    ahead, aside = across * c + up * s, up * c - across * s
    near = np.hypot(across, up) < RADIUS + 3 * SPREAD
    np.fill_diagonal(near, False)
    squared = (ahead[:, :, None] - _X) ** 2 + (aside[:, :, None] - _Y) ** 2
    place = np.exp(squared * np.float32(-0.5 / SPREAD**2)) * near[:, :, None]
    off = wrap(_LEVEL - wrap(m.direction[:, None] - m.direction)[:, :, None])
    half = np.float32(np.pi / LEVELS)
    turn = ndtr((off + half) / np.float32(TURN_SPREAD)) - ndtr((off - half) / np.float32(TURN_SPREAD))
    mass = np.matmul(place.transpose(0, 2, 1), turn) / np.float32(SPREAD * np.sqrt(2 * np.pi))
    seen = hull(m, template.seen.shape, _HULL_REACH)
    if template.waves is not None:
        seen &= template.seen
    x, y = m.x[:, None] + _X * c - _Y * s, m.y[:, None] - (_X * s + _Y * c)
    valid = inside(seen, x, y)[0].astype(np.float32)
    values = expit(np.float32(_STEEPNESS) * (mass - np.float32(_MIDDLE))) * valid[:, :, None]
    values = values.astype(np.float32)
    usable = (valid.mean(1) >= _LEAST_VALID) & (near.sum(1) >= _LEAST_NEIGHBOURS)
    return Cylinders(values.reshape(n, -1), valid, np.square(values).sum(2), usable)


def similarity(first: Cylinders, second: Cylinders, directions: tuple[Float, Float]) -> Float:
    """Return how alike every two minutiae's surroundings are, 0 to 1, shape (n first, n second).

    One minus the distance of two cylinders over their common cells, divided by the sum of their lengths; 0 where too
    few cells are common or the directions differ by more than a quarter turn.
    """
    common = first.valid @ second.valid.T
    one, two = first.energy @ second.valid.T, first.valid @ second.energy.T
    squared = np.maximum(one + two - 2 * (first.values @ second.values.T), 0)
    length = np.sqrt(one) + np.sqrt(two)
    alike = 1 - np.sqrt(squared) / np.maximum(length, np.float32(1e-6))
    turned = np.abs(wrap(directions[0][:, None] - directions[1]))
    ok = (common >= _LEAST_COMMON * len(_X)) & (turned <= _MOST_TURN) & (length > 0)
    return np.asarray(alike * (ok & first.usable[:, None] & second.usable), np.float32)
