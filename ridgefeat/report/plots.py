"""The kinds of figure that reports share: curves, values with intervals, predictions, a confusion matrix.

Each function draws on the given axes, or on a figure of its own, and returns the axes; `display` has the style.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ridgefeat.report.display import COLOURS, INK, REFERENCE, WIDTH, axes, label, letters, line_style, shorten, span_of
from ridgefeat.report.page import signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap

Limits = tuple[float, float]
UNIT: Limits = (0.0, 1.0)
CELLS = 32
"""Cells per side of the plot of predictions."""
ROW, ROW_ABOVE = 24, 36
"""Points: a row's height where its name is left of its value, and where it is above."""
LETTER = 6.9
"""Points: the width of most letters."""
MAX_LEFT_NAME = 20
"""Names up to this long are left of their values."""
MAX_CLASS_NAME = 14
MAX_NUMBERED = 10
"""Maximum number of classes of a confusion matrix with numbers; with more, it has colours only."""
SHADES = ("#f7fafc", "#004a75")
"""Ends of the colour scale: one hue from light to dark, which holds in grey and for every eye."""


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

    @property
    def words(self) -> str:
        """The text of the legend."""
        return f"{self.name} {self.note}".strip()


@dataclass(frozen=True)
class Interval:
    """A named value with its interval, NaN where unknown."""

    name: str
    value: float
    low: float = np.nan
    high: float = np.nan

    @property
    def words(self) -> str:
        """The row as text."""
        known = np.isfinite([self.low, self.high]).all()
        return f"{self.name} {signed(self.value)}" + f" ({signed(self.low)} to {signed(self.high)})" * bool(known)


def plot_curves(
    curves: Sequence[Curve],
    x_name: str,
    y_name: str,
    ax: Axes | None = None,
    *,
    limits: Limits | None = None,
    diagonal: bool = False,
    mark: float | None = None,
    whole: bool = False,
) -> Axes:
    """Draw curves over common scales.

    Parameters
    ----------
    curves : sequence of Curve
        In the order of the legend.
    x_name, y_name : str
        Names of the axes.
    ax : matplotlib.axes.Axes, optional
    limits : (low, high), optional
        Of both scales; by default what the curves span.
    diagonal : bool
        Draw the line of equal values.
    mark : float, optional
        The height of a dashed line, such as chance.
    whole : bool
        The x are counts.
    """
    with axes(ax) as ax:
        if diagonal:
            ax.axline((0, 0), slope=1, **REFERENCE)
        if mark is not None:
            ax.axhline(mark, **REFERENCE)
        for i, curve in enumerate(curves):
            over, style = 3 - i / len(curves), line_style(i)
            known = np.isfinite(curve.x) & np.isfinite(curve.y)
            x, y = curve.x[known], curve.y[known]
            if curve.low is not None and curve.high is not None:
                band: dict[str, Any] = {"color": style["color"], "alpha": 0.14, "lw": 0, "zorder": over}
                ax.fill_between(x, curve.low[known], curve.high[known], **band)
            marker: dict[str, Any] = {"marker": "o", "ms": 6, "mec": "white", "mew": 1} if curve.dots else {}
            ax.plot(x, y, label=label(curve.words), zorder=over, **style, **marker)
        heights = [v for c in curves for part in (c.y, c.low, c.high) if part is not None for v in part]
        ax.set_xlim(span_of(limits or [v for c in curves for v in c.x], margin=0.01 if limits else 0.03))
        ax.set_ylim(span_of(limits or heights, include=[] if mark is None else [mark], margin=0.01 if limits else 0.06))
        ax.locator_params(nbins=6)
        ax.locator_params(axis="x", integer=whole)
        ax.set(xlabel=label(x_name, 60), ylabel=label(y_name, 50))
    return ax


