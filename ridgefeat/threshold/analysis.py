"""From scores to a report: thresholds chosen on one part, reported on both, with intervals, counts and remarks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from ridgefeat.errors import ScoreError
from ridgefeat.threshold.methods import DEFAULT_METHODS, Choice, Settings, choose
from ridgefeat.threshold.rates import ErrorCurve
from ridgefeat.threshold.scores import Float, Scores, Split, split_scores
from ridgefeat.threshold.uncertainty import (
    MIN_SUBJECTS,
    NONE,
    Replicates,
    bound_zero,
    interval,
    rate_interval,
    resample,
    select_cuts,
)

RATES = ("fmr", "fnmr", "far", "frr", "hter", "accuracy")
MIN_ERRORS = 30
"""Errors that a rate must rest on to lie within 30 % of the truth with 90 % confidence; Doddington et al. (2000)."""
MAX_CUTS = 2000
"""Rows of a part's curve, about."""


@dataclass(frozen=True)
class Rate:
    """A rate with its interval and counts.

    Attributes
    ----------
    value : float
        0 to 1.
    low, high : float
        Its 95 % interval; NaN without replicates.
    errors, count : int
        The errors that it rests on, of how many comparisons or transactions.
    """

    value: float
    low: float
    high: float
    errors: int
    count: int


@dataclass(frozen=True)
class OperatingPoint:
    """The rates of a threshold on one part.

    Attributes
    ----------
    fmr, fnmr : Rate
        Of comparisons.
    far, frr, hter, accuracy : Rate
        Of transactions.
    cost : float
        Expected cost of a transaction.
    """

    fmr: Rate
    fnmr: Rate
    far: Rate
    frr: Rate
    hter: Rate
    accuracy: Rate
    cost: float


@dataclass(frozen=True)
class Figure:
    """A figure of a part that does not depend on a method.

    Attributes
    ----------
    name : str
        EER, FMR100, FMR1000, ZeroFMR, AUC or d'.
    value, low, high : float
        The figure and its 95 % interval; NaN if it has none.
    threshold : float
        NaN for AUC and d'.
    """

    name: str
    value: float
    low: float
    high: float
    threshold: float


@dataclass(frozen=True, eq=False)
class Part:
    """The development or the evaluation part.

    Attributes
    ----------
    name : str
        "development" or "evaluation".
    scores : Scores
    curve : ErrorCurve
    replicates : Replicates
    figures : tuple of Figure
    operating_points : tuple of OperatingPoint
        One per method.
    """

    name: str
    scores: Scores
    curve: ErrorCurve
    replicates: Replicates
    figures: tuple[Figure, ...]
    operating_points: tuple[OperatingPoint, ...]


@dataclass(frozen=True, eq=False)
class Analysis:
    """The figures of a threshold report.

    Attributes
    ----------
    choices : tuple of Choice
        The threshold of each method, chosen on development.
    parts : tuple of Part
        Development, then evaluation if there is one. Their `operating_points` are in the order of `choices`.
    split : Split
        How the parts were made.
    settings : Settings
        Settings of the methods.
    remarks : tuple of str
        What a reader must know: rates that rest on too few errors, parts that share subjects, and so on.
    """

    choices: tuple[Choice, ...]
    parts: tuple[Part, ...]
    split: Split
    settings: Settings
    remarks: tuple[str, ...]

    @property
    def reported(self) -> Part:
        """The part to report: evaluation, or development if there is no evaluation part."""
        return self.parts[-1]

    def thresholds(self) -> pd.DataFrame:
        """Return a row per method and part: threshold, evaluations, then each rate with interval, errors and count.

        Examples
        --------
        >>> scores = Scores.make([3, 5, 7, 9, 1, 3, 4, 5, 2], [1, 1, 1, 1, 0, 0, 0, 0, 0])
        >>> found = analyse(scores, ["exact", "zero-fmr"], development=1, replicates=0)
        >>> found.thresholds()[["method", "part", "threshold", "fmr", "fmr_errors", "fmr_count", "fnmr"]]
             method         part  threshold  fmr  fmr_errors  fmr_count  fnmr
        0     exact  development        5.0  0.2           1          5  0.25
        1  zero-fmr  development        7.0  0.0           0          5  0.50
        """
        rows: list[dict[str, Any]] = []
        for part in self.parts:
            for choice, point in zip(self.choices, part.operating_points, strict=True):
                row: dict[str, Any] = {"method": choice.method, "part": part.name}
                row |= {"threshold": choice.threshold, "evaluations": choice.evaluations}
                for name in RATES:
                    rate = asdict(getattr(point, name))
                    row[name] = rate.pop("value")
                    row |= {f"{name}_{field}": figure for field, figure in rate.items()}
                rows.append(row | {"cost": point.cost})
        return pd.DataFrame(rows)

    def figures(self) -> pd.DataFrame:
        """Return a row per part and figure: EER, FMR100, FMR1000, ZeroFMR, AUC, d'.

        Examples
        --------
        >>> scores = Scores.make([3, 5, 7, 9, 1, 3, 4, 5, 2], [1, 1, 1, 1, 0, 0, 0, 0, 0])
        >>> analyse(scores, ["exact"], development=1, replicates=0).figures()[["figure", "value", "threshold"]]
            figure     value  threshold
        0      EER  0.225000        5.0
        1   FMR100  0.500000        7.0
        2  FMR1000  0.500000        7.0
        3  ZeroFMR  0.500000        7.0
        4      AUC  0.850000        NaN
        5       d'  1.603567        NaN
        """
        rows = [(p.name, f.name, f.value, f.low, f.high, f.threshold) for p in self.parts for f in p.figures]
        return pd.DataFrame(rows, columns=["part", "figure", "value", "low", "high", "threshold"])

    def curves(self) -> pd.DataFrame:
        """Return a row per part and threshold, about 2,000 per part: FMR, FNMR, FAR, FRR and counts of errors.

        Examples
        --------
        >>> scores = Scores.make([3, 5, 9, 1, 3], [1, 1, 1, 0, 0])
        >>> analyse(scores, ["exact"], development=1, replicates=0).curves()[["threshold", "fmr", "false_matches"]]
           threshold  fmr  false_matches
        0        1.0  1.0              2
        1        3.0  0.5              1
        2        5.0  0.0              0
        3        9.0  0.0              0
        4       10.0  0.0              0
        """
        frames = []
        for part in self.parts:
            curve = part.curve
            at = curve.thin(MAX_CUTS)
            figures = ("fmr", "fnmr", "far", "frr", "false_matches", "false_nonmatches")
            columns = {"part": part.name, "threshold": [curve.to_threshold(cut) for cut in curve.cut[at]]}
            frames.append(pd.DataFrame(columns | {name: getattr(curve, name)[at] for name in figures}))
        return pd.concat(frames, ignore_index=True)


