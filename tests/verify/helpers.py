"""Minutiae drawn at random, the same ones moved, and templates of them."""

import numpy as np

from ridgefeat.structure import Minutiae
from ridgefeat.verify import prepare, template_from_minutiae


def random_minutiae(seed, count=40, side=300):
    """Return random minutiae that are at least 12 px apart."""
    rng = np.random.default_rng(seed)
    points = []
    while len(points) < count:
        p = rng.uniform(40, 40 + side, 2)
        if all(np.hypot(*(p - q)) > 12 for q in points):
            points.append(p)
    return Minutiae.make(*np.broadcast_arrays(*np.transpose(points), rng.uniform(0, 2 * np.pi, count), 1, 80))


def move(m, rotation, dx=0.0, dy=0.0):
    """Return the same minutiae, rotated counter-clockwise about the origin and shifted."""
    c, s = np.cos(rotation), np.sin(rotation)
    x, y = c * m.x + s * m.y + dx, c * m.y - s * m.x + dy
    direction = np.mod(m.direction + rotation, 2 * np.pi)
    return Minutiae.make(x, y, direction, m.kind, m.quality)


def prepared(m):
    return prepare(template_from_minutiae(m, "test"))
