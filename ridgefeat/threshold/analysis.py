"""From scores to a threshold report's figures: chosen on one part, reported on both, each with interval and count."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ridgefeat.errors import ScoreError
from ridgefeat.threshold.choices import Choice, Settings, expected_cost
from ridgefeat.threshold.methods import DEFAULT, choose
from ridgefeat.threshold.rates import ErrorCurve
from ridgefeat.threshold.remarks import remarks
from ridgefeat.threshold.results import Analysis, Figure, Operation, Part, Rate
from ridgefeat.threshold.scores import Scores
from ridgefeat.threshold.splitting import split_scores
from ridgefeat.threshold.uncertainty import (
    NONE,
    Replicates,
    at_least_none,
    grid_of_cuts,
    interval,
    rate_interval,
    resample,
)

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
