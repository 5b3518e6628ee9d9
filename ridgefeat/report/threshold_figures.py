"""The plots of a threshold report: DET, ROC, scores, rates against the threshold, and a Gaussian process's path."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ridgefeat.report.curves import Curve, Figure, curve_figure
from ridgefeat.report.distributions import COLOURS
from ridgefeat.report.plot import EDGE, GRID, INK, SOFT, Frame, dot, line, look, picture, swatch, text, tick
from ridgefeat.threshold.choices import Path
from ridgefeat.threshold.results import Analysis, Part

Float = NDArray[np.float64]
PERCENTS = (0.0001, 0.001, 0.01, 0.1, 1, 5, 20, 40, 60, 80, 95, 99)
BINS, POINTS, WIDTH, HEIGHT = 48, 600, 350, 300
MATED, OTHERS = COLOURS[0], COLOURS[1]


def figures(found: Analysis) -> list[Figure]:
    """Return the report's plots in order; that of the Gaussian process only where it was asked for."""
    part = found.reported
    drawn = [det(found), scores(found, part), rates(found, part), roc(found)]
    for choice in found.choices:
        if choice.path is not None:
            drawn.append(process(found, choice.path, choice.threshold))
    return drawn


def det(found: Analysis) -> Figure:
    """Draw detection error trade-off curves: both rates on normal deviates, where normal scores give straight lines."""
    low = min(0.5 / max(p.curve.mated, p.curve.nonmated) for p in found.parts)
    ends = NormalDist().inv_cdf(max(1e-7, low)), NormalDist().inv_cdf(0.7)
    frame = Frame.make(ends, ends, height=330, left=56)
    parts = [_percent_axes(frame)]
    low, high = ends
    parts.append(line(frame.x(low), frame.y(low), frame.x(high), frame.y(high), EDGE, 1.5, "4 3"))
    legend = []
    for i, part in enumerate(found.parts):
        at = part.curve.spread(POINTS)
        x, y = _deviates(part.curve.fmr[at]), _deviates(part.curve.fnmr[at])
        colour, dash = look(i)
        parts.append(frame.path(x.clip(*ends), y.clip(*ends), colour, dash=dash))
        legend.append((swatch(i), f"{part.name}, EER {percent(part.figures[0].value)}"))
    last = found.reported
    spots: dict[tuple[int, int], list[str]] = {}
    for number, operation in enumerate(last.operations, 1):
        rates_there = _deviates(np.array([operation.fmr.value, operation.fnmr.value])).clip(*ends)
        place = round(frame.x(rates_there[0])), round(frame.y(rates_there[1]))
        spots.setdefault(place, []).append(str(number))
    for (across, down), numbers in spots.items():
        parts.append(dot(across, down, INK, 4))
        after = len(numbers) * 8 + across > frame.x.end - 12
        parts.append(
            text(
                ",".join(numbers),
                across - 7 if after else across + 7,
                down - 5,
                anchor="end" if after else "start",
                kind="strong",
            )
        )
    told = "DET: FNMR over FMR, both on normal deviates. " + "; ".join(words for _, words in legend)
    reading = (
        "Lower left is better. Dots: the methods' thresholds on "
        f"{last.name}, by their number in the table. Dashed: equal rates. A rate of 0 lies at the edge."
    )
    return Figure("DET", picture(WIDTH, 330, told, parts), tuple(legend), reading)


def roc(found: Analysis) -> Figure:
    """Draw receiver operating characteristics."""
    curves = []
    for part in found.parts:
        at = part.curve.spread(POINTS)
        area = next(f for f in part.figures if f.name == "AUC")
        curves.append(
            Curve(part.name, 100 * part.curve.fmr[at], 100 * (1 - part.curve.fnmr[at]), f"AUC {area.value:.4f}")
        )
    reading = "Upper left is better; the dashed line is guessing. Good systems are told apart by the DET curve."
    return curve_figure("ROC", curves, "FMR, %", "1 − FNMR, %", reading=reading, x=(0, 100), y=(0, 100), diagonal=True)


