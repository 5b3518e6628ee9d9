"""One picture per stage: its result drawn over the print, with a legend.

A panel is drawn on a canvas with square millimetres, whatever the sensor's pixels were; working coordinates are
scaled to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ridgefeat.files import count_of
from ridgefeat.report.pictures import marks
from ridgefeat.report.pictures.marks import BIFURCATION_COLOUR, ENDING_COLOUR, SHIFT, Array, Colour, fixed, write
from ridgefeat.stages.grid import to_pixels
from ridgefeat.structure import BIFURCATION, ENDING, MM_PER_PX, Float, SingularPoints, UInt8

if TYPE_CHECKING:
    from ridgefeat.fingerprint import Fingerprint

INK: Colour = (32, 36, 44)
GREY: Colour = (106, 112, 122)
PERIOD_RANGE = (0.3, 0.7)
"""mm; the same for every print, so that pictures can be compared."""
ENERGY_RANGE = (0.0, 1.6)
"""Amplitude in units of the normalised image; clean ridges give about 1.4."""
LETTERS = 18
"""Size of a legend's letters in pixels."""
STROKE_STEP = 12.0
"""Distance of orientation strokes in pixels at 500 dpi."""


@dataclass(frozen=True)
class Canvas:
    """A print's canvas; the scale is canvas pixels per pixel at 500 dpi, ids are written at minutiae and cores."""

    fp: Fingerprint
    scale: float
    ids: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in canvas pixels."""
        rows, columns = self.fp.image.shape
        return max(1, round(columns * self.scale)), max(1, round(rows * self.scale))

    def grow(self, field: Array) -> Float:
        """Return a working-image field resized to the canvas."""
        how = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(field.astype(np.float32), self.size, interpolation=how))

    def at(self, x: Array, y: Array) -> Array:
        """Return working positions as canvas positions, shape (n, 2)."""
        return (np.stack([x, y], -1) + 0.5) * self.scale - 0.5

    def photo(self, fade: float = 0.0) -> UInt8:
        """Return the original print in RGB, shape (rows, columns, 3), faded towards white by 0 to 1."""
        grey = fade_out(self.grow_original(), 1 - fade)
        return np.repeat(grey[..., None], 3, 2)

    def grow_original(self) -> UInt8:
        """Return the original's own pixels, resized to the canvas once."""
        shrinks = self.size[0] < self.fp.original.shape[1]
        how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        return cv2.resize(self.fp.original, self.size, interpolation=how)  # type: ignore[no-any-return]

    def mask(self) -> UInt8:
        """Return the foreground on the canvas, 0 or 1."""
        return (self.grow(self.fp.mask) > 0.5).astype(np.uint8)

    def outline(self, picture: UInt8, colour: Colour, width: int) -> None:
        """Draw the foreground's outline into a picture on the canvas."""
        lines, _ = cv2.findContours(self.mask(), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, lines, -1, colour, width, cv2.LINE_AA)


def fade_out(picture: UInt8, strength: float) -> UInt8:
    """Return a picture with only a part of its strength, on white."""
    return np.asarray(np.rint(255 - (255 - picture.astype(np.float32)) * strength), np.uint8)


Legend = Callable[[UInt8], None]
"""Draws itself into an empty strip below the picture, shape (rows, columns, 3)."""


@dataclass(frozen=True)
class Panel:
    """A stage as it is shown: title, what it means, the drawing and its legend."""

    title: str
    meaning: str
    draw: Callable[[Canvas], tuple[UInt8, Legend]]


def _print(canvas: Canvas) -> tuple[UInt8, Legend]:
    fp = canvas.fp
    picture = canvas.photo()
    millimetres = 5 if canvas.size[0] * MM_PER_PX / canvas.scale > 8 else 1
    across, down = (f"{millimetres * d / 25.4:.0f}" for d in (fp.dpi_x, fp.dpi_y))
    pixels = across if across == down else f"{across} × {down}"

    def legend(strip: UInt8) -> None:
        length, middle = round(millimetres / MM_PER_PX * canvas.scale), strip.shape[0] // 2
        cv2.line(strip, (1, middle), (length, middle), INK, 2, cv2.LINE_AA)
        for x in (1, length):
            cv2.line(strip, (x, middle - 6), (x, middle + 6), INK, 2, cv2.LINE_AA)
        write(strip, f"{millimetres} mm = {pixels} px of the original", length + 14, middle + 6, LETTERS, INK)

    return picture, legend


def _mask(canvas: Canvas) -> tuple[UInt8, Legend]:
    mask = canvas.mask()
    picture = canvas.photo()
    outside = picture[mask == 0].astype(np.float32)
    picture[mask == 0] = np.rint(outside * 0.25 + np.array([214, 218, 224]) * 0.75)
    canvas.outline(picture, ENDING_COLOUR, 3)
    fraction = float(canvas.fp.mask.mean())
    area = float(canvas.fp.mask.sum()) * MM_PER_PX**2
    return picture, _words(f"outline of the print: {area:.0f} mm², {fraction:.0%} of the image", ENDING_COLOUR)