def analyse(
    scores: Scores,
    methods: Sequence[str] = DEFAULT_METHODS,
    settings: Settings | None = None,
    *,
    development: float = 0.8,
    replicates: int = 400,
    seed: int = 0,
) -> Analysis:
    """Return the report of thresholds that are chosen on some subjects, measured on others.

    Parameters
    ----------
    scores : Scores
        Mated and non-mated scores.
    methods : sequence of str
        See ridgefeat.threshold.choose.
    settings : Settings, optional
        Settings of the methods; the defaults, with `seed`, if omitted.
    development : float
        Share of subjects on which thresholds are chosen; 1 chooses and reports on the same scores.
    replicates : int
        Replicates of the bootstrap over subjects; 0 leaves intervals out.
    seed : int
        Seed of the split and the bootstrap.

    Raises
    ------
    ScoreError
        If a part lacks mated or non-mated scores, a method does not exist, or a number is out of range.

    Examples
    --------
    >>> scores = Scores.make([3, 5, 7, 9, 1, 3, 4, 5, 2], [1, 1, 1, 1, 0, 0, 0, 0, 0])
    >>> found = analyse(scores, ["far-frr"], development=1, replicates=0)
    >>> found.choices[0].threshold, found.reported.operating_points[0].fnmr
    (5.0, Rate(value=0.25, low=nan, high=nan, errors=1, count=4))
    """
    settings = settings or Settings(seed=seed)
    if not methods:
        raise ScoreError("no method is given; name one or more")
    if not 0 <= replicates <= 100_000:
        raise ScoreError(f"{replicates} replicates; give 0 (no intervals) to 100,000, 400 is usual")
    split = split_scores(scores, development, seed)
    named = {"development": split.development, "evaluation": split.evaluation}
    curves = {name: (part, ErrorCurve.from_scores(part)) for name, part in named.items() if part is not None}
    choices = tuple(choose(curves["development"][1], name, settings) for name in dict.fromkeys(methods))
    sign = -1.0 if scores.distance else 1.0
    cuts = np.array([sign * c.threshold for c in choices])
    parts = []
    for name, (part, curve) in curves.items():
        drawn = resample(part, select_cuts(curve, cuts), replicates=replicates, seed=seed)
        points = tuple(_operating_point(curve, drawn, cut, settings) for cut in cuts)
        parts.append(Part(name, part, curve, drawn, _figures(curve, drawn), points))
    remarks = (*_about_parts(split, parts), *_about_targets(parts, choices), *_about_counts(parts))
    return Analysis(choices, tuple(parts), split, settings, remarks)


