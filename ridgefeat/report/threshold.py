"""Decision thresholds as a page to look at: one HTML file that needs no network and runs no script.

write_threshold_page(analysis, "report.html", title="scores.csv")

The page's figures are DET, ROC, scores, rates against the threshold, and a Gaussian process's path. Each function draws
on the given axes, or on a figure of its own, and returns the axes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from ridgefeat.errors import ParameterError
from ridgefeat.report.display import COLOURS, INK, REFERENCE, SOFT, WIDTH, Display, axes, by_name, label, line_style
from ridgefeat.report.page import percent, percent_interval, write_page
from ridgefeat.report.plots import Curve, Limits, plot_curves, plot_tippett
from ridgefeat.threshold import BARE, MIN_ERRORS, Analysis, Choice, Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Float = NDArray[np.float64]
PERCENTS = (0.0001, 0.001, 0.01, 0.1, 1, 5, 20, 40, 60, 80, 95, 99)
BINS, POINTS = 48, 600
DOT: dict[str, Any] = {"ms": 8, "mec": "white", "mew": 1.5}
CLOSE = 13.0
"""Points between thresholds below which they get one label."""
NEAR = 0.035
"""The same for dots on the DET curve, as a fraction of the axes."""
READINGS = {
    "det": "Lower left is better. Dots: the methods' rates, numbered as in the table. Dashed: equal rates. A rate of 0 "
    "is drawn at the edge.",
    "scores": "Lines: the methods' thresholds, numbered as in the table.",
    "far-frr": "They cross at the equal error rate. Lines: the thresholds, numbered as in the table.",
    "roc": "Upper left is better; the dashed line is chance level. The DET curve separates good systems more clearly.",
    "bayes": "Each next threshold is the one with the largest expected improvement; dashed: the best one tried. The "
    "exact method evaluates the whole dotted line.",
}
"""How to read the figures."""
LOSSES = {"hter": "HTER", "accuracy": "1 − accuracy", "cost": "expected cost"}


def write_threshold_page(
    found: Analysis, path: str | Path, *, title: str = "Scores", about: Mapping[str, str] | None = None
) -> Path:
    """Write a page about decision thresholds.

    Parameters
    ----------
    found : Analysis
        What ridgefeat.threshold.analyse returned.
    path : str or Path
        The page to write; an existing one is replaced. The same analysis gives the same bytes.
    title : str
        The page's heading.
    about : mapping of str to str, optional
        Further facts on how it was made, such as the command.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    TableError
        If the page cannot be written.
    """
    methods = zip(count(1), found.choices, found.operating_points, found.thresholds()["hter_own"], strict=False)
    page = {
        "title": title,
        "found": found,
        "metrics": {f.name: f for f in found.metrics},
        "methods": sorted(methods, key=lambda method: method[1] is not found.recommended),
        "plots": threshold_displays(found).values(),
        "rule": MIN_ERRORS,
        "without_bounds": BARE,
        "interval": _threshold_interval,
        "rate_interval": percent_interval,
        "bounds": _bounds,
        "about": about or {},
    }
    return write_page(path, "threshold.html", page)


def _threshold_interval(choice: Choice) -> str:
    low, high = choice.low, choice.high
    if np.isfinite([low, high]).all():
        return f"{low:.4g} to {high:.4g}"
    return f"{low:.4g} or more" if np.isfinite(low) else f"{high:.4g} or less" if np.isfinite(high) else ""


def _bounds(one: Figure) -> str:
    digits = 2 if one.name == "d'" else 4
    known = np.isfinite([one.low, one.high]).all()
    return f"{one.low:.{digits}f}–{one.high:.{digits}f}" if known else ""


def threshold_displays(found: Analysis) -> dict[str, Display]:
    """Return the report's figures by name, in order; that of the Gaussian process only where it was asked for."""
    counts = "; ".join(words for _, words, _ in _kinds(found))
    shown = (
        ("det", "DET", plot_det, f"DET: FNMR over FMR, both on normal deviates. {_eer(found)}"),
        ("scores", "Scores", plot_scores, f"Scores: {counts}"),
        ("far-frr", "FAR and FRR", plot_error_rates, "FAR and FRR over the threshold"),
        ("roc", "ROC", plot_roc, f"ROC: 1 − FNMR over FMR. {_roc(found).words}"),
    )
    displays = [Display(name, title, partial(plot, found), alt, READINGS[name]) for name, title, plot, alt in shown]
    displays += [
        Display(
            "bayes",
            "Bayesian optimisation",
            partial(plot_search, found, choice),
            f"Gaussian process: {LOSSES[found.settings.objective]} over the threshold, "
            f"{len(choice.path.tried)} thresholds tried",
            READINGS["bayes"],
        )
        for choice in found.choices
        if choice.path is not None
    ]
    if found.ratios is not None:
        ratios, kinds = found.ratios, ("mated", "non-mated")
        made = "made of the scores by subjects of other folds" if ratios.fitted else "the scores"
        plot = partial(plot_tippett, ratios.natural / np.log(10), ratios.scores.mated, kinds)
        cost = f"Cllr {ratios.cost.cllr:.3f}, minimum {ratios.cost.min_cllr:.3f}"
        reading = f"Share of comparisons with a ratio of at least so much; the ratios are {made}. {cost}."
        alt = f"Tippett plot of log likelihood ratios. {cost}"
        displays.append(Display("tippett", "Tippett plot", plot, alt, reading))
    return by_name(displays)


