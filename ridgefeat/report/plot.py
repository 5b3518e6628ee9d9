"""Small plots as SVG inside a page: scales, axes, marks; each carries its words, nothing is in the picture alone.

The marks are written by hand, for a page then needs no plotting library, stays small, and is the same bytes every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import ArrayLike

from ridgefeat.report.distributions import COLOURS

INK, SOFT, GRID, EDGE = "#1d2430", "#4f5b6b", "#e9ecef", "#b9c1ca"
DASHES = ("", "7 3", "2 2.5", "9 3 2 3")
"""Lines differ by colour and by dashes, so that they are told apart in grey and by everyone."""

MOST_POINTS = 160
"""Points of a curve that are drawn; a page with ten ROC curves of 4,000 prints would else weigh megabytes."""


@dataclass(frozen=True)
class Scale:
    """Values from `low` to `high` laid out from `start` to `end` pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return where a value stands, held within the scale."""
        share = (float(value) - self.low) / ((self.high - self.low) or 1.0)
        return self.start + (self.end - self.start) * min(1.0, max(0.0, share))

    def holds(self, value: float) -> bool:
        """Return whether a value lies on the scale."""
        slack = 1e-9 * (self.high - self.low)
        return self.low - slack <= value <= self.high + slack

    def ticks(self, count: int = 5, *, whole: bool = False) -> list[float]:
        """Return round values along the scale, whole ones only if asked."""
        from matplotlib.ticker import MaxNLocator

        locator = MaxNLocator(nbins=count, steps=[1, 2, 2.5, 5, 10], integer=whole)
        steps = locator.tick_values(self.low, self.high)
        return [0.0 if v == 0 else float(v) for v in steps if self.holds(float(v))]


@dataclass(frozen=True)
class Frame:
    """A plot's two scales; y runs upwards on the page."""

    x: Scale
    y: Scale

    @classmethod
    def make(
        cls,
        x: tuple[float, float],
        y: tuple[float, float],
        *,
        width: float = 350,
        height: float = 300,
        left: float = 46,
        below: float = 40,
        right: float = 12,
        above: float = 8,
    ) -> Frame:
        """Return a frame of a size with room for its axes."""
        return cls(Scale(*x, left, width - right), Scale(*y, height - below, above))

    def axes(self, x_name: str, y_name: str, *, whole: bool = False) -> Markup:
        """Return grid lines, their values and the axes' names; `whole` keeps x to whole numbers."""
        parts = []
        for value in self.x.ticks(5, whole=whole):
            at = self.x(value)
            parts.append(line(at, self.y.start, at, self.y.end, GRID))
            parts.append(text(tick(value), at, self.y.start + 15, anchor="middle"))
        for value in self.y.ticks(5):
            at = self.y(value)
            parts.append(line(self.x.start, at, self.x.end, at, GRID))
            parts.append(text(tick(value), self.x.start - 6, at + 4, anchor="end"))
        parts.append(line(self.x.start, self.y.start, self.x.end, self.y.start, EDGE))
        middle = (self.x.start + self.x.end) / 2
        parts.append(text(x_name, middle, self.y.start + 33, anchor="middle"))
        middle = (self.y.start + self.y.end) / 2
        turned = f'transform="translate(11 {middle:.1f}) rotate(-90)"'
        parts.append(Markup(f'<text {turned} text-anchor="middle">{escape(y_name)}</text>'))
        return Markup("").join(parts)

    def path(self, x: ArrayLike, y: ArrayLike, colour: str, *, dash: str = "", wide: float = 2) -> Markup:
        """Return a line through points."""
        kept = " ".join(f"{self.x(a):.1f},{self.y(b):.1f}" for a, b in thinned(x, y))
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        return Markup(
            f'<polyline points="{kept}" fill="none" stroke="{colour}" stroke-width="{wide:g}"'
            f' stroke-linejoin="round"{dashes}/>'
        )

    def band(self, x: ArrayLike, low: ArrayLike, high: ArrayLike, colour: str) -> Markup:
        """Return the area between two lines, pale."""
        there, back = thinned(x, low), thinned(x, high)[::-1]
        points = " ".join(f"{self.x(a):.1f},{self.y(b):.1f}" for a, b in [*there, *back])
        return Markup(f'<polygon points="{points}" fill="{colour}" fill-opacity=".14"/>')


def picture(width: float, height: float, words: str, parts: Iterable[Markup]) -> Markup:
    """Return a plot of a size with what a reader who does not see it is told."""
    inner = Markup("").join(parts)
    return Markup(f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(words)}">{inner}</svg>')


def line(x1: float, y1: float, x2: float, y2: float, colour: str, wide: float = 1, dash: str = "") -> Markup:
    """Return a straight line."""
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return Markup(
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"'
        f' stroke-width="{wide:g}"{dashes}/>'
    )


def text(words: str, x: float, y: float, *, anchor: str = "start", kind: str = "", fill: str = "") -> Markup:
    """Return words at a place; `kind` is a class of the page's style."""
    more = (f' class="{kind}"' if kind else "") + (f' style="fill:{fill}"' if fill else "")
    at = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return Markup(f'<text x="{x:.1f}" y="{y:.1f}"{at}{more}>{escape(words)}</text>')


def dot(x: float, y: float, colour: str, radius: float = 4.5) -> Markup:
    """Return a round mark with a white rim."""
    return Markup(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{colour}" stroke="#fff" stroke-width="1.5"/>'
    )


def swatch(index: int) -> Markup:
    """Return a short sample of the line that `look(index)` draws, for a legend."""
    colour, dash = look(index)
    return Markup(f'<svg width="30" height="12" aria-hidden="true">{line(1, 6, 29, 6, colour, 2.5, dash)}</svg>')


def look(index: int) -> tuple[str, str]:
    """Return the colour and dashes of the line with an index."""
    return COLOURS[index % len(COLOURS)], DASHES[(index + index // len(COLOURS)) % len(DASHES)]


def thinned(x: ArrayLike, y: ArrayLike) -> list[tuple[float, float]]:
    """Return finite points as pairs, evenly thinned along their path to MOST_POINTS at most; the ends stay."""
    points = np.column_stack([np.asarray(x, np.float64).ravel(), np.asarray(y, np.float64).ravel()])
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) > MOST_POINTS:
        span = np.ptp(points, axis=0)
        steps = np.abs(np.diff(points / np.where(span > 0, span, 1), axis=0)).sum(axis=1)
        walked = np.concatenate([[0], np.cumsum(steps)])
        wanted = np.searchsorted(walked, np.linspace(0, walked[-1], MOST_POINTS))
        points = points[np.unique(np.concatenate([[0], wanted.clip(0, len(points) - 1), [len(points) - 1]]))]
    return [(float(a), float(b)) for a, b in points]


def tick(value: float) -> str:
    """Return a scale's value with a true minus."""
    return f"{value:g}".replace("-", "−", 1) if value < 0 else f"{value:g}"


def shorten(words: str, most: int) -> str:
    """Return words cut in the middle to a number of letters: names of columns and files differ at both ends."""
    if len(words) <= most:
        return words
    front = (most - 1) // 2
    return f"{words[:front]}…{words[len(words) - (most - 1 - front) :]}"


def span_of(values: Sequence[float], *, include: Sequence[float] = (), margin: float = 0.06) -> tuple[float, float]:
    """Return a scale's ends that hold finite values and those to include, with a margin."""
    known = [float(v) for v in [*values, *include] if np.isfinite(v)]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    room = margin * ((high - low) or abs(high) or 1.0)
    return low - room, high + room
