"""From scores to a threshold report's figures: chosen on one part, reported on both, each with interval and count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.errors import ScoreError
from ridgefeat.threshold.methods import DEFAULT, Choice, Settings, choose, expected_cost
from ridgefeat.threshold.rates import ErrorCurve
from ridgefeat.threshold.scores import Scores, Split, split_scores
from ridgefeat.threshold.uncertainty import (
    FEW_SUBJECTS,
    NONE,
    Replicates,
    at_least_none,
    grid_of_cuts,
    interval,
    rate_interval,
    resample,
)

if TYPE_CHECKING:
    import pandas as pd

Float = NDArray[np.float64]


def analyse(
    scores: Scores,
    methods: Sequence[str] = DEFAULT,
    settings: Settings | None = None,
    *,
    development: float = 0.8,
    replicates: int = 400,
    seed: int = 0,
) -> Analysis:
    """Choose thresholds on some subjects and report them on others.

    Parameters
    ----------
    scores : Scores
        Of both kinds.
    methods : sequence of str
        See ridgefeat.threshold.choose.
    settings : Settings, optional
        What the methods are told.
    development : float
        Share of subjects on which thresholds are chosen; 1 chooses and reports on the same scores.
    replicates : int
        Of the bootstrap over subjects; 0 leaves intervals out.
    seed : int
        Of the split and the bootstrap.

    Returns
    -------
    Analysis

    Raises
    ------
    ScoreError
        If a part lacks one kind of score, or for a method or number that is none.
    """
    settings = settings or Settings(seed=seed)
    if not methods:
        raise ScoreError("no method is asked for; name one or more")
    if not 0 <= replicates <= 100_000:
        raise ScoreError(f"{replicates} replicates; give 0 (no intervals) to 100,000, 400 is usual")
    split = split_scores(scores, development, seed)
    curve = ErrorCurve.of(split.development)
    choices = tuple(choose(curve, name, settings) for name in dict.fromkeys(methods))
    parts = [_part("development", split.development, curve, choices, settings, replicates, seed)]
    if split.evaluation is not None:
        own = ErrorCurve.of(split.evaluation)
        parts.append(_part("evaluation", split.evaluation, own, choices, settings, replicates, seed))
    return Analysis(choices, tuple(parts), split, settings, remarks(split, parts, choices))


def _part(
    name: str,
    scores: Scores,
    curve: ErrorCurve,
    choices: Sequence[Choice],
    settings: Settings,
    replicates: int,
    seed: int,
) -> Part:
    sign = -1.0 if scores.distance else 1.0
    wanted = np.array([sign * c.threshold for c in choices])
    found = resample(scores, grid_of_cuts(curve, wanted), replicates=replicates, seed=seed)
    operations = tuple(_operation(curve, found, cut, settings) for cut in wanted)
    return Part(name, scores, curve, found, _figures(curve, found), operations)


def _operation(curve: ErrorCurve, found: Replicates, cut: float, settings: Settings) -> Operation:
    k = min(int(np.searchsorted(curve.cut, cut)), len(curve.cut) - 1)
    column = int(np.searchsorted(found.cuts, cut))
    wrong_in, wrong_out = int(curve.false_matches[k]), int(curve.false_nonmatches[k])
    fmr, fnmr = found.fmr[:, column], found.fnmr[:, column]
    acquired_out = curve.nonmated / (curve.nonmated + curve.failed_nonmated)
    acquired_in = curve.mated / (curve.mated + curve.failed_mated)
    far, frr = fmr * acquired_out, 1 - acquired_in + fnmr * acquired_in
    impostors, genuine = curve.nonmated + curve.failed_nonmated, curve.mated + curve.failed_mated
    rejected = wrong_out + curve.failed_mated
    total = impostors + genuine
    drawn_in, drawn_out = (t[:, 0] for t in found.totals)
    weights = drawn_in / acquired_in, drawn_out / acquired_out
    accuracy = 1 - (weights[0] * frr + weights[1] * far) / (weights[0] + weights[1])
    value_far, value_frr = wrong_in / impostors, rejected / genuine
    hter, errors = (value_far + value_frr) / 2, wrong_in + rejected
    return Operation(
        _rate(fmr, wrong_in, curve.nonmated),
        _rate(fnmr, wrong_out, curve.mated),
        _rate(far, wrong_in, impostors),
        _rate(frr, rejected, genuine),
        Rate(hter, *interval((far + frr) / 2), errors, total),
        Rate(1 - errors / total, *interval(accuracy), errors, total),
        float(expected_cost(settings, np.array(value_far), np.array(value_frr))),
    )


def _rate(values: Float, errors: int, count: int) -> Rate:
    return Rate(errors / count, *rate_interval(values, errors, count), errors, count)


def _figures(curve: ErrorCurve, found: Replicates) -> tuple[Figure, ...]:
    eer = curve.equal_error
    fewer = min(curve.mated, curve.nonmated)
    bounds = at_least_none(found.equal_error(), eer.value, fewer)
    figures = [Figure("EER", eer.value, *bounds, eer.threshold)]
    targets: tuple[tuple[str, float], ...] = (("FMR100", 0.01), ("FMR1000", 0.001), ("ZeroFMR", 0.0))
    for name, target in targets:
        k = curve.for_fmr(target)
        # The highest non-mated score is an extreme value, of which a bootstrap says nothing.
        bounds = at_least_none(found.fnmr_for(target), curve.fnmr[k], curve.mated) if target else NONE
        figures.append(Figure(name, float(curve.fnmr[k]), *bounds, curve.shown(curve.cut[k])))
    nowhere = float("nan")
    figures.append(Figure("AUC", curve.auc, *(found.auc() if curve.auc < 1 else NONE), nowhere))
    figures.append(Figure("d'", curve.d_prime, *found.d_prime(), nowhere))
    return tuple(figures)


MOST_CUTS = 2000


@dataclass(frozen=True)
class Rate:
    """A rate (0 to 1) with its 95 % interval, and the errors that it rests on, of how many."""

    value: float
    low: float
    high: float
    errors: int
    count: int


@dataclass(frozen=True)
class Operation:
    """What a threshold does on one part."""

    fmr: Rate
    fnmr: Rate
    far: Rate
    frr: Rate
    hter: Rate
    accuracy: Rate
    cost: float


@dataclass(frozen=True)
class Figure:
    """A figure of a part that no single method owns, with its interval and, where it has one, its threshold."""

    name: str
    value: float
    low: float
    high: float
    threshold: float


@dataclass(frozen=True, eq=False)
class Part:
    """One part's scores, curve, replicates, figures, and what each method's threshold does on it."""

    name: str
    scores: Scores
    curve: ErrorCurve
    replicates: Replicates
    figures: tuple[Figure, ...]
    operations: tuple[Operation, ...]


@dataclass(frozen=True, eq=False)
class Analysis:
    """A threshold report's figures.

    Attributes
    ----------
    choices : tuple of Choice
        A method each: its threshold, chosen on development.
    parts : tuple of Part
        Development, then evaluation where there is one. Their `operations` stand in the order of `choices`.
    split : Split
        How the parts were made.
    settings : Settings
        What the methods were told.
    remarks : tuple of str
        What a reader must know: rates that too few errors carry, parts that share people, and the like.
    """

    choices: tuple[Choice, ...]
    parts: tuple[Part, ...]
    split: Split
    settings: Settings
    remarks: tuple[str, ...]

    @property
    def reported(self) -> Part:
        """The part to report: evaluation, or development where that is all there is."""
        return self.parts[-1]

    def thresholds(self) -> pd.DataFrame:
        """Return a row per method and part: threshold, evaluations, then every rate with interval, errors and count."""
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for part in self.parts:
            for choice, operation in zip(self.choices, part.operations, strict=True):
                row: dict[str, Any] = {
                    "method": choice.method,
                    "part": part.name,
                    "threshold": choice.threshold,
                    "evaluations": choice.evaluations,
                }
                for name in ("fmr", "fnmr", "far", "frr", "hter", "accuracy"):
                    rate: Rate = getattr(operation, name)
                    row |= {
                        name: rate.value,
                        f"{name}_low": rate.low,
                        f"{name}_high": rate.high,
                        f"{name}_errors": rate.errors,
                        f"{name}_count": rate.count,
                    }
                rows.append(row | {"cost": operation.cost})
        return pd.DataFrame(rows)

    def figures(self) -> pd.DataFrame:
        """Return a row per part and figure: EER, FMR100, FMR1000, ZeroFMR, AUC, d'."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "part": p.name,
                    "figure": f.name,
                    "value": f.value,
                    "low": f.low,
                    "high": f.high,
                    "threshold": f.threshold,
                }
                for p in self.parts
                for f in p.figures
            ]
        )

    def curves(self) -> pd.DataFrame:
        """Return a row per part and threshold, at most about 2,000 a part: FMR, FNMR, FAR, FRR and counts of errors."""
        import pandas as pd

        frames = []
        for part in self.parts:
            c = part.curve
            at = c.spread(MOST_CUTS)
            frames.append(
                pd.DataFrame(
                    {
                        "part": part.name,
                        "threshold": [c.shown(v) for v in c.cut[at]],
                        "fmr": c.fmr[at],
                        "fnmr": c.fnmr[at],
                        "far": c.far[at],
                        "frr": c.frr[at],
                        "false_matches": c.false_matches[at],
                        "false_nonmatches": c.false_nonmatches[at],
                    }
                )
            )
        return pd.concat(frames, ignore_index=True)


