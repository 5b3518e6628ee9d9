"""A comparison's tables as figures: one function per part, with nothing where the comparison has no such table.

A figure is drawn only when it is requested.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import studentized_range
from sklearn.metrics import auc, roc_curve

from ridgefeat.bench.results import LESS_IS_BETTER, Comparison
from ridgefeat.report import plots
from ridgefeat.report.bench.tables import format_estimate, format_value, group_rows, metric_name
from ridgefeat.report.display import Display, span_of
from ridgefeat.report.plots import UNIT, Curve, Interval, plot_curves, plot_intervals
from ridgefeat.threshold.intervals import LEVEL, t_quantile

MAX_CURVES = 6
"""Classifiers in one plot; more lines cannot be distinguished."""

MAX_CLASSES = 12
"""Classes in one plot; a longer legend is not read."""

MAX_COLUMNS, MAX_LEVELS = 20, 24
"""Rows of a chart of columns, and of a chart of levels."""
ZERO = 1e-9
"""An importance up to this is rounding error."""
MIN_COMPARED_GROUPS = 10
"""Groups of a level below which it is compared with no other."""
STEPS = np.linspace(0.0, 1.0, 101)
PARTS = {
    **dict.fromkeys(("train", "training"), "training"),
    **dict.fromkeys(("valid", "validation", "val"), "validation"),
    "test": "test",
}
"""What the first word of an epoch table's column says about a line."""


def leading_classifiers(comparison: Comparison, limit: int = MAX_CURVES) -> list[str]:
    """Return the best classifiers that did not fail, best first; dummy only if there is no other."""
    summary = comparison.summary
    names = [str(n) for n in summary.loc[summary["status"] == "ok", "classifier"]]
    return ([n for n in names if n != "dummy"] or names)[:limit]


def curve_display(
    name: str, title: str, curves: list[Curve], x_name: str, y_name: str, reading: str = "", **options: Any
) -> Display:
    """Return curves as a display; `options` are those of plot_curves."""
    alt = f"{title}: {y_name} over {x_name}. " + "; ".join(c.words for c in curves if c.words)
    return Display(name, title, partial(plot_curves, curves, x_name, y_name, **options), alt, reading)


def interval_display(
    name: str,
    title: str,
    rows: list[Interval],
    axis: str,
    words: str,
    reading: str = "",
    *,
    tall: bool = False,
    **options: Any,
) -> Display:
    """Return values with intervals as a display; `words` describe it without the rows' values.

    `options` are those of plot_intervals.
    """
    alt = f"{words}. " + "; ".join(r.words for r in rows)
    return Display(name, title, partial(plot_intervals, rows, axis, **options), alt, reading, tall)


def intervals(rows: pd.DataFrame, name: str, metric: str, before: str = "") -> list[Interval]:
    """Return a table's rows as values with intervals, as far as they have a value."""
    known = rows[np.isfinite(rows[metric].to_numpy(np.float64))]
    values = known[[name, metric, f"{metric}_low", f"{metric}_high"]].itertuples(index=False, name=None)
    return [Interval(before + str(label), *value) for label, *value in values]


def make_ranking(comparison: Comparison, chance: float | None) -> Display | None:
    """Show every classifier's main figure with its interval."""
    summary, metric = comparison.summary, comparison.problem.metric
    rows = intervals(summary[summary["status"] == "ok"], "classifier", metric)
    if not rows:
        return None
    name, reading = metric_name(metric), "Best first. Dashed: chance level."
    return interval_display("ranking", name, rows, name, f"Classifiers by {name}", reading, mark=chance)


def find_chance(comparison: Comparison) -> float | None:
    """Return the chance level of the main metric; that of dummy where there is no other, None where it did not run."""
    metric = comparison.problem.metric
    if metric == "roc_auc":
        return 0.5
    if metric == "balanced_accuracy":
        return 1 / max(1, len(comparison.problem.classes))
    dummy = comparison.summary[comparison.summary["classifier"] == "dummy"]
    value = float(dummy[metric].iloc[0]) if len(dummy) else np.nan
    return value if np.isfinite(value) else None


def make_curves(comparison: Comparison) -> list[Display]:
    """Show ROC and calibration curves; for a number, predictions over the truth."""
    if comparison.problem.kind == "regression":
        return _predictions(comparison)
    return [_roc(comparison), *_calibration(comparison)]


def mean_roc(rows: pd.DataFrame, positive: NDArray[np.bool_], score: str) -> NDArray[np.float64]:
    """Return the true-positive rate at each false-positive rate in STEPS, averaged over folds.

    Each fold's scores have a scale of their own, so folds must not be pooled.
    """
    found = []
    for _, own in rows.assign(_truth=positive).groupby(["repeat", "fold"], sort=True):
        own = own[np.isfinite(own[score].to_numpy(np.float64))]
        if own["_truth"].nunique() == 2:
            false, true, _ = roc_curve(own["_truth"], own[score])
            # At a false-alarm rate of 0 the curve may rise at once; what it reaches there counts.
            found.append(np.concatenate([[0.0], np.interp(STEPS[1:], false, true)]))
    return np.asarray(np.mean(found, axis=0) if found else np.full(len(STEPS), np.nan))


