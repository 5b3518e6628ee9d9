"""The comparator of minutiae: cylinders, relaxation, alignment, and the coherence of the ridges in the overlap.

The score is a weighted sum of three measures. `local_similarity` (its logarithm): the similarity of the strongest
pairs' neighbourhoods, relaxed by how well the pairs agree (Minutia Cylinder-Code, LSS-R). `paired_fraction`: after
alignment, the fraction of the minutiae in the overlap that are paired. `ridge_coherence`: how well the ridges are in
phase there. The weights are those of a logistic regression of mated against non-mated comparisons, so that the score is
about the logarithm of the odds that both prints are of one finger, if both kinds are equally frequent. It was fitted by
benchmarks/verify_left_out.py on FVC2002's four databases, FVC2004 DB1_B, FCJ2020 and 160 simulated prints, all with the
same weight. What odds a score means on other prints, only a calibration on such prints shows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ridgefeat.brief import Brief
from ridgefeat.verify.cylinders import Cylinders, compute_cylinders, similarity
from ridgefeat.verify.pairing import Geometry, align, count_averaged, relaxed_pairs
from ridgefeat.verify.template import Template
from ridgefeat.verify.waves import coherence
from ridgefeat.work.threads import one_thread

Float = NDArray[np.float64]
WEIGHTS_WITH_RIDGES = (20.7, 12.5, 6.8, 14.3)
WEIGHTS_MINUTIAE_ONLY = (39.9, 17.8, 9.6)
"""Intercept, and weights of the logarithm of `local_similarity`, of `paired_fraction` and of `ridge_coherence`."""
MIN_LOCAL_SIMILARITY = 0.004
"""Lower bound of what the logarithm is taken of."""


@dataclass(frozen=True, eq=False, repr=False)
class PreparedTemplate(Brief):
    """A template, and what is computed from it once for all its comparisons: its cylinders and its geometry."""

    template: Template
    cylinders: Cylinders
    geometry: Geometry

    def precedes(self, other: PreparedTemplate) -> bool:
        """Return whether this one is aligned with the other; by content alone, so that the score is symmetric."""
        a, b = self.template.minutiae, other.template.minutiae
        if len(a) != len(b):
            return len(a) < len(b)
        return (a.x.tobytes(), a.y.tobytes()) <= (b.x.tobytes(), b.y.tobytes())


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Brief):
    """The result of comparing two prints.

    Attributes
    ----------
    score : float
        Similarity: about the logarithm of the odds that both prints are of one finger.
    local_similarity : float
        Relaxed similarity of the strongest pairs of minutiae, 0 to 1.
    paired_fraction : float
        Paired minutiae as a fraction of those in the overlap, 0 to 1.
    ridge_coherence : float
        Phase coherence of the ridges in the overlap, 0 to 1; NaN if only minutiae are known.
    area : float
        Overlap in mm²; NaN if only minutiae are known.
    first, second : ndarray of int, shape (k,)
        Indices of the paired minutiae, one to one.
    rotation : float
        Rotation of the first print onto the second, radians counter-clockwise.
    """

    score: float
    local_similarity: float
    paired_fraction: float
    ridge_coherence: float
    area: float
    first: np.ndarray
    second: np.ndarray
    rotation: float


def prepare(template: Template) -> PreparedTemplate:
    """Return a template with its cylinders and its geometry, computed once for all its comparisons."""
    return PreparedTemplate(template, compute_cylinders(template), Geometry.from_minutiae(template.minutiae))


# On two threads the matrices of two prints take twice the processor time, and no less time.
@one_thread()
def compare(first: PreparedTemplate | Template, second: PreparedTemplate | Template) -> Comparison:
    """Compare two prints.

    Parameters
    ----------
    first, second : PreparedTemplate or Template
        Prepare templates that are compared more than once.

    Returns
    -------
    Comparison
        The score does not depend on the order of the two.

    Examples
    --------
    A template compared with itself:

    >>> from ridgefeat.structure import Minutiae
    >>> from ridgefeat.verify import template_from_minutiae
    >>> x, y = (np.float32(np.random.default_rng(seed).uniform(0, 200, 30)) for seed in (0, 1))
    >>> m = Minutiae(x, y, x / 40, np.ones(30, np.uint8), np.full(30, 80, np.float32))
    >>> found = compare(template_from_minutiae(m), template_from_minutiae(m))
    >>> found.score > 20, found.paired_fraction, len(found.first)
    (True, 1.0, 30)
    """
    a, b = (p if isinstance(p, PreparedTemplate) else prepare(p) for p in (first, second))
    swapped = not a.precedes(b)
    if swapped:
        a, b = b, a
    directions = (a.template.minutiae.direction, b.template.minutiae.direction)
    pairs = relaxed_pairs(similarity(a.cylinders, b.cylinders, directions), a.geometry, b.geometry)
    local = pairs.mean(count_averaged(len(a.template), len(b.template)))
    aligned = align(a.template, b.template, pairs)
    fraction, rotation, ridge_coherence, area = 0.0, 0.0, math.nan, math.nan
    i = j = np.zeros(0, np.intp)
    if aligned is not None:
        fraction, rotation = aligned.paired_fraction, aligned.motion.rotation
        i, j = aligned.first, aligned.second
    if a.template.waves is not None and b.template.waves is not None:
        ridge_coherence = area = 0.0
        if aligned is not None:
            moved = aligned.motion, aligned.deformation
            ridge_coherence, area = coherence(a.template.waves, b.template.waves, *moved)
    if swapped:
        i, j, rotation = j, i, -rotation
    score = fused_score(local, fraction, ridge_coherence)
    return Comparison(score, local, fraction, ridge_coherence, area, i, j, rotation)


def fused_score(local_similarity: float, paired_fraction: float, ridge_coherence: float = math.nan) -> float:
    """Return the score of three measures; without the coherence of ridges the weights are those of minutiae alone.

    Examples
    --------
    >>> round(fused_score(0.1, 0.5, 0.8), 3)
    6.758
    >>> round(fused_score(0.1, 0.5), 3)
    3.714
    """
    logarithm = math.log(max(local_similarity, MIN_LOCAL_SIMILARITY))
    if math.isnan(ridge_coherence):
        intercept, by_local, by_fraction = WEIGHTS_MINUTIAE_ONLY
        return intercept + by_local * logarithm + by_fraction * paired_fraction
    intercept, by_local, by_fraction, by_coherence = WEIGHTS_WITH_RIDGES
    return intercept + by_local * logarithm + by_fraction * paired_fraction + by_coherence * ridge_coherence


def minutiae_scores(pairs: Sequence[tuple[PreparedTemplate, PreparedTemplate]]) -> Float:
    """Return the scores of pairs of prepared templates, float64, shape (n,)."""
    return np.array([compare(a, b).score for a, b in pairs], np.float64)