def plot_predictions(
    truth: ArrayLike, predicted: ArrayLike, name: str, ax: Axes | None = None, *, limits: Limits | None = None
) -> Axes:
    """Draw predictions against the label as cells that are darker where there are more prints.

    Parameters
    ----------
    truth, predicted : array_like, shape (prints,)
        NaN is left out.
    name : str
        What is predicted.
    ax : matplotlib.axes.Axes, optional
    limits : (low, high), optional
        Of both scales; by default what the values span.
    """
    both = np.column_stack([np.asarray(truth, np.float64), np.asarray(predicted, np.float64)])
    both = both[np.isfinite(both).all(axis=1)]
    ends = limits or span_of(both.ravel().tolist())
    counts, _, _ = np.histogram2d(both[:, 0], both[:, 1], bins=CELLS, range=[ends, ends])
    shown = np.ma.masked_equal(np.sqrt(counts.T), 0)
    with axes(ax, height=334) as ax:
        shades: dict[str, Any] = {"cmap": _shades("#d1e6f1", COLOURS[0]), "vmin": 0, "zorder": 1}
        ax.imshow(shown, origin="lower", extent=(*ends, *ends), aspect="auto", interpolation="none", **shades)
        ax.axline((ends[0], ends[0]), slope=1, **REFERENCE | {"color": COLOURS[1]})
        ax.set(xlim=ends, ylim=ends, xlabel=label(name), ylabel=label(f"{name}, predicted"))
        ax.locator_params(nbins=6)
    return ax


def plot_intervals(
    rows: Sequence[Interval],
    axis: str,
    ax: Axes | None = None,
    *,
    mark: float | None = None,
    limits: Limits | None = None,
) -> Axes:
    """Draw values with their intervals, one row each, with the value written at the right.

    Parameters
    ----------
    rows : sequence of Interval
        From top to bottom.
    axis : str
        What the scale is.
    ax : matplotlib.axes.Axes, optional
    mark : float, optional
        Where a dashed line is, such as chance.
    limits : (low, high), optional
        Of the scale; by default what the intervals span.
    """
    longest = max((letters(r.name) for r in rows), default=0)
    above = longest > MAX_LEFT_NAME
    step, left = (ROW_ABOVE, 10) if above else (ROW, 16 + LETTER * max(8, longest))
    with axes(ax, height=step * len(rows) + 50, left=left, below=44, right=62, above=6) as ax:
        at = np.arange(len(rows))
        ax.hlines(at, [r.low for r in rows], [r.high for r in rows], color=COLOURS[0], lw=2.5)
        if mark is not None:
            # Where names are above their values, the line leaves out each name.
            low, high = (at - 0.17, at + 0.34) if above else (at - 0.5, at + 0.5)
            ax.vlines(np.full(len(at), mark), low, high, color=INK, lw=1.2, ls=(0, (3.3, 2.5)), zorder=1.5)
        ax.plot([r.value for r in rows], at, "o", color=COLOURS[0], ms=9, mec="white", mew=1.5)
        ax.set_xlim(limits or span_of_intervals(rows, mark))
        ax.set(ylim=(len(rows) - 0.5, -0.5 if not above else -0.75), xlabel=label(axis))
        ax.grid(False, axis="y")
        ax.locator_params(axis="x", nbins=4)
        place: dict[str, Any] = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points", "color": INK}
        for i, row in enumerate(rows):
            ax.annotate(signed(row.value), (1, i), (60, 0), ha="right", va="center", weight="bold", **place)
            if above:
                ax.annotate(label(row.name), (0, i), (2, 7), va="bottom", **place)
        ax.set_yticks(at, ["" if above else label(r.name) for r in rows], color=INK)
    return ax


def span_of_intervals(rows: Sequence[Interval], mark: float | None = None) -> Limits:
    """Return limits of a scale that hold values, their intervals and the mark."""
    return span_of([v for r in rows for v in (r.value, r.low, r.high)], include=[] if mark is None else [mark])