def _roc(comparison: Comparison) -> Display:
    """Return a curve per classifier; with several classes, one per class against the rest, of the best classifier."""
    scores, problem, best = comparison.scores, comparison.problem, comparison.best
    chance = "The dashed diagonal is chance level"
    wanted: list[tuple[str | None, str, str | None, str]]
    if problem.kind == "binary":
        title, of = "ROC", f", “{problem.positive}”"
        reading = f"Each point is one threshold on the score. {chance}; further above is better."
        wanted = [(name, name, problem.positive, "score") for name in leading_classifiers(comparison)]
    else:
        title, of, reading = f"ROC, each class against the rest: {best}", "", f"{chance}."
        wanted = [(best, name, name, f"p_{name}") for name in problem.classes if f"p_{name}" in scores.columns]
    lines = []
    for classifier, name, positive, column in wanted[:MAX_CLASSES]:
        own = scores[scores["classifier"] == classifier]
        y = mean_roc(own, (own["y_true"] == positive).to_numpy(), column)
        if problem.kind == "binary":
            area = _value(comparison, name, "roc_auc")
        else:
            known = np.isfinite(y)
            area = float(auc(STEPS[known], y[known])) if known.sum() > 1 else np.nan
        lines.append(Curve(name, STEPS, y, format_value(area, problem.kind)))
    left_out = len(wanted) - len(lines)
    more = f" {left_out} more classes are not shown." if left_out else ""
    reading += f" Mean over folds, with the area under the curve.{more}"
    names = "false-positive rate", f"true-positive rate{of}"
    return curve_display("roc", title, lines, *names, reading, limits=UNIT, diagonal=True)


def _calibration(comparison: Comparison) -> list[Display]:
    table, problem = comparison.calibration, comparison.problem
    if table is None or table.empty:
        return []
    if problem.kind == "binary":
        wanted, by = leading_classifiers(comparison), "classifier"
        of = f"“{problem.positive}”"
        table = table[table["class"] == problem.positive] if "class" in table else table
    else:
        table = table[table["classifier"] == comparison.best]
        wanted, by, of = list(problem.classes)[:MAX_CLASSES], "class", "the class"
    lines = []
    for name in wanted:
        own = table[(table[by] == name) & (table["count"] > 0)].sort_values("predicted")
        if len(own):
            x, y = own[["predicted", "observed"]].to_numpy(np.float64).T
            brier = format_value(_value(comparison, name, "brier"), problem.kind)
            lines.append(Curve(name, x, y, f"Brier {brier}" if by == "classifier" else "", dots=True))
    if not lines:
        return []
    how = "The probabilities are the classifiers' own, not calibrated."
    if comparison.calibrated:
        how = "Each fold's probabilities were calibrated on the other folds."
    title = "Calibration" if by == "classifier" else f"Calibration: {comparison.best}"
    reading = f"On the dashed diagonal, probabilities are calibrated: of prints given 0.7, 70 % are {of}. {how}"
    axes = "predicted probability", f"fraction that is {of}"
    return [curve_display("calibration", title, lines, *axes, reading, limits=UNIT, diagonal=True)]


def _predictions(comparison: Comparison) -> list[Display]:
    scores, target = comparison.scores, comparison.problem.target
    names = leading_classifiers(comparison, 3)
    shown = scores[scores["classifier"].isin(names)]
    reading = "The dashed line is a perfect prediction. A cloud flatter than the line is biased towards the mean."
    ends = span_of([*shown["y_true"].astype(float), *shown["y_pred"].astype(float)])
    found = []
    for name in names:
        own = shown[shown["classifier"] == name]
        title = f"{name}: mean absolute error {format_value(_value(comparison, name, 'mae'), 'regression')}"
        draw = partial(plots.plot_predictions, own["y_true"], own["y_pred"], target, limits=ends)
        count = int(np.isfinite(own[["y_true", "y_pred"]].to_numpy(np.float64)).all(axis=1).sum())
        alt = f"{title}. {count} predictions against the label"
        found.append(Display(f"predictions-{name}", title, draw, alt, reading))
    return found