def scores(found: Analysis, part: Part) -> Figure:
    """Draw both kinds' histograms with the thresholds."""
    there = part.scores.compared
    values, truth = part.scores.score[there], part.scores.mated[there]
    low, high = _scale(found, values)
    edges = np.linspace(low, high, BINS + 1)
    frame, marks, top = _with_thresholds(found, (low, high))
    shares = [
        np.histogram(np.clip(values[truth == k], low, high), edges)[0] / (truth == k).sum() for k in (True, False)
    ]
    tallest = float(max(s.max() for s in shares))
    frame = replace(frame, y=replace(frame.y, low=0.0, high=100 * tallest * 1.04))
    parts = [frame.axes("score", "share of its kind, %")]
    x = np.repeat(edges, 2)
    for share, colour in zip(shares, (MATED, OTHERS), strict=True):
        y = np.concatenate([[0], np.repeat(100 * share, 2), [0]])
        corners = " ".join(f"{frame.x(a):.1f},{frame.y(b):.1f}" for a, b in zip(x, y, strict=True))
        parts.append(
            Markup(
                f'<polygon points="{corners}" fill="{colour}" fill-opacity=".28" stroke="{colour}" stroke-width="1.5"/>'
            )
        )
    legend = ((_box(MATED), f"mated, {int(truth.sum()):,}"), (_box(OTHERS), f"non-mated, {int((~truth).sum()):,}"))
    told = f"Scores of {part.name}: " + "; ".join(w for _, w in legend)
    reading = f"Scores of {part.name}. Lines: the methods' thresholds, by their number in the table."
    return Figure("Scores", picture(WIDTH, HEIGHT + top, told, [*parts, *marks]), legend, reading)


def rates(found: Analysis, part: Part) -> Figure:
    """Draw FAR and FRR against the threshold."""
    curve = part.curve
    at = curve.spread(POINTS)
    thresholds = np.array([curve.shown(v) for v in curve.cut[at]])
    frame, marks, top = _with_thresholds(found, _scale(found, part.scores.score[part.scores.compared]))
    frame = replace(frame, y=replace(frame.y, low=0.0, high=100.0))
    inside = (thresholds >= frame.x.low) & (thresholds <= frame.x.high)
    parts = [frame.axes("threshold", "rate, %")]
    legend = []
    for i, (name, rate) in enumerate((("FAR", curve.far), ("FRR", curve.frr))):
        colour, dash = look(i)
        parts.append(frame.path(thresholds[inside], 100 * rate[at][inside], colour, dash=dash))
        legend.append((swatch(i), name))
    told = f"FAR and FRR over the threshold, {part.name}"
    reading = f"On {part.name}. They cross at the equal error rate. Lines: the thresholds, by number."
    return Figure("FAR and FRR", picture(WIDTH, HEIGHT + top, told, [*parts, *marks]), tuple(legend), reading)


def process(found: Analysis, path: Path, best: float) -> Figure:
    """Draw what the Gaussian process believed, and where it looked."""
    curve = found.parts[0].curve
    true = found.settings.loss(curve)[curve.index(path.grid)]
    low, high = path.mean - 2 * path.deviation, path.mean + 2 * path.deviation
    heights = np.concatenate([true, path.loss])
    room = 0.12 * (np.ptp(heights) or 0.01)
    span = max(0.0, float(heights.min() - room)), float(heights.max() + room)
    name = {"hter": "HTER", "accuracy": "1 − accuracy", "cost": "expected cost"}[found.settings.objective]
    scale = 1.0 if found.settings.objective == "cost" else 100.0
    frame = Frame.make(
        (float(path.grid.min()), float(path.grid.max())), (scale * span[0], scale * span[1]), height=HEIGHT
    )
    parts = [frame.axes("threshold", name + (", %" if scale > 1 else ""))]
    parts.append(frame.band(path.grid, scale * low.clip(*span), scale * high.clip(*span), COLOURS[0]))
    parts.append(frame.path(path.grid, scale * true, SOFT, dash="2 2.5", wide=1.5))
    parts.append(frame.path(path.grid, scale * path.mean.clip(*span), COLOURS[0]))
    for x, y in zip(path.tried, path.loss, strict=True):
        parts.append(dot(frame.x(x), frame.y(scale * y), COLOURS[1], 4))
    parts.append(line(frame.x(best), frame.y.start, frame.x(best), frame.y.end, INK, 1.2, "5 3"))
    sample = Markup('<svg width="30" height="12" aria-hidden="true">{}</svg>')
    legend = (
        (sample.format(line(1, 6, 29, 6, COLOURS[0], 2.5)), "the process, ± 2 deviations"),
        (sample.format(line(1, 6, 29, 6, SOFT, 1.5, "2 2.5")), "the loss itself"),
        (sample.format(dot(15, 6, COLOURS[1], 4)), f"tried, {len(path.tried)}"),
    )
    told = f"Gaussian process: {name} over the threshold, {len(path.tried)} thresholds tried"
    reading = (
        "On development. Each next threshold is where the process expects to gain most; dashed: the best that it "
        "tried. The exact scan sees the dotted line at once."
    )
    return Figure("Bayesian optimisation", picture(WIDTH, HEIGHT, told, parts), legend, reading)