RULE = 30
"""Errors that a rate must rest on to lie within 30 % of the truth with 90 % confidence; Doddington et al. (2000)."""


def remarks(split: Split, parts: Sequence[Part], choices: Sequence[Choice]) -> tuple[str, ...]:
    """Return remarks, the gravest first."""
    return (*_about_parts(split), *_about_targets(parts, choices), *_about_counts(parts))


def _about_parts(split: Split) -> Iterator[str]:
    if split.evaluation is None:
        yield (
            "Thresholds were chosen and are reported on the same scores, so their error rates are too good. "
            "Let some subjects be evaluation."
        )
    if not split.by_subject:
        dealt = (
            "comparisons of one person may stand in both parts, and the intervals, drawn over comparisons,"
            if split.evaluation is not None
            else "the intervals, drawn over comparisons,"
        )
        yield f"The table names no subjects: {dealt} are too narrow. Give columns subject_probe and subject_reference."
    for name, scores in (("development", split.development), ("evaluation", split.evaluation)):
        if scores is not None and 0 < scores.subjects < FEW_SUBJECTS:
            yield (
                f"The {name} part has {scores.subjects} subjects. Intervals over so few people are too narrow; "
                f"{FEW_SUBJECTS} or more are wanted."
            )
    if split.across:
        yield (
            f"{split.across:,} comparisons of development's with evaluation's people belong to neither part and were "
            "left out."
        )
    failed = sum(int((~s.compared).sum()) for s in (split.development, split.evaluation) if s is not None)
    if failed:
        yield (
            f"{failed:,} transactions failed for want of a print. They count as rejected in FAR and FRR; "
            "FMR and FNMR are of comparisons made."
        )