def _operating_point(curve: ErrorCurve, replicates: Replicates, cut: float, settings: Settings) -> OperatingPoint:
    k = min(int(np.searchsorted(curve.cut, cut)), len(curve.cut) - 1)
    column = int(np.searchsorted(replicates.cuts, cut))
    accepted, rejected = int(curve.false_matches[k]), int(curve.false_nonmatches[k]) + curve.n_failed_mated
    # Transactions: comparisons, and failures to acquire, which reject.
    mated, nonmated = curve.n_mated + curve.n_failed_mated, curve.n_nonmated + curve.n_failed_nonmated
    total = mated + nonmated
    acquired_mated, acquired_nonmated = curve.n_mated / mated, curve.n_nonmated / nonmated
    fmr, fnmr = replicates.fmr[:, column], replicates.fnmr[:, column]
    far, frr = fmr * acquired_nonmated, 1 - acquired_mated + fnmr * acquired_mated
    drawn_mated, drawn_nonmated = (t[:, 0] for t in replicates.totals)
    weights = drawn_mated / acquired_mated, drawn_nonmated / acquired_nonmated
    accuracy = 1 - (weights[0] * frr + weights[1] * far) / (weights[0] + weights[1])
    value_far, value_frr = accepted / nonmated, rejected / mated
    errors = accepted + rejected
    return OperatingPoint(
        _rate(fmr, accepted, curve.n_nonmated),
        _rate(fnmr, int(curve.false_nonmatches[k]), curve.n_mated),
        _rate(far, accepted, nonmated),
        _rate(frr, rejected, mated),
        Rate((value_far + value_frr) / 2, *interval((far + frr) / 2), errors, total),
        Rate(1 - errors / total, *interval(accuracy), errors, total),
        float(settings.expected_cost(np.array(value_far), np.array(value_frr))),
    )


def _rate(values: Float, errors: int, count: int) -> Rate:
    return Rate(errors / count, *rate_interval(values, errors, count), errors, count)


def _figures(curve: ErrorCurve, replicates: Replicates) -> tuple[Figure, ...]:
    eer = curve.equal_error
    bounds = bound_zero(replicates.equal_error(), eer.value, min(curve.n_mated, curve.n_nonmated))
    figures = [Figure("EER", eer.value, *bounds, eer.threshold)]
    targets: tuple[tuple[str, float], ...] = (("FMR100", 0.01), ("FMR1000", 0.001), ("ZeroFMR", 0.0))
    for name, target in targets:
        k = curve.index_for_fmr(target)
        # The highest non-mated score is an extreme value, of which a bootstrap says nothing.
        bounds = bound_zero(replicates.fnmr_for(target), curve.fnmr[k], curve.n_mated) if target else NONE
        figures.append(Figure(name, float(curve.fnmr[k]), *bounds, curve.to_threshold(curve.cut[k])))
    nowhere = float("nan")
    figures.append(Figure("AUC", curve.auc, *(replicates.auc() if curve.auc < 1 else NONE), nowhere))
    figures.append(Figure("d'", curve.d_prime, *replicates.d_prime(), nowhere))
    return tuple(figures)


def _about_parts(split: Split, parts: Sequence[Part]) -> Iterator[str]:
    if split.evaluation is None:
        yield (
            "Thresholds were chosen and are reported on the same scores, so their error rates are too good. "
            "Keep some subjects for evaluation."
        )
    if not split.by_subject:
        mixed = "comparisons of one subject may be in both parts, and " if split.evaluation is not None else ""
        yield (
            f"The table names no subjects: {mixed}the intervals, drawn over comparisons, are too narrow. Give columns "
            "subject_probe and subject_reference."
        )
    for part in parts:
        if 0 < part.scores.n_subjects < MIN_SUBJECTS:
            yield (
                f"The {part.name} part has {part.scores.n_subjects} subjects. Intervals over so few subjects are too "
                f"narrow; {MIN_SUBJECTS} or more are needed."
            )
    if split.n_cross:
        yield (
            f"{split.n_cross:,} comparisons of development subjects with evaluation subjects belong to neither part "
            "and were left out."
        )
    failed = sum(int((~part.scores.compared).sum()) for part in parts)
    if failed:
        yield (
            f"{failed:,} transactions failed to acquire a print. They count as rejected in FAR and FRR; "
            "FMR and FNMR cover the comparisons made."
        )


def _about_targets(parts: Sequence[Part], choices: Sequence[Choice]) -> Iterator[str]:
    for i, choice in enumerate(choices):
        if choice.target is None:
            continue
        rates = [part.operating_points[i].fmr for part in parts]
        for part, rate in zip(parts, rates, strict=True):
            if choice.target and rate.count * choice.target < MIN_ERRORS:
                yield (
                    f"{choice.method}: {rate.count:,} non-mated comparisons of {part.name} are too few for an FMR of "
                    f"{100 * choice.target:g} % (rule of 30: {MIN_ERRORS / choice.target:,.0f} are needed). It rests "
                    f"on {rate.errors} false match{'es' * (rate.errors != 1)}."
                )
        if choice.target == 0:
            first, last = rates[0], rates[-1]
            yield (
                f"{choice.method}: no false match among {first.count:,} non-mated comparisons of development does not "
                f"mean that there will never be one; on {parts[-1].name} there "
                f"{'is' if last.errors == 1 else 'are'} {last.errors:,} among {last.count:,}"
                + (f", and FMR may be as high as {100 * last.high:.2g} %." if last.high == last.high else ".")
            )


def _about_counts(parts: Sequence[Part]) -> Iterator[str]:
    for part in parts:
        rates = [r for point in part.operating_points for r in (point.fmr, point.fnmr)]
        few = sum(r.errors < MIN_ERRORS for r in rates)
        if few:
            yield (
                f"{few} of {len(rates)} rates on {part.name} rest on fewer than {MIN_ERRORS} errors (marked *): they "
                "may be off by more than 30 %."
            )
