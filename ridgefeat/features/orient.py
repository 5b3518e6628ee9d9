"""The orientation field: how ridges flow, bend and turn; singular points and pattern class (Galton-Henry)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ridgefeat.features import zones
from ridgefeat.features.explanation import Column
from ridgefeat.features.family import Family, share
from ridgefeat.features.layers import (
    Bars,
    Field,
    Histogram,
    Layer,
    Lines,
    Marks,
    angle_strokes,
    bars_of,
    inside,
    zone_frames,
)
from ridgefeat.stages.grid import CELL
from ridgefeat.stages.pattern import CLASSES
from ridgefeat.stages.percentiles import percentiles
from ridgefeat.structure import MM_PER_PX, Bool, Float

if TYPE_CHECKING:
    from ridgefeat.fingerprint import Fingerprint

BAZEN = "Bazen, Gerez 2002"
MARDIA = "Mardia, Jupp 2000"
KAWAGOE = "Kawagoe, Tojo 1984"
NILSSON = "Nilsson, Bigun 2003"
BINS = 8
GRID = 5
SPACING = 2.5
"""Distance in mm between the points of the grid around the core."""
NAN = float("nan")

orient = Family("orient", "Orientation field: coherence, circular statistics, curvature, flow, singular points.")


@orient.columns(
    Column("orient_coherence_mean", "", 0, 1, "mean coherence of the structure tensor", BAZEN),
    Column("orient_coherence_sd", "", 0, 1, "its standard deviation", BAZEN),
    Column("orient_coherence_p10", "", 0, 1, "its 10th percentile", BAZEN),
    Column("orient_coherence_p50", "", 0, 1, "its median", BAZEN),
    Column("orient_mean_cos", "", -1, 1, "mean cosine of the doubled orientation: +1 level, -1 upright", MARDIA),
    Column("orient_mean_sin", "", -1, 1, "mean sine of the doubled orientation", MARDIA),
    Column("orient_resultant", "", 0, 1, "length of that mean vector: 1 where all ridges are parallel", MARDIA),
    Column("orient_dispersion", "degrees", 0, 90, "circular deviation of the orientation, sqrt(-2 ln R) / 2", MARDIA),
    Column("orient_entropy", "bits", 0, 3, "entropy of the orientation's histogram (8 bins of 22.5 degrees)"),
)
def statistics(fp: Fingerprint) -> Sequence[float] | None:
    """Summarise orientation and coherence over the print."""
    inside = fp.mask[::CELL, ::CELL]
    if not inside.any():
        return None
    coherence = fp.orientation.coherence[::CELL, ::CELL][inside]
    angle = fp.orientation.angle[::CELL, ::CELL][inside]
    cos, sin = np.cos(2 * angle).mean(dtype=np.float64), np.sin(2 * angle).mean(dtype=np.float64)
    resultant = min(float(np.hypot(cos, sin)), 1.0)
    dispersion = min(90.0, np.rad2deg(np.sqrt(-2 * np.log(max(resultant, 1e-6))) / 2))
    shares = np.bincount(_bin(angle), minlength=BINS) / angle.size
    entropy = -(shares * np.log2(np.maximum(shares, 1e-12))).sum()
    p10, p50 = percentiles(coherence, 10, 50)
    return [coherence.mean(), coherence.std(), p10, p50, cos, sin, resultant, dispersion, entropy]


@orient.picture_of(statistics)
def _statistics_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    if "coherence" in name:
        known = inside(fp, fp.orientation.coherence)
        yield Field(known, "coherence", 0, 1)
        yield Histogram(known, "coherence", mark=None if name.endswith("_sd") else values[name])
        return
    yield from _angles(fp)
    yield bars_of(values, r"orient_flow_a(\d+d\d)", "share of the print by orientation, degrees", name)


def _angles(fp: Fingerprint) -> Iterator[Layer]:
    yield Field(inside(fp, np.rad2deg(fp.orientation.angle)), "orientation, degrees", 0, 180, colours="angles")
    yield angle_strokes(fp)


def _bin(angle: Float) -> np.ndarray:
    # Bins are centred on 0, 22.5, ... degrees, so that level ridges are not split between two of them.
    return np.asarray(np.round(angle * (BINS / np.pi)).astype(int) % BINS)


@orient.columns(
    Column("orient_curvature_mean", "1/mm", 0, 20, "mean bending of the ridges: turn of orientation along them"),
    Column("orient_curvature_p50", "1/mm", 0, 20, "its median"),
    Column("orient_curvature_p90", "1/mm", 0, 20, "its 90th percentile"),
    Column("orient_divergence_mean", "1/mm", 0, 20, "mean turn of orientation across the ridges (spreading)"),
    Column("orient_divergence_p90", "1/mm", 0, 20, "its 90th percentile"),
)
def curvature(fp: Fingerprint) -> Sequence[float] | None:
    """Measure how fast the orientation turns, along the ridges and across them."""
    if (found := _turns(fp)) is None:
        return None
    along, across = (turn[np.isfinite(turn)] for turn in found)
    p50, p90 = percentiles(along, 50, 90)
    return [along.mean(), p50, p90, across.mean(), *percentiles(across, 90)]


def _turns(fp: Fingerprint) -> tuple[Float, Float] | None:
    """Return the turn of orientation along and across the ridges on a grid of 4 px, 1/mm; NaN near the edge."""
    inner = cv2.erode(fp.mask.view(np.uint8), np.ones((9, 9), np.uint8))[::CELL, ::CELL] > 0
    if np.count_nonzero(inner) < 9 or min(inner.shape) < 3:
        return None
    angle = fp.orientation.angle[::CELL, ::CELL]
    c, s = np.cos(2 * angle), np.sin(2 * angle)
    # d(2a) = c ds - s dc, free of the jump at 180 degrees; a step of the grid is 8 px.
    per_mm = np.float32(1 / (2 * CELL * MM_PER_PX))
    dx = (c * np.gradient(s, axis=1) - s * np.gradient(c, axis=1)) * per_mm
    dy = (c * np.gradient(s, axis=0) - s * np.gradient(c, axis=0)) * per_mm
    along = np.abs(dx * np.cos(angle) - dy * np.sin(angle))
    across = np.abs(dx * np.sin(angle) + dy * np.cos(angle))
    along[~inner] = across[~inner] = np.nan
    return along, across


@orient.picture_of(curvature)
def _curvature_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    if (found := _turns(fp)) is not None:
        turn = found["divergence" in name]
        what = f"turn of orientation {'across' if 'divergence' in name else 'along'} the ridges, 1/mm"
        yield Field(turn, what, 0, float(np.nanpercentile(turn, 98)))
        yield Histogram(np.minimum(turn, np.nanpercentile(turn, 99)), what, mark=values[name])
    yield angle_strokes(fp)


_ANGLES = [(f"{22.5 * k:05.1f}".replace(".", "d"), f"{22.5 * k:g} degrees (± 11.25)") for k in range(BINS)]


@orient.columns(
    *(share(f"orient_flow_a{a}", f"share of the print with ridges at {angle}") for a, angle in _ANGLES),
    *(
        Column(f"orient_flow_{z}_{part}", "", -1, 1, f"mean {word} of the doubled orientation in {where}")
        for z, where in zones.zone_names().items()
        for part, word in (("cos", "cosine"), ("sin", "sine"))
    ),
)
def flow(fp: Fingerprint) -> Sequence[float] | None:
    """Histogram of orientations over the print, and the mean flow in each zone of the bounding box's 4 x 4."""
    y, x = np.nonzero(fp.mask[::CELL, ::CELL])
    if not x.size:
        return None
    angle = fp.orientation.angle[::CELL, ::CELL][y, x]
    shares = np.bincount(_bin(angle), minlength=BINS) / angle.size
    zone = zones.zone_numbers(fp, CELL * x, CELL * y)
    cos, sin = zones.zone_means(np.cos(2 * angle), zone), zones.zone_means(np.sin(2 * angle), zone)
    return [*shares, *np.stack([cos, sin], 1).ravel()]


