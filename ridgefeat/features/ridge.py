"""Ridge density, period and breadth, in physical units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ridgefeat.features import zones
from ridgefeat.features.explanation import Column
from ridgefeat.features.family import Family
from ridgefeat.features.layers import Area, Field, Frames, Histogram, Layer, inside, zone_frames
from ridgefeat.stages.grid import FINE
from ridgefeat.stages.percentiles import percentiles
from ridgefeat.structure import MM_PER_PX, Bool, Float

if TYPE_CHECKING:
    from ridgefeat.fingerprint import Fingerprint

HONG = "Hong, Wan, Jain 1998"
ACREE = "Acree 1999"
GUTIERREZ = "Gutierrez-Redomero et al. 2008"
STEEP = 0.5
"""Cosine of the doubled angle beyond which ridges count as level (within 30 degrees), or below minus it as upright."""
MIN_POINTS = 30
"""Points of the period map, every fourth pixel, below which a mean over them is not given."""

ridge = Family("ridge", "Ridge density, period, breadth and gaps, in physical units.")


@ridge.columns(
    Column("ridge_period_mean", "mm", 0.1, 1.5, "mean distance between neighbouring ridges", HONG),
    Column("ridge_period_sd", "mm", 0, 1, "its standard deviation over the print", HONG),
    Column("ridge_period_p10", "mm", 0.1, 1.5, "its 10th percentile", HONG),
    Column("ridge_period_p50", "mm", 0.1, 1.5, "its median", HONG),
    Column("ridge_period_p90", "mm", 0.1, 1.5, "its 90th percentile", HONG),
    Column("ridge_period_across", "mm", 0.1, 1.5, "its mean where ridges run up and down (measured across)"),
    Column("ridge_period_down", "mm", 0.1, 1.5, "its mean where ridges run sideways (measured downwards)"),
    Column("ridge_period_ratio", "", 0.2, 5, "period across / period down; far from 1 hints at an uneven scale"),
    Column("ridge_density_line", "ridges/cm", 5, 100, "ridges on a line across them: 10 mm / mean period"),
)
def period(fp: Fingerprint) -> Sequence[float] | None:
    """Summarise the period map, every fourth pixel of it.

    Examples
    --------
    >>> from ridgefeat import Fingerprint
    >>> from ridgefeat.synth.simple import grating
    >>> mean, *_, ratio, line = period(Fingerprint(grating((241, 241), 10.0, np.pi / 2).image))
    >>> round(float(mean), 2), round(float(line))  # 10 px are 0.508 mm, so a line of 1 cm crosses 20 ridges
    (0.51, 20)
    """
    inside = fp.mask[::FINE, ::FINE]
    values = fp.period[::FINE, ::FINE][inside].astype(np.float64) * MM_PER_PX
    if not values.size:
        return None
    doubled = np.cos(2 * fp.orientation.angle[::FINE, ::FINE][inside])
    upright, level = values[doubled < -STEEP], values[doubled > STEEP]
    across = upright.mean() if upright.size >= MIN_POINTS else np.nan
    down = level.mean() if level.size >= MIN_POINTS else np.nan
    mean = values.mean()
    p10, p50, p90 = percentiles(values, 10, 50, 90)
    return [mean, values.std(), p10, p50, p90, across, down, across / down, 10 / mean]


@ridge.picture_of(period)
def _period_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    doubled = np.cos(2 * fp.orientation.angle)
    part = name.rpartition("_")[2]
    where = {"across": doubled < -STEEP, "down": doubled > STEEP, "ratio": np.abs(doubled) > STEEP}.get(part)
    known = inside(fp, fp.period * MM_PER_PX, where)
    yield Field(known, "ridge period, mm")
    yield Histogram(known, "ridge period, mm", mark=None if part in ("sd", "ratio", "line") else values[name])
    yield f"fewer than {MIN_POINTS} points of the print have ridges in such a direction"


@ridge.columns(
    *(
        Column(f"ridge_period_{z}_mean", "mm", 0.1, 1.5, f"mean period in {where}")
        for z, where in zones.zone_names().items()
    )
)
def period_by_zone(fp: Fingerprint) -> Sequence[float] | None:
    """Average the period in each zone."""
    y, x = np.nonzero(fp.mask[::8, ::8])
    if not x.size:
        return None
    values = fp.period[::8, ::8][y, x] * MM_PER_PX
    return list(zones.zone_means(values, zones.zone_numbers(fp, 8 * x, 8 * y)))


@ridge.picture_of(period_by_zone)
def _zone_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    yield Field(inside(fp, fp.period * MM_PER_PX), "ridge period, mm")
    yield zone_frames(fp, name)
    yield "the zone holds no part of the print"


SQUARE = "ridges/25 mm²"
HAND = ("hand",)


@ridge.columns(
    Column("ridge_density_mean", SQUARE, 3, 60, "mean count over 5 mm squares all over the print", ACREE),
    Column("ridge_density_sd", SQUARE, 0, 30, "spread between those squares", ACREE),
    Column("ridge_density_max", SQUARE, 3, 60, "largest count of those squares", ACREE),
    Column("ridge_density_left", SQUARE, 3, 60, "count in the square left above the core", ACREE),
    Column("ridge_density_right", SQUARE, 3, 60, "count in the square right above the core", ACREE),
    Column("ridge_density_radial", SQUARE, 3, 60, "count in the distal square on the thumb's side", ACREE, HAND),
    Column("ridge_density_ulnar", SQUARE, 3, 60, "count in the distal square on the little finger's side", ACREE, HAND),
    Column("ridge_density_proximal", SQUARE, 3, 60, "count in the square below the core", GUTIERREZ),
    Column("ridge_density_distal", SQUARE, 3, 60, "mean of the two distal squares", GUTIERREZ),
    Column(
        "ridge_density_spread",
        SQUARE,
        0,
        60,
        "largest less smallest of the three squares, or of two where one is not seen",
        GUTIERREZ,
    ),
)
def squares(fp: Fingerprint) -> Sequence[float] | None:
    """Count along the diagonals of 5 mm squares.

    Notes
    -----
    The distal squares are centred 3 mm to either side of the core and 3 mm above it, the proximal one 6 mm below.
    Where no core is found, the print's centroid takes its place. Radial and ulnar need the hand (on a print of the
    right hand the thumb's side is the left) and are NaN without; a square is NaN as well where less than 60 % of a
    diagonal is visible.
    """
    if not fp.mask.any():
        return None
    (x, y), (gx, gy) = _three_centres(fp), grid(fp.mask)
    count = count_ridges(fp.enhanced, fp.mask, np.concatenate([x, gx]), np.concatenate([y, gy]))
    left, right, proximal = (float(c) for c in count[:3])
    everywhere = count[3:][np.isfinite(count[3:])]
    mean, sd, largest = (everywhere.mean(), everywhere.std(), everywhere.max()) if everywhere.size else (np.nan,) * 3
    radial, ulnar = {"right": (left, right), "left": (right, left)}.get(fp.hand or "", (np.nan, np.nan))
    seen = [c for c in (left, right, proximal) if np.isfinite(c)]
    spread = max(seen) - min(seen) if len(seen) > 1 else np.nan
    return [mean, sd, largest, left, right, radial, ulnar, proximal, (left + right) / 2, spread]


def _three_centres(fp: Fingerprint) -> tuple[Float, Float]:
    """Return x and y of the centres of the left and right distal and the proximal square."""
    (x0, y0), off = zones.reference(fp), 3 / MM_PER_PX
    return np.array([x0 - off, x0 + off, x0], np.float32), np.array([y0 - off, y0 - off, y0 + 2 * off], np.float32)


@ridge.picture_of(squares)
def _square_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    part = name.rpartition("_")[2]
    about_core = part not in ("mean", "sd", "max")
    x, y = _three_centres(fp) if about_core else grid(fp.mask)
    count = count_ridges(fp.enhanced, fp.mask, x, y)
    sides = {"radial": "left", "ulnar": "right"} if fp.hand == "right" else {"radial": "right", "ulnar": "left"}
    one = {"left": [0], "right": [1], "proximal": [2], "distal": [0, 1], "spread": [0, 1, 2]}
    is_largest = count == np.float32(values["ridge_density_max"])
    chosen = one[sides.get(part, part)] if about_core else np.flatnonzero(is_largest) if part == "max" else ()
    # All over the print squares overlap by half: their middles are shown.
    side = SIDE if about_core else SIDE / 2
    corners = np.stack([x - side / 2, y - side / 2, *np.full((2, len(x)), side)], 1)
    texts = ["not seen" if c != c else f"{c:.3g}" for c in count]
    yield Frames(corners, texts, () if part in sides and not fp.hand else chosen, diagonals=about_core)
    if not about_core:
        yield Histogram(count, f"count in a square, {SQUARE}", 12, None if part == "sd" else values[name])
    yield f"less than {MIN_VISIBLE:.0%} of a diagonal of the square lies in the print"


@ridge.columns(
    Column("ridge_breadth_mean", "mm", 0, 1.5, "mean breadth of a ridge", "Mundorff et al. 2014"),
    Column("ridge_breadth_sd", "mm", 0, 1, "its spread over the print", "Mundorff et al. 2014"),
    Column("ridge_valley_breadth_mean", "mm", 0, 1.5, "mean breadth of a valley"),
    Column("ridge_thickness_ratio", "", 0, 20, "ridge breadth / valley breadth", "Badawi et al. 2006"),
    Column("ridge_thickness_ratio_sd", "", 0, 20, "its spread over the print", "Badawi et al. 2006"),
    Column("ridge_white_share", "", 0, 1, "share of the ridges' centre lines that is as light as a valley"),
    Column("ridge_pore_density", "1/cm", 0, 50, "short light gaps per length of ridge (pore-like)"),
    Column(
        "ridge_white_line_density", "1/cm²", 0, 100, "light lines that cross three ridges or more", "Badawi et al. 2006"
    ),
    Column("ridge_white_line_length", "mm/cm²", 0, 1000, "their length by area of the print", "Badawi et al. 2006"),
)
def breadth(fp: Fingerprint) -> Sequence[float] | None:
    """Measure how broad ridges and valleys are, and where ridges are interrupted by light gaps."""
    if not fp.mask.any():
        return None
    inside = fp.mask[::8, ::8]
    local = fp.ink.share[::2, ::2][inside].astype(np.float64)
    spacing = fp.period[::8, ::8][inside] * MM_PER_PX
    ridges, valleys = local * spacing, (1 - local) * spacing
    figures = [ridges.mean(), ridges.std(), valleys.mean(), ridges.mean() / valleys.mean(), thickness_ratio_sd(fp)]
    return [*figures, *gap_figures(fp, fp.ink.inked)]


@ridge.picture_of(breadth)
def _breadth_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    if name.split("_")[1] in ("white", "pore"):
        gaps = cv2.dilate((fp.skeleton & ~fp.ink.inked).view(np.uint8), np.ones((3, 3), np.uint8)) > 0
        yield Area(gaps, "light gaps on the ridges' centre lines", filled=True)
        return
    local = fp.ink.share[::2, ::2].astype(np.float64)
    spacing = fp.period[::8, ::8] * MM_PER_PX
    found, what = local * spacing, "ridge breadth, mm"
    if "valley" in name:
        found, what = (1 - local) * spacing, "valley breadth, mm"
    elif "thickness" in name:
        found, what = np.clip(local / np.maximum(1 - local, 0.02), 0, 20), "ridge breadth / valley breadth"
    found = np.where(fp.mask[::8, ::8], found, np.nan)
    yield Field(found, what, *np.nanpercentile(found, [1, 99]))
    yield Histogram(found, what, mark=None if name.endswith("_sd") else values[name])


def thickness_ratio_sd(fp: Fingerprint) -> float:
    """Return the standard deviation of ridge breadth over valley breadth; NaN without a print."""
    local = fp.ink.share[::2, ::2][fp.mask[::8, ::8]].astype(np.float64)
    return float(np.clip(local / np.maximum(1 - local, 0.02), 0, 20).std()) if len(local) else np.nan


@ridge.columns(
    Column("ridge_area", "cm²", 0, 50, "area of the print"),
    Column("ridge_width", "mm", 0, 100, "width of the print's bounding box"),
    Column("ridge_height", "mm", 0, 100, "height of the print's bounding box"),
    Column("ridge_length_density", "mm/mm²", 0, 10, "length of ridge by area, from the skeleton"),
)
def extent(fp: Fingerprint) -> Sequence[float] | None:
    """Measure how large the print is and how much ridge it holds."""
    area = zones.area(fp)
    if not area:
        return None
    _, _, width, height = cv2.boundingRect(fp.mask.view(np.uint8))
    return [area / 100, width * MM_PER_PX, height * MM_PER_PX, _length(fp, fp.skeleton) / area]


def _length(fp: Fingerprint, line: Bool) -> float:
    """Return the length of centre lines in mm: a line at an angle a is 1 / max(|cos a|, |sin a|) px long per pixel."""
    angle = fp.orientation.angle[line]
    steps = np.maximum(np.abs(np.cos(angle)), np.abs(np.sin(angle)))
    return float((1 / steps).sum(dtype=np.float64)) * MM_PER_PX


@ridge.picture_of(extent)
def _extent_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    yield Area(fp.mask, "outline of the print")
    if name == "ridge_length_density":
        yield Area(fp.skeleton, "centre lines of the ridges", filled=True)
    elif name != "ridge_area":
        yield zone_frames(fp, name, 1)


PORE_LENGTH = 12
"""Pixels (0.6 mm): a longer light gap along a ridge is not a pore."""
BORDER = 2.0
"""In periods: width of the element that the mask is eroded by before light gaps are looked for."""
LINE_REACH, LINE_LENGTH = 1.2, 1.8
"""In periods: how far light gaps are grown to join across ridges, and the extent from which they form a white line."""


def gap_figures(fp: Fingerprint, inked: Bool) -> tuple[float, float, float, float]:
    """Return the light share of the ridges, pores per cm of ridge, white lines per cm² and their mm per cm²."""
    (spacing,) = percentiles(fp.period[::4, ::4][fp.mask[::4, ::4]], 50)
    # The mask reaches over the last ridge, where nothing is inked.
    side = int(BORDER * spacing) | 1
    inner = cv2.erode(fp.mask.view(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    line = fp.skeleton & (inner > 0)
    on_line = cv2.countNonZero(line.view(np.uint8))
    if not on_line:
        return (np.nan,) * 4
    light = line & ~inked
    _, runs = cv2.connectedComponents(light.view(np.uint8), connectivity=8, ltype=cv2.CV_16U)
    pores = int(np.count_nonzero(np.bincount(runs[light])[1:] <= PORE_LENGTH))
    # Light gaps lie on centre lines, so those of neighbouring ridges join when grown by over half a period.
    reach = int(LINE_REACH * spacing) | 1
    grown = cv2.dilate(light.view(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    _, _, blobs, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(grown[::2, ::2]), connectivity=8)
    extent = np.hypot(2 * blobs[1:, cv2.CC_STAT_WIDTH] - reach, 2 * blobs[1:, cv2.CC_STAT_HEIGHT] - reach)
    crossing = extent >= LINE_LENGTH * spacing
    area_cm2 = zones.area(fp) / 100
    return (
        cv2.countNonZero(light.view(np.uint8)) / on_line,
        pores / (_length(fp, line) / 10),
        int(np.count_nonzero(crossing)) / area_cm2,
        float(extent[crossing].sum()) * MM_PER_PX / area_cm2,
    )


SIDE = 5.0 / MM_PER_PX
SAMPLES = 142
"""Points along a diagonal, about one per pixel."""
MIN_VISIBLE = 0.6
"""Share of a diagonal that must lie in the print for its ridges to be counted."""
CLEAR_SHARE = 0.08
"""Between minus and plus this, the enhanced print is neither ridge nor valley, and the last clear one continues."""


def count_ridges(enhanced: Float, mask: Bool, x: Float, y: Float) -> Float:
    """Count the ridges across a 5 mm square about each point (px at 500 dpi), in an enhanced print, ridges negative.

    Returns the ridges along that diagonal of the two which crosses more, per full diagonal (7.07 mm), float32; NaN
    where less than 60 % of either lies in the print, for the one that is not seen might cross more.

    Notes
    -----
    Acree, "Is there a gender difference in fingerprint ridge density?" (Forensic Science International 1999). A ridge
    is a run below zero; ridges cut off at the ends of the visible part are made up for by dividing by its length.

    Examples
    --------
    >>> waves = np.tile(-np.cos(2 * np.pi * np.arange(200) / 10), (200, 1)).astype(np.float32)  # 5 mm are 9.84 periods
    >>> at = np.array([100], np.float32)
    >>> count_ridges(waves, np.ones(waves.shape, bool), at, at)
    array([10.], dtype=float32)
    """
    along = (np.arange(SAMPLES, dtype=np.float32) / (SAMPLES - 1) - 0.5) * np.float32(SIDE)
    px = np.stack([x[:, None] + along, x[:, None] + along])
    py = np.stack([y[:, None] - along, y[:, None] + along])
    flat = px.reshape(-1, SAMPLES), py.reshape(-1, SAMPLES)
    value = cv2.remap(enhanced, *flat, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    inside = cv2.remap(mask.view(np.uint8), *flat, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT) > 0
    ridge = _settled(value, (np.abs(value) > CLEAR_SHARE) & inside)
    both_inside = inside[:, 1:] & inside[:, :-1]
    # Each ridge has two flanks; half their number counts a ridge cut by the end as a half.
    flanks = ((ridge[:, 1:] != ridge[:, :-1]) & both_inside).sum(1)
    visible = both_inside.sum(1) / (SAMPLES - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        count = np.where(visible >= MIN_VISIBLE, flanks / 2 / visible, np.nan)
    return np.asarray(np.maximum(*count.reshape(2, -1)), np.float32)


def _settled(value: Float, clear: Bool) -> Bool:
    """Return where values are negative; unclear ones continue the last clear one, or precede the first."""
    at = np.maximum.accumulate(np.where(clear, np.arange(value.shape[1]), -1), axis=1)
    at = np.where(at < 0, clear.argmax(1)[:, None], at)
    return np.asarray(np.take_along_axis(value, at, 1) < 0)


def grid(mask: Bool) -> tuple[Float, Float]:
    """Return centres of half-overlapping 5 mm squares whose middle lies in the print."""
    step = SIDE / 2
    y, x = np.meshgrid(*(np.arange(step / 2, n, step, dtype=np.float32) for n in mask.shape), indexing="ij")
    inside = mask[y.astype(int), x.astype(int)]
    return x[inside], y[inside]
