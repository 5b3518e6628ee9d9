"""Figures in one style: drawn on axes, embedded in a page as an image, or saved as a file.

Matplotlib draws them, through its object-oriented interface: nothing is registered in pyplot. Its settings are changed
only inside `styled`, under a lock, so that threads can draw at once and a user's own settings do not reach a page.
"""

from __future__ import annotations

import base64
import re
import threading
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgefeat.errors import ParameterError
from ridgefeat.report.page import write_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#AA4499", "#9A6700", "#4B5563")
"""After Okabe and Ito, the light ones darkened so that they hold on white."""
DASHES: tuple[Any, ...] = ("-", (0, (3.5, 1.5)), (0, (1, 1.25)), (0, (4.5, 1.5, 1, 1.5)))
"""Lines differ by colour and by dashes, so that they can be distinguished in grey and by everyone."""
INK, SOFT, GRID, EDGE = "#1d2430", "#4f5b6b", "#e9ecef", "#b9c1ca"
REFERENCE: dict[str, Any] = {"color": EDGE, "lw": 1.5, "ls": (0, (2.7, 2))}
"""A line to compare with: the diagonal, chance."""

WIDTH, LEGEND_ROW = 350, 19
"""Points: a figure's width, which a page shows as pixels, and the height of a line of its legend."""
STYLE: dict[str, Any] = {
    "font.size": 12,
    # Verdana has nearly the same widths, for browsers without the font that matplotlib brings along and measures with.
    "font.sans-serif": ["DejaVu Sans", "Verdana"],
    "text.color": SOFT,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": EDGE,
    **dict.fromkeys(("axes.spines.left", "axes.spines.top", "axes.spines.right"), False),
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.labelsize": 12,
    "axes.labelpad": 6,
    "lines.linewidth": 2,
    "legend.fontsize": 12,
    "legend.frameon": False,
    "legend.borderaxespad": 0,
    "legend.handlelength": 2,
}
TICKS: dict[str, Any] = {"length": 0, "pad": 5, "labelcolor": SOFT, "labelsize": 12, "grid_color": GRID, "grid_lw": 1}
"""Matplotlib makes ticks only when it draws, maybe outside the style."""
IN_FILES: dict[str, Any] = {"svg.fonttype": "none", "svg.hashsalt": "ridgefeat", "pdf.fonttype": 42}
"""SVG keeps its letters as text, in a third of the bytes; the fixed salt gives the same figure the same bytes."""
UNDATED: dict[str, dict[str, None]] = {
    ".svg": dict.fromkeys(("Date", "Creator", "Format", "Type")),
    ".pdf": {"CreationDate": None},
    ".png": {},
}
_LOCK = threading.RLock()


@dataclass(frozen=True)
class Display:
    """A figure of a report, drawn only when it is asked for.

    It has a short name, good as a file's, and a title. `plot` draws on the axes that it is given, or on a figure of its
    own, and returns the axes. `alt` is the alternative text: what the figure shows; `reading` says how to read it. A
    `tall` figure has many rows.
    """

    name: str
    title: str
    plot: Callable[..., Any]
    alt: str
    reading: str = ""
    tall: bool = False

    def save(self, path: str | Path) -> Path:
        """Write the figure as .svg, .pdf or .png; see `save_figure`."""
        with styled():
            return save_figure(self.plot().get_figure(), path)

    @property
    def uri(self) -> str:
        """The figure as SVG in a data URI, for the `src` of an image in a page."""
        with styled():
            svg = _written(self.plot().get_figure(), ".svg")
        return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write a matplotlib figure as a file for a paper; the same figure gives the same bytes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Such as `ax.figure`.
    path : str or Path
        Its ending says which: .svg and .pdf keep lines and letters, .png has 300 dots per inch.

    Returns
    -------
    Path
        The file; one that was there is replaced.

    Raises
    ------
    ParameterError
        If the ending is another.
    TableError
        If the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in UNDATED:
        raise ParameterError(
            f"figure {path}: cannot write {path.suffix or 'a file without an ending'}; use {', '.join(UNDATED)}"
        )
    return write_file(path, _written(figure, path.suffix.lower()), "figure")


def save_figures(displays: Mapping[str, Display], folder: str | Path) -> None:
    """Write figures by name into a folder, each as .svg, .pdf and .png; see `save_figure` for what is raised."""
    with styled():
        for name, one in displays.items():
            figure = one.plot().get_figure()
            for ending in UNDATED:
                save_figure(figure, Path(folder) / f"{name}{ending}")


