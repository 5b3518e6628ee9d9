"""Candidate pairs of minutiae: the most similar ones, and how well each agrees with the others.

Local similarity sort with relaxation (LSS-R) of Cappelli, Ferrara and Maltoni (2010, see cylinders). What differs:
twice as many pairs enter the relaxation, it runs 3 rounds instead of 5, pairs are ranked by their relaxed similarity
instead of its ratio to the first, and at most 10 are averaged instead of 12.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ridgefeat.structure import Float, Minutiae
from ridgefeat.verify.geometry import wrap

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

Index = np.ndarray


@dataclass(frozen=True, eq=False)
class Geometry:
    """Relative positions and directions of a template's minutiae, invariant to rotation and translation.

    Attributes
    ----------
    distance : ndarray of float32, shape (n, n)
        Pixels.
    turn : ndarray of float32, shape (n, n)
        Difference of directions, radians.
    bearing : ndarray of float32, shape (n, n)
        Direction towards another minutia, relative to the first one's own direction, radians.
    """

    distance: Float
    turn: Float
    bearing: Float

    @classmethod
    def from_minutiae(cls, m: Minutiae) -> Geometry:
        """Return the geometry of minutiae."""
        across, up = m.x - m.x[:, None], m.y[:, None] - m.y
        own = m.direction[:, None]
        return cls(np.hypot(across, up), wrap(own - m.direction), wrap(own - np.arctan2(up, across)))

    def select(self, i: Index) -> tuple[Float, Float, Float]:
        """Return the three matrices for the minutiae at an index."""
        pick = np.ix_(i, i)
        return self.distance[pick], self.turn[pick], self.bearing[pick]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of minutiae that may correspond.

    Attributes
    ----------
    first, second : ndarray of int, shape (k,)
        Indices of the minutiae.
    strength : ndarray of float32, shape (k,)
        Relaxed similarity.
    agreement : ndarray of float32, shape (k, k)
        How well every two pairs fit one motion, 0 to 1; the diagonal is 0.
    """

    first: Index
    second: Index
    strength: Float
    agreement: Float

    def mean(self, count: int) -> float:
        """Return the mean strength of the `count` strongest."""
        count = min(count, len(self.strength))
        return float(np.partition(self.strength, -count)[-count:].mean()) if count else 0.0


def relaxed_pairs(alike: Float, first: Geometry, second: Geometry) -> Pairs:
    """Return the most similar pairs and their similarity after relaxation.

    Parameters
    ----------
    alike : ndarray of float32, shape (n first, n second)
    first, second : Geometry
    """
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

    Parameters
    ----------
    first, second : int
        Minutiae of the two prints.

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
