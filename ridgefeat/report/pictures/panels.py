"""What was measured, over the print: one picture per stage, with a legend; and why a value is what it is.

A panel has square millimetres, whatever the sensor's pixels were. `rf.explain(fp, "ridge_density_left").plot()` shows
what a value was measured on, and where it lies among other prints' values.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgefeat.errors import ParameterError
from ridgefeat.features.layers import Area, Field, Histogram, Layer, Marks, angle_strokes, inside
from ridgefeat.report.display import INK, SOFT, label, save_figure, styled
from ridgefeat.report.pictures.axes import CHARTS, draw_layer
from ridgefeat.stages.grid import CELL, at_cells
from ridgefeat.structure import MM_PER_PX

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ridgefeat.features import Explanation
    from ridgefeat.fingerprint import Fingerprint

WARNING = "#B22814"
PERIOD_RANGE = (0.3, 0.7)
"""mm; the same for every print, so that pictures can be compared."""
ENERGY_RANGE = (0.0, 1.6)
"""Amplitude in units of the normalised image; clean ridges give about 1.4."""


@dataclass(frozen=True)
class Panel:
    """A stage as it is shown: title, what it means, and its layers over the print."""

    title: str
    meaning: str
    layers: Callable[[Fingerprint], Iterable[Layer]]


def _mask(fp: Fingerprint) -> Iterable[Layer]:
    area = fp.mask.sum() * MM_PER_PX**2
    return [Area(fp.mask, f"outline of the print: {area:.0f} mm², {fp.mask.mean():.0%} of the image")]


def _orientation(fp: Fingerprint) -> Iterable[Layer]:
    return [angle_strokes(fp, by_coherence=True), Marks(fp.singular_points)]


def _period(fp: Fingerprint) -> Iterable[Layer]:
    known = inside(fp, fp.period * MM_PER_PX)
    middle = f"median {np.nanmedian(known):.2f} mm" if np.isfinite(known).any() else "unknown"
    return [Field(known, f"ridge period, mm: {middle}", *PERIOD_RANGE)]


def _gabor(fp: Fingerprint) -> Iterable[Layer]:
    found = np.where(at_cells(fp.mask), fp.gabor.magnitude.max((0, 1)), np.nan)
    box = slice(0, CELL * found.shape[0]), slice(0, CELL * found.shape[1])
    return [Field(found, "amplitude of the strongest response", *ENERGY_RANGE, box)]


def _enhanced(fp: Fingerprint) -> Iterable[Layer]:
    return [Field(inside(fp, fp.enhanced), "ridges dark, valleys light", -1, 1, colours="greys")]


def _skeleton(fp: Fingerprint) -> Iterable[Layer]:
    length = f"{fp.skeleton.sum() * MM_PER_PX:.0f} mm"
    return [Area(fp.skeleton, f"centre lines of the ridges, {length} in all", filled=True)]


def _minutiae(fp: Fingerprint) -> Iterable[Layer]:
    return [Marks(fp.minutiae, pale=True), Marks(fp.singular_points)]


PANELS = {
    "print": Panel("Print", "original pixels, true to scale", lambda fp: ()),
    "mask": Panel("Mask", "foreground of the image", _mask),
    "orientation": Panel("Orientation", "strokes along the ridges", _orientation),
    "period": Panel("Period", "distance between neighbouring ridges", _period),
    "gabor": Panel("Gabor energy", "response of the filter bank", _gabor),
    "enhanced": Panel("Enhanced", "ridges after filtering", _enhanced),
    "skeleton": Panel("Skeleton", "ridges, one pixel wide", _skeleton),
    "minutiae": Panel("Minutiae", "tails in ISO direction; pale: low quality", _minutiae),
}
"""Every panel by name, in the order in which they are shown."""


def find_panels(names: Sequence[str] | None) -> list[Panel]:
    """Return panels by name, all without names; raise ParameterError for an unknown name, or none."""
    names = list(PANELS) if names is None else list(names)
    unknown = [n for n in names if n not in PANELS]
    if unknown or not names:
        what = f"unknown panel {', '.join(map(repr, unknown))}" if unknown else "no panel named"
        raise ParameterError(f"{what}; there are: {', '.join(PANELS)}")
    return [PANELS[n] for n in names]


def plot_print(fp: Fingerprint, layers: str | Iterable[Layer] = "minutiae", ax: Axes | None = None) -> Axes:
    """Draw layers, or a stage by name, over a print; positions are px at 500 dpi.

    Raises ParameterError if there is no such stage.
    """
    from matplotlib.figure import Figure

    shown = list(find_panels([layers])[0].layers(fp) if isinstance(layers, str) else layers)
    with styled():
        if ax is None:
            ax = Figure(figsize=(5, 5.6), layout="constrained").add_subplot()
        draw_over(fp, shown, ax)
        for field in scaled(ax):
            bar = ax.figure.colorbar(field, ax=ax, shrink=0.75, pad=0.02)
            bar.set_label(field.get_label(), fontsize=10)
            bar.outline.set_visible(False)
        add_legend(ax)
    return ax


def scaled(ax: Axes) -> list[Any]:
    """Return what on some axes has colours that need a scale; its label says what they are."""
    drawn = [*ax.images, *(c for c in ax.collections if c.get_array() is not None)]
    return [one for one in drawn if not str(one.get_label()).startswith("_")]


def draw_over(fp: Fingerprint, layers: Sequence[Layer], ax: Axes) -> None:
    """Draw a print and layers over it, without legend or scale."""
    rows, columns = fp.image.shape
    extent = (-0.5, columns - 0.5, rows - 0.5, -0.5)
    alpha = 0.35 if any(isinstance(layer, Field) for layer in layers) else 0.6 if layers else 1.0
    ax.imshow(fp.original, cmap="gray", vmin=0, vmax=255, alpha=alpha, extent=extent)
    ax.set(xlim=extent[:2], ylim=extent[2:], xticks=[], yticks=[])
    for layer in layers if fp.mask.any() else ():
        draw_layer(layer, ax)
    if layers and not fp.mask.any():
        how: dict[str, Any] = {"transform": ax.transAxes, "color": WARNING, "weight": "bold", "ha": "center"}
        ax.text(0.5, 0.5, "no print found", **how)
    ax.grid(False)


def add_legend(ax: Axes, size: float = 9, columns: int = 2) -> None:
    """Write below a print how long 5 mm are, or 1 mm, and what the marks mean."""
    width = float(np.ptp(ax.get_xlim()))
    mm = 5 if width * MM_PER_PX > 8 else 1
    length = mm / MM_PER_PX / width
    where: dict[str, Any] = {"transform": ax.transAxes, "clip_on": False}
    ax.plot([0, length], [-0.02, -0.02], color=INK, lw=2, **where)
    ax.text(length + 0.02, -0.02, f"{mm} mm", va="center", color=INK, fontsize=size, **where)
    known = [(h, n) for h, n in zip(*ax.get_legend_handles_labels(), strict=True) if h not in scaled(ax)]
    if known:
        how: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (0, -0.045), "columnspacing": 1}
        ax.legend(*zip(*known, strict=True), ncols=columns, fontsize=size, **how)


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
        value = "empty" if found.reason else f"{found.value:.4g} {found.column.unit}".strip()
        title = label(f"{found.column.name}: {value}", 90)
        figure.text(0.15 / width, 1 - 0.34 / high, title, fontsize=15, weight="bold", color=INK)
        for i, (line, colour) in enumerate(lines):
            figure.text(0.15 / width, 1 - (0.64 + 0.22 * i) / high, line, fontsize=10, color=colour)
        grid = figure.add_gridspec(max(len(charts), 1), 2 if charts else 1, width_ratios=(1.15, 1) if charts else None)
        if found.fp is not None:
            over = [layer for layer in found.layers if not isinstance(layer, CHARTS)]
            plot_print(found.fp, over, figure.add_subplot(grid[:, 0]))
        for i, chart in enumerate(charts):
            ax = figure.add_subplot(grid[i, 1])
            ax.tick_params(length=0, labelcolor=SOFT, labelsize=9)
            draw_layer(chart, ax)
    return figure


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
