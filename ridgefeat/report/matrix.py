"""A confusion matrix as a heat map: rows are what the label says, columns what the classifier said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ridgefeat.report.plot import picture, shorten, text

SIDE = 350.0
TOP = 58.0
PALE, DEEP = (247, 250, 252), (0, 74, 117)
"""Ends of the colour scale: one hue from light to dark, which holds in grey and for every eye."""

LINE = 13.0
"""Height of a line of letters: where fields are lower, only some classes are named."""

MOST_WRITTEN = 10
"""Classes up to which cells hold their figures; with more only the colours are left, and the words for a reader."""


def heat_map(counts: NDArray[np.float64], names: Sequence[str], words: str) -> Markup:
    """Draw a confusion matrix, each row as shares of its class.

    Parameters
    ----------
    counts : ndarray, shape (classes, classes)
        Rows: the label; columns: the classifier's answer.
    names : sequence of str
        The classes.
    words : str
        What the picture shows, for whoever does not see it; the figures follow by themselves.
    """
    counts = np.asarray(counts, np.float64)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    left = 26 + min(96.0, 7.0 * max((len(n) for n in names), default=1))
    cell = (SIDE - left) / max(1, len(names))
    high = min(cell, 76.0)
    turned = 7.0 * max((len(n) for n in names), default=0) > cell
    top = 26 + min(96.0, 6.6 * max((len(n) for n in names), default=0)) if turned else TOP - 12
    every = int(np.ceil(LINE / high))
    parts = [
        text("classified as", left + (SIDE - left) / 2, 12, anchor="middle"),
        Markup(
            f'<text transform="translate(11 {top + high * len(names) / 2:.1f}) rotate(-90)"'
            ' text-anchor="middle">label</text>'
        ),
    ]
    for i, name in enumerate(names):
        x, y = left + cell * i, top + high * i
        if i % every == 0:
            parts.append(text(shorten(name, 14), left - 8, y + high / 2 + 4, anchor="end", kind="row"))
            parts.append(_head(shorten(name, 14), x + cell / 2, top - 8, turned))
        parts += [_cell(counts[i], shares[i], k, left, y, cell, high, len(names)) for k in range(len(names))]
    told = "; ".join(
        f"{name}: " + ", ".join(f"{100 * s:.0f} % as {n}" for s, n in zip(row, names, strict=True) if s > 0)
        for name, row in zip(names, shares, strict=True)
    )
    return picture(SIDE, top + high * len(names) + 2, f"{words}. {told}", parts)


def _cell(
    counts: NDArray[np.float64],
    shares: NDArray[np.float64],
    k: int,
    left: float,
    y: float,
    wide: float,
    high: float,
    classes: int,
) -> Markup:
    """Return one field with its share, and its count where there is room."""
    share = float(shares[k])
    x = left + wide * k
    tint = ",".join(str(round(a + (b - a) * share)) for a, b in zip(PALE, DEEP, strict=True))
    parts = [
        Markup(
            f'<rect x="{x + 1:.1f}" y="{y + 1:.1f}" width="{wide - 2:.1f}" height="{high - 2:.1f}"'
            f' fill="rgb({tint})" stroke="#dfe3e8"/>'
        )
    ]
    fill = _readable([int(v) for v in tint.split(",")])
    middle = y + high / 2
    if classes <= MOST_WRITTEN:
        roomy = wide >= 52 and high >= 40
        percent = f"{100 * share:.0f} %" if roomy else f"{100 * share:.0f}"
        kind = "strong" if roomy else ""
        at = middle - 1 if roomy else middle + 4
        parts.append(text(percent, x + wide / 2, at, anchor="middle", kind=kind, fill=fill))
        if roomy:
            parts.append(text(f"{counts[k]:,.0f}", x + wide / 2, middle + 15, anchor="middle", fill=fill))
    return Markup("").join(parts)


def _readable(colour: Sequence[int]) -> str:
    """Return black or white, whichever stands out more from a colour (WCAG's relative luminance)."""
    linear = (np.array(colour) / 255) ** 2.2
    return "#fff" if float(linear @ [0.2126, 0.7152, 0.0722]) < 0.179 else "#000"


def _head(name: str, x: float, y: float, turned: bool) -> Markup:
    if not turned:
        return text(name, x, y, anchor="middle", kind="row")
    at = f'transform="translate({x + 4:.1f} {y:.1f}) rotate(-90)"'
    return Markup("<text {} class='row'>{}</text>").format(Markup(at), name)
