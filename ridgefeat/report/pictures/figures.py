"""Figures of a print in matplotlib, as PNG, SVG or PDF: what a value was measured on, and the stages.

rf.explain(fp, "ridge_density_left").plot()
fp.plot("orientation", ax=ax)
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from functools import partial, singledispatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgefeat.errors import ParameterError
from ridgefeat.features.layers import (
    Area,
    Bars,
    Field,
    Frames,
    Histogram,
    Layer,
    Lines,
    Marks,
    Matrix,
    angle_strokes,
    inside,
)
from ridgefeat.report.display import COLOURS, INK, SOFT, label, save_figure, styled
from ridgefeat.structure import BIFURCATION, CORE, DELTA, ENDING, MM_PER_PX, SingularPoints

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ridgefeat.features import Explanation
    from ridgefeat.fingerprint import Fingerprint

BLUE, ORANGE, GREEN, PINK = COLOURS[:4]
MAPS = {"values": "viridis", "angles": "twilight", "greys": "gray"}
WARNING = "#B22814"
CHARTS = (Histogram, Bars, Matrix)
MAX_TICKS = 12
TAIL = 14
"""Length of a minutia's tail in px at 500 dpi."""
SUFFIXES = (".svg", ".pdf", ".png")

STAGES: dict[str, Callable[[Fingerprint], Iterable[Layer]]] = {
    "print": lambda fp: (),
    "mask": lambda fp: [Area(fp.mask, "outline of the print")],
    "orientation": lambda fp: [angle_strokes(fp)],
    "period": lambda fp: [Field(inside(fp, fp.period * MM_PER_PX), "ridge period, mm")],
    "gabor": lambda fp: [
        Field(
            inside(fp, fp.gabor.magnitude.max((0, 1)).repeat(8, 0).repeat(8, 1)[tuple(map(slice, fp.mask.shape))]),
            "amplitude of the strongest response",
        )
    ],
    "enhanced": lambda fp: [Field(inside(fp, fp.enhanced), "enhanced ridges", -1, 1, colours="greys")],
    "skeleton": lambda fp: [Area(fp.skeleton, "centre lines of the ridges", filled=True)],
    "minutiae": lambda fp: [Marks(fp.minutiae), Marks(fp.singular_points)],
}
"""The layers of each stage, by the names of `panels.PANELS`."""


def plot_print(fp: Fingerprint, layers: str | Iterable[Layer] = "minutiae", ax: Axes | None = None) -> Axes:
    """Draw layers, or a stage by name, over a print; positions are px at 500 dpi.

    Raises ParameterError if there is no such stage.
    """
    from matplotlib.figure import Figure

    if isinstance(layers, str) and layers not in STAGES:
        raise ParameterError(f"unknown panel {layers!r}; there are: {', '.join(STAGES)}")
    shown = list(STAGES[layers](fp) if isinstance(layers, str) else layers)
    with styled():
        if ax is None:
            ax = Figure(figsize=(5, 5.6), layout="constrained").add_subplot()
        rows, columns = fp.image.shape
        covered = any(isinstance(layer, Field) for layer in shown)
        ax.imshow(fp.image, cmap="gray", vmin=0, vmax=255, alpha=0.35 if covered else 0.7 if shown else 1.0)
        for layer in shown if fp.mask.any() else ():
            _draw(layer, ax)
        if shown and not fp.mask.any():
            ax.text(0.5, 0.5, "no print found", ha="center", color=WARNING, weight="bold", transform=ax.transAxes)
        ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5), xticks=[], yticks=[])
        ax.grid(False)
        _scale_bar(ax, columns)
    return ax


def _scale_bar(ax: Axes, columns: int) -> None:
    """Write below the print how long 5 mm are, or 1 mm."""
    mm = 5 if columns * MM_PER_PX > 8 else 1
    length = mm / MM_PER_PX / columns
    where: dict[str, Any] = {"transform": ax.transAxes, "clip_on": False}
    ax.plot([0, length], [-0.02, -0.02], color=INK, lw=2, **where)
    ax.text(length + 0.02, -0.02, f"{mm} mm", va="center", color=INK, fontsize=9, **where)
    handles, names = ax.get_legend_handles_labels()
    if names:
        ax.legend(handles, names, loc="upper left", bbox_to_anchor=(0, -0.045), ncols=2, fontsize=9, columnspacing=1)


@singledispatch
def _draw(layer: Any, ax: Axes) -> None:
    raise TypeError(f"{type(layer).__name__} is no layer")


@_draw.register(Field)
def _field(layer: Field, ax: Axes) -> None:
    from matplotlib.colors import ListedColormap

    one = layer.colours == "one"
    colours = ListedColormap([ORANGE]) if one else MAPS[layer.colours]
    rows, columns = layer.box or map(partial(slice, 0), map(round, (ax.get_ylim()[0], ax.get_xlim()[1])))
    extent = (columns.start - 0.5, columns.stop - 0.5, rows.stop - 0.5, rows.start - 0.5)
    how: dict[str, Any] = {"cmap": colours, "vmin": layer.low, "vmax": layer.high, "interpolation": "nearest"}
    shown = ax.imshow(np.ma.masked_invalid(layer.values), alpha=0.85, extent=extent, **how)
    if one:
        ax.plot([], [], "s", color=ORANGE, label=label(layer.name, 60))
    else:
        bar = ax.figure.colorbar(shown, ax=ax, shrink=0.75, pad=0.02)
        bar.set_label(label(layer.name, 60), fontsize=10)
        bar.outline.set_visible(False)