def by_name(displays: Iterable[Display]) -> dict[str, Display]:
    """Return displays by names that are unique and hold only lower-case letters, digits and hyphens."""
    found: dict[str, Display] = {}
    for one in displays:
        name = "-".join(re.findall("[a-z0-9]+", one.name.lower())) or "figure"
        while name in found:
            name += "-more"
        found[name] = replace(one, name=name)
    return found


@contextmanager
def styled() -> Iterator[None]:
    """Draw in this style, whatever the user's own is; one thread at a time."""
    from matplotlib import style

    with _LOCK, style.context(["default", STYLE]), warnings.catch_warnings():
        # Browsers have letters that matplotlib's font lacks; it would warn once for each.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        yield


@contextmanager
def axes(
    ax: Axes | None, *, height: float = 304, left: float = 46, below: float = 44, right: float = 12, above: float = 8
) -> Iterator[Axes]:
    """Yield axes to draw on; add a legend if anything on them has a label.

    The user's own axes keep their style and place; None gives a figure in this style, its legend below. Its height
    without the legend, and the room around the axes, are in points.
    """
    if ax is not None:
        yield ax
        if ax.get_legend_handles_labels()[0]:
            ax.legend()
        return
    from matplotlib.figure import Figure
    from matplotlib.transforms import blended_transform_factory

    with styled():
        figure = Figure(figsize=(WIDTH / 72, height / 72))
        ax = figure.add_axes((0, 0, 1, 1))
        ax.tick_params(**TICKS)
        yield ax
        handles, labels = ax.get_legend_handles_labels()
        columns = 2 if max(map(letters, labels), default=0) <= 18 else 1
        more = LEGEND_ROW * -(-len(labels) // columns)
        whole = height + more
        figure.set_size_inches(WIDTH / 72, whole / 72)
        across, down = 1 - (left + right) / WIDTH, 1 - (below + more + above) / whole
        ax.set_position((left / WIDTH, (below + more) / whole, across, down))
        ax.yaxis.set_label_coords(15 / WIDTH, 0.5, blended_transform_factory(figure.transFigure, ax.transAxes))
        if labels:
            figure.legend(handles, labels, loc="lower left", bbox_to_anchor=(8 / WIDTH, 2 / whole), ncols=columns)


def label(words: object, length: int = 48) -> str:
    """Return text that is safe for matplotlib: short, without control characters, mathematics or a hidden label."""
    shown = "".join(c if c.isprintable() else "\ufffd" for c in str(words))
    return shorten(" " + shown if shown.startswith("_") else shown, length).replace("$", r"\$")


def shorten(words: str, length: int) -> str:
    """Return text cut in the middle to a number of letters: names of columns and files differ at both ends.

    Examples
    --------
    >>> shorten("a_very_long_name", 9)
    'a_ve…name'
    """
    if len(words) <= length:
        return words
    front = (length - 1) // 2
    return f"{words[:front]}…{words[len(words) - (length - 1 - front) :]}"


def letters(words: str) -> float:
    """Return how many letters' width words take; capitals are wider, and East Asian letters twice as wide."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1.25 if c.isupper() else 1 for c in words)


def line_style(index: int) -> dict[str, Any]:
    """Return the colour and dashes of the line with an index."""
    return {"color": COLOURS[index % len(COLOURS)], "ls": DASHES[(index + index // len(COLOURS)) % len(DASHES)]}


def span_of(values: Sequence[float], *, include: Sequence[float] = (), margin: float = 0.06) -> tuple[float, float]:
    """Return limits of a scale that contain the finite values and those to include, with a margin.

    Examples
    --------
    >>> span_of([1, 3, float("nan")], margin=0.5), span_of([])
    ((0.0, 4.0), (0.0, 1.0))
    """
    known = [float(v) for v in [*values, *include] if np.isfinite(v)]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    room = margin * ((high - low) or abs(high) or 1.0)
    return low - room, high + room


def _written(figure: Figure, suffix: str) -> bytes:
    from matplotlib import rc_context

    data = BytesIO()
    with _LOCK, rc_context(IN_FILES):
        figure.savefig(data, format=suffix[1:], dpi=300, metadata=UNDATED[suffix])
    return data.getvalue()