@orient.picture_of(flow)
def _flow_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    if name.startswith("orient_flow_a"):
        own = [c.name for c in orient.all_columns() if c.name.startswith("orient_flow_a")].index(name)
        is_own = _bin(fp.orientation.angle) == own
        yield Field(
            inside(fp, np.rad2deg(fp.orientation.angle), is_own), "orientation, degrees", 0, 180, colours="angles"
        )
        yield bars_of(values, r"orient_flow_a(\d+d\d)", "share of the print by orientation, degrees", name)
    else:
        yield from _angles(fp)
        yield zone_frames(fp, name)
        yield "the zone holds no part of the print"


def _grid_points() -> Iterator[tuple[str, str]]:
    for point, (r, c) in zip(zones.zone_names(GRID), np.ndindex(GRID, GRID), strict=True):
        across, down = SPACING * (c - 2), SPACING * (r - 2)
        yield point, f"{across:+g} mm across and {down:+g} mm down from the core, or the centroid where there is none"


@orient.columns(
    *(
        Column(f"orient_field_{point}_{part}", "", -1, 1, f"{word} of the doubled orientation {where}")
        for point, where in _grid_points()
        for part, word in (("cos", "cosine"), ("sin", "sine"))
    )
)
def field(fp: Fingerprint) -> Sequence[float] | None:
    """Sample the flow on a grid of 5 x 5 points, 2.5 mm apart, about the core; NaN outside the print."""
    if not fp.mask.any():
        return None
    y, x = _points(fp)
    rows, columns = fp.mask.shape
    valid = (y >= 0) & (y < rows) & (x >= 0) & (x < columns)
    at = np.clip(y, 0, rows - 1), np.clip(x, 0, columns - 1)
    valid &= fp.mask[at]
    doubled = 2 * fp.orientation.angle[at]
    values = np.stack([np.cos(doubled), np.sin(doubled)], -1)
    values[~valid] = np.nan
    return list(values.ravel())


