"""Minutiae: how many of which kind, how dense, how spaced and which way they point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from ridgefeat.features import zones
from ridgefeat.features.explanation import Column
from ridgefeat.features.family import Family, share
from ridgefeat.features.layers import Area, Frames, Histogram, Layer, Lines, Marks, bars_of
from ridgefeat.structure import BIFURCATION, ENDING, MM_PER_PX, Minutiae

if TYPE_CHECKING:
    from ridgefeat.fingerprint import Fingerprint

GUTIERREZ = "Gutierrez-Redomero et al. 2011"
CLARK = "Clark, Evans 1954"
BINS = 8
SURE = 50.0
"""Quality from which a minutia counts as sure."""

minutiae = Family("minutiae", "Minutiae: counts by kind, densities, spacing, directions.")


@minutiae.columns(
    Column("minutiae_count", "", 0, 1000, "number of minutiae"),
    Column("minutiae_endings", "", 0, 1000, "number of ridge endings"),
    Column("minutiae_bifurcations", "", 0, 1000, "number of bifurcations"),
    Column("minutiae_sure", "", 0, 1000, f"number of minutiae of quality {SURE:g} or more"),
)
def counts(fp: Fingerprint) -> Sequence[float]:
    """Count minutiae; 0 for a print without ridges.

    Examples
    --------
    >>> from ridgefeat import Fingerprint
    >>> from ridgefeat.synth.simple import dislocated_grating
    >>> counts(Fingerprint(dislocated_grating((241, 241), 9.0, np.pi / 2).image))  # all, endings, bifurcations, sure
    [1, 1, 0, 1]
    """
    m = fp.minutiae
    endings = int(np.count_nonzero(m.kind == ENDING))
    return [len(m), endings, len(m) - endings, int(np.count_nonzero(m.quality >= SURE))]


@minutiae.columns(
    Column("minutiae_bifurcation_share", "", 0, 1, "bifurcations / minutiae", GUTIERREZ),
    Column("minutiae_density", "1/cm²", 0, 300, "minutiae by area of the print", GUTIERREZ),
    Column("minutiae_endings_density", "1/cm²", 0, 300, "ridge endings by area of the print", GUTIERREZ),
    Column("minutiae_bifurcations_density", "1/cm²", 0, 300, "bifurcations by area of the print", GUTIERREZ),
    Column("minutiae_sure_density", "1/cm²", 0, 300, f"minutiae of quality {SURE:g} or more by area"),
    Column("minutiae_quality_mean", "", 0, 100, "mean quality"),
    Column("minutiae_quality_sd", "", 0, 100, "its standard deviation"),
)
def densities(fp: Fingerprint) -> Sequence[float] | None:
    """Relate the counts to the print's area."""
    area = zones.area(fp) / 100
    if not area:
        return None
    m = fp.minutiae
    n, forks = len(m), int(np.count_nonzero(m.kind == BIFURCATION))
    sure = int(np.count_nonzero(m.quality >= SURE))
    quality = [m.quality.mean(), m.quality.std()] if n else [np.nan, np.nan]
    return [forks / n if n else np.nan, n / area, (n - forks) / area, forks / area, sure / area, *quality]


@minutiae.picture_of(counts)
@minutiae.picture_of(densities)
def _count_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    m = fp.minutiae
    kinds = {"endings": m.kind == ENDING, "bifurcations": m.kind == BIFURCATION, "bifurcation": m.kind == BIFURCATION}
    yield Area(fp.mask, "outline of the print")
    part = name.split("_")[1]
    yield Marks(m, m.quality >= SURE if part == "sure" else kinds.get(part))
    if part in ("quality", "sure"):
        yield Histogram(m.quality, "quality of minutiae", 20, values[name] if name.endswith("_mean") else None)
    yield "no minutiae were found"


@minutiae.columns(
    Column("minutiae_spacing_mean", "mm", 0, 20, "mean distance to the nearest other minutia"),
    Column("minutiae_spacing_sd", "mm", 0, 20, "its standard deviation"),
    Column("minutiae_spacing_p50", "mm", 0, 20, "its median"),
    Column("minutiae_clustering", "", 0, 3, "mean spacing / that of as many random points: below 1 clustered", CLARK),
    Column("minutiae_radius_mean", "mm", 0, 50, "mean distance from the core, or the centroid where there is none"),
    Column("minutiae_radius_sd", "mm", 0, 50, "its standard deviation"),
)
def spacing(fp: Fingerprint) -> Sequence[float] | None:
    """Measure distances between minutiae; NaN with fewer than three."""
    m = fp.minutiae
    if len(m) < 3:
        return None
    nearest = _distances(m).min(1) * MM_PER_PX
    x0, y0 = zones.reference(fp)
    radius = np.hypot(m.x - x0, m.y - y0) * MM_PER_PX
    expected = 0.5 / np.sqrt(len(m) / zones.area(fp))
    return [nearest.mean(), nearest.std(), np.median(nearest), nearest.mean() / expected, radius.mean(), radius.std()]


