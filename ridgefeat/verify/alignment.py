"""One print laid over the other: the motion that the strongest pairs agree on, and which minutiae then meet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ridgefeat.verify.cylinders import wrap
from ridgefeat.verify.motion import Motion
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
