"""Two prints next to each other, with lines between the minutiae that a comparison paired."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ridgefeat.report.pictures.marks import mark_minutia, shorten, write
from ridgefeat.structure import UInt8

if TYPE_CHECKING:
    from ridgefeat.verify import Comparison, PreparedTemplate, Template

SCALE = 2.0
"""Picture pixels per pixel at 500 dpi."""
JOIN = (0, 140, 100)
UNPAIRED = 0.55
"""How far unpaired minutiae fade towards white."""
_PAGE, _INK = (252, 252, 251), (40, 44, 52)
_GAP, _HEADING = 24, 64


def draw_match(first: Template | PreparedTemplate, second: Template | PreparedTemplate) -> UInt8:
    """Draw two prints next to each other, with lines between the minutiae that their comparison paired.

    Ridges are drawn as a template holds them; a template of minutiae alone has none.

    Parameters
    ----------
    first, second : Template or PreparedTemplate

    Returns
    -------
    ndarray of uint8, shape (rows, columns, 3)
        RGB.
    """
    from ridgefeat.verify import PreparedTemplate, compare, prepare

    a, b = (p if isinstance(p, PreparedTemplate) else prepare(p) for p in (first, second))
    found = compare(a, b)
    sides = [_ridges(p.template) for p in (a, b)]
    paired = (found.first, found.second)
    for picture, prepared, met in zip(sides, (a, b), paired, strict=True):
        _mark(picture, prepared.template, met)
    height = max(len(s) for s in sides)
    offset = sides[0].shape[1] + _GAP
    page = np.full((height + _HEADING, offset + sides[1].shape[1], 3), _PAGE, np.uint8)
    for picture, left in zip(sides, (0, offset), strict=True):
        page[_HEADING : _HEADING + len(picture), left : left + picture.shape[1]] = picture
    start, end = _points(a.template)[found.first], _points(b.template)[found.second] + (offset, 0)
    for line in np.rint(np.stack([start, end], 1) + (0, _HEADING)).astype(int).tolist():
        cv2.line(page, line[0], line[1], JOIN, 1, cv2.LINE_AA)
    _head(page, (a.template.source, b.template.source), offset, found)
    return page


def save_match(first: Template | PreparedTemplate, second: Template | PreparedTemplate, path: str | Path) -> None:
    """Draw two prints and write the picture; its format goes by the extension.

    Raises
    ------
    ImageError
        If the extension is no picture's or the file cannot be written.
    """
    from ridgefeat.report.pictures.show import save_picture

    save_picture(draw_match(first, second), path)


def _ridges(template: Template) -> UInt8:
    rows, columns = (n * 8 for n in template.mask.shape)
    grey = np.full((rows, columns), 255, np.uint8)
    if template.waves is not None and template.waves.signal.size:
        from ridgefeat.verify.waves import SPACING

        wave = template.waves.signal[:, :, 0].astype(np.float32)
        height, width = wave.shape[0] * SPACING, wave.shape[1] * SPACING
        large = cv2.resize(wave, (width, height), interpolation=cv2.INTER_CUBIC)[:rows, :columns]
        # Light, so that marks and lines are visible.
        grey[: large.shape[0], : large.shape[1]] = np.clip(225 + 0.3 * large, 150, 255)
        grey[: large.shape[0], : large.shape[1]][large == 0] = 255
    size = (round(columns * SCALE), round(rows * SCALE))
    return np.asarray(cv2.cvtColor(cv2.resize(grey, size), cv2.COLOR_GRAY2RGB))


def _points(template: Template) -> np.ndarray:
    m = template.minutiae
    return (np.stack([m.x, m.y], 1) + 0.5) * SCALE - 0.5


def _mark(picture: UInt8, template: Template, met: np.ndarray) -> None:
    m, points = template.minutiae, _points(template)
    others = np.setdiff1d(np.arange(len(m)), met)
    for which in (others, met):
        for i in which.tolist():
            mark_minutia(picture, points[i], float(m.direction[i]), int(m.kind[i]), 0.7 * SCALE)
        if which is others:
            picture[:] = np.rint(picture * (1 - UNPAIRED) + 255 * UNPAIRED).astype(np.uint8)


def _head(page: UInt8, names: tuple[str, str], offset: int, found: Comparison) -> None:
    for name, left, width in zip(names, (8, offset + 8), (offset - 40, page.shape[1] - offset - 16), strict=True):
        if name and width > 40:
            write(page, shorten(name, width, 16, bold=True), left, 24, 16, _INK, bold=True)
    coherence = found.ridge_coherence
    ridges = "" if coherence != coherence else f", ridge coherence {100 * coherence:.0f} %"
    paired = f"{len(found.first)} minutiae paired, {100 * found.paired_fraction:.0f} % of those in the overlap"
    text = f"score {found.score:.1f}: {paired}{ridges}"
    write(page, shorten(text, page.shape[1] - 16, 14), 8, 50, 14, _INK)