def _distances(m: Minutiae) -> np.ndarray:
    """Return the distances between minutiae in px, infinite to themselves."""
    distance = np.hypot(m.x[:, None] - m.x, m.y[:, None] - m.y)
    np.fill_diagonal(distance, np.inf)
    return np.asarray(distance)


@minutiae.picture_of(spacing)
def _spacing_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    m = fp.minutiae
    if len(m) >= 3:
        to_core = "radius" in name
        to = np.argmin(_distances(m), 1)
        x, y = zones.reference(fp) if to_core else (m.x[to], m.y[to])
        ends = np.stack(np.broadcast_arrays(m.x, m.y, x, y), 1)
        what = (
            f"to the {'core' if len(fp.singular_points.cores) else 'centroid'}" if to_core else "to the nearest other"
        )
        length = np.hypot(ends[:, 0] - ends[:, 2], ends[:, 1] - ends[:, 3]) * MM_PER_PX
        yield Lines(ends, f"minutia {what}")
        yield Histogram(length, f"distance {what}, mm", 15, None if name.endswith(("_sd", "ing")) else values[name])
    yield Marks(m)
    yield f"{len(m)} minutiae were found, and it takes three"


@minutiae.columns(
    *(
        share(f"minutiae_direction_a{45 * k:03d}", f"share of minutiae that point at {45 * k}° (± 22.5°)")
        for k in range(BINS)
    ),
    share("minutiae_direction_resultant", "length of the mean direction vector: 1 where all point the same way"),
    *(
        Column(f"minutiae_{part}_density", "1/cm²", 0, 300, f"minutiae by area in the print's {word} quarter")
        for part, word in (("nw", "upper left"), ("ne", "upper right"), ("sw", "lower left"), ("se", "lower right"))
    ),
)
def distribution(fp: Fingerprint) -> Sequence[float] | None:
    """Return the shares of directions, and the densities in the quarters around the print's centroid."""
    if not fp.mask.any():
        return None
    m = fp.minutiae
    shares, resultant = [np.nan] * BINS, np.nan
    if len(m):
        turn = _turn(m)
        shares = list(np.bincount(turn, minlength=BINS) / len(m))
        resultant = float(np.abs(np.exp(1j * m.direction.astype(np.float64)).mean()))
    x0, y0 = zones.centre(fp)
    split_x, split_y = round(x0), round(y0)
    quarter = (m.x > split_x).astype(int) + 2 * (m.y > split_y).astype(int)
    count = np.bincount(quarter, minlength=4)
    halves = [(slice(n + 1), slice(n + 1, None)) for n in (split_y, split_x)]
    area = np.array([np.count_nonzero(fp.mask[part]) for part in product(*halves)]) * (MM_PER_PX**2 / 100)
    density = np.where(area > 0, count / np.maximum(area, 1e-9), np.nan)
    return [*shares, resultant, *density]


def _turn(m: Minutiae) -> np.ndarray:
    """Return each minutia's direction in steps of 45 degrees, 0 to 7."""
    return np.asarray(np.round(m.direction * (BINS / (2 * np.pi))).astype(int) % BINS)


@minutiae.picture_of(distribution)
def _distribution_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    m = fp.minutiae
    own = [c.name for c in minutiae.all_columns() if c.name.startswith("minutiae_direction_a")]
    if "direction" not in name:
        (rows, columns), (x, y) = fp.mask.shape, map(round, zones.centre(fp))
        widths, heights = ((0, x), (x, columns - x)), ((0, y), (y, rows - y))
        corners = np.array([(left, top, w, h) for top, h in heights for left, w in widths], float)
        yield Area(fp.mask, "outline of the print")
        yield Frames(corners, chosen=[("nw", "ne", "sw", "se").index(name.split("_")[1])])
        yield Marks(m)
        yield "the quarter holds no part of the print"
        return
    yield Marks(m, _turn(m) == own.index(name) if name in own else None)
    yield bars_of(values, r"minutiae_direction_a(\d+)", "share of minutiae by direction, degrees", name)
    yield "no minutiae were found"
