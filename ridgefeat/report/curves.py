"""Curves of classifiers or classes in one frame, with a legend as text: ROC, calibration, learning, training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike, NDArray

from ridgefeat.report.distributions import COLOURS
from ridgefeat.report.plot import EDGE, Frame, dot, line, look, picture, span_of, swatch

HEIGHT = 300.0
UNIT = (0.0, 1.0)
CELLS = 32
"""Fields a side of the plot of predictions over the truth."""


@dataclass(frozen=True)
class Curve:
    """A line: its name and a figure for the legend, its points, and a band about it where there is one."""

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    note: str = ""
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None
    dots: bool = False


@dataclass(frozen=True)
class Figure:
    """A plot with its heading, its legend (sample of the line, words) and a sentence on how to read it."""

    title: str
    plot: Markup
    legend: tuple[tuple[Markup, str], ...] = ()
    reading: str = ""
    tall: bool = False


def curve_figure(
    title: str,
    curves: Sequence[Curve],
    x_name: str,
    y_name: str,
    *,
    reading: str = "",
    x: tuple[float, float] | None = None,
    y: tuple[float, float] | None = None,
    diagonal: bool = False,
    mark: float | None = None,
    whole: bool = False,
) -> Figure:
    """Draw curves over common scales.

    Parameters
    ----------
    title, x_name, y_name, reading : str
        Heading, names of the axes, and how to read the figure.
    curves : sequence of Curve
        In the order of the legend.
    x, y : (low, high), optional
        The scales; what the curves span without.
    diagonal : bool
        Draw the line of equal values.
    mark : float, optional
        A height at which a dashed line stands.
    whole : bool
        The x are counts.
    """
    ends_x = x or span_of([v for c in curves for v in c.x], margin=0.03)
    heights = [v for c in curves for part in (c.y, c.low, c.high) if part is not None for v in part]
    ends_y = y or span_of(heights, include=[] if mark is None else [mark])
    frame = Frame.make(ends_x, ends_y, height=HEIGHT)
    parts = [frame.axes(x_name, y_name, whole=whole)]
    if diagonal:
        low, high = max(ends_x[0], ends_y[0]), min(ends_x[1], ends_y[1])
        parts.append(line(frame.x(low), frame.y(low), frame.x(high), frame.y(high), EDGE, 1.5, "4 3"))
    if mark is not None:
        parts.append(line(frame.x.start, frame.y(mark), frame.x.end, frame.y(mark), EDGE, 1.5, "4 3"))
    for i, curve in reversed(list(enumerate(curves))):
        colour, dash = look(i)
        if curve.low is not None and curve.high is not None:
            parts.append(frame.band(curve.x, curve.low, curve.high, colour))
        parts.append(frame.path(curve.x, curve.y, colour, dash=dash))
        if curve.dots:
            parts += [
                dot(frame.x(a), frame.y(b), colour, 3.5)
                for a, b in zip(curve.x, curve.y, strict=True)
                if np.isfinite([a, b]).all()
            ]
    legend = tuple((swatch(i), f"{c.name} {c.note}".strip()) for i, c in enumerate(curves) if c.name or c.note)
    told = "; ".join(words for _, words in legend)
    plot = picture(350, HEIGHT, f"{title}: {y_name} over {x_name}. {told}", parts)
    return Figure(title, plot, legend, reading)


def truth_figure(
    title: str, truth: ArrayLike, predicted: ArrayLike, name: str, note: str, ends: tuple[float, float]
) -> Figure:
    """Draw predictions over the truth as fields that are darker where there are more prints.

    Parameters
    ----------
    title, name : str
        Heading, and what is predicted.
    truth, predicted : array_like, shape (prints,)
        NaN is left out.
    note : str
        The classifier's figures.
    ends : (low, high)
        Of both scales.
    """
    both = np.column_stack([np.asarray(truth, np.float64), np.asarray(predicted, np.float64)])
    both = both[np.isfinite(both).all(axis=1)]
    frame = Frame.make(ends, ends, height=330)
    counts, edges, _ = np.histogram2d(both[:, 0], both[:, 1], bins=CELLS, range=[ends, ends])
    strength = np.sqrt(counts / max(1.0, counts.max()))
    parts = [frame.axes(name, f"{name} as predicted")]
    wide = frame.x(edges[1]) - frame.x(edges[0])
    high = frame.y(edges[0]) - frame.y(edges[1])
    for i, k in np.argwhere(counts > 0):
        parts.append(
            Markup(
                f'<rect x="{frame.x(edges[i]):.1f}" y="{frame.y(edges[k + 1]):.1f}" width="{wide:.1f}"'
                f' height="{high:.1f}" fill="{COLOURS[0]}" fill-opacity="{0.18 + 0.82 * strength[i, k]:.2f}"/>'
            )
        )
    low, top = ends
    parts.append(line(frame.x(low), frame.y(low), frame.x(top), frame.y(top), COLOURS[1], 1.8, "6 3"))
    told = f"{title}: {len(both)} predictions over the truth. {note}"
    reading = "On the dashed line the prediction is the truth. A cloud flatter than the line pulls towards the mean."
    return Figure(f"{title} {note}".strip(), picture(350, 330, told, parts), (), reading)


def banded(x: ArrayLike, y: ArrayLike, step: ArrayLike | None = None) -> tuple[NDArray[np.float64], ...]:
    """Return the mean x of each step in order, and the mean, lowest and highest y there.

    Without steps, equal x are one: folds may differ by one in how many people they learn from.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    step = x if step is None else np.asarray(step, np.float64)
    known = np.isfinite(x) & np.isfinite(y)
    rows = [known & (step == s) for s in np.unique(step[known])]
    return (
        np.array([x[r].mean() for r in rows]),
        np.array([y[r].mean() for r in rows]),
        np.array([y[r].min() for r in rows]),
        np.array([y[r].max() for r in rows]),
    )