def _about_targets(parts: Sequence[Part], choices: Sequence[Choice]) -> Iterator[str]:
    for i, choice in enumerate(choices):
        if choice.target is None:
            continue
        for part in parts:
            rate = part.operations[i].fmr
            if choice.target and rate.count * choice.target < RULE:
                yield (
                    f"{choice.method}: {rate.count:,} non-mated comparisons of {part.name} cannot carry an FMR of "
                    f"{100 * choice.target:g} % (rule of 30: {RULE / choice.target:,.0f} are needed). It rests on "
                    f"{rate.errors} false match{'es' * (rate.errors != 1)}."
                )
        own = parts[-1].operations[i].fmr
        if choice.target == 0:
            yield (
                f"{choice.method}: no false match among {parts[0].operations[i].fmr.count:,} non-mated comparisons of "
                f"development does not mean none ever; on {parts[-1].name} there "
                f"{'is' if own.errors == 1 else 'are'} {own.errors:,} among {own.count:,}"
                + (f", and FMR may be as high as {100 * own.high:.2g} %." if own.high == own.high else ".")
            )


def _about_counts(parts: Sequence[Part]) -> Iterator[str]:
    for part in parts:
        rates = [r for o in part.operations for r in (o.fmr, o.fnmr)]
        few = sum(r.errors < RULE for r in rates)
        if few:
            yield (
                f"{few} of {len(rates)} rates on {part.name} rest on fewer than {RULE} errors (marked *): they may be "
                "off by more than 30 %."
            )