def _points(fp: Fingerprint) -> tuple[np.ndarray, np.ndarray]:
    """Return rows, shape (5, 1), and columns, shape (5,), of the grid about the core."""
    x0, y0 = zones.reference(fp)
    offset = (np.arange(GRID) - GRID // 2) * (SPACING / MM_PER_PX)
    return np.round(y0 + offset).astype(int)[:, None], np.round(x0 + offset).astype(int)


@orient.picture_of(field)
def _field_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    y, x = (a.ravel() for a in np.broadcast_arrays(*_points(fp)))
    names = list(zones.zone_names(GRID))
    doubled = [np.arctan2(values[f"orient_field_{p}_sin"], values[f"orient_field_{p}_cos"]) for p in names]
    dx, dy = 14 * np.cos(np.array(doubled) / 2), -14 * np.sin(np.array(doubled) / 2)
    own = names.index(name.split("_")[2])
    yield Lines(np.stack([x - dx, y - dy, x + dx, y + dy], 1), "orientation at the grid's points", [own])
    yield Marks(fp.singular_points.cores.select(slice(1)))
    yield f"the point at x {x[own]}, y {y[own]} px (500 dpi) lies outside the print"


@orient.columns(
    Column("orient_cores", "", 0, 20, "number of cores", KAWAGOE),
    Column("orient_deltas", "", 0, 20, "number of deltas", KAWAGOE),
    Column("orient_core_x", "mm", -50, 50, "topmost core's place, right of the print's centroid", KAWAGOE),
    Column("orient_core_y", "mm", -50, 50, "topmost core's place, below the print's centroid", KAWAGOE),
    Column("orient_core_cos", "", -1, 1, "cosine of the direction in which that core opens", BAZEN),
    Column("orient_core_sin", "", -1, 1, "sine of the direction in which that core opens", BAZEN),
    Column("orient_core_delta_distance", "mm", 0, 50, "from the topmost core to the nearest delta"),
    Column("orient_core_delta_dx", "mm", -50, 50, "the nearest delta's place, right of the topmost core"),
    Column("orient_core_delta_dy", "mm", -50, 50, "the nearest delta's place, below the topmost core"),
    Column("orient_core_delta_ridges", "ridges", 0, 100, "ridges between core and nearest delta", "Henry 1900"),
    Column("orient_core_core_distance", "mm", 0, 50, "between the two topmost cores (whorls)"),
)
def singular(fp: Fingerprint) -> Sequence[float] | None:
    """Measure cores and deltas; NaN where a point that is needed was not found."""
    if not fp.mask.any():
        return None
    cores, deltas = fp.singular_points.cores, fp.singular_points.deltas
    counts = [len(cores), len(deltas)]
    if not len(cores):
        return [*counts, *(NAN,) * 9]
    x, y = float(cores.x[0]), float(cores.y[0])
    cx, cy = zones.centre(fp)
    direction = float(cores.direction[0])
    place = [(x - cx) * MM_PER_PX, (y - cy) * MM_PER_PX, np.cos(direction), np.sin(direction)]
    between = [NAN] * 4
    if len(deltas):
        k = int(np.hypot(deltas.x - x, deltas.y - y).argmin())
        dx, dy = float(deltas.x[k]) - x, float(deltas.y[k]) - y
        ridges = ridge_count(fp.enhanced, fp.mask, (x, y), (x + dx, y + dy))
        between = [np.hypot(dx, dy) * MM_PER_PX, dx * MM_PER_PX, dy * MM_PER_PX, ridges]
    cores_apart = np.hypot(cores.x[1] - x, cores.y[1] - y) * MM_PER_PX if len(cores) > 1 else NAN
    return [*counts, *place, *between, cores_apart]


@orient.picture_of(singular)
def _singular_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    cores, deltas = fp.singular_points.cores, fp.singular_points.deltas
    yield angle_strokes(fp)
    yield Marks(fp.singular_points)
    if not len(cores) or ("delta" in name and not len(deltas)):
        yield "no core was found" if not len(cores) else "no delta was found"
        return
    x, y = float(cores.x[0]), float(cores.y[0])
    if name.startswith("orient_core_delta"):
        k = int(np.hypot(deltas.x - x, deltas.y - y).argmin())
        yield Lines(np.array([[x, y, deltas.x[k], deltas.y[k]]]), "topmost core to nearest delta", [0])
        yield "a part of the line between core and delta lies outside the print"
    elif name == "orient_core_core_distance" and len(cores) > 1:
        yield Lines(np.array([[x, y, cores.x[1], cores.y[1]]]), "between the two topmost cores", [0])
    elif name in ("orient_core_x", "orient_core_y"):
        yield Lines(np.array([[*zones.centre(fp), x, y]]), "centroid of the print to topmost core", [0])
    yield "only one core was found"


@orient.columns(
    *(
        share(f"orient_pattern_{n}", f"1 if the print is classified as {n.replace('_', ' ')}, else 0", NILSSON)
        for n in CLASSES
    ),
    share("orient_pattern_probability", "probability of the class that the print is classified as"),
)
def pattern(fp: Fingerprint) -> Sequence[float] | None:
    """Classify the pattern: one-hot in the order of CLASSES, and the probability of the class.

    Examples
    --------
    >>> from ridgefeat import Fingerprint
    >>> from ridgefeat.synth.simple import rings
    >>> pattern(Fingerprint(rings((241, 241), 9.0).image))[:5]
    [0.0, 0.0, 0.0, 0.0, 1.0]
    """
    if not fp.mask.any():
        return None
    found = max(fp.pattern, key=lambda name: fp.pattern[name])
    return [*(float(name == found) for name in CLASSES), fp.pattern[found]]


@orient.picture_of(pattern)
def _pattern_picture(fp: Fingerprint, name: str, values: Mapping[str, float]) -> Iterator[Layer | str]:
    yield from _angles(fp)
    yield Marks(fp.singular_points)
    found = max(fp.pattern, key=lambda n: fp.pattern[n])
    own = found if name.endswith("_probability") else name.removeprefix("orient_pattern_")
    names = [n.replace("_", " ") for n in CLASSES]
    yield Bars(names, [fp.pattern[n] for n in CLASSES], "probability of the class", [CLASSES.index(own)])


def ridge_count(enhanced: Float, mask: Bool, start: tuple[float, float], end: tuple[float, float]) -> float:
    """Return how many ridges a straight line between two points crosses, the points' own not counted.

    NaN where a part of the line lies outside the print.

    Examples
    --------
    >>> waves = np.tile(-np.cos(2 * np.pi * np.arange(60) / 9), (3, 1)).astype(np.float32)  # ridges at 0, 9, 18, ...
    >>> ridge_count(waves, np.ones((3, 60), bool), (4, 1), (40, 1))
    4.0
    """
    length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
    n = max(2, round(length * 2))
    x = np.linspace(start[0], end[0], n, dtype=np.float32)[None]
    y = np.linspace(start[1], end[1], n, dtype=np.float32)[None]
    value = cv2.remap(enhanced, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)[0]
    inside = cv2.remap(mask.view(np.uint8), x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT)[0]
    if not inside.all():
        return float("nan")
    ridge = value < 0
    entered = int(np.count_nonzero(ridge[1:] & ~ridge[:-1]))
    return float(max(0, entered - int(ridge[-1])))
