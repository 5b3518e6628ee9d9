"""Pairing: the most similar pairs of minutiae, and the motion and the stretch of the skin on which the strongest agree.

Local similarity sort with relaxation (LSS-R) of Cappelli, Ferrara and Maltoni (2010, see cylinders). What differs:
twice as many pairs enter the relaxation, it runs 3 rounds instead of 5, pairs are ranked by their relaxed similarity
instead of its ratio to the first, and at most 10 are averaged instead of 12.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ridgefeat.structure import Float, Minutiae
from ridgefeat.verify.geometry import Deformation, Motion, wrap
from ridgefeat.verify.template import Template, inside

ROUNDS = 3
PAIRS_PER_MINUTIA = 2
MAX_PAIRS = 100
RETENTION = 0.5
"""Weight of a pair's own strength in a round of relaxation; the rest comes from the pairs that agree with it."""
_DISTANCE_SIGMOID = (5.0, 1.6)
_ANGLE_SIGMOID = (np.pi / 12, 30.0)
"""Midpoint (pixels, radians) and slope."""
MIN_AVERAGED, MAX_AVERAGED = 4, 10
"""Pairs whose strengths are averaged, for prints of few and of many minutiae."""
AVERAGED_MIDPOINT, AVERAGED_SLOPE = 20.0, 0.4
"""Minutiae at which the number is halfway, and how fast it rises."""
MAX_DISTANCES = (18.0, 14.0)
"""Pixels between paired minutiae, in each round that refines the motion."""
MAX_RESIDUALS = (20.0, 16.0, 12.0)
"""Pixels between them after the deformation, in each round that refines it; the last one decides."""
MIN_DEFORMED = 3
"""Minimum number of pairs to estimate a deformation from."""
MAX_DIRECTION_DIFFERENCE = np.pi / 6
"""Radians between the directions of paired minutiae."""
_DIRECTION_WEIGHT = 0.5
_UNPAIRED = np.float32(9)

Index = np.ndarray


