"""Which minutiae of two prints go together: the most similar pairs, and how well each agrees with the others.

Local similarity sort with relaxation (LSS-R) of Cappelli, Ferrara and Maltoni (2010, see cylinders). What differs:
twice as many pairs enter the relaxation, it runs 3 rounds instead of 5, pairs are ranked by their relaxed similarity
instead of its ratio to the first, and at most 10 are averaged instead of 12.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ridgefeat.structure import Float, Minutiae
from ridgefeat.verify.cylinders import wrap

ROUNDS = 3
PAIRS_A_MINUTIA = 2
MOST_PAIRS = 100
KEPT = 0.5
_DISTANCE = (5.0, 1.6)
_ANGLE = (np.pi / 12, 30.0)
_FEWEST, _MOST, _MIDDLE, _SLOPE = 4, 10, 20.0, 0.4

Index = np.ndarray


@dataclass(frozen=True, eq=False)
class Geometry:
    """How a template's minutiae lie to each other; nothing of it changes with rotation or translation.

    Attributes
    ----------
    distance : ndarray of float32, shape (n, n)
        Pixels.
    turn : ndarray of float32, shape (n, n)
        Difference of directions, radians.
    bearing : ndarray of float32, shape (n, n)
        Direction in which another minutia lies, from the first one's own direction, radians.
    """

    distance: Float
    turn: Float
    bearing: Float

    @classmethod
    def of(cls, m: Minutiae) -> Geometry:
        """Return the geometry of minutiae."""
        across, up = m.x - m.x[:, None], m.y[:, None] - m.y
        own = m.direction[:, None]
        return cls(np.hypot(across, up), wrap(own - m.direction), wrap(own - np.arctan2(up, across)))

    def among(self, i: Index) -> tuple[Float, Float, Float]:
        """Return the three for the minutiae at an index."""
        pick = np.ix_(i, i)
        return self.distance[pick], self.turn[pick], self.bearing[pick]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of minutiae that may correspond.

    Attributes
    ----------
    first, second : ndarray of int, shape (k,)
        Which minutiae.
    strength : ndarray of float32, shape (k,)
        Relaxed similarity.
    agreement : ndarray of float32, shape (k, k)
        How well every two pairs can be had by one motion, 0 to 1; diagonal 0.
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
    count = min(PAIRS_A_MINUTIA * min(alike.shape), alike.size, MOST_PAIRS)
    flat = alike.ravel()
    best = np.argpartition(-flat, count - 1)[:count]
    best = best[np.lexsort((best, -flat[best]))]
    i, j = np.divmod(best, alike.shape[1])
    strength = flat[best]
    agreement = _agreement(first.among(i), second.among(j))
    share = np.float32((1 - KEPT) / max(count - 1, 1))
    for _ in range(ROUNDS):
        strength = np.float32(KEPT) * strength + share * (agreement @ strength)
    return Pairs(i, j, strength, agreement)


def averaged(first: int, second: int) -> int:
    """Return of how many pairs the mean is taken: more where both prints have many minutiae."""
    rise = 1 / (1 + np.exp(-_SLOPE * (min(first, second) - _MIDDLE)))
    return _FEWEST + round(float(rise) * (_MOST - _FEWEST))


def _agreement(one: tuple[Float, Float, Float], two: tuple[Float, Float, Float]) -> Float:
    """Product of three falling sigmoids: of distance, of difference in direction, of bearing."""
    middle, slope = (np.float32(v) for v in _DISTANCE)
    angle, steep = (np.float32(v) for v in _ANGLE)
    by_distance = slope * (np.abs(one[0] - two[0]) - middle)
    by_turn = steep * (np.abs(wrap(one[1] - two[1])) - angle)
    by_bearing = steep * (np.abs(wrap(one[2] - two[2])) - angle)
    # Beyond e^28 the product is 0 in single precision anyway, and further on it would overflow.
    parts = [1 + np.exp(np.minimum(v, np.float32(28))) for v in (by_distance, by_turn, by_bearing)]
    out = 1 / (parts[0] * parts[1] * parts[2])
    np.fill_diagonal(out, 0)
    return np.asarray(out, np.float32)
