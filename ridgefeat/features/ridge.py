"""Ridge density, period and breadth, in physical units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ridgefeat.features import _frame, _ridge_squares
from ridgefeat.features._ridge_breadth import breadth_maps, gap_figures
from ridgefeat.features.family import Column, Family
from ridgefeat.stages.grid import FINE
from ridgefeat.structure import MM_PER_PX

if TYPE_CHECKING:
    from ridgefeat.fingerprint import Fingerprint

HONG = "Hong, Wan, Jain 1998"
ACREE = "Acree 1999"
GUTIERREZ = "Gutierrez-Redomero et al. 2008"

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
    """Summarise the period map, every fourth pixel of it."""
    inside = fp.mask[::FINE, ::FINE]
    values = fp.period[::FINE, ::FINE][inside].astype(np.float64) * MM_PER_PX
    if not values.size:
        return None
    doubled = np.cos(2 * fp.orientation.angle[::FINE, ::FINE][inside])
    upright, level = values[doubled < -0.5], values[doubled > 0.5]
    across = upright.mean() if upright.size >= 30 else np.nan
    down = level.mean() if level.size >= 30 else np.nan
    mean = values.mean()
    p10, p50, p90 = _frame.percentiles(values, 10, 50, 90)
    return [mean, values.std(), p10, p50, p90, across, down, across / down, 10 / mean]


@ridge.columns(
    *(
        Column(f"ridge_period_{zone}_mean", "mm", 0.1, 1.5, f"mean period in zone {zone} of the bounding box's 4 x 4")
        for zone in _frame.zone_names()
    )
)
def period_by_zone(fp: Fingerprint) -> Sequence[float] | None:
    """Average the period in each zone."""
    y, x = np.nonzero(fp.mask[::8, ::8])
    if not x.size:
        return None
    values = fp.period[::8, ::8][y, x] * MM_PER_PX
    return list(_frame.zone_means(values, _frame.zone_numbers(fp, 8 * x, 8 * y)))


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
    The distal squares stand 3 mm to either side of the core and 3 mm above it, the proximal one 6 mm below. Where no
    core is seen, the print's centroid stands for it. Radial and ulnar need the hand (on a print of the right hand the
    thumb's side is the left) and are NaN without; a square of which less than 60 % of a diagonal
    is visible is NaN as well.
    """
    if not fp.mask.any():
        return None
    x0, y0 = _frame.reference(fp)
    gx, gy = _ridge_squares.grid(fp.mask)
    off = 3 / MM_PER_PX
    x = np.concatenate([np.array([x0 - off, x0 + off, x0], np.float32), gx])
    y = np.concatenate([np.array([y0 - off, y0 - off, y0 + 2 * off], np.float32), gy])
    count = _ridge_squares.count_ridges(fp.enhanced, fp.mask, x, y)
    left, right, proximal = (float(c) for c in count[:3])
    everywhere = count[3:][np.isfinite(count[3:])]
    mean, sd, most = (everywhere.mean(), everywhere.std(), everywhere.max()) if everywhere.size else (np.nan,) * 3
    radial, ulnar = {"right": (left, right), "left": (right, left)}.get(fp.hand or "", (np.nan, np.nan))
    seen = [c for c in (left, right, proximal) if np.isfinite(c)]
    spread = max(seen) - min(seen) if len(seen) > 1 else np.nan
    return [mean, sd, most, left, right, radial, ulnar, proximal, (left + right) / 2, spread]


@ridge.columns(
    Column("ridge_breadth_mean", "mm", 0, 1.5, "mean breadth of a ridge", "Mundorf et al. 2014"),
    Column("ridge_breadth_sd", "mm", 0, 1, "its spread over the print", "Mundorf et al. 2014"),
    Column("ridge_valley_breadth_mean", "mm", 0, 1.5, "mean breadth of a valley"),
    Column("ridge_thickness_ratio", "", 0, 20, "ridge breadth / valley breadth", "Badawi et al. 2006"),
    Column("ridge_thickness_ratio_sd", "", 0, 20, "its spread over the print", "Badawi et al. 2006"),
    Column("ridge_white_share", "", 0, 1, "share of the ridges' centre lines that is as light as a valley"),
    Column("ridge_pore_density", "1/cm", 0, 50, "short light gaps per length of ridge (pore-like)"),
    Column("ridge_white_line_density", "1/cm²", 0, 100, "light lines that cross three ridges or more", "Badawi 2006"),
    Column("ridge_white_line_length", "mm/cm²", 0, 1000, "their length by area of the print", "Badawi 2006"),
)
def breadth(fp: Fingerprint) -> Sequence[float] | None:
    """Measure how broad ridges and valleys are, and where ridges are interrupted by light gaps."""
    if not fp.mask.any():
        return None
    inked, share = breadth_maps(fp)
    inside = fp.mask[::8, ::8]
    local = share[::2, ::2][inside].astype(np.float64)
    spacing = fp.period[::8, ::8][inside] * MM_PER_PX
    ridges, valleys = local * spacing, (1 - local) * spacing
    ratio = np.clip(local / np.maximum(1 - local, 0.02), 0, 20)
    figures = [ridges.mean(), ridges.std(), valleys.mean(), ridges.mean() / valleys.mean(), ratio.std()]
    return [*figures, *gap_figures(fp, inked)]


@ridge.columns(
    Column("ridge_area", "cm²", 0, 50, "area of the print"),
    Column("ridge_width", "mm", 0, 100, "width of the print's bounding box"),
    Column("ridge_height", "mm", 0, 100, "height of the print's bounding box"),
    Column("ridge_length_density", "mm/mm²", 0, 10, "length of ridge by area, from the skeleton"),
)
def extent(fp: Fingerprint) -> Sequence[float] | None:
    """Measure how large the print is and how much ridge it holds."""
    area = cv2.countNonZero(fp.mask.view(np.uint8)) * MM_PER_PX**2
    if not area:
        return None
    _, _, width, height = cv2.boundingRect(fp.mask.view(np.uint8))
    # Lines of all angles are 1.11 times as long as their 8-connected pixel count (Kulpa 1977).
    length = cv2.countNonZero(fp.skeleton.view(np.uint8)) * MM_PER_PX * 1.11
    return [area / 100, width * MM_PER_PX, height * MM_PER_PX, length / area]