def plot_det(found: Analysis, ax: Axes | None = None) -> Axes:
    """Draw the detection error trade-off: both rates on normal deviates, where normal scores give a straight line."""
    ends = 100 * max(1e-7, 0.5 / max(found.curve.n_mated, found.curve.n_nonmated)), 70.0
    ticks = [p for p in PERCENTS if ends[0] <= p <= ends[1]]
    with axes(ax, height=334, left=58) as ax:
        ax.set(xlim=ends, ylim=ends, xlabel="FMR, %", ylabel="FNMR, %")
        for scale, place in ((ax.set_xscale, ax.set_xticks), (ax.set_yscale, ax.set_yticks)):
            scale("function", functions=(_deviates, lambda deviates: 100 * ndtr(deviates)))
            place(ticks, [f"{t:g}" for t in ticks])
        ax.plot(ends, ends, **REFERENCE)
        at = found.curve.thin(POINTS)
        x, y = (np.clip(100 * rate[at], *ends) for rate in (found.curve.fmr, found.curve.fnmr))
        ax.plot(x, y, label=label(_eer(found)), clip_on=False, **line_style(0))
        dots = np.array([(o.fmr.value, o.fnmr.value) for o in found.operating_points])
        dots = np.clip(100 * dots, *ends)
        ax.plot(*dots.T, "o", color=INK, clip_on=False, **DOT)
        where = (ax.transScale + ax.transLimits).transform(dots)
        for group in _group_near(where, NEAR):
            numbers = ranges(i + 1 for i in group)
            left = where[group[0], 0] > 1 - 0.03 * (1 + len(numbers))
            side: dict[str, Any] = {"ha": "right" if left else "left", "color": INK, "weight": "bold"}
            ax.annotate(numbers, dots[group[0]], (-7 if left else 7, 5), textcoords="offset points", **side)
    return ax


def plot_roc(found: Analysis, ax: Axes | None = None) -> Axes:
    """Draw the receiver operating characteristic."""
    return plot_curves([_roc(found)], "FMR, %", "1 − FNMR, %", ax, limits=(0, 100), diagonal=True)


def plot_scores(found: Analysis, ax: Axes | None = None) -> Axes:
    """Draw both kinds' histograms, with the thresholds."""
    with _over_scores(found, ax, "score", "fraction of scores, %") as (ax, ends):
        edges = np.linspace(*ends, BINS + 1)
        for values, words, colour in _kinds(found):
            share = 100 * np.histogram(np.clip(values, *ends), edges)[0] / len(values)
            ax.stairs(share, edges, fill=True, fc=(colour, 0.28), ec=colour, lw=1.5, label=words)
    return ax


def plot_error_rates(found: Analysis, ax: Axes | None = None) -> Axes:
    """Draw FAR and FRR against the threshold."""
    curve = found.curve
    at = curve.thin(POINTS)
    thresholds = np.array([curve.to_threshold(v) for v in curve.cut[at]])
    with _over_scores(found, ax, "threshold", "rate, %") as (ax, _):
        for i, (name, rate) in enumerate((("FAR", curve.far), ("FRR", curve.frr))):
            ax.plot(thresholds, 100 * rate[at], label=name, **line_style(i))
        ax.set_ylim(-1, 101)
    return ax


def plot_search(found: Analysis, choice: Choice, ax: Axes | None = None) -> Axes:
    """Draw the Gaussian process of a Bayesian optimisation, and the thresholds that it tried."""
    path, curve = choice.path, found.curve
    if path is None:
        raise ParameterError(f"method {choice.method!r} is not a search and has no path to draw; 'bayes' has one")
    true = found.settings.loss(curve)[curve.index(path.grid)]
    scale, unit = (1.0, "") if found.settings.objective == "cost" else (100.0, ", %")
    heights = np.concatenate([true, path.loss])
    room = 0.12 * (np.ptp(heights) or 0.01)
    with axes(ax) as ax:
        low, high = (scale * (path.mean + k * path.deviation) for k in (-2, 2))
        ax.fill_between(path.grid, low, high, color=COLOURS[0], alpha=0.14, lw=0)
        ax.plot(path.grid, scale * path.mean, color=COLOURS[0], label="Gaussian process, ± 2 SD")
        ax.plot(path.grid, scale * true, color=SOFT, lw=1.5, ls=line_style(2)["ls"], label="true loss")
        tried: dict[str, Any] = {"color": COLOURS[1], "label": f"tried, {len(path.tried)}"}
        ax.plot(path.tried, scale * path.loss, "o", clip_on=False, **DOT, **tried)
        ax.axvline(choice.threshold, color=INK, lw=1.2, ls=(0, (4, 2.5)))
        ax.set(xlim=(path.grid.min(), path.grid.max()), xlabel="threshold")
        ax.set_ylim(scale * max(0.0, float(heights.min() - room)), scale * float(heights.max() + room))
        ax.set_ylabel(LOSSES[found.settings.objective] + unit)
        ax.locator_params(nbins=6)
    return ax


