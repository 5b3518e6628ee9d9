"""From scores to a report: thresholds, each judged on subjects that it has not seen, with intervals and remarks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ridgefeat.brief import Brief
from ridgefeat.errors import ScoreError
from ridgefeat.threshold import uncertainty
from ridgefeat.threshold.intervals import MIN_SUBJECTS, NONE
from ridgefeat.threshold.likelihood import LogRatios
from ridgefeat.threshold.methods import DEFAULT_METHODS, Choice, Settings, choose, comparisons_needed, recommend
from ridgefeat.threshold.rates import ErrorCurve
from ridgefeat.threshold.scores import Float, Scores, deal_folds
from ridgefeat.threshold.uncertainty import MIN_ERRORS, MIN_SUBJECTS_D_PRIME, Subjects, weighted_interval

RATES = ("fmr", "fnmr", "far", "frr", "hter", "accuracy")
MAX_CUTS = 2000
"""Rows of the curve, about."""
MAX_FOLDS = 20
BARE = ("AUC", "d'", "Cllr", "min Cllr")
"""Figures that are not rates."""


@dataclass(frozen=True)
class Rate:
    """A rate with its interval and counts.

    Attributes
    ----------
    value : float
        0 to 1.
    low, high : float
        Its 95 % interval; NaN with fewer than 5 subjects.
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
    """The rates of a method's thresholds.

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
    """A figure of the scores that does not depend on a method.

    Attributes
    ----------
    name : str
        EER, FMR100, FMR1000, ZeroFMR, AUC or d'; of log likelihood ratios Cllr and min Cllr.
    value, low, high : float
        The figure and its 95 % interval; NaN if it has none.
    threshold : float
        NaN for those in BARE, which are not rates.
    """

    name: str
    value: float
    low: float
    high: float
    threshold: float


@dataclass(frozen=True, eq=False, repr=False)
class Analysis(Brief):
    """The figures of a threshold report.

    Attributes
    ----------
    scores : Scores
    curve : ErrorCurve
        Of all scores.
    metrics : tuple of Figure
        Of all scores.
    choices : tuple of Choice
        The threshold of each method, chosen on all scores.
    operating_points : tuple of OperatingPoint
        In the order of `choices`: the method's rates, every comparison judged once, by a threshold that the same method
        chose without either of its subjects.
    recommended : Choice
        The one of `choices` for the task.
    folds : int
        Folds over subjects; 1 if every comparison was judged by the threshold that it helped to choose.
    settings : Settings
        Settings of the methods.
    remarks : tuple of str
        What a reader must know: targets that were refused, rates that rest on too few errors, and so on.
    ratios : LogRatios or None
        The scores as log likelihood ratios.
    """

    scores: Scores
    curve: ErrorCurve
    metrics: tuple[Figure, ...]
    choices: tuple[Choice, ...]
    operating_points: tuple[OperatingPoint, ...]
    recommended: Choice
    folds: int
    settings: Settings
    remarks: tuple[str, ...]
    ratios: LogRatios | None = None

    def thresholds(self) -> pd.DataFrame:
        """Return a row per method: threshold with interval, then each rate with interval, errors and count.

        `hter_own` is the HTER of the threshold on the scores that it was chosen from, which is too good.
        """
        rows: list[dict[str, Any]] = []
        own = self.settings.loss(self.curve, "hter")[self.curve.index([c.threshold for c in self.choices])]
        for choice, point, hter in zip(self.choices, self.operating_points, own, strict=True):
            row: dict[str, Any] = {"method": choice.method, "recommended": choice is self.recommended}
            row |= {"threshold": choice.threshold, "threshold_low": choice.low, "threshold_high": choice.high}
            row["evaluations"] = choice.evaluations
            for name in RATES:
                rate = asdict(getattr(point, name))
                row[name] = rate.pop("value")
                row |= {f"{name}_{field}": figure for field, figure in rate.items()}
            rows.append(row | {"cost": point.cost, "hter_own": float(hter)})
        return pd.DataFrame(rows)

    def figures(self) -> pd.DataFrame:
        """Return a row per figure: EER, FMR100, FMR1000, ZeroFMR, AUC, d'; NaN where there are too few comparisons."""
        rows = [(f.name, f.value, f.low, f.high, f.threshold) for f in self.metrics]
        return pd.DataFrame(rows, columns=["figure", "value", "low", "high", "threshold"])

    def curves(self) -> pd.DataFrame:
        """Return about 2,000 rows, one per threshold: FMR, FNMR, FAR, FRR and counts of errors of all scores."""
        curve, at = self.curve, self.curve.thin(MAX_CUTS)
        figures = ("fmr", "fnmr", "far", "frr", "false_matches", "false_nonmatches")
        columns = {"threshold": [curve.to_threshold(cut) for cut in curve.cut[at]]}
        return pd.DataFrame(columns | {name: getattr(curve, name)[at] for name in figures})


