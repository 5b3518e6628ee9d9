"""Layers (ridgefeat.features.layers) on matplotlib axes, one function per kind.

Kinds differ in shape as well as in colour; the colours are Okabe and Ito's, which are safe for colour-blind readers.
Positions are px at 500 dpi.
"""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.patches import Rectangle

from ridgefeat.features.layers import Area, Bars, Field, Frames, Histogram, Lines, Marks, Matrix
from ridgefeat.report.display import COLOURS, INK, label
from ridgefeat.structure import BIFURCATION, CORE, DELTA, ENDING, Array, Minutiae, SingularPoints

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN, PINK, _, GREY = COLOURS
MAPS = {"values": "viridis", "angles": "twilight", "greys": "gray"}
_DARK = ListedColormap(colormaps["plasma"](np.linspace(0.8, 0, 256)))
"""Dark where ridges agree; the yellow end of plasma would vanish on paper."""
CHARTS = (Histogram, Bars, Matrix)
MAX_TICKS = 12
_CIRCLE = np.stack([np.cos(t := np.linspace(0, 2 * np.pi, 25)), np.sin(t)], 1)
_SQUARE = 0.9 * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)], float)
_TRIANGLE = 2.4 * _CIRCLE[[0, 8, 16, 24]]
_TAIL = np.array([(1, 0), (2.8, 0)], float)
_LONG_TAIL = np.array([(1.9, 0), (4.5, 0)], float)
SHAPES: dict[tuple[bool, int], tuple[str, str, str, list[Array]]] = {
    (False, ENDING): ("ending", ORANGE, "o", [_CIRCLE, _TAIL]),
    (False, BIFURCATION): ("bifurcation", BLUE, "s", [_SQUARE, _TAIL]),
    (False, 0): ("other", GREY, "o", [_CIRCLE, _TAIL]),
    (True, CORE): ("core", GREEN, "o", [1.9 * _CIRCLE, 0.6 * _CIRCLE, _LONG_TAIL]),
    (True, DELTA): ("delta", PINK, "^", [_TRIANGLE, 0.25 * _CIRCLE]),
}
"""Of singular points or not, by kind: name, colour, the legend's marker, and lines around a point that faces right."""


@singledispatch
def draw_layer(layer: Any, ax: Axes) -> None:
    """Draw a layer over a print, or a chart, on axes."""
    raise TypeError(f"{type(layer).__name__} is not a layer")


@draw_layer.register(Field)
def _field(layer: Field, ax: Axes) -> None:
    one = layer.colours == "one"
    colours = ListedColormap([ORANGE]) if one else MAPS[layer.colours]
    rows, columns = layer.box or (slice(0, round(ax.get_ylim()[0])), slice(0, round(ax.get_xlim()[1])))
    extent = (columns.start - 0.5, columns.stop - 0.5, rows.stop - 0.5, rows.start - 0.5)
    how: dict[str, Any] = {"cmap": colours, "vmin": layer.low, "vmax": layer.high, "interpolation": "nearest"}
    shown = ax.imshow(np.ma.masked_invalid(layer.values), alpha=0.85, extent=extent, **how)
    if one:
        ax.plot([], [], "s", color=ORANGE, label=label(layer.name, 60))
    else:
        shown.set_label(label(layer.name, 60))  # whoever has room for it adds a scale


@draw_layer.register(Frames)
def _frames(layer: Frames, ax: Axes) -> None:
    chosen = set(map(int, layer.chosen))
    for i in sorted(range(len(layer.corners)), key=lambda i: i in chosen):
        left, top, width, height = map(float, layer.corners[i])
        style: dict[str, Any] = {"color": ORANGE, "lw": 2.2} if i in chosen else {"color": BLUE, "lw": 0.9}
        ax.add_patch(Rectangle((left, top), width, height, fill=False, **style))
        for sign in (1, -1) if layer.diagonals else ():
            ax.plot([left, left + width], [top, top + height][::sign], **style | {"lw": style["lw"] / 2})
        if layer.texts:
            behind = {"fc": "white", "ec": "none", "pad": 1, "alpha": 0.85}
            how: dict[str, Any] = {"ha": "center", "va": "center", "bbox": behind, "clip_on": True}
            how |= {"fontsize": 11 if layer.diagonals else 8, "weight": "bold" if i in chosen else "normal"}
            y = top if layer.diagonals else top + height / 2
            ax.text(left + width / 2, y, layer.texts[i], color=style["color"], **how)