def make_confusion_matrices(comparison: Comparison) -> list[Display]:
    """Show the confusion matrices of the best classifiers."""
    table, classes = comparison.confusion, list(comparison.problem.classes)
    if table is None or not classes:
        return []
    limit = MAX_CURVES if len(classes) <= 4 else 2
    found = []
    for name in leading_classifiers(comparison, limit):
        own = table[table["classifier"] == name].astype({"y_true": str, "y_pred": str})
        counted = own.pivot_table("count", "y_true", "y_pred", "sum")
        counts = counted.reindex(index=classes, columns=classes).fillna(0).to_numpy(np.float64)
        alt = f"Confusion matrix of {name}. {plots.confusion_words(counts, classes)}"
        found.append(Display(f"confusion-{name}", name, partial(plots.plot_confusion_matrix, counts, classes), alt))
    return found


class LevelChart(NamedTuple):
    """A label's levels: its name, the metric shown, the chart, and a sentence on the best and the worst level."""

    name: str
    metric: str
    display: Display
    sentence: str


def make_level_charts(comparison: Comparison) -> list[LevelChart]:
    """Show the best classifier's metric for each level of the labels, one chart per label, all on one scale."""
    charts, spanned = [], defaultdict[str, list[Interval]](list)
    for column, part in group_rows(comparison.levels, "column"):
        part = part[part["classifier"] == comparison.best]
        # Within one class only accuracy is defined.
        usual = (comparison.problem.metric, "accuracy", "mae")
        for metric in ("accuracy",) if column == comparison.problem.target else usual:
            if metric in part.columns and np.isfinite(part[metric].to_numpy(np.float64)).sum() >= 2:
                break
        else:
            continue
        part = part[np.isfinite(part[metric].to_numpy(np.float64))]
        part = part.sort_values(metric, ascending=metric in LESS_IS_BETTER, kind="stable")
        sentence = _describe_extremes(part, metric, comparison)
        left_out = max(0, len(part) - MAX_LEVELS)
        part = part.head(MAX_LEVELS)
        whole = _value(comparison, str(comparison.best), metric)
        name = str(column).replace("_", " ").replace("+", " and ")
        words = f"{metric_name(metric)} of {comparison.best} by {name}; the dashed line is all prints"
        reading = f"{sentence} {left_out} more levels are in the tables." if left_out else sentence
        rows = intervals(part, "level", metric)
        spanned[metric] += [*rows, Interval("", whole)]
        texts = f"by-{column}", f"By {name}", rows, metric_name(metric), words, reading
        charts.append((name, metric, sentence, partial(interval_display, *texts, mark=whole)))
    # Charts of the same metric have the same scale, so that labels can be compared.
    return [
        LevelChart(name, metric, make(limits=plots.span_of_intervals(spanned[metric])), sentence)
        for name, metric, sentence, make in charts
    ]


def _describe_extremes(part: pd.DataFrame, metric: str, comparison: Comparison) -> str:
    """Return a sentence on the best and the worst level, and whether they differ allowing for their having been chosen.

    The distance of the extremes of several levels follows Tukey's studentised range. Levels with the same people vary
    together, so that taking them for independent errs on the safe side.
    """
    group, kind = comparison.problem.group, comparison.problem.kind
    rows = part[(part["groups"] >= MIN_COMPARED_GROUPS) & np.isfinite(part[f"{metric}_low"].to_numpy(np.float64))]
    if len(rows) < 2:
        return f"Fewer than two levels have {MIN_COMPARED_GROUPS} {group}s or more: no comparison."
    ends = rows.iloc[[0, -1]]
    values, halves = ends[metric].to_numpy(), (ends[f"{metric}_high"] - ends[f"{metric}_low"]).to_numpy() / 2
    if values[0] == values[1]:
        return "All levels that can be compared have the same value."
    shown = [
        f"{row['level']} {words['value']} ({words['interval']})"
        for row in ends.to_dict("records")
        if (words := format_estimate(row, metric, kind))
    ]
    errors = halves / [t_quantile(n) for n in ends["groups"]]
    reach = studentized_range.ppf(LEVEL, len(rows), np.inf) * np.sqrt((errors**2).sum() / 2)
    apart = abs(values[0] - values[1]) > reach
    return (
        f"Best: {shown[0]}. Worst: {shown[1]}. They {'differ' if apart else 'do not differ significantly'}, allowing "
        f"for the choice among {len(rows)} levels."
    )


def make_importances(comparison: Comparison) -> list[Display]:
    """Show how much the metric drops when a family or a column is shuffled."""
    metric, found = metric_name(comparison.problem.metric), []
    for name, own in group_rows(comparison.importances, "classifier"):
        for level, title in (("family", "Families"), ("column", "Columns")):
            part = own[own["level"] == level]
            count, part = len(part), part[part["drop"].abs() > ZERO]
            rows = intervals(part.head(MAX_COLUMNS), "name", "drop")
            if rows:
                words = f"{title} shuffled in the test prints, {name}: drop of {metric}"
                more = f"The first {len(rows)} of {count}." if count > len(rows) else ""
                more += f" Shuffling {count - len(part)} of them changes nothing." if count > len(part) else ""
                names = f"importance-{level}-{name}", f"{title}: {name}"
                axis, tall = f"drop of {metric} when shuffled", level == "column"
                found.append(interval_display(*names, rows, axis, words, more, mark=0, tall=tall))
    return found