def _orientation(canvas: Canvas) -> tuple[UInt8, Legend]:
    fp = canvas.fp
    picture = canvas.photo(0.62)
    rows, columns = fp.mask.shape
    y, x = np.mgrid[STROKE_STEP / 2 : rows : STROKE_STEP, STROKE_STEP / 2 : columns : STROKE_STEP].astype(int)
    inside = fp.mask[y, x]
    y, x = y[inside], x[inside]
    angle, coherence = fp.orientation.angle[y, x], fp.orientation.coherence[y, x]
    # The angle runs counter-clockwise on the page, while y runs down.
    half = 0.37 * STROKE_STEP * np.stack([np.cos(angle), -np.sin(angle)], -1)
    centre = np.stack([x, y], -1)
    strokes = np.stack([centre - half, centre + half], 1)
    ends = canvas.at(strokes[..., 0], strokes[..., 1])
    colours = _coherence_colours()[np.rint(np.clip(coherence, 0, 1) * 255).astype(int)]
    thickness = max(1, round(canvas.scale))
    for line, colour in zip(fixed(ends), colours.tolist(), strict=True):
        cv2.polylines(picture, [line], False, colour, thickness, cv2.LINE_AA, SHIFT)
    _mark_singular(picture, canvas, fp.singular_points)
    return picture, _bar(_coherence_colours(), 0, 1, "coherence of the strokes", "")


def _period(canvas: Canvas) -> tuple[UInt8, Legend]:
    low, high = PERIOD_RANGE
    period = np.where(canvas.fp.mask, canvas.fp.period, np.nan) * MM_PER_PX
    known = np.isfinite(period)
    table = _table(cv2.COLORMAP_VIRIDIS)
    middle = f"median {np.median(period[known]):.2f} mm" if known.any() else "unknown"
    picture = _map(canvas, period, known, low, high, table)
    return picture, _bar(table, low, high, f"ridge period, {middle}", " mm")