@dataclass(frozen=True, eq=False)
class Geometry:
    """Relative positions and directions of a template's minutiae, invariant to rotation and translation."""

    distance: Float  # shape (n, n), as all three; pixels
    turn: Float  # difference of directions, radians
    bearing: Float  # direction towards another minutia, relative to the first one's own direction, radians

    @classmethod
    def from_minutiae(cls, m: Minutiae) -> Geometry:
        """Return the geometry of minutiae."""
        across, up = m.x - m.x[:, None], m.y[:, None] - m.y
        own = m.direction[:, None]
        return cls(np.hypot(across, up), wrap(own - m.direction), wrap(own - np.arctan2(up, across)))

    def select(self, i: Index) -> tuple[Float, Float, Float]:
        """Return the three matrices for the minutiae at an index."""
        flat = i[:, None] * len(self.distance) + i
        return self.distance.take(flat), self.turn.take(flat), self.bearing.take(flat)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of minutiae that may correspond."""

    first: Index  # shape (k,)
    second: Index
    strength: Float  # relaxed similarity, shape (k,)
    agreement: Float  # how well every two pairs fit one motion, 0 to 1, shape (k, k); the diagonal is 0

    def mean(self, count: int) -> float:
        """Return the mean strength of the `count` strongest."""
        count = min(count, len(self.strength))
        return float(np.partition(self.strength, -count)[-count:].mean()) if count else 0.0


def relaxed_pairs(alike: Float, first: Geometry, second: Geometry) -> Pairs:
    """Return the most similar pairs, given similarities of shape (n first, n second), and relax their strength."""
    count = min(PAIRS_PER_MINUTIA * min(alike.shape), alike.size, MAX_PAIRS)
    flat = alike.ravel()
    best = np.argpartition(-flat, count - 1)[:count]
    best = best[np.lexsort((best, -flat[best]))]
    i, j = np.divmod(best, alike.shape[1])
    strength = flat[best]
    agreement = _agreement(first.select(i), second.select(j))
    support = np.float32((1 - RETENTION) / max(count - 1, 1))
    for _ in range(ROUNDS):
        strength = np.float32(RETENTION) * strength + support * (agreement @ strength)
    return Pairs(i, j, strength, agreement)


def count_averaged(first: int, second: int) -> int:
    """Return the number of pairs to average: more if both prints have many minutiae.

    Examples
    --------
    >>> [count_averaged(n, 80) for n in (8, 20, 40)]
    [4, 7, 10]
    """
    rise = 1 / (1 + np.exp(-AVERAGED_SLOPE * (min(first, second) - AVERAGED_MIDPOINT)))
    return MIN_AVERAGED + round(float(rise) * (MAX_AVERAGED - MIN_AVERAGED))


def _agreement(one: tuple[Float, Float, Float], two: tuple[Float, Float, Float]) -> Float:
    """Return the product of three falling sigmoids: of the differences in distance, direction and bearing."""
    middle, slope = (np.float32(v) for v in _DISTANCE_SIGMOID)
    angle, steep = (np.float32(v) for v in _ANGLE_SIGMOID)
    by_distance = slope * (np.abs(one[0] - two[0]) - middle)
    by_turn = steep * (np.abs(wrap(one[1] - two[1])) - angle)
    by_bearing = steep * (np.abs(wrap(one[2] - two[2])) - angle)
    # Beyond e^28 the product is 0 in single precision anyway, and further on it would overflow.
    parts = [1 + np.exp(np.minimum(v, np.float32(28))) for v in (by_distance, by_turn, by_bearing)]
    out = 1 / (parts[0] * parts[1] * parts[2])
    np.fill_diagonal(out, 0)
    return np.asarray(out, np.float32)


@dataclass(frozen=True, eq=False)
class Alignment:
    """One print aligned with another."""

    motion: Motion  # of the first print onto the second
    deformation: Deformation | None  # of the second print onto the moved first
    first: Index  # paired minutiae, one to one, shape (k,)
    second: Index
    common: tuple[int, int]  # minutiae of the first and of the second print in the area that both cover

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
    apart = a.direction[:, None] - b.direction
    for max_distance in MAX_DISTANCES:
        x, y = motion.apply(a.x, a.y)
        i, j = _pair_nearest(x[:, None] - b.x, y[:, None] - b.y, apart + np.float32(motion.rotation), max_distance)
        if len(i) < 2:
            break
        if len(i) > 2:
            motion = Motion.fit(a.x[i], a.y[i], b.x[j], b.y[j], np.ones(len(i), np.float32))
    x, y = motion.apply(a.x, a.y)
    apart += np.float32(motion.rotation)
    deformation = None
    for max_distance in MAX_RESIDUALS:
        if len(i) < MIN_DEFORMED:
            break
        deformation = Deformation.fit(b.x[j], b.y[j], x[i] - b.x[j], y[i] - b.y[j])
        right, down = deformation.at(b.x, b.y)
        i, j = _pair_nearest(x[:, None] - (b.x + right), y[:, None] - (b.y + down), apart, max_distance)
    common = [inside(second.mask, x, y), inside(first.mask, *motion.invert(b.x, b.y))]
    n_first, n_second = (max(int(c.sum()), len(i)) for c in common)
    return Alignment(motion, deformation, i, j, (n_first, n_second))


def _pair_nearest(right: Float, down: Float, turn: Float, max_distance: float) -> tuple[Index, Index]:
    """Return the minutiae that are mutual nearest neighbours in position and direction, and near enough.

    Given are the differences of positions and directions of every two, shape (n first, n second).
    """
    distance = np.hypot(right, down) * np.float32(1 / max_distance)
    turn = np.abs(wrap(turn)) * np.float32(1 / MAX_DIRECTION_DIFFERENCE)
    cost = np.where((distance > 1) | (turn > 1), _UNPAIRED, distance + np.float32(_DIRECTION_WEIGHT) * turn)
    nearest = cost.argmin(1)
    own = np.arange(len(cost))
    paired = np.flatnonzero((cost[own, nearest] < _UNPAIRED) & (cost.argmin(0)[nearest] == own))
    return paired, nearest[paired]
