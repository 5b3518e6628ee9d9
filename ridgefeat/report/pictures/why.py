"""Why a value is what it is, as a figure: what it was measured on, and where it lies among other prints' values.

rf.explain(fp, "ridge_density_left").plot()
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ridgefeat.features.layers import Histogram, Layer
from ridgefeat.report.display import INK, SOFT, label, save_figure, styled
from ridgefeat.report.pictures.axes import CHARTS, draw_layer
from ridgefeat.report.pictures.panels import WARNING, plot_print

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ridgefeat.features import Explanation


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
