"""Subjects with ten fingers and several impressions each, and a simulated sex effect on ridge density."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ridgefeat.errors import ParameterError
from ridgefeat.synth.flow import PATTERN_SHARES
from ridgefeat.synth.impression import NOISE_LEVELS, make_impression
from ridgefeat.synth.master import PERIOD_RANGE_MM, make_master
from ridgefeat.synth.prints import Impression, MasterPrint, Rng, Shape

FINGERS = tuple(
    (hand, finger) for hand in ("right", "left") for finger in ("thumb", "index", "middle", "ring", "little")
)
"""Hand and finger, in the order of finger positions 1 to 10."""
RIDGE_DENSITY = {"female": (17.74, 1.63), "male": (15.02, 1.33)}
"""Mean and deviation between persons of the number of ridges across the diagonal of a 5 mm square, published for 300
Egyptian adults. Every sex difference in a synthetic set is simulated from these figures and is no evidence about
people."""
DIAGONAL_MM = 5 * math.sqrt(2)

_FINGER_OFFSET = {"thumb": -0.8, "index": 0.0, "middle": 0.0, "ring": 0.2, "little": 0.6}
_FINGER_DEVIATION = 0.5
"""Ridges across the diagonal by which fingers of one person differ: an assumption, not a published figure."""
_LOOP_OPENS_TO = {"left": {"left_loop": 0.956, "right_loop": 0.044}, "right": {"left_loop": 0.076, "right_loop": 0.924}}
"""Loops open towards the little finger but for about one in seventeen; over both hands this gives PATTERN_SHARES."""
_LEVEL_SHARES = (0.0, 0.6, 0.3, 0.1)


@dataclass(frozen=True, eq=False)
class SubjectPrint:
    """One impression of one finger of one simulated subject.

    Attributes
    ----------
    subject : int
        From 1.
    sex : str
        "female" or "male", simulated.
    hand : str
        "left" or "right".
    finger : str
        "thumb", "index", "middle", "ring" or "little".
    impression : int
        From 1.
    pattern : str
        Pattern class of the finger.
    noise_level : int
        0 free of noise to 3 poor.
    print : Impression
        The image and the truth about it.
    """

    subject: int
    sex: str
    hand: str
    finger: str
    impression: int
    pattern: str
    noise_level: int
    print: Impression

    @property
    def name(self) -> str:
        """File name: sim (for simulated), subject, sex, hand, finger and impression."""
        return f"sim{self.subject:04d}_{self.sex}_{self.hand}_{self.finger}_{self.impression}"


def make_print(
    seed: int, *, pattern: str | None = None, noise_level: int = 1, period_mm: float = 0.45, shape: Shape = (400, 360)
) -> Impression:
    """Make one print.

    Parameters
    ----------
    seed : int
        The same seed gives the same print.
    pattern : str, optional
        Pattern class; drawn in their natural shares without.
    noise_level : {0, 1, 2, 3, 4}
        0 free of noise, 1 good, 2 fair, 3 poor.
    period_mm : float, 0.3 to 0.8
        Mean distance between ridges above the core in mm.
    shape : (int, int)
        Rows and columns at 500 dpi.

    Returns
    -------
    Impression
        At 500 dpi.

    Raises
    ------
    ParameterError
        If an argument is out of range.
    """
    rng = np.random.default_rng(_checked_seed(seed))
    master = make_master(pattern, rng=rng, period_mm=period_mm)
    return make_impression(master, rng=rng, noise_level=noise_level, shape=shape)


def make_subjects(
    n: int,
    *,
    seed: int,
    fingers: int = 10,
    impressions: int = 1,
    sex_effect: float = 1.0,
    female_share: float = 0.5,
    pattern: str | None = None,
    noise_level: int | None = None,
    shape: Shape = (400, 360),
) -> Iterator[SubjectPrint]:
    """Make the prints of simulated subjects, one at a time.

    Parameters
    ----------
    n : int, >= 1
        Number of subjects.
    seed : int
        The same seed and arguments give the same prints.
    fingers : int, 1 to 10
        Fingers of each subject, in the order of FINGERS.
    impressions : int, >= 1
        Impressions of each finger.
    sex_effect : float, 0 to 2
        1 draws ridge densities with the published means and deviations of the sexes, 0 draws both from the average
        of these. Nothing else differs between them.
    female_share : float, 0 to 1
        Share of subjects labelled female.
    pattern : str, optional
        Pattern class of every finger; drawn in natural shares, loops by hand, without.
    noise_level : {0, 1, 2, 3, 4}, optional
        Of every impression; without, six in ten are good, three fair and one poor.
    shape : (int, int)
        Rows and columns at 500 dpi.

    Returns
    -------
    iterator of SubjectPrint
        By subject, finger and impression.

    Raises
    ------
    ParameterError
        If an argument is out of range.

    Notes
    -----
    The distance between ridges is 7.07 mm / density. M. A. Acree, Is there a gender difference in fingerprint ridge
    density?, Forensic Science International 102 (1999); S. Gungadin, Sex determination from fingerprint ridge
    density, Internet Journal of Medical Update 2 (2007).
    """
    problems = {
        f"n must be at least 1 subject, got {n!r}": n < 1,
        f"fingers must lie between 1 and 10, got {fingers!r}": not 1 <= fingers <= len(FINGERS),
        f"impressions must be at least 1, got {impressions!r}": impressions < 1,
        f"sex_effect must lie between 0 and 2, got {sex_effect!r}": not 0 <= sex_effect <= 2,
        f"female_share must lie between 0 and 1, got {female_share!r}": not 0 <= female_share <= 1,
        f"noise_level must be one of 0, 1, 2, 3, 4, got {noise_level!r}": noise_level not in (None, *NOISE_LEVELS),
        f"pattern must be one of {', '.join(PATTERN_SHARES)}, got {pattern!r}": pattern not in (None, *PATTERN_SHARES),
    }
    for problem, is_found in problems.items():
        if is_found:
            raise ParameterError(problem)
    sexes = np.random.default_rng([_checked_seed(seed), 0]).permutation(n) < round(n * female_share)

    def make(subject: int, sex: str) -> Iterator[SubjectPrint]:
        # Every finger and impression has its own seed, so that none depends on how many others are made.
        density = draw_density(sex, np.random.default_rng([seed, subject, 0]), sex_effect)
        for position, (hand, finger) in enumerate(FINGERS[:fingers], 1):
            master = _make_finger(density, hand, finger, pattern, np.random.default_rng([seed, subject, position]))
            for impression in range(1, impressions + 1):
                rng = np.random.default_rng([seed, subject, position, impression])
                level = noise_level if noise_level is not None else int(rng.choice(4, p=_LEVEL_SHARES))
                made = make_impression(master, rng=rng, noise_level=level, shape=shape)
                yield SubjectPrint(subject, sex, hand, finger, impression, master.pattern, level, made)

    return (one for i, female in enumerate(sexes, 1) for one in make(i, "female" if female else "male"))


def draw_density(sex: str, rng: Rng, sex_effect: float = 1.0) -> float:
    """Draw a person's ridge density: ridges across the diagonal of a 5 mm square, mean of the person's fingers.

    With a `sex_effect` of 1 as published, with 0 without a difference.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> round(float(np.mean([draw_density("female", rng) for _ in range(2000)])), 1)  # published: 17.74
    17.7
    """
    middle = np.mean(list(RIDGE_DENSITY.values()), axis=0)
    mean, deviation = middle + sex_effect * (np.array(RIDGE_DENSITY[sex]) - middle)
    return float(mean + deviation * np.clip(rng.standard_normal(), -2.5, 2.5))


def draw_pattern(hand: str, rng: Rng) -> str:
    """Draw a finger's pattern: loops open mostly to the little finger's side; over both hands PATTERN_SHARES hold."""
    loops = PATTERN_SHARES["left_loop"] + PATTERN_SHARES["right_loop"]
    shares = PATTERN_SHARES | {loop: loops * share for loop, share in _LOOP_OPENS_TO[hand].items()}
    return str(rng.choice(list(shares), p=list(shares.values())))


def _make_finger(density: float, hand: str, finger: str, pattern: str | None, rng: Rng) -> MasterPrint:
    count = density + _FINGER_OFFSET[finger] + _FINGER_DEVIATION * float(np.clip(rng.standard_normal(), -2.5, 2.5))
    if pattern is None:
        pattern = draw_pattern(hand, rng)
    return make_master(pattern, rng=rng, period_mm=float(np.clip(DIAGONAL_MM / count, *PERIOD_RANGE_MM)))


def _checked_seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ParameterError(f"seed must be a whole number, 0 or more, got {seed!r}")
    return int(seed)