@draw_layer.register(Marks)
def _marks(layer: Marks, ax: Axes) -> None:
    points, singular = layer.points, isinstance(layer.points, SingularPoints)
    counted = np.ones(len(points), bool) if layer.chosen is None else np.asarray(layer.chosen)
    strength = np.where(counted, 1.0, 0.3)
    if layer.pale and isinstance(points, Minutiae):
        strength = 0.4 + 0.6 * np.clip(np.nan_to_num(points.quality, nan=50.0) / 100, 0, 1)
    # As large on the skin in every picture, but never too small to distinguish.
    radius = max(3.2, 4 * float(np.ptp(ax.get_xlim())) / ax.bbox.width)
    for (of_singular, kind), (name, colour, marker, shape) in SHAPES.items():
        those = np.flatnonzero((points.kind == kind) & (of_singular == singular))
        for i in those:
            known = np.isfinite(points.direction[i])
            angle = float(points.direction[i]) if known else np.pi / 2
            turn = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
            lines = [radius * part @ turn + (points.x[i], points.y[i]) for part in shape if known or len(part) > 2]
            for width, paint in ((3.4, "white"), (1.6, colour)):
                ax.add_collection(LineCollection(lines, color=paint, lw=width, alpha=strength[i], zorder=3))
        for n, words in ((int(counted[those].sum()), ""), (int((~counted[those]).sum()), " not counted")):
            if n:
                style: dict[str, Any] = {"color": colour, "mfc": "none", "mew": 1.6, "alpha": 0.3 if words else 1.0}
                ax.plot([], [], marker, label=f"{name}: {n}{words}", **style)
    for text, x, y in zip(layer.texts, points.x, points.y, strict=False):
        ax.annotate(text, (x, y), (5, 3), textcoords="offset points", fontsize=8, weight="bold", color=INK)


@draw_layer.register(Lines)
def _lines(layer: Lines, ax: Axes) -> None:
    if layer.values is not None:
        lines = LineCollection(list(layer.ends.reshape(-1, 2, 2)), array=layer.values, cmap=_DARK, clim=(0, 1), lw=1.8)
        lines.set_label(label(layer.name, 60))
        ax.add_collection(lines)
        return
    chosen = np.isin(np.arange(len(layer.ends)), list(layer.chosen))
    _strokes(ax, layer.ends[~chosen], color=BLUE, lw=1.2, label=label(layer.name))
    _strokes(ax, layer.ends[chosen], color=ORANGE, lw=3, label=label(layer.name) if chosen.all() else None)


def _strokes(ax: Axes, ends: Any, **style: Any) -> None:
    if len(ends):
        ax.add_collection(LineCollection(list(np.asarray(ends, float).reshape(-1, 2, 2)), **style))


@draw_layer.register(Area)
def _area(layer: Area, ax: Axes) -> None:
    if layer.filled:
        shown = np.ma.masked_array(np.ones(layer.inside.shape), ~layer.inside)
        ax.imshow(shown, cmap=ListedColormap([ORANGE]), interpolation="nearest")
    elif layer.inside.any() and not layer.inside.all():
        ax.contour(np.pad(layer.inside, 1), [0.5], colors=[GREEN], linewidths=1.8, origin=None, extent=None)
    ax.plot([], [], "s" if layer.filled else "-", color=ORANGE if layer.filled else GREEN, label=label(layer.name))


@draw_layer.register(Histogram)
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


@draw_layer.register(Bars)
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
    else:
        ax.bar(at, layer.numbers, color=colours)
        ax.set_xticks(some, words, fontsize=9)
    ax.set_xlabel(label(layer.name, 60), fontsize=10)


@draw_layer.register(Matrix)
def _matrix(layer: Matrix, ax: Axes) -> None:
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
