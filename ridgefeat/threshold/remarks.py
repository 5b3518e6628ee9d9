"""What a reader of error rates must be told: too few errors, too few people, people on both sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ridgefeat.threshold.choices import Choice
from ridgefeat.threshold.results import Part
from ridgefeat.threshold.splitting import Split
from ridgefeat.threshold.uncertainty import FEW_SUBJECTS

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