def analyse(
    scores: Scores,
    methods: Sequence[str] | None = None,
    settings: Settings | None = None,
    *,
    folds: int = 5,
    seed: int = 0,
    ratios: LogRatios | None = None,
) -> Analysis:
    """Return the report of thresholds: chosen on all scores, judged by folds over subjects.

    Parameters
    ----------
    scores : Scores
        Mated and non-mated scores.
    methods : sequence of str, optional
        See ridgefeat.threshold.choose; the first is the one that is recommended. DEFAULT_METHODS if omitted.
    settings : Settings, optional
        Settings of the methods; the defaults, with `seed`, if omitted.
    folds : int
        Folds over subjects, at most one per subject; 1 judges every comparison by the threshold that it helped to
        choose, which is too good.
    seed : int
        Seed of the folds.
    ratios : LogRatios, optional
        The scores as log likelihood ratios, whose cost is reported too.

    Raises
    ------
    ScoreError
        If the scores are too few for the folds or for every target, a method does not exist, or a number is out of
        range.

    Examples
    --------
    >>> scores = Scores.make([3, 5, 7, 9, 1, 3, 4, 5, 2], [1, 1, 1, 1, 0, 0, 0, 0, 0])
    >>> found = analyse(scores, ["exact", "zero-fmr"], folds=1)
    >>> found.thresholds()[["method", "recommended", "threshold", "fmr", "fmr_errors", "fmr_count", "fnmr"]]
         method  recommended  threshold  fmr  fmr_errors  fmr_count  fnmr
    0     exact         True        5.0  0.2           1          5  0.25
    1  zero-fmr        False        7.0  0.0           0          5  0.50
    >>> found.figures()[["figure", "value", "threshold"]]
        figure     value  threshold
    0      EER  0.225000        5.0
    1   FMR100       NaN        NaN
    2  FMR1000       NaN        NaN
    3  ZeroFMR  0.500000        7.0
    4      AUC  0.850000        NaN
    5       d'  1.603567        NaN
    >>> found.curves()[["threshold", "fmr", "false_matches"]].head(3)
       threshold  fmr  false_matches
    0        1.0  1.0              5
    1        2.0  0.8              4
    2        3.0  0.6              3
    """
    settings = settings or Settings(seed=seed)
    named = list(dict.fromkeys(DEFAULT_METHODS if methods is None else methods))
    if not named:
        raise ScoreError("no method is given; name one or more")
    if not 1 <= folds <= MAX_FOLDS:
        raise ScoreError(f"{folds} folds; give 2 to {MAX_FOLDS}, or 1 to choose and judge on the same scores")
    # In the order of the scores, every later sort is quick.
    scores = scores.select(np.argsort(scores.similarity))
    folds = min(folds, scores.n_subjects or folds)
    curve, subjects = ErrorCurve.from_scores(scores), Subjects(scores)
    needed = {name: comparisons_needed(name) for name in named}
    refused = tuple(_refusal(name, n, curve.n_nonmated) for name, n in needed.items() if n > curve.n_nonmated)
    names = [name for name in named if needed[name] <= curve.n_nonmated]
    if not names:
        raise ScoreError("; ".join(refused))
    choices = []
    for name in names:
        choice = choose(curve, name, settings)
        low, high = uncertainty.threshold_interval(subjects, curve, choice, settings)
        choices.append(replace(choice, low=low, high=high))
    judge = np.array([[curve.to_threshold(c.threshold) for c in choices]])
    of_judge = np.zeros(len(scores), np.int16)
    for chosen, judged in deal_folds(scores, folds, seed) if folds > 1 else ():
        rows = np.flatnonzero(chosen)
        part = ErrorCurve.from_scores(Scores(scores.score[rows], scores.mated[rows], distance=scores.distance))
        of_judge[judged] = len(judge)
        judge = np.vstack([judge, [part.to_threshold(choose(part, name, settings).threshold) for name in names]])
    margins = (scores.similarity - cuts[of_judge] for cuts in judge.T)
    points = tuple(_operating_point(subjects, margin, settings) for margin in margins)
    suited = recommend(names, methods, settings, of_pairs=scores.reference is not None)
    recommended, metrics = choices[names.index(suited)], tuple(_metrics(curve, subjects, ratios))
    remarks = (*(f"{r}." for r in refused), *_about_scores(scores, folds), *_about_points(choices, points))
    return Analysis(scores, curve, metrics, tuple(choices), points, recommended, folds, settings, remarks, ratios)


def _refusal(name: str, needed: int, there: int) -> str:
    step = 10.0 ** (np.floor(np.log10(300 / there)) - 1)
    return (
        f"{name} takes at least {needed:,} non-mated comparisons, but there are {there:,}. Without a false match among "
        "n, FMR may still be 3 / n (rule of three). Compare more prints, or ask for "
        f"fmr={np.ceil(300 / there / step) * step:.2g}% or more"
    )


