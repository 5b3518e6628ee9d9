"""Identification: a probe against a gallery, the candidates ranked, and the false match rate of each score.

A rate is counted on known data, never extrapolated: if no comparison of the data reached a score, only an upper bound
is given (95 %, Clopper and Pearson 1934). It holds for prints like those of the data.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from ridgefeat.errors import LayoutError, ParameterError, ScoreError
from ridgefeat.threshold import read_scores
from ridgefeat.verify.enrolment import Entry, PathLike
from ridgefeat.verify.protocols import Plan
from ridgefeat.verify.template import Template
from ridgefeat.verify.verification import compare_all

CONFIDENCE = 0.95
BUNDLED = "impostors.json"
KINDS = ("ridges", "minutiae")
"""Bundled counts: for prints, and for templates of minutiae alone."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Counts of the non-mated scores of known data.

    Attributes
    ----------
    score : ndarray of float64, shape (k,)
        Rising scores.
    reached : ndarray of int64, shape (k,)
        Number of non-mated comparisons that reached each score.
    comparisons : int
        Number of non-mated comparisons.
    data : str
        The data on which they were counted.

    Examples
    --------
    >>> calibration = Calibration.from_scores(np.array([-3.0, -1.0, 0.0, 2.0]), "four prints")
    >>> calibration.count(0), calibration.count(1), calibration.count(3)
    (2, 2, 0)
    >>> rate, bound = calibration.fmr(3)
    >>> rate, round(bound, 3)
    (0.0, 0.527)
    """

    score: NDArray[np.float64]
    reached: NDArray[np.int64]
    comparisons: int
    data: str

    def count(self, score: float) -> int:
        """Return the number of non-mated comparisons that reached a score; between stored scores the larger count."""
        at = int(np.searchsorted(self.score, score, "right")) - 1
        if at < 0:
            return self.comparisons
        if self.score[at] == score:
            return int(self.reached[at])
        # Above the highest score there is none; otherwise there are fewer than at the last stored score.
        return int(self.reached[at]) if at + 1 < len(self.score) else 0

    def fmr(self, score: float) -> tuple[float, float]:
        """Return the false match rate with a score as threshold, and its upper bound (95 %, one-sided)."""
        n, k = self.comparisons, self.count(score)
        high = 1.0 if k >= n else float(beta.ppf(CONFIDENCE, k + 1, n - k))
        return k / n, high

    @classmethod
    def from_scores(cls, score: NDArray[np.float64], data: str, *, max_points: int = 400) -> Calibration:
        """Return the calibration of non-mated scores; about `max_points` of them are kept, the highest all.

        Raises ScoreError if there is no score.
        """
        known = np.sort(score[np.isfinite(score)])
        if not len(known):
            raise ScoreError(f"{data}: no non-mated comparison has a score, so no false match rate can be counted")
        tail = np.arange(max(0, len(known) - max_points // 2), len(known))
        spread = np.linspace(0, len(known) - 1, max_points // 2).astype(np.int64)
        kept = np.unique(known[np.union1d(tail, spread)])
        return cls(kept, len(known) - np.searchsorted(known, kept, "left"), len(known), data)


@dataclass(frozen=True)
class Candidate:
    """A print of the gallery, as ranked by identification.

    Attributes
    ----------
    rank : int
        From 1.
    reference, subject : str
        The print and its subject.
    score : float
    fmr, fmr_at_most : float
        False match rate with this score as threshold, on the data of the calibration, and its upper bound (95 %).
    reached : int
        Number of non-mated comparisons of that data that reached the score.
    expected : float
        Number of prints in a gallery of this size that would reach the score by chance, at `fmr_at_most`.
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
    """Return the `top` prints of a gallery that are most similar to a probe, the most similar first.

    Entries of the gallery that failed are left out. The false match rates are those of `calibration`; `jobs` is the
    number of worker processes. Raises ParameterError if `top` is not positive, and LayoutError if the probe failed, or
    no print of the gallery can be compared.

    Examples
    --------
    >>> from ridgefeat.structure import Minutiae
    >>> from ridgefeat.verify import prepare, template_from_minutiae
    >>> entries = []
    >>> for name, seed in (("probe", 0), ("same", 0), ("other", 1)):
    ...     x, y = np.float32(np.random.default_rng(seed).uniform(0, 200, (2, 30)))
    ...     m = Minutiae(x, y, x / 40, np.ones(30, np.uint8), np.full(30, 80, np.float32))
    ...     entries.append(Entry(name, content=prepare(template_from_minutiae(m))))
    >>> found = identify(entries[0], entries[1:], load_calibration(kind="minutiae"))
    >>> [(c.rank, c.reference, c.reached == 0) for c in found]
    [(1, 'same', True), (2, 'other', False)]
    """
    if top < 1:
        raise ParameterError(f"top must be 1 or more, got {top}")
    if probe.content is None:
        raise LayoutError(f"{probe.name} cannot be searched for: {probe.failure}")
    enrolled = [i for i, entry in enumerate(gallery) if entry.content is not None]
    if not enrolled:
        raise LayoutError(f"none of the {len(gallery)} prints of the gallery can be compared")
    reference = np.array(enrolled, np.int64) + 1
    plan = Plan(np.zeros(len(enrolled), np.int64), reference, np.zeros(len(enrolled), bool))
    scores = compare_all([probe, *gallery], plan, jobs=jobs)
    found = []
    for rank, k in enumerate(np.lexsort((reference, -scores))[:top].tolist(), 1):
        entry, score = gallery[enrolled[k]], round(float(scores[k]), 6)
        fmr, high = calibration.fmr(score)
        reached, expected = calibration.count(score), high * len(enrolled)
        found.append(Candidate(rank, entry.name, entry.subject, score, fmr, high, reached, expected))
    return found


def load_calibration(path: PathLike | None = None, *, kind: str = "ridges") -> Calibration:
    """Return the false match rates of scores, as counted on known data.

    Parameters
    ----------
    path : path, optional
        A table of scores of the same comparator, as `verify` writes it; the bundled counts if omitted.
    kind : {"ridges", "minutiae"}
        Which of the bundled counts: of prints, or of templates of minutiae alone.

    Raises
    ------
    ScoreError
        If the table cannot be read or holds no non-mated score.
    """
    if path is not None:
        found = read_scores(Path(path)).scores
        return Calibration.from_scores(found.similarity[~found.mated], Path(path).name)
    held = json.loads(files("ridgefeat.verify").joinpath(BUNDLED).read_text("utf-8"))[kind]
    score, reached = np.array(held["score"], np.float64), np.array(held["reached"], np.int64)
    return Calibration(score, reached, int(held["comparisons"]), str(held["data"]))


def have_ridges(entries: Sequence[Entry]) -> bool:
    """Return whether all templates hold ridges, not minutiae alone; entries that failed are ignored."""
    templates: list[Template] = [e.content.template for e in entries if e.content is not None]
    return all(t.waves is not None for t in templates)