@_draw.register(Frames)
def _frames(layer: Frames, ax: Axes) -> None:
    from matplotlib.patches import Rectangle

    chosen = set(map(int, layer.chosen))
    for i in sorted(range(len(layer.corners)), key=lambda i: i in chosen):
        left, top, width, height = map(float, layer.corners[i])
        style: dict[str, Any] = {"color": ORANGE, "lw": 2.2} if i in chosen else {"color": BLUE, "lw": 0.9}
        ax.add_patch(Rectangle((left, top), width, height, fill=False, **style))
        for sign in (1, -1) if layer.diagonals else ():
            ax.plot([left, left + width], [top, top + height][::sign], **style | {"lw": style["lw"] / 2})
        if layer.texts:
            behind = {"fc": "white", "ec": "none", "pad": 1, "alpha": 0.85}
            where = (left + width / 2, top if layer.diagonals else top + height / 2)
            size = 11 if layer.diagonals else 8
            weight = "bold" if i in chosen else "normal"
            ax.text(
                *where,
                layer.texts[i],
                color=style["color"],
                ha="center",
                va="center",
                fontsize=size,
                weight=weight,
                bbox=behind,
                clip_on=True,
            )


@_draw.register(Marks)
def _marks(layer: Marks, ax: Axes) -> None:
    points = layer.points
    counted = np.ones(len(points), bool) if layer.chosen is None else np.asarray(layer.chosen)
    singular = isinstance(points, SingularPoints)
    names = (
        {CORE: ("core", GREEN, "o"), DELTA: ("delta", PINK, "^")}
        if singular
        else {ENDING: ("ending", ORANGE, "o"), BIFURCATION: ("bifurcation", BLUE, "s")}
    )
    for kind, (name, colour, mark) in names.items():
        for which, strength in ((~counted, 0.3), (counted, 1.0)):
            some = points.select((points.kind == kind) & which)
            if not len(some):
                continue
            named = f"{name}: {len(some)}" + " not counted" * (strength < 1)
            size = 11 if singular else 6
            ax.plot(
                some.x,
                some.y,
                mark,
                color=colour,
                mfc="none",
                ms=size,
                mew=2.4 if singular else 1.5,
                alpha=strength,
                label=named,
            )
            ends = np.stack(
                [some.x, some.y, some.x + TAIL * np.cos(some.direction), some.y - TAIL * np.sin(some.direction)], 1
            )
            _strokes(ax, ends, color=colour, lw=1.5, alpha=strength)
    for text, x, y in zip(layer.texts, points.x, points.y, strict=False):
        ax.annotate(text, (x, y), (4, 3), textcoords="offset points", fontsize=7, color=INK)


@_draw.register(Lines)
def _lines(layer: Lines, ax: Axes) -> None:
    chosen = np.isin(np.arange(len(layer.ends)), list(layer.chosen))
    _strokes(ax, layer.ends[~chosen], color=BLUE, lw=1.2, label=label(layer.name))
    _strokes(ax, layer.ends[chosen], color=ORANGE, lw=3, label=label(layer.name) if chosen.all() else None)


def _strokes(ax: Axes, ends: Any, **style: Any) -> None:
    from matplotlib.collections import LineCollection

    if len(ends):
        ax.add_collection(LineCollection(list(np.asarray(ends, float).reshape(-1, 2, 2)), **style))


@_draw.register(Area)
def _area(layer: Area, ax: Axes) -> None:
    from matplotlib.colors import ListedColormap

    if layer.filled:
        shown = np.ma.masked_array(np.ones(layer.inside.shape), ~layer.inside)
        ax.imshow(shown, cmap=ListedColormap([ORANGE]), interpolation="nearest")
    elif layer.inside.any() and not layer.inside.all():
        ax.contour(np.pad(layer.inside, 1), [0.5], colors=[GREEN], linewidths=1.8, origin=None, extent=None)
    ax.plot([], [], "s" if layer.filled else "-", color=ORANGE if layer.filled else GREEN, label=label(layer.name))