def percent(value: float) -> str:
    """Return a rate as a percentage with the digits that matter."""
    if not np.isfinite(value):
        return "–"
    shown = 100 * value
    if shown in (0, 100):
        return f"{shown:.0f} %"
    return f"{shown:.2f} %" if 0.1 <= shown <= 99.9 else f"{shown:.3g} %" if shown < 1 else f"{shown:.4f} %"


def _percent_axes(frame: Frame) -> Markup:
    parts = []
    for value in PERCENTS:
        at = NormalDist().inv_cdf(value / 100)
        if not (frame.x.holds(at) and frame.y.holds(at)):
            continue
        parts.append(line(frame.x(at), frame.y.start, frame.x(at), frame.y.end, GRID))
        parts.append(line(frame.x.start, frame.y(at), frame.x.end, frame.y(at), GRID))
        parts.append(text(tick(value), frame.x(at), frame.y.start + 15, anchor="middle"))
        parts.append(text(tick(value), frame.x.start - 6, frame.y(at) + 4, anchor="end"))
    parts.append(line(frame.x.start, frame.y.start, frame.x.end, frame.y.start, EDGE))
    middle = (frame.x.start + frame.x.end) / 2
    parts.append(text("FMR, %", middle, frame.y.start + 33, anchor="middle"))
    middle = (frame.y.start + frame.y.end) / 2
    parts.append(
        Markup(f'<text transform="translate(11 {middle:.1f}) rotate(-90)" text-anchor="middle">FNMR, %</text>')
    )
    return Markup("").join(parts)


def _deviates(rates: Float) -> Float:
    from scipy.stats import norm

    found: Float = norm.ppf(np.clip(rates, 1e-9, 1 - 1e-9))
    return found


def _scale(found: Analysis, values: Float) -> tuple[float, float]:
    """Return ends that hold nearly all scores, so that a stray one does not set them, and every threshold."""
    low, high = (float(v) for v in np.percentile(values, [0.05, 99.95]))
    marks = [c.threshold for c in found.choices]
    room = 0.03 * ((high - low) or 1.0)
    return min(low, *marks) - room, max(high, *marks) + room


def _with_thresholds(found: Analysis, ends: tuple[float, float]) -> tuple[Frame, list[Markup], float]:
    """Return a frame with room above for the thresholds' numbers, their lines, and that room."""
    columns: list[list[tuple[int, float]]] = []
    empty = Frame.make(ends, (0, 1))
    for number, choice in sorted(enumerate(found.choices, 1), key=lambda c: c[1].threshold):
        at = empty.x(choice.threshold)
        if columns and at - columns[-1][0][1] < 13:
            columns[-1].append((number, at))
        else:
            columns.append([(number, at)])
    top = 13.0 * max(len(column) for column in columns)
    frame = Frame.make(ends, (0, 1), height=HEIGHT + top, above=8 + top)
    marks = []
    for column in columns:
        middle = (column[0][1] + column[-1][1]) / 2
        for level, (number, at) in enumerate(column):
            marks.append(line(at, frame.y.start, at, frame.y.end, INK, 0.9, "4 3"))
            marks.append(text(str(number), middle, frame.y.end - 4 - 13 * level, anchor="middle", kind="strong"))
    return frame, marks, top


def _box(colour: str) -> Markup:
    return Markup(
        f'<svg width="30" height="12" aria-hidden="true"><rect x="8" y="1" width="14" height="10" fill="{colour}" '
        f'fill-opacity=".28" stroke="{colour}" stroke-width="1.5"/></svg>'
    )
