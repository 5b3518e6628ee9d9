"""Identification: a probe against a gallery, the candidates ranked, the false match rate and probability of each.

A rate is counted on known data, never extrapolated: if no comparison of the data reached a score, only an upper bound
is given (95 %, Clopper and Pearson 1934). It holds for prints like those of the data. So does the probability that a
candidate is of the probe's finger, which is Bayes' theorem over the fingers of the gallery, with likelihood ratios
fitted to the same data.

If the first candidate is not sure, the probe's image is read again as a latent: at several scales and with fainter
ridges. The highest score of all readings counts, and rates and probabilities are those of latents searched like that.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import beta

from ridgefeat.errors import LayoutError, ParameterError, ScoreError
from ridgefeat.files import first_few
from ridgefeat.threshold import read_scores
from ridgefeat.verify.enrolment import Entry, PathLike
from ridgefeat.verify.gallery import Gallery
from ridgefeat.verify.protocols import Plan
from ridgefeat.verify.template import Template
from ridgefeat.verify.verification import compare_all

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CONFIDENCE = 0.95
BUNDLED = "impostors.json"
KINDS = ("ridges", "minutiae", "latents")
"""Bundled counts: for prints, for templates of minutiae alone, and for latents read at several scales."""
PRIOR = 0.5
"""Probability, before anything is compared, that the probe's finger is in the gallery."""
TRUSTED = 0.9
"""Probability of the first candidate below which the answer of a search cannot be trusted."""
SURE = 0.99
"""The same, as for a latent, from which a probe is not read again."""
MIN_MATED = 10
"""Mated scores that the likelihood ratio is fitted to, at least."""
MAX_FITTED = 50_000
"""Scores of either kind that take part in the fit."""
EFFECTIVE_PRIOR = 0.01
"""Probability that a comparison is mated for which the fit is best: a search tells one print from hundreds."""
START, SMALL = (3.0, 0.0, -3.0), 1e-4
"""Where the fit starts (intercept, logarithm of the slope, logit of the floor), and the weight of their squares."""


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
    odds : (float, float, float) or None
        Intercept and slope of the logarithm of a score's likelihood ratio, and the floor of the ratio: the share of
        mated comparisons that score like non-mated ones. None if the data has too few mated scores.
    latents : Calibration or None
        That of probes that were read again as latents; without, rates are multiplied by the number of readings.

    Examples
    --------
    >>> calibration = Calibration.from_scores(np.array([-3.0, -1.0, 0.0, 2.0]), "four prints")
    >>> calibration.count(0), calibration.count(1), calibration.count(3)
    (2, 2, 0)
    >>> rate, bound = calibration.fmr(3)
    >>> rate, round(bound, 3)
    (0.0, 0.527)
    """

    score: Floats
    reached: Ints
    comparisons: int
    data: str
    odds: tuple[float, float, float] | None = None
    latents: Calibration | None = None

    def count(self, score: float) -> int:
        """Return the number of non-mated comparisons that reached a score; between stored scores the larger count."""
        at = int(np.searchsorted(self.score, score, "right")) - 1
        if at < 0:
            return self.comparisons
        if self.score[at] == score:
            return int(self.reached[at])
        # Above the highest score there is none; otherwise there are fewer than at the last stored score.
        return int(self.reached[at]) if at + 1 < len(self.score) else 0

    def fmr(self, score: float, readings: int = 1) -> tuple[float, float]:
        """Return the false match rate with a score as threshold, and its upper bound (95 %, one-sided).

        Both are multiplied by `readings`, the number of readings of which the score is the highest.
        """
        n, k = self.comparisons, self.count(score)
        high = 1.0 if k >= n else float(beta.ppf(CONFIDENCE, k + 1, n - k))
        return min(1.0, k / n * readings), min(1.0, high * readings)

    def is_sure(self, score: Floats, prior: float = PRIOR, finger: Ints | None = None) -> bool:
        """Return whether the best score suffices, so that no more is read; `prior` and `finger` as in posterior."""
        probability = float(self.posterior(score, prior, finger).max())
        return self.count(float(score.max())) == 0 if np.isnan(probability) else probability >= SURE

    def posterior(self, score: Floats, prior: float = PRIOR, finger: Ints | None = None) -> Floats:
        """Return the probability of each print of a gallery that it is of the probe's finger, given all their scores.

        `prior` is the probability that the finger is in the gallery at all; each of its fingers is equally likely to be
        the one. `finger` numbers them, from 0: impressions of a finger share the probability of the best of them.
        Without it, each print is of another finger. NaN if the data has too few mated scores.

        Examples
        --------
        >>> calibration = Calibration(np.array([0.0]), np.array([1]), 1, "", odds=(0.0, 1.0, 0.01))
        >>> calibration.posterior(np.array([5.0, 0.0, -5.0])).round(3)
        array([0.973, 0.007, 0.   ])
        >>> calibration.posterior(np.array([5.0, 4.0, -5.0]), finger=np.array([0, 0, 1])).round(3)
        array([0.986, 0.986, 0.   ])
        """
        if self.odds is None:
            return np.full(len(score), np.nan)
        own = np.arange(len(score)) if finger is None else finger
        best = np.full(own.max() + 1, -np.inf)
        np.maximum.at(best, own, _log_ratio(score, self.odds) + np.log(prior / len(best)))
        return np.asarray(np.exp(best - np.logaddexp.reduce([*best, np.log1p(-prior)]))[own])

    @classmethod
    def from_scores(cls, score: Floats, data: str, *, mated: Floats | None = None, max_points: int = 400) -> Self:
        """Return the calibration of non-mated scores; about `max_points` of them are kept, the highest all.

        The likelihood ratio is fitted to them and to `mated` scores as in logistic regression, weighted by an effective
        prior (Brümmer and du Preez, "Application-independent evaluation of speaker detection", Computer Speech and
        Language 20, 2006).

        Raises ScoreError if there is no score.
        """
        known = np.sort(score[np.isfinite(score)])
        if not len(known):
            raise ScoreError(f"{data}: no non-mated comparison has a score, so no false match rate can be counted")
        tail = np.arange(max(0, len(known) - max_points // 2), len(known))
        spread = np.linspace(0, len(known) - 1, max_points // 2).astype(np.int64)
        kept = np.unique(known[np.union1d(tail, spread)])
        odds = _fit_odds(known, mated[np.isfinite(mated)]) if mated is not None else None
        return cls(kept, len(known) - np.searchsorted(known, kept, "left"), len(known), data, odds)


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
    probability : float
        Probability that this print is of the probe's finger, given all scores; NaN if the calibration has none.
    readings : int
        Number of readings of the probe of which the score is the highest, with a first one that failed; more than 1 if
        it was read as a latent.
    """

    rank: int
    reference: str
    subject: str
    score: float
    fmr: float
    fmr_at_most: float
    reached: int
    expected: float
    probability: float
    readings: int

    @property
    def is_trusted(self) -> bool:
        """Whether its probability is at least 0.9; without one, whether no non-mated comparison reached its score."""
        return self.reached == 0 if np.isnan(self.probability) else self.probability >= TRUSTED


