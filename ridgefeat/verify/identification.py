"""One print against a gallery: who is most alike, and what each score stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ridgefeat.errors import LayoutError, ParameterError
from ridgefeat.verify.calibration import Calibration
from ridgefeat.verify.comparing import compare_all
from ridgefeat.verify.entries import Entry
from ridgefeat.verify.protocols import Plan
from ridgefeat.verify.template import Template


@dataclass(frozen=True)
class Candidate:
    """One of the gallery, as a search ranks it.

    Attributes
    ----------
    rank : int
        From 1.
    reference, subject : str
        Which print, and whose.
    score : float
    fmr, fmr_at_most : float
        False match rate at this score as threshold on the calibration's data, and how high it may be (95 %).
    reached : int
        How many non-mated comparisons of that data the rate rests on.
    expected : float
        How many of a gallery of this size would reach the score by chance, at `fmr_at_most`.
    """

    rank: int
    reference: str
    subject: str
    score: float
    fmr: float
    fmr_at_most: float
    reached: int
    expected: float


def identify(
    probe: Entry, gallery: Sequence[Entry], calibration: Calibration, *, top: int = 10, jobs: int = 1
) -> list[Candidate]:
    """Rank a gallery by its likeness to a print.

    Parameters
    ----------
    probe : Entry
    gallery : sequence of Entry
        Those that failed are left out.
    calibration : Calibration
    top : int
        How many are wanted.
    jobs : int

    Returns
    -------
    list of Candidate
        The most alike first.

    Raises
    ------
    ParameterError
        If `top` is not positive.
    LayoutError
        If the probe failed, or nothing of the gallery can be compared.
    """
    if top < 1:
        raise ParameterError(f"top must be 1 or more, got {top}")
    if probe.content is None:
        raise LayoutError(f"{probe.name} cannot be searched for: {probe.failure}")
    there = [i for i, entry in enumerate(gallery) if entry.content is not None]
    if not there:
        raise LayoutError(f"none of the {len(gallery)} prints of the gallery can be compared")
    reference = np.array(there, np.int64) + 1
    plan = Plan(np.zeros(len(there), np.int64), reference, np.zeros(len(there), bool))
    scores = compare_all([probe, *gallery], plan, jobs=jobs)
    ranked = np.lexsort((reference, -scores))[:top]
    found = []
    for rank, k in enumerate(ranked.tolist(), 1):
        entry, score = gallery[there[k]], round(float(scores[k]), 6)
        fmr, high = calibration.fmr(score)
        found.append(
            Candidate(rank, entry.name, entry.subject, score, fmr, high, calibration.count(score), high * len(there))
        )
    return found


def ridges_known(entries: Sequence[Entry]) -> bool:
    """Return whether all that can be compared holds ridges, not minutiae alone."""
    templates: list[Template] = [e.content.template for e in entries if e.content is not None]
    return all(t.waves is not None for t in templates)
