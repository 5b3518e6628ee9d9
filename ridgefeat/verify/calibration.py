"""What a score stands for: how many non-mated comparisons of known data reached it.

A rate is counted, never extrapolated: where no comparison of the data reached a score, all that is said is how high the
rate may still be (95 %, Clopper and Pearson 1934). It holds for prints like those that it was counted on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ridgefeat.errors import ScoreError
from ridgefeat.verify.entries import PathLike

CONFIDENCE = 0.95
SHIPPED = "impostors.json"
KINDS = ("ridges", "minutiae")
"""Scores of prints whose ridges are known, and of templates that hold minutiae alone."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Non-mated scores of known data, as counts.

    Attributes
    ----------
    score : ndarray of float64, shape (k,)
        Rising.
    reached : ndarray of int64, shape (k,)
        How many non-mated comparisons scored as much or more.
    comparisons : int
        How many there were.
    data : str
        Where they came from.
    """

    score: NDArray[np.float64]
    reached: NDArray[np.int64]
    comparisons: int
    data: str

    def count(self, score: float) -> int:
        """Return how many non-mated comparisons reached a score; between stored scores the larger count."""
        at = int(np.searchsorted(self.score, score, "right")) - 1
        if at < 0:
            return self.comparisons
        if self.score[at] == score:
            return int(self.reached[at])
        # Above the highest that was ever reached there is none; otherwise fewer than at the last stored one.
        return int(self.reached[at]) if at + 1 < len(self.score) else 0

    def fmr(self, score: float) -> tuple[float, float]:
        """Return the false match rate at a score taken as threshold, and how high it may be (95 %, one-sided)."""
        from scipy.stats import beta

        n, k = self.comparisons, self.count(score)
        high = 1.0 if k >= n else float(beta.ppf(CONFIDENCE, k + 1, n - k))
        return k / n, high


def of_scores(score: NDArray[np.float64], data: str, *, most: int = 400) -> Calibration:
    """Return the calibration of non-mated scores, keeping at most about `most` of them, the highest all.

    Raises
    ------
    ScoreError
        If there is none.
    """
    known = np.sort(score[np.isfinite(score)])
    if not len(known):
        raise ScoreError(f"{data}: no non-mated comparison has a score, so that no false match rate can be counted")
    tail = np.arange(max(0, len(known) - most // 2), len(known))
    spread = np.linspace(0, len(known) - 1, most // 2).astype(np.int64)
    kept = np.unique(known[np.union1d(tail, spread)])
    return Calibration(kept, len(known) - np.searchsorted(known, kept, "left"), len(known), data)


def load_calibration(path: PathLike | None = None, *, kind: str = "ridges") -> Calibration:
    """Return what a score stands for.

    Parameters
    ----------
    path : path, optional
        A table of scores as `verify` writes it, of the same comparator; without it the counts that come with the
        package.
    kind : {"ridges", "minutiae"}
        Of the counts that come with the package: prints, or templates that hold minutiae alone.

    Raises
    ------
    ScoreError
        If the table cannot be read or holds no non-mated score.
    """
    if path is not None:
        from ridgefeat.threshold import read_scores

        found = read_scores(Path(path)).scores
        return of_scores(found.similarity[~found.mated], Path(path).name)
    held = json.loads(files("ridgefeat.verify").joinpath(SHIPPED).read_text("utf-8"))[kind]
    return Calibration(
        np.array(held["score"], np.float64),
        np.array(held["reached"], np.int64),
        int(held["comparisons"]),
        str(held["data"]),
    )
