"""Alignment: the motion on which the strongest pairs agree, and the minutiae that are then paired."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ridgefeat.verify.geometry import Motion, wrap
from ridgefeat.verify.pairing import Index, Pairs
from ridgefeat.verify.template import Template, inside

MAX_DISTANCES = (18.0, 14.0)
"""Pixels between paired minutiae, while the motion is refined and at the end."""
MAX_DIRECTION_DIFFERENCE = np.pi / 6
"""Radians between the directions of paired minutiae."""
_DIRECTION_WEIGHT = 0.5
_UNPAIRED = np.float32(9)


@dataclass(frozen=True, eq=False)
class Alignment:
    """One print aligned with another.

    Attributes
    ----------
    motion : Motion
        Motion of the first print onto the second.
    first, second : ndarray of int, shape (k,)
        Paired minutiae, one to one.
    common : (int, int)
        Number of minutiae of the first and of the second print in the area that both prints cover.
    """

    motion: Motion
    first: Index
    second: Index
    common: tuple[int, int]

    @property
    def paired_fraction(self) -> float:
        """Paired minutiae as a fraction of those in the common area (geometric mean of the two prints)."""
        return float(len(self.first) / np.sqrt(max(self.common[0], 1) * max(self.common[1], 1)))


def align(first: Template, second: Template, pairs: Pairs) -> Alignment | None:
    """Align the first print with the second; return None if no two pairs agree."""
    support = pairs.strength * (pairs.agreement @ pairs.strength)
    seed = int(support.argmax())
    weight = pairs.agreement[seed] * pairs.strength
    weight[seed] = pairs.strength[seed]
    if np.count_nonzero(weight > np.float32(1e-6)) < 2:
        return None
    a, b = first.minutiae, second.minutiae
    i, j = pairs.first, pairs.second
    motion = Motion.fit(a.x[i], a.y[i], b.x[j], b.y[j], weight)
    for max_distance in MAX_DISTANCES:
        i, j = _pair_nearest(first, second, motion, max_distance)
        if len(i) < 2:
            break
        if len(i) > 2:
            motion = Motion.fit(a.x[i], a.y[i], b.x[j], b.y[j], np.ones(len(i), np.float32))
    common = [inside(second.mask, *motion.apply(a.x, a.y)), inside(first.mask, *motion.invert(b.x, b.y))]
    n_first, n_second = (max(int(c.sum()), len(i)) for c in common)
    return Alignment(motion, i, j, (n_first, n_second))


def _pair_nearest(first: Template, second: Template, motion: Motion, max_distance: float) -> tuple[Index, Index]:
    """Return the minutiae that are mutual nearest neighbours in position and direction, and near enough."""
    a, b = first.minutiae, second.minutiae
    x, y = motion.apply(a.x, a.y)
    distance = np.hypot(x[:, None] - b.x, y[:, None] - b.y) * np.float32(1 / max_distance)
    turn = np.abs(wrap(a.direction[:, None] + np.float32(motion.rotation) - b.direction))
    turn *= np.float32(1 / MAX_DIRECTION_DIFFERENCE)
    cost = np.where((distance > 1) | (turn > 1), _UNPAIRED, distance + np.float32(_DIRECTION_WEIGHT) * turn)
    nearest = cost.argmin(1)
    own = np.arange(len(a))
    paired = np.flatnonzero((cost[own, nearest] < _UNPAIRED) & (cost.argmin(0)[nearest] == own))
    return paired, nearest[paired]