def identify(
    probe: Entry,
    gallery: Sequence[Entry] | Gallery,
    calibration: Calibration,
    *,
    top: int = 10,
    jobs: int | None = 1,
    prior: float = PRIOR,
) -> list[Candidate]:
    """Return the `top` prints of a gallery that are most similar to a probe, the most similar first.

    If the first candidate is not sure, or the probe failed, a probe that was enrolled from an image is read again as a
    latent (enrolment.latent_templates), and the highest score of all readings counts.

    Parameters
    ----------
    probe : Entry
    gallery : Gallery or sequence of Entry
        Entries that failed are left out. Of a large Gallery the prints with most votes are compared.
    calibration : Calibration
        It gives false match rates and probabilities.
    top : int
    jobs : int, optional
        Worker processes; None or -1 for every core. A Gallery is searched by this one, or by the cluster in use.
    prior : float
        Probability, before anything is compared, that the probe's finger is in the gallery.

    Raises
    ------
    ParameterError
        If `top` is not positive, or `prior` is not between 0 and 1.
    LayoutError
        If the probe failed in every reading, or no print of the gallery can be compared.

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
    if not 0 < prior < 1:
        raise ParameterError(f"prior must be between 0 and 1, got {prior:g}")
    if isinstance(gallery, Gallery):
        others, search = gallery.entries, partial(gallery.highest_scores, jobs=jobs)
    else:
        others = [entry for entry in gallery if entry.content is not None]
        search = partial(_highest_scores, others=others, jobs=jobs)
    if not others:
        failed = [] if isinstance(gallery, Gallery) else [f"{e.name}: {e.failure}" for e in gallery]
        why = f": {first_few(failed, 3, '; ')}" if failed else "; enrol prints other than the probe"
        raise LayoutError(f"the gallery holds no print that can be compared{why}")
    finger = np.unique([repr(entry.finger or entry.name) for entry in others], return_inverse=True)[1]
    contents = [] if probe.content is None else [probe.content]
    scores, readings = search(contents), 1
    # A latent's few minutiae score higher with other fingers than those of a clean print.
    strictest = calibration.latents or calibration
    if probe.reread is not None and (not contents or not strictest.is_sure(scores, prior, finger)):
        again = probe.reread(jobs)
        scores = np.maximum(scores, search(again))
        readings += len(again)
    if not np.isfinite(scores).any():
        raise LayoutError(f"{probe.name} cannot be searched for: {probe.failure}")
    factor = readings
    if readings > 1 and calibration.latents is not None:
        calibration, factor = calibration.latents, 1
    probability = calibration.posterior(scores, prior, finger)
    found = []
    for rank, k in enumerate(np.argsort(-scores, kind="stable")[:top].tolist(), 1):
        entry, score = others[k], round(float(scores[k]), 6)
        fmr, high = calibration.fmr(score, factor)
        chance = (fmr, high, calibration.count(score), high * len(others))
        found.append(Candidate(rank, entry.name, entry.subject, score, *chance, float(probability[k]), readings))
    return found


def _highest_scores(contents: Sequence[Any], others: Sequence[Entry], jobs: int | None) -> Floats:
    """Return the highest score of several readings of a probe with each print of a gallery; -inf without a reading."""
    if not contents:
        return np.full(len(others), -np.inf)
    probe, reference = (n.ravel() for n in np.indices((len(contents), len(others))))
    plan = Plan(probe, len(contents) + reference, np.zeros(len(probe), bool))
    scores = compare_all([*(Entry("", content=c) for c in contents), *others], plan, jobs=jobs)
    return np.asarray(scores.reshape(len(contents), -1).max(0))


def _fit_odds(known: Floats, mated: Floats) -> tuple[float, float, float] | None:
    """Return intercept, slope and floor of the likelihood ratio; None if there are too few scores."""
    if min(len(mated), len(known)) < MIN_MATED:
        return None
    others, own = (np.sort(v)[np.linspace(0, len(v) - 1, min(len(v), MAX_FITTED)).astype(int)] for v in (known, mated))
    shift = np.log(EFFECTIVE_PRIOR / (1 - EFFECTIVE_PRIOR))

    def loss(values: Floats) -> float:
        odds = _odds_of(values)
        wrong = (1 - EFFECTIVE_PRIOR) * np.logaddexp(0, _log_ratio(others, odds) + shift).mean()
        missed = EFFECTIVE_PRIOR * np.logaddexp(0, -_log_ratio(own, odds) - shift).mean()
        return float((wrong + missed) / EFFECTIVE_PRIOR + SMALL * values @ values)

    return _odds_of(minimize(loss, START, method="Nelder-Mead", options={"maxiter": 2000}).x)


def _odds_of(values: Floats) -> tuple[float, float, float]:
    return float(values[0]), float(np.exp(values[1])), float(expit(values[2]))


def _log_ratio(score: Floats, odds: tuple[float, float, float]) -> Floats:
    intercept, slope, floor = odds
    return np.asarray(np.logaddexp(np.log(floor), np.log1p(-floor) + intercept + slope * score))


def load_calibration(path: PathLike | None = None, *, kind: str = "ridges") -> Calibration:
    """Return the false match rates of scores, as counted on known data.

    Parameters
    ----------
    path : path, optional
        A table of scores of the same comparator, as `verify` writes it; the bundled counts if omitted.
    kind : {"ridges", "minutiae", "latents"}
        Which of the bundled counts: of prints (with those of latents as its `latents`), of templates of minutiae alone,
        or of latents.

    Raises
    ------
    ScoreError
        If the table cannot be read or holds no non-mated score.
    ParameterError
        If there is no such kind.
    """
    if kind not in KINDS:
        raise ParameterError(f"unknown kind of calibration {kind!r}; there are: {', '.join(KINDS)}")
    if path is not None:
        found = read_scores(Path(path)).scores
        mated, nonmated = found.similarity[found.mated], found.similarity[~found.mated]
        return Calibration.from_scores(nonmated, Path(path).name, mated=mated)
    held = json.loads(files("ridgefeat.verify").joinpath(BUNDLED).read_text("utf-8"))[kind]
    score, reached = np.array(held["score"], np.float64), np.array(held["reached"], np.int64)
    latents = load_calibration(kind="latents") if kind == "ridges" else None
    return Calibration(score, reached, int(held["comparisons"]), str(held["data"]), tuple(held["odds"]), latents)


def have_ridges(entries: Sequence[Entry]) -> bool:
    """Return whether all templates hold ridges, not minutiae alone; entries that failed are ignored."""
    templates: list[Template] = [e.content.template for e in entries if e.content is not None]
    return all(t.waves is not None for t in templates)
