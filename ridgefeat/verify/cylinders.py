"""Minutia cylinders: the neighbourhood of each minutia as a vector, invariant to rotation and translation.

Source: Cappelli, Ferrara and Maltoni, "Minutia Cylinder-Code: a new representation and matching technique for
fingerprint recognition" (IEEE PAMI 32, 2010). Cylinders are real-valued. The radius and the two deviations are narrower
than the paper's (70 px, 9.3 px, 40 degrees): chosen on synthetic prints, FVC2004 DB1_B and half of FVC2002's fingers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr

from ridgefeat.structure import Bool, Float
from ridgefeat.verify.geometry import wrap
from ridgefeat.verify.template import Template, hull, inside

RADIUS = 65.0
SIDE = 8
"""Cells along the base's diameter."""
LEVELS = 6
"""Cells along the height, which is a full turn of directions."""
POSITION_SIGMA = 7.0
"""Pixels: standard deviation of a neighbour's position."""
DIRECTION_SIGMA = 0.5
"""Radians: standard deviation of a neighbour's direction."""
_SIGMOID_SLOPE, _SIGMOID_MIDPOINT = 400.0, 0.01
_HULL_REACH = 50.0
MIN_VALID = 0.6
"""Valid cells of a usable cylinder, as a fraction of all."""
MIN_NEIGHBOURS = 2
"""Neighbours of a usable cylinder."""
MIN_COMMON = 0.6
"""Cells that two compared cylinders must share, as a fraction of all."""
MAX_ROTATION = np.pi / 2
"""Radians between the directions of compared cylinders."""
_MIDDLES = ((np.arange(SIDE) + 0.5) / SIDE * 2 - 1) * RADIUS
_GRID = np.stack(np.meshgrid(_MIDDLES, _MIDDLES))
_X, _Y = _GRID[:, np.hypot(*_GRID) <= RADIUS].astype(np.float32, order="C")
_LEVEL = ((np.arange(LEVELS) + 0.5) * 2 * np.pi / LEVELS - np.pi).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Cylinders:
    """The cylinders of a template's minutiae."""

    values: Float  # shape (n, cells * levels); 0 in cells that are not valid
    valid: Float  # shape (n, cells); 1 if the base of a cell lies where minutiae could have been found, else 0
    energy: Float  # shape (n, cells); sum of squares over the levels
    usable: Bool  # shape (n,); whether a cylinder has enough valid cells and neighbours


def compute_cylinders(template: Template) -> Cylinders:
    """Return the cylinders of a template's minutiae."""
    m = template.minutiae
    n = len(m)
    c, s = np.cos(m.direction)[:, None], np.sin(m.direction)[:, None]
    across, up = m.x - m.x[:, None], m.y[:, None] - m.y
    ahead, aside = across * c + up * s, up * c - across * s
    near = np.hypot(across, up) < RADIUS + 3 * POSITION_SIGMA
    np.fill_diagonal(near, False)
    squared = (ahead[:, :, None] - _X) ** 2 + (aside[:, :, None] - _Y) ** 2
    place = np.exp(squared * np.float32(-0.5 / POSITION_SIGMA**2)) * near[:, :, None]
    off = wrap(_LEVEL - wrap(m.direction[:, None] - m.direction)[:, :, None])
    half = np.float32(np.pi / LEVELS)
    turn = ndtr((off + half) / np.float32(DIRECTION_SIGMA)) - ndtr((off - half) / np.float32(DIRECTION_SIGMA))
    mass = np.matmul(place.transpose(0, 2, 1), turn) / np.float32(POSITION_SIGMA * np.sqrt(2 * np.pi))
    visible = hull(m, template.mask.shape, _HULL_REACH)
    if template.waves is not None:
        visible &= template.mask
    x, y = m.x[:, None] + _X * c - _Y * s, m.y[:, None] - (_X * s + _Y * c)
    valid = inside(visible, x, y).astype(np.float32)
    values = expit(np.float32(_SIGMOID_SLOPE) * (mass - np.float32(_SIGMOID_MIDPOINT))) * valid[:, :, None]
    values = values.astype(np.float32)
    usable = (valid.mean(1) >= MIN_VALID) & (near.sum(1) >= MIN_NEIGHBOURS)
    return Cylinders(values.reshape(n, -1), valid, np.square(values).sum(2), usable)


def similarity(first: Cylinders, second: Cylinders, directions: tuple[Float, Float]) -> Float:
    """Return the similarity of every two cylinders, 0 to 1, shape (n_first, n_second).

    It is one minus the distance of the two over their common cells, divided by the sum of their lengths; 0 if they have
    too few common cells or the directions differ by more than a quarter turn.
    """
    common = first.valid @ second.valid.T
    one, two = first.energy @ second.valid.T, first.valid @ second.energy.T
    squared = np.maximum(one + two - 2 * (first.values @ second.values.T), 0)
    length = np.sqrt(one) + np.sqrt(two)
    value = 1 - np.sqrt(squared) / np.maximum(length, np.float32(1e-6))
    rotation = np.abs(wrap(directions[0][:, None] - directions[1]))
    ok = (common >= MIN_COMMON * len(_X)) & (rotation <= MAX_ROTATION) & (length > 0)
    return np.asarray(value * (ok & first.usable[:, None] & second.usable), np.float32)