def make_ablations(comparison: Comparison) -> list[Display]:
    """Show families alone, added one by one, and all families but one."""
    table = comparison.ablation
    if table is None or table.empty:
        return []
    metric, found = comparison.problem.metric, []
    titles = {"alone": "One family alone", "added": "Families added one by one", "without": "All but one family"}
    for how, title in titles.items():
        rows, plus, reading = table[table["how"] == how], "", ""
        if how == "added":
            plus, reading = "+ ", "Starting from the best family, the next best is added at each step. "
        else:
            rows = rows.sort_values("value", ascending=metric in LESS_IS_BETTER, kind="stable")
        values = intervals(rows, "family", "value", plus)
        if values:
            names = ", ".join(dict.fromkeys(map(str, rows["classifier"])))
            whole = _value(comparison, str(rows["classifier"].iloc[0]), metric)
            words = f"{title}, {names}; the dashed line is all families"
            drawn = f"families-{how}", f"{title}: {names}", values, metric_name(metric), words
            mark = whole if np.isfinite(whole) else None
            found.append(interval_display(*drawn, f"{reading}Dashed: all families together.", mark=mark))
    return found


def _value(comparison: Comparison, name: str, metric: str) -> float:
    own = comparison.summary[comparison.summary["classifier"] == name]
    return float(own[metric].iloc[0]) if len(own) and metric in own.columns else float("nan")


def make_learning_curve(comparison: Comparison, chance: float | None) -> Display | None:
    """Show the main metric against the number of training groups."""
    table = comparison.learning
    if table is None or table["groups"].nunique() < 2:
        return None
    lines = []
    for name, own in group_rows(table, "classifier"):
        own = own.sort_values("groups", kind="stable")
        step = own.groupby(["repeat", "fold"]).cumcount()
        x, y, low, high = band_of(own["groups"], own["value"], step)
        lines.append(Curve(str(name), x, y, "", low, high, dots=True))
    group = comparison.problem.group
    reading = (
        "Band: lowest to highest fold of the first repeat. If the line still improves at its end, more "
        f"{group}s would help; if it is flat, other features or better labels would."
    )
    names = f"training {group}s", metric_name(comparison.problem.metric), reading
    return curve_display("learning", f"By number of {group}s", lines[:MAX_CURVES], *names, mark=chance, whole=True)


def make_training_curves(comparison: Comparison) -> list[Display]:
    """Show training and validation values by epoch, one chart per classifier and quantity."""
    drawn = []
    for name, own in group_rows(comparison.epochs, "classifier"):
        for title, columns in _by_figure(own).items():
            lines = []
            for column, label in columns:
                x, y, low, high = band_of(own["epoch"], own[column])
                lines.append(Curve(label, x, y, "", low, high))
            names = f"training-{title}-{name}", f"{name}: {title}"
            reading = "Mean over folds; band: lowest to highest. Where training improves and validation does not, "
            reading = f"{reading}the network overfits." if len(lines) > 1 else ""
            drawn.append(curve_display(*names, lines, "epoch", title, reading, whole=True))
    return drawn


def _by_figure(own: pd.DataFrame) -> dict[str, list[tuple[str, str]]]:
    """Return an epoch table's numeric columns grouped by quantity: train_loss and valid_loss are both loss."""
    found: dict[str, list[tuple[str, str]]] = {}
    for column in own.columns:
        if column in ("classifier", "repeat", "fold", "epoch") or own[column].dtype.kind not in "fiu":
            continue
        # A constant learning rate is not a curve.
        values = own[column].to_numpy(np.float64)
        if not np.isfinite(values).any() or (column == "learning_rate" and np.ptp(values) == 0):
            continue
        first, _, rest = str(column).partition("_")
        title, label = (rest, PARTS[first]) if first in PARTS and rest else (str(column), "training")
        found.setdefault(title.replace("_", " "), []).append((str(column), label))
    return found


def band_of(x: ArrayLike, y: ArrayLike, step: ArrayLike | None = None) -> tuple[NDArray[np.float64], ...]:
    """Return the mean x of each step in order, and the mean, lowest and highest y there.

    Without steps, equal x are one step: the number of training groups may differ by one between folds.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    step = x if step is None else np.asarray(step, np.float64)
    known = np.isfinite(x) & np.isfinite(y)
    rows = [known & (step == s) for s in np.unique(step[known])]
    middle = np.array([x[r].mean() for r in rows])
    return middle, *(np.array([found(y[r]) for r in rows]) for found in (np.mean, np.min, np.max))