def _gabor(canvas: Canvas) -> tuple[UInt8, Legend]:
    low, high = ENERGY_RANGE
    strongest = canvas.fp.gabor.magnitude.max((0, 1))
    field = to_pixels(np.ascontiguousarray(strongest), canvas.fp.image.shape)
    level = np.rint(np.clip((canvas.grow(field) - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    table = _table(cv2.COLORMAP_INFERNO)
    picture = table[level]
    canvas.outline(picture, (255, 255, 255), 1)
    return picture, _bar(table, low, high, "amplitude of the strongest response", "")


def _enhanced(canvas: Canvas) -> tuple[UInt8, Legend]:
    ridges = np.where(canvas.fp.mask, np.nan_to_num(canvas.fp.enhanced), 1.0)
    grey = np.clip((canvas.grow(ridges) + 1) * 127.5, 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, 2), _words("ridges dark, valleys light; white outside the print")


def _skeleton(canvas: Canvas) -> tuple[UInt8, Legend]:
    picture = canvas.photo(0.72)
    line = canvas.fp.skeleton
    y, x = np.nonzero(line)
    padded = np.pad(line, 1)
    segments = []
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        start = np.stack([x, y], -1)[padded[y + dy + 1, x + dx + 1]]
        segments.append(np.stack([start, start + (dx, dy)], 1))
    links = np.concatenate(segments)
    ends = fixed(canvas.at(links[..., 0], links[..., 1]))
    width = max(2, round(canvas.scale * 0.6))
    cv2.polylines(picture, list(ends), False, BIFURCATION_COLOUR, width, cv2.LINE_AA, SHIFT)
    length = float(line.sum()) * MM_PER_PX
    return picture, _words(f"centre lines of the ridges, {length:.0f} mm in all", BIFURCATION_COLOUR)


def _minutiae(canvas: Canvas) -> tuple[UInt8, Legend]:
    picture = canvas.photo(0.5)
    found, singular = canvas.fp.minutiae, canvas.fp.singular_points
    quality = np.nan_to_num(found.quality, nan=50.0)
    for low, high in ((0, 25), (25, 50), (50, 75), (75, 101)):
        some = found.select((quality >= low) & (quality < high))
        over = picture.copy()
        for centre, direction, kind in zip(canvas.at(some.x, some.y), some.direction, some.kind, strict=True):
            marks.mark_minutia(over, centre, float(direction), int(kind), canvas.scale)
        strength = 0.4 + 0.6 * min(high, 100) / 100
        cv2.addWeighted(over, strength, picture, 1 - strength, 0, picture)
    _mark_singular(picture, canvas, singular)
    places = np.concatenate([canvas.at(found.x, found.y), canvas.at(singular.x, singular.y)])
    for number, (x, y) in zip(canvas.ids, places.tolist(), strict=False):
        write(picture, number, x + 5 * canvas.scale, y - 3 * canvas.scale, max(11.0, 6 * canvas.scale), INK, bold=True)
    counts = {kind: int((found.kind == kind).sum()) for kind in (ENDING, BIFURCATION)}

    def legend(strip: UInt8) -> None:
        middle, x = strip.shape[0] // 2, 11.0
        for kind, name in ((ENDING, "ending"), (BIFURCATION, "bifurcation")):
            marks.mark_minutia(strip, np.array([x, middle]), 0.0, kind, 2.2)
            x += 60 + write(strip, count_of(counts[kind], name), x + 30, middle + 6, LETTERS, INK)
        marks.mark_core(strip, np.array([x + 4, middle]), 0.0, 1.1)
        x += 68 + write(strip, count_of(len(singular.cores), "core"), x + 36, middle + 6, LETTERS, INK)
        marks.mark_delta(strip, np.array([x, middle]), float("nan"), 1.1)
        write(strip, count_of(len(singular.deltas), "delta"), x + 22, middle + 6, LETTERS, INK)

    return picture, legend


PANELS = {
    "print": Panel("Print", "original pixels, true to scale", _print),
    "mask": Panel("Mask", "foreground of the image", _mask),
    "orientation": Panel("Orientation", "strokes along the ridges", _orientation),
    "period": Panel("Period", "distance between neighbouring ridges", _period),
    "gabor": Panel("Gabor energy", "response of the filter bank", _gabor),
    "enhanced": Panel("Enhanced", "ridges after filtering", _enhanced),
    "skeleton": Panel("Skeleton", "ridges, one pixel wide", _skeleton),
    "minutiae": Panel("Minutiae", "tails in ISO direction; pale: low quality", _minutiae),
}
"""Every panel by name, in the order in which they are shown."""


def _table(colormap: int) -> UInt8:
    """Return OpenCV's colour map as RGB, shape (256, 3)."""
    return cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], colormap)[:, 0, ::-1].copy()  # type: ignore[no-any-return]


def _coherence_colours() -> UInt8:
    # Dark where ridges agree; the yellow end of plasma would vanish on paper.
    return np.ascontiguousarray(_table(cv2.COLORMAP_PLASMA)[np.linspace(210, 0, 256).astype(int)])


def _map(canvas: Canvas, field: Array, known: Array, low: float, high: float, table: UInt8) -> UInt8:
    """Return a field in colours with the ridges showing through; grey where it is unknown."""
    level = np.where(known, np.clip((field - low) / (high - low), 0, 1), 0)
    # Weighted by what is known, so that nothing leaks in from outside.
    weight = canvas.grow(known)
    level = canvas.grow(level) / np.maximum(weight, 1e-3)
    level = np.rint(np.clip(level, 0, 1) * 255).astype(np.uint8)
    there = weight > 0.5
    shade = 0.72 + 0.28 * canvas.grow_original().astype(np.float32)[..., None] / 255
    picture = np.where(there[..., None], table[level] * shade, np.float32(238))
    return np.asarray(np.rint(picture), np.uint8)


def _bar(table: UInt8, low: float, high: float, name: str, unit: str) -> Legend:
    def legend(strip: UInt8) -> None:
        middle = strip.shape[0] // 2
        x = write(strip, f"{low:g}", 0, middle + 6, LETTERS, INK) + 8
        width = 180
        ramp = table[np.linspace(0, 255, width).astype(int)]
        strip[middle - 8 : middle + 8, x : x + width] = ramp[: max(0, strip.shape[1] - x)]
        x += width + 8
        x += write(strip, f"{high:g}{unit}", x, middle + 6, LETTERS, INK) + 22
        write(strip, name, x, middle + 6, LETTERS, INK)

    return legend


def _words(text: str, line: Colour | None = None) -> Legend:
    """Return a legend of words, after a sample of a line of that colour."""

    def legend(strip: UInt8) -> None:
        middle = strip.shape[0] // 2
        if line is not None:
            cv2.line(strip, (1, middle), (30, middle), line, 2, cv2.LINE_AA)
        write(strip, text, 0 if line is None else 44, middle + 6, LETTERS, INK)

    return legend


def _mark_singular(picture: UInt8, canvas: Canvas, points: SingularPoints) -> None:
    size = max(0.8, 0.75 * canvas.scale)
    for group, mark in ((points.cores, marks.mark_core), (points.deltas, marks.mark_delta)):
        for centre, direction in zip(canvas.at(group.x, group.y), group.direction.tolist(), strict=True):
            mark(picture, centre, direction, size)