def _operating_point(subjects: Subjects, margin: Float, settings: Settings) -> OperatingPoint:
    far = fmr = subjects.rate(False, margin)
    frr = fnmr = subjects.rate(True, margin)
    # Transactions: comparisons, and failures to acquire, which reject.
    if not subjects.scores.compared.all():
        far, frr = (subjects.rate(mated, margin, attempts=True) for mated in (False, True))
    errors, total = far.errors + frr.errors, far.count + frr.count
    hter = weighted_interval((far.value + frr.value) / 2, [(0.5, far), (0.5, frr)])
    wrong = weighted_interval(errors / total, [(rate.count / total, rate) for rate in (far, frr)])
    rates = {"fmr": fmr, "fnmr": fnmr, "far": far, "frr": frr}
    made = {name: Rate(r.value, *r.interval, r.errors, r.count) for name, r in rates.items()}
    made["hter"] = Rate((far.value + frr.value) / 2, *hter, errors, total)
    made["accuracy"] = Rate(1 - errors / total, 1 - wrong[1], 1 - wrong[0], errors, total)
    return OperatingPoint(**made, cost=float(settings.expected_cost(np.array(far.value), np.array(frr.value))))


def _metrics(curve: ErrorCurve, subjects: Subjects, ratios: LogRatios | None) -> Iterator[Figure]:
    nowhere = float("nan")
    eer = curve.equal_error
    yield Figure("EER", eer.value, *uncertainty.equal_error_interval(subjects, curve), eer.threshold)
    for name, target in {"FMR100": 0.01, "FMR1000": 0.001, "ZeroFMR": 0.0}.items():
        if target and curve.n_nonmated < comparisons_needed(f"fmr={target}"):
            yield Figure(name, nowhere, *NONE, nowhere)
            continue
        k = curve.index_for_fmr(target)
        # The highest non-mated score is an extreme value, of which its variance says nothing.
        bounds = uncertainty.held_fmr_interval(subjects, curve, target) if target else NONE
        yield Figure(name, float(curve.fnmr[k]), *bounds, curve.to_threshold(curve.cut[k]))
    yield Figure("AUC", curve.auc, *uncertainty.auc_interval(subjects, curve), nowhere)
    yield Figure("d'", curve.d_prime, *uncertainty.d_prime_interval(subjects, curve), nowhere)
    if ratios is not None:
        yield Figure("Cllr", ratios.cost.cllr, *NONE, nowhere)
        yield Figure("min Cllr", ratios.cost.min_cllr, *NONE, nowhere)


def _about_scores(scores: Scores, folds: int) -> Iterator[str]:
    if folds == 1:
        yield (
            "Thresholds were chosen and are reported on the same scores, so their error rates are too good. "
            "Judge them on other subjects, by --folds 5."
        )
    if scores.probe is None:
        mixed = "comparisons of one subject may both choose and be judged, and " if folds > 1 else ""
        yield (
            f"The table names no subjects: {mixed}the intervals, which take comparisons for independent, are too "
            "narrow. Give columns subject_probe and subject_reference."
        )
    elif scores.n_subjects < MIN_SUBJECTS:
        yield (
            f"There are no intervals: {scores.n_subjects} subjects do not show how much people differ; {MIN_SUBJECTS} "
            "or more are needed."
        )
    elif scores.n_subjects < MIN_SUBJECTS_D_PRIME:
        yield (
            f"d' has no interval: with {scores.n_subjects} subjects it would be too narrow; {MIN_SUBJECTS_D_PRIME} or "
            "more are needed."
        )
    failed = int((~scores.compared).sum())
    if failed:
        yield (
            f"{failed:,} transactions failed to acquire a print. They count as rejected in FAR and FRR; "
            "FMR and FNMR cover the comparisons made."
        )


def _about_points(choices: Sequence[Choice], points: Sequence[OperatingPoint]) -> Iterator[str]:
    for choice, point in zip(choices, points, strict=True):
        if choice.target is None:
            continue
        rate = point.fmr
        if choice.target and rate.count * choice.target < MIN_ERRORS:
            yield (
                f"{choice.method}: {rate.count:,} non-mated comparisons are too few to know an FMR of "
                f"{100 * choice.target:g} % well (rule of 30: {MIN_ERRORS / choice.target:,.0f} are needed). It rests "
                f"on {rate.errors} false match{'es' * (rate.errors != 1)}."
            )
        if choice.target and not np.isfinite([choice.low, choice.high]).all():
            yield (
                f"{choice.method}: how far the threshold may be beyond {choice.threshold:.6g} is unknown, because "
                "hardly any non-mated score lies there."
            )
        if choice.target == 0:
            yield (
                f"{choice.method}: no false match among these comparisons does not mean that there will never be one; "
                f"for subjects that the threshold has not seen there {'is' if rate.errors == 1 else 'are'} "
                f"{rate.errors:,} among {rate.count:,}"
                + (f", and FMR may be as high as {100 * rate.high:.2g} %." if rate.high == rate.high else ".")
                + " The threshold hangs on one extreme score and has no interval."
            )
    rates = [r for point in points for r in (point.fmr, point.fnmr)]
    few = sum(r.errors < MIN_ERRORS for r in rates)
    if few:
        yield (
            f"{few} of {len(rates)} rates rest on fewer than {MIN_ERRORS} errors (marked *): they may be off by more "
            "than 30 %."
        )
