"""One print laid over the other: the motion that the strongest pairs agree on, and which minutiae then meet."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ridgefeat.structure import Float
from ridgefeat.verify.cylinders import wrap
from ridgefeat.verify.pairing import Index, Pairs
from ridgefeat.verify.template import Template, inside

REACH = (18.0, 14.0)
"""Pixels within which minutiae meet, while the motion is sought and at the end."""
TURN = np.pi / 6
"""Radians by which their directions may differ."""
_TURN_WEIGHT = 0.5
_FAR = np.float32(9)


@dataclass(frozen=True, eq=False)
class Alignment:
    """Two prints laid over each other.

    Attributes
    ----------
    motion : Motion
        Of the first onto the second.
    first, second : ndarray of int, shape (k,)
        Minutiae that meet, one to one.
    common : (int, int)
        How many of the first's and of the second's minutiae lie where the other print is known.
    """

    motion: Motion
    first: Index
    second: Index
    common: tuple[int, int]

    @property
    def share(self) -> float:
        """Minutiae that meet, as a share of those that could (geometric mean of the two prints)."""
        return float(len(self.first) / np.sqrt(max(self.common[0], 1) * max(self.common[1], 1)))


def align(first: Template, second: Template, pairs: Pairs) -> Alignment | None:
    """Lay the first print over the second; None where no two pairs agree."""
    support = pairs.strength * (pairs.agreement @ pairs.strength)
    seed = int(support.argmax())
    weight = pairs.agreement[seed] * pairs.strength
    weight[seed] = pairs.strength[seed]
    if np.count_nonzero(weight > np.float32(1e-6)) < 2:
        return None
    a, b = first.minutiae, second.minutiae
    i, j = pairs.first, pairs.second
    motion = Motion.fit(a.x[i], a.y[i], b.x[j], b.y[j], weight)
    for reach in REACH:
        i, j = _meeting(first, second, motion, reach)
        if len(i) < 2:
            break
        if len(i) > 2:
            motion = Motion.fit(a.x[i], a.y[i], b.x[j], b.y[j], np.ones(len(i), np.float32))
    there = inside(second.seen, *motion.apply(a.x, a.y))[0]
    here = inside(first.seen, *motion.back(b.x, b.y))[0]
    common = (max(int(there.sum()), len(i)), max(int(here.sum()), len(i)))
    return Alignment(motion, i, j, common)


def _meeting(first: Template, second: Template, motion: Motion, reach: float) -> tuple[Index, Index]:
    """Return minutiae that are each other's nearest in position and direction, and near enough."""
    a, b = first.minutiae, second.minutiae
    x, y = motion.apply(a.x, a.y)
    away = np.hypot(x[:, None] - b.x, y[:, None] - b.y) * np.float32(1 / reach)
    turned = np.abs(wrap(a.direction[:, None] + np.float32(motion.turn) - b.direction)) * np.float32(1 / TURN)
    cost = np.where((away > 1) | (turned > 1), _FAR, away + np.float32(_TURN_WEIGHT) * turned)
    nearest = cost.argmin(1)
    own = np.arange(len(a))
    met = np.flatnonzero((cost[own, nearest] < _FAR) & (cost.argmin(0)[nearest] == own))
    return met, nearest[met]


@dataclass(frozen=True)
class Motion:
    """A rotation and a shift in pixels at 500 dpi.

    Attributes
    ----------
    cosine, sine : float
        Of the rotation, clockwise as seen on the page, for y runs down.
    shift_x, shift_y : float
        Pixels, after the rotation.
    """

    cosine: float
    sine: float
    shift_x: float
    shift_y: float

    @classmethod
    def fit(cls, x: Float, y: Float, u: Float, v: Float, weight: Float) -> Motion:
        """Return the motion that brings points (x, y) closest to (u, v), in weighted least squares.

        Source: Umeyama, "Least-squares estimation of transformation parameters between two point patterns" (IEEE PAMI
        13, 1991), without scale.
        """
        w = weight / weight.sum()
        mx, my, mu, mv = (float(w @ p) for p in (x, y, u, v))
        a, b, p, q = x - mx, y - my, u - mu, v - mv
        c, s = float(w @ (a * p + b * q)), float(w @ (a * q - b * p))
        length = math.hypot(c, s)
        c, s = (c / length, s / length) if length > 1e-9 else (1.0, 0.0)
        return cls(c, s, mu - c * mx + s * my, mv - s * mx - c * my)

    @property
    def turn(self) -> float:
        """The rotation in radians, counter-clockwise as seen on the page."""
        return -math.atan2(self.sine, self.cosine)

    def apply(self, x: Float, y: Float) -> tuple[Float, Float]:
        """Move points of the first print onto the second."""
        c, s = np.float32(self.cosine), np.float32(self.sine)
        return (c * x - s * y + np.float32(self.shift_x), s * x + c * y + np.float32(self.shift_y))

    def back(self, u: Float, v: Float) -> tuple[Float, Float]:
        """Move points of the second print onto the first."""
        c, s = np.float32(self.cosine), np.float32(self.sine)
        u, v = u - np.float32(self.shift_x), v - np.float32(self.shift_y)
        return c * u + s * v, c * v - s * u

    def on_grid(self, step: int) -> Float:
        """Return the 2 x 3 matrix of the same motion between grids of `step` px, whose points are cells' middles."""
        c, s, middle = self.cosine, self.sine, (step - 1) / 2
        x = (c * middle - s * middle + self.shift_x - middle) / step
        y = (s * middle + c * middle + self.shift_y - middle) / step
        return np.array([[c, -s, x], [s, c, y]], np.float32)