def _group_near(places: Float, reach: float) -> list[list[int]]:
    """Return the rows of places, shape (n, dimensions), in groups: each in the first whose first row is near."""
    groups: list[list[int]] = []
    for i, place in enumerate(places):
        near = [g for g in groups if np.abs(places[g[0]] - place).max() < reach]
        if near:
            near[0].append(i)
        else:
            groups.append([i])
    return groups


def ranges(numbers: Iterable[int]) -> str:
    """Return whole numbers in order, runs of three and more as ranges: "2–6, 9"."""
    ordered = np.sort(list(numbers))
    runs = np.split(ordered, np.flatnonzero(np.diff(ordered) != 1) + 1)
    return ", ".join(f"{r[0]}–{r[-1]}" if len(r) > 2 else ", ".join(map(str, r)) for r in runs)


def _eer(found: Analysis) -> str:
    return f"EER {percent(found.metrics[0].value)}"


def _roc(found: Analysis) -> Curve:
    at = found.curve.thin(POINTS)
    x, y = 100 * found.curve.fmr[at], 100 * (1 - found.curve.fnmr[at])
    return Curve("scores", x, y, f"AUC {found.curve.auc:.4f}")


def _kinds(found: Analysis) -> list[tuple[Float, str, str]]:
    """Return both kinds' scores, each with words and a colour."""
    there = found.scores.compared
    values, truth = found.scores.score[there], found.scores.mated[there]
    return [
        (values[kind], f"{name}, {int(kind.sum()):,}", colour)
        for kind, name, colour in ((truth, "mated", COLOURS[0]), (~truth, "non-mated", COLOURS[1]))
    ]


def _deviates(percents: Float) -> Float:
    return np.asarray(ndtri(np.clip(np.asarray(percents) / 100, 1e-9, 1 - 1e-9)))


def _scale(found: Analysis) -> Limits:
    """Return ends that hold nearly all scores, so that a stray one does not set them, and every threshold."""
    scores = found.scores
    low, high = (float(v) for v in np.percentile(scores.score[scores.compared], [0.05, 99.95]))
    marks = [c.threshold for c in found.choices]
    room = 0.03 * ((high - low) or 1.0)
    return min(low, *marks) - room, max(high, *marks) + room


def _thresholds(found: Analysis, ends: Limits) -> tuple[list[tuple[str, float, int]], float]:
    """Return labels of thresholds, where they nearly agree one for all, each with its place and level; and their room.

    A label that would run into its neighbour is one level up.
    """
    point = (ends[1] - ends[0]) / (WIDTH - 58)
    at = np.array([choice.threshold for choice in found.choices])
    order = np.argsort(at, kind="stable")
    labels: list[tuple[str, float, int]] = []
    ends_of: list[float] = []
    for group in _group_near(at[order, None], CLOSE * point):
        words, middle = ranges(order[group] + 1), float(at[order[group[0]]] + at[order[group[-1]]]) / 2
        half = (3.7 * len(words) + 2) * point
        level = next(k for k in count() if k == len(ends_of) or ends_of[k] < middle - half)
        ends_of[level : level + 1] = [middle + half]
        labels.append((words, middle, level))
    return labels, CLOSE * len(ends_of)


@contextmanager
def _over_scores(found: Analysis, ax: Axes | None, x_name: str, y_name: str) -> Iterator[tuple[Axes, Limits]]:
    """Yield axes over the scores, and their ends; then draw every threshold with its number above."""
    ends = _scale(found)
    labels, above = _thresholds(found, ends)
    with axes(ax, height=304 + above, above=8 + above) as ax:
        yield ax, ends
        ax.set(xlim=ends, xlabel=x_name, ylabel=y_name)
        ax.locator_params(nbins=6)
        for choice in found.choices:
            ax.axvline(choice.threshold, color=INK, lw=0.9, ls=(0, (4.4, 3.3)))
        place: dict[str, Any] = {"xycoords": ax.get_xaxis_transform(), "textcoords": "offset points", "ha": "center"}
        for words, middle, level in labels:
            ax.annotate(words, (middle, 1), (0, 4 + CLOSE * level), color=INK, weight="bold", **place)
