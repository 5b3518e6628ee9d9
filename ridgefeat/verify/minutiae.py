"""The comparator of minutiae: cylinders, relaxation, alignment, and the ridges where the two prints overlap.

Three measures are added up. `local`: how alike the strongest pairs' surroundings are, given that they agree with each
other (Minutia Cylinder-Code, LSS-R). `share`: once the prints lie over each other, how many of the minutiae that could
meet do. `steady`: how far the ridges keep step there. Their weights are those of a logistic regression of mated against
non-mated comparisons, so that the score is about the logarithm of the odds that the two are one finger's where both
kinds are equally frequent. It was fitted on 160 synthetic prints, FCJ2020, FVC2004 DB1_B and fingers 101 to 105 of
FVC2002's four databases. What odds a score stands for on other prints, a calibration on such prints says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ridgefeat.verify.alignment import Alignment, align
from ridgefeat.verify.cylinders import Cylinders, describe, similarity
from ridgefeat.verify.pairing import Geometry, averaged, relaxed_pairs
from ridgefeat.verify.template import Template
from ridgefeat.verify.waves import coherence

_WITH_RIDGES = (26.3, 13.0, 9.0, 5.3)
_ALONE = (31.4, 14.5, 11.8)
"""Constant, and weights of the logarithm of `local`, of `share` and of `steady`."""
_LEAST_LOCAL = 0.004


@dataclass(frozen=True, eq=False)
class Prepared:
    """A template and what is computed of it once, before it is compared with many.

    Attributes
    ----------
    template : Template
    cylinders : Cylinders
    geometry : Geometry
    """

    template: Template
    cylinders: Cylinders
    geometry: Geometry

    def goes_before(self, other: Prepared) -> bool:
        """Return whether this one is moved onto the other; by what they are, so that the score is symmetric."""
        a, b = self.template.minutiae, other.template.minutiae
        if len(a) != len(b):
            return len(a) < len(b)
        return (a.x.tobytes(), a.y.tobytes()) <= (b.x.tobytes(), b.y.tobytes())


@dataclass(frozen=True, eq=False)
class Comparison:
    """What comparing two prints gave.

    Attributes
    ----------
    score : float
        The higher, the likelier one finger's; about a logarithm of odds.
    local : float
        Relaxed similarity of the strongest pairs of minutiae.
    share : float
        Minutiae that meet, as a share of those that could, 0 to 1.
    steady : float
        How far ridges keep step over the common area, 0 to 1; NaN where only minutiae are known.
    area : float
        Common area in mm²; NaN where only minutiae are known.
    first, second : ndarray of int, shape (k,)
        Minutiae that meet, one to one.
    turn : float
        Rotation of the first print onto the second, radians counter-clockwise.
    """

    score: float
    local: float
    share: float
    steady: float
    area: float
    first: np.ndarray
    second: np.ndarray
    turn: float


def prepare(template: Template) -> Prepared:
    """Return what a template's comparisons have in common, computed once: its cylinders and its geometry.

    Parameters
    ----------
    template : Template
    """
    return Prepared(template, describe(template), Geometry.of(template.minutiae))


def compare(first: Prepared | Template, second: Prepared | Template) -> Comparison:
    """Compare two prints.

    Parameters
    ----------
    first, second : Prepared or Template
        Prepared ones where each is compared more than once.

    Returns
    -------
    Comparison
        Of the same score whichever comes first.
    """
    a, b = (p if isinstance(p, Prepared) else prepare(p) for p in (first, second))
    swapped = not a.goes_before(b)
    if swapped:
        a, b = b, a
    local, found = _lay_over(a, b)
    with_ridges = a.template.waves is not None and b.template.waves is not None
    steady, area = _keep_step(a.template, b.template, found) if with_ridges else (math.nan, math.nan)
    share = found.share if found is not None else 0.0
    score = _fused(local, share, steady)
    nothing = np.zeros(0, np.intp)
    i, j, turn = (found.first, found.second, found.motion.turn) if found is not None else (nothing, nothing, 0.0)
    if swapped:
        i, j, turn = j, i, -turn
    return Comparison(score, local, share, steady, area, i, j, turn)


def _lay_over(a: Prepared, b: Prepared) -> tuple[float, Alignment | None]:
    directions = (a.template.minutiae.direction, b.template.minutiae.direction)
    alike = similarity(a.cylinders, b.cylinders, directions)
    pairs = relaxed_pairs(alike, a.geometry, b.geometry)
    local = pairs.mean(averaged(len(a.template), len(b.template)))
    return local, align(a.template, b.template, pairs)


def _keep_step(a: Template, b: Template, found: Alignment | None) -> tuple[float, float]:
    if found is None or a.waves is None or b.waves is None:
        return 0.0, 0.0
    return coherence(a.waves, b.waves, found.motion)


def _fused(local: float, share: float, steady: float) -> float:
    rise = math.log(max(local, _LEAST_LOCAL))
    if math.isnan(steady):
        constant, by_local, by_share = _ALONE
        return constant + by_local * rise + by_share * share
    constant, by_local, by_share, by_step = _WITH_RIDGES
    return constant + by_local * rise + by_share * share + by_step * steady