@_draw.register(Histogram)
def _histogram(layer: Histogram, ax: Axes) -> None:
    known = np.asarray(layer.numbers, float)
    known = known[np.isfinite(known)]
    mark = layer.mark
    if isinstance(layer.bins, int):
        ax.hist(known, layer.bins, color=BLUE, ec="white", lw=0.4)
        ax.locator_params(axis="x", nbins=6)
    else:
        edges = np.asarray(layer.bins, float)
        counts = np.histogram(known, edges)[0]
        bars = ax.bar(np.arange(len(counts)), counts, width=0.9, color=BLUE)
        if layer.chosen is not None:
            bars[layer.chosen].set_color(ORANGE)
        ax.set_xticks(np.arange(len(counts) - 1) + 0.5, [f"{e:.3g}" for e in edges[1:-1]], rotation=45, fontsize=9)
        mark = None if mark is None else float(np.interp(mark, edges, np.arange(len(edges)) - 0.5))
    if mark is not None and np.isfinite(mark):
        ax.axvline(mark, color=ORANGE, lw=2.2)
    ax.set_xlabel(label(layer.name, 60), fontsize=10)
    ax.set_ylabel("count", fontsize=10)


@_draw.register(Bars)
def _bars(layer: Bars, ax: Axes) -> None:
    across = max(map(len, layer.names), default=0) > 8
    at = np.arange(len(layer.names))
    colours = [ORANGE if i in set(layer.chosen) else BLUE for i in at]
    some = at[:: -(-len(at) // MAX_TICKS) or 1]
    words = [label(layer.names[i], 34) for i in some]
    if across:
        ax.barh(at, layer.numbers, color=colours)
        ax.set_yticks(some, words, fontsize=9)
        ax.invert_yaxis()
        ax.set_xlabel(label(layer.name, 60), fontsize=10)
        return
    ax.bar(at, layer.numbers, color=colours)
    ax.set_xticks(some, words, fontsize=9)
    ax.set_xlabel(label(layer.name, 60), fontsize=10)


@_draw.register(Matrix)
def _matrix(layer: Matrix, ax: Axes) -> None:
    from matplotlib.patches import Rectangle

    shown = ax.imshow(layer.numbers, cmap="viridis", aspect="auto")
    steps = [-(-n // MAX_TICKS) for n in np.shape(layer.numbers)]
    ax.set_yticks(range(0, len(layer.rows), steps[0]), layer.rows[:: steps[0]], fontsize=9)
    ax.set_xticks(range(0, len(layer.columns), steps[1]), layer.columns[:: steps[1]], fontsize=9)
    ax.grid(False)
    ax.set_xlabel(label(layer.name, 60), fontsize=10)
    ax.figure.colorbar(shown, ax=ax, pad=0.02).outline.set_visible(False)
    if layer.chosen is not None:
        row, column = layer.chosen
        ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, ec=ORANGE, lw=3))


def plot_explanation(found: Explanation) -> Figure:
    """Draw what a value was measured on, with its charts, and where it lies among other prints' values."""
    from matplotlib.figure import Figure

    charts: list[Layer] = [layer for layer in found.layers if isinstance(layer, CHARTS)]
    others = np.array([]) if found.among is None else found.among[np.isfinite(found.among)]
    if others.size:
        bins = min(30, 4 + others.size // 4)
        charts.append(Histogram(others, f"{found.column.name} of {others.size:,} prints", bins, found.value))
    with styled():
        width = 10.0 if charts else 5.6
        lines = _words(found, int(width * 13))
        head = 0.55 + 0.22 * len(lines)
        high = 5.8 + head
        figure = Figure(figsize=(width, high))
        figure.set_layout_engine("constrained", rect=(0.01, 0.01, 0.98, 1 - head / high - 0.01))
        figure.text(0.15 / width, 1 - 0.34 / high, label(_title(found), 90), fontsize=15, weight="bold", color=INK)
        for i, (line, colour) in enumerate(lines):
            figure.text(0.15 / width, 1 - (0.64 + 0.22 * i) / high, line, fontsize=10, color=colour)
        grid = figure.add_gridspec(max(len(charts), 1), 2 if charts else 1, width_ratios=(1.15, 1) if charts else None)
        if found.fp is not None:
            over = [layer for layer in found.layers if not isinstance(layer, CHARTS)]
            plot_print(found.fp, over, figure.add_subplot(grid[:, 0]))
        for i, chart in enumerate(charts):
            ax = figure.add_subplot(grid[i, 1])
            ax.tick_params(length=0, labelcolor=SOFT, labelsize=9)
            _draw(chart, ax)
    return figure


def _title(found: Explanation) -> str:
    return f"{found.column.name}: " + (
        f"{found.value:.4g} {found.column.unit}".strip() if not found.reason else "empty"
    )


def _words(found: Explanation, width: int) -> list[tuple[str, str]]:
    column = found.column
    source = f" ({column.source})" if column.source else ""
    texts = [(f"{column.meaning}{source}", SOFT), *((f"{name}: {text}", SOFT) for name, text in found.context.items())]
    if found.reason:
        texts.append((f"Empty: {found.reason}.", WARNING))
    if found.fp is not None and found.fp.source:
        texts.append((Path(found.fp.source).name, SOFT))
    return [(label(line, 300), colour) for text, colour in texts for line in textwrap.wrap(text, width)]


def save_explanation(found: Explanation, path: str | Path) -> Path:
    """Write the figure of `plot_explanation` as .png, .svg or .pdf; errors as `save_figure`."""
    with styled():
        return save_figure(plot_explanation(found), path)