def plot_confusion_matrix(counts: ArrayLike, names: Sequence[str], ax: Axes | None = None) -> Axes:
    """Draw a confusion matrix, each row as fractions of its class.

    Parameters
    ----------
    counts : array_like, shape (classes, classes)
        Rows: the label; columns: the prediction.
    names : sequence of str
        The classes.
    ax : matplotlib.axes.Axes, optional
    """
    counts, fractions = np.asarray(counts, np.float64), _fractions(counts)
    count = len(names)
    width = LETTER * max((letters(shorten(n, MAX_CLASS_NAME)) for n in names), default=1)
    left = 30 + width
    cell = (WIDTH - left) / count
    high, turned = min(cell, 76.0), width > cell
    above = 30 + width if turned else 46
    with axes(ax, height=above + high * count + 2, left=left, below=2, right=0, above=above) as ax:
        shades = _shades(*SHADES)
        ax.imshow(fractions, cmap=shades, vmin=0, vmax=1, aspect="auto", interpolation="none")
        for draw in (ax.hlines, ax.vlines):
            draw(np.arange(1, count) - 0.5, -0.5, count - 0.5, color="white", lw=2 if count <= MAX_NUMBERED else 0.5)
        ax.grid(False)
        ax.spines[:].set_visible(False)
        # Names thin out before they overlap.
        some = range(0, count, int(np.ceil(13 / high)))
        words = [label(names[i], MAX_CLASS_NAME) for i in some]
        ax.set_xticks(some, words, color=INK, rotation=90 if turned else 0)
        ax.set_yticks(some, words, color=INK)
        ax.xaxis.tick_top()
        ax.xaxis.set_label_position("top")
        ax.set(xlabel="predicted", ylabel="label")
        roomy = cell >= 52 and high >= 40
        for i, k in np.ndindex(*fractions.shape) if count <= MAX_NUMBERED else ():
            # Black or white, whichever stands out more from the cell (WCAG's relative luminance).
            dark = (np.asarray(shades(fractions[i, k]))[:3] ** 2.2) @ [0.2126, 0.7152, 0.0722] < 0.179
            middle: dict[str, Any] = {"ha": "center", "va": "center", "color": "white" if dark else "black"}
            middle["textcoords"] = "offset points"
            share, weight = f"{100 * fractions[i, k]:.0f}" + " %" * roomy, "bold" if roomy else "normal"
            ax.annotate(share, (k, i), (0, 6 * roomy), weight=weight, **middle)
            if roomy:
                ax.annotate(f"{counts[i, k]:,.0f}", (k, i), (0, -9), **middle)
    return ax


def plot_tippett(
    log10_ratio: ArrayLike, first: NDArray[np.bool_], names: tuple[str, str], ax: Axes | None = None
) -> Axes:
    """Draw a Tippett plot: for each ratio the share of either kind that has at least so much.

    Parameters
    ----------
    log10_ratio : array_like, shape (n,)
        NaN is left out.
    first : ndarray of bool, shape (n,)
        Which are of the first kind.
    names : (str, str)
        Of the kinds.
    ax : matplotlib.axes.Axes, optional
    """
    values = np.asarray(log10_ratio, np.float64)
    known = np.isfinite(values)
    with axes(ax) as ax:
        ax.axvline(0, **REFERENCE)
        for i, (name, who) in enumerate(zip(names, (first, ~first), strict=True)):
            own = np.sort(values[known & who])
            share = 100 * np.arange(len(own), 0, -1) / len(own)
            x = np.concatenate([[values[known].min()], own, [values[known].max()]])
            y = np.concatenate([[100], share, [0]])
            ax.step(x, y, where="pre", label=label(f"{name}, {len(own):,}"), **line_style(i))
        ax.set(xlabel="log10 likelihood ratio", ylabel="share with at least so much, %", ylim=(-1, 101))
        ax.locator_params(nbins=6)
    return ax


def confusion_words(counts: ArrayLike, names: Sequence[str]) -> str:
    """Return a confusion matrix in words."""
    return "; ".join(
        f"{name}: " + ", ".join(f"{100 * s:.0f} % as {n}" for s, n in zip(row, names, strict=True) if s > 0)
        for name, row in zip(names, _fractions(counts), strict=True)
    )


def _fractions(counts: ArrayLike) -> NDArray[np.float64]:
    counts = np.asarray(counts, np.float64)
    totals = counts.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0))


def _shades(*ends: str) -> LinearSegmentedColormap:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("shades", ends)
