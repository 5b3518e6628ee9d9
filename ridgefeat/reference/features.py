"""Reference features: each by a formula over a phantom's known ridges, with the tolerance within which a value agrees.

P is the period and A the orientation at the points of the print, r the ridge share of the period. A position is in mm
from the print's centroid, x to the right, y down; degrees run counter-clockwise. Names are ridgefeat's columns.

Tolerances: 2 % of a ridge period, two degrees of orientation (0.035 of a mean or share), half a ridge of a count over
5 mm, a pixel at 500 dpi (0.05 mm) of a breadth, a ridge period (0.5 mm) of a position, 5 % of an area, none of a count.
They were set before anything was measured. Two that contradicted the others were corrected then: differences of two
positions (0.7 mm), and entropy (0.22 bits: 3.5 % of the print in another bin).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ridgefeat.reference.phantoms import ARC_CENTRE, LOOP_RIDGES, Phantom, SyntheticPrint
from ridgefeat.structure import BIFURCATION, ENDING, MM_PER_PX, WORKING_DPI, Array

BY_CONSTRUCTION = "construction"
COLUMNS = ("phantom", "feature", "value", "tolerance", "origin")
"""Of the package's table of reference values."""
Value = Callable[[Phantom], float]


@dataclass(frozen=True)
class Feature:
    """One reference feature: name, unit, formula, function of a phantom, and tolerance (a share of the value if so)."""

    name: str
    unit: str
    formula: str
    value: Value
    tolerance: float
    is_relative: bool = False


def known_values(of: Phantom | SyntheticPrint) -> Iterator[dict[str, object]]:
    """Yield a row for each feature whose value is known by construction: phantom, feature, value, tolerance, origin."""
    for group in of.features:
        for feature in GROUPS[group]:
            value = float(feature.value(of))  # type: ignore[arg-type]
            if value == value:
                tolerance = feature.tolerance * (abs(value) if feature.is_relative else 1)
                shown = float(f"{value:.6g}") + 0.0, float(f"{tolerance:.3g}")
                yield dict(zip(COLUMNS, (of.name, feature.name, *shown, BY_CONSTRUCTION), strict=True))


def _period(phantom: Phantom) -> Array:
    return np.asarray(phantom.truth.period[phantom.truth.mask].astype(float) * MM_PER_PX)


def _angle(phantom: Phantom) -> Array:
    return np.asarray(phantom.truth.orientation.angle[phantom.truth.mask].astype(float))


def _over_period(function: Callable[[Array], float]) -> Value:
    return lambda phantom: function(_period(phantom))


def _where(is_upright: bool) -> Value:
    def mean(phantom: Phantom) -> float:
        level = np.cos(2 * _angle(phantom))
        return float(_period(phantom)[level < -0.5 if is_upright else level > 0.5].mean())

    return mean


def _doubled(phantom: Phantom) -> complex:
    return complex(np.exp(2j * _angle(phantom)).mean())


def _shares(phantom: Phantom) -> Array:
    turn = np.round(_angle(phantom) * (8 / np.pi)).astype(int) % 8
    return np.bincount(turn, minlength=8) / turn.size


def _dispersion(phantom: Phantom) -> float:
    length = min(abs(_doubled(phantom)), 1.0)
    # Without a direction that prevails, it is infinite.
    return float(np.rad2deg(np.sqrt(-2 * np.log(length)) / 2)) if length > 0.2 else np.nan


def _entropy(phantom: Phantom) -> float:
    shares = _shares(phantom)
    return float(-(shares * np.log2(np.maximum(shares, 1e-12))).sum())


def _in_zone(row: int, column: int) -> Value:
    def mean(phantom: Phantom) -> float:
        mask = phantom.truth.mask
        x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
        rows, columns = (np.arange(n) for n in mask.shape)
        inside = ((rows - y) * 4 // height == row - 1)[:, None] & ((columns - x) * 4 // width == column - 1)
        return float(phantom.truth.period[mask & inside].mean() * MM_PER_PX)

    return mean


DISTAL, PROXIMAL = ((-3.0, 3.0), (3.0, 3.0)), (0.0, -6.0)
"""Centres of the forensic squares, mm from the core, or the centroid where there is none, y up."""


def _count(phantom: Phantom, x: float, y: float) -> float:
    """Return the ridges on the diagonal of a 5 mm square that crosses more of them; the part outside made up for."""
    t = np.linspace(-2.5, 2.5, 2001)
    counts = []
    for sign in (1, -1):
        along = x + t, y + sign * t
        phase = np.unwrap(phantom.at(*along)[0], period=4 * np.pi)
        inside = phantom.inside(*along)
        both = inside[1:] & inside[:-1]
        counts.append(np.abs(np.diff(phase))[both].sum() / (2 * np.pi) / both.mean())
    return float(max(counts))


def _square(*centres: tuple[float, float]) -> Value:
    return lambda phantom: float(np.mean([_count(phantom, x, y) for x, y in centres]))


def _spread(phantom: Phantom) -> float:
    return float(np.ptp([_count(phantom, x, y) for x, y in (*DISTAL, PROXIMAL)]))


def _breadth(of: Callable[[float], float]) -> Value:
    return lambda phantom: of(phantom.scene.ridge_share or np.nan)


def _box(axis: int) -> Value:
    return lambda phantom: float(np.ptp(np.nonzero(phantom.truth.mask)[axis]) + 1) * MM_PER_PX


def _area(phantom: Phantom) -> float:
    return float(phantom.truth.mask.sum()) * MM_PER_PX**2


def _curvature(of: Callable[[Array], float]) -> Value:
    def value(phantom: Phantom) -> float:
        y, x = np.nonzero(phantom.truth.mask)
        centre = phantom.place(*ARC_CENTRE)
        return of(1 / (np.hypot(x - centre[0], y - centre[1]) * MM_PER_PX))

    return value


def _constant(value: float) -> Value:
    return lambda phantom: value


def _singular(of: Callable[..., float]) -> Value:
    """Return a function of cores (topmost first) and deltas as rows of x, y (mm from the centroid, down), direction."""

    def value(phantom: Phantom) -> float:
        points, middle = phantom.truth.singular_points, (len(phantom.truth.mask) - 1) / 2
        found = []
        for some in (points.cores, points.deltas):
            place = np.stack([some.x - middle, some.y - middle], 1).astype(float) * MM_PER_PX
            rows = np.column_stack([place, some.direction])
            found.append(rows[np.argsort(rows[:, 1])])
        return float(of(found[0], found[1], found[0][0]))

    return value


def _minutiae(of: Callable[..., float]) -> Value:
    """Return a function of minutiae's places (mm from the centroid, as complex x + i y down), directions and kinds."""

    def value(phantom: Phantom) -> float:
        m, middle = phantom.truth.minutiae, (len(phantom.truth.mask) - 1) / 2
        place = ((m.x - middle) + 1j * (m.y - middle)).astype(complex) * MM_PER_PX
        return float(of(place, m.direction.astype(float), m.kind))

    return value


def _near(place: Array) -> Array:
    apart = np.abs(place[:, None] - place)
    np.fill_diagonal(apart, np.inf)
    return np.asarray(apart.min(1))


def _apart(difference: Array) -> float:
    return float(np.hypot(difference[0], difference[1]))


def _per_area(*kinds: int) -> Value:
    """Return minutiae of some kinds per cm² of the print."""
    return lambda phantom: _minutiae(lambda z, d, k: np.isin(k, kinds).sum())(phantom) / (_area(phantom) / 100)


def _in_quarter(x: int, y: int) -> Value:
    def density(phantom: Phantom) -> float:
        half = len(phantom.truth.mask) // 2
        rows, columns = (slice(half, None) if side > 0 else slice(half) for side in (y, x))
        count = _minutiae(lambda z, d, k: ((z.real * x > 0) & (z.imag * y > 0)).sum())(phantom)
        return count / float(phantom.truth.mask[rows, columns].sum() * MM_PER_PX**2 / 100)

    return density


def _clustering(phantom: Phantom) -> float:
    expected = 0.5 / float(np.sqrt(len(phantom.truth.minutiae) / _area(phantom)))
    return _minutiae(lambda z, d, k: _near(z).mean())(phantom) / expected


def _points_at(degrees: float) -> Value:
    return _minutiae(lambda z, d, k: np.mean(np.cos(d - np.deg2rad(degrees)) > np.cos(np.pi / 8)))


def _flow(k: int) -> Value:
    return lambda phantom: float(_shares(phantom)[k])


def _line_density(phantom: Phantom) -> float:
    return len(phantom.scene.lines) / _area(phantom) * 100


def _line_length(phantom: Phantom) -> float:
    ends = np.array(phantom.scene.lines)
    return float(np.hypot(*(ends[:, 2:] - ends[:, :2]).T).sum()) / _area(phantom) * 100


def _sigma(phantom: Phantom) -> float:
    # The noise is of the image's own pixels; at another resolution its deviation at 500 dpi depends on the resampling.
    scene = phantom.scene
    return float(np.hypot(scene.amplitude / np.sqrt(2), scene.noise)) if phantom.dpi == WORKING_DPI else np.nan


MM, SHARE, SQUARE, PER_CM2, GREY = "mm", "", "ridges/25 mm²", "1/cm²", "grey levels"
AGREED = 0.02
"""Tolerance of what implementations agree on, and within which they must agree."""


def _share(name: str, formula: str, value: Value, tolerance: float) -> Feature:
    return Feature(name, SHARE, formula, value, tolerance)


def _rate(name: str, unit: str, formula: str, value: Value, tolerance: float = 0.02) -> Feature:
    return Feature(name, unit, formula, value, tolerance, is_relative=True)


def _of_minutiae(name: str, unit: str, formula: str, of: Callable[..., float], tolerance: float = 0.0) -> Feature:
    return Feature(name, unit, formula, _minutiae(of), tolerance)


def _of_singular(name: str, unit: str, formula: str, of: Callable[..., float], tolerance: float = 0.5) -> Feature:
    return Feature(name, unit, formula, _singular(of), tolerance)


_SPACING = (
    _rate("ridge_period_mean", MM, "mean of P", _over_period(np.mean)),
    _rate("ridge_period_p50", MM, "median of P", _over_period(np.median)),
    _rate("ridge_density_line", "ridges/cm", "10 / mean of P", _over_period(lambda p: 10 / p.mean())),
)
_PERIOD_SD = Feature("ridge_period_sd", MM, "standard deviation of P", _over_period(np.std), 0.01)
_MEAN_FLOW = (
    _share("orient_mean_cos", "mean of cos 2A", lambda p: _doubled(p).real, 0.035),
    _share("orient_mean_sin", "mean of sin 2A", lambda p: _doubled(p).imag, 0.035),
    _share("orient_resultant", "R = abs(mean of exp 2iA)", lambda p: abs(_doubled(p)), 0.035),
)
_AREA = _rate("ridge_area", "cm²", "area of the print", lambda p: _area(p) / 100, 0.05)
_SINGULAR_COUNTS = (
    _of_singular("orient_cores", SHARE, "number of cores (index +1/2)", lambda c, d, top: len(c), 0.0),
    _of_singular("orient_deltas", SHARE, "number of deltas (index -1/2)", lambda c, d, top: len(d), 0.0),
)
_COUNT = "number of ridge endings and bifurcations"
_EIGHTHS = [(f"{22.5 * k:05.1f}".replace(".", "d"), f"{22.5 * k:g}", k) for k in range(8)]
_QUARTERS = {"nw": ("upper left", -1, -1), "ne": ("upper right", 1, -1), "sw": ("lower left", -1, 1)}
_QUARTERS["se"] = ("lower right", 1, 1)

GROUPS: dict[str, tuple[Feature, ...]] = {
    "period": _SPACING,
    "parallel": (
        _PERIOD_SD,
        Feature("ridge_density_mean", SQUARE, "mean of the counts in squares all over", _square((0.0, 0.0)), 0.5),
        Feature("ridge_density_max", SQUARE, "largest of these counts", _square((0.0, 0.0)), 1.0),
        Feature("ridge_density_sd", SQUARE, "standard deviation of these counts", _constant(0), 0.5),
        _share("orient_coherence_mean", "mean of abs(sum g²) / sum abs(g)², g complex gradient", _constant(1), 0.05),
        _share("quality_coherence_mean", "mean of coherence at every pixel", _constant(1), 0.05),
        _share("quality_coherence_poor", "share of the print with a coherence below 0.5", _constant(0), 0.02),
        _share("quality_period_known", "share of the print with a period", _constant(1), 0.02),
        _rate(
            "ridge_length_density", "mm/mm²", "length of ridge / area = 1 / P", lambda p: 1 / _period(p).mean(), 0.05
        ),
    ),
    "percentiles": (
        _PERIOD_SD,
        _rate("ridge_period_p10", MM, "10th percentile of P", _over_period(lambda p: np.percentile(p, 10))),
        _rate("ridge_period_p90", MM, "90th percentile of P", _over_period(lambda p: np.percentile(p, 90))),
    ),
    "directions": (
        _rate("ridge_period_across", MM, "mean of P where cos 2A < -0.5", _where(is_upright=True)),
        _rate("ridge_period_down", MM, "mean of P where cos 2A > 0.5", _where(is_upright=False)),
        _rate("ridge_period_ratio", SHARE, "across / down", lambda p: _where(True)(p) / _where(False)(p)),
    ),
    "zones": tuple(
        _rate(f"ridge_period_r{r}c{c}_mean", MM, f"mean of P in row {r}, column {c} of 4 x 4 zones", _in_zone(r, c))
        for r in (2, 3)
        for c in (2, 3)
    ),
    "density": (
        Feature("ridge_density_left", SQUARE, "count in the square 3 mm left and up", _square(DISTAL[0]), 0.5),
        Feature("ridge_density_right", SQUARE, "count in the square 3 mm right and up", _square(DISTAL[1]), 0.5),
        Feature("ridge_density_proximal", SQUARE, "count in the square 6 mm below", _square(PROXIMAL), 0.5),
        Feature("ridge_density_distal", SQUARE, "mean of left and right", _square(*DISTAL), 0.5),
        Feature("ridge_density_spread", SQUARE, "largest - smallest of left, right, proximal", _spread, 1.0),
    ),
    "breadth": (
        Feature("ridge_breadth_mean", MM, "mean of r P", _breadth(lambda r: r * 0.5), 0.05),
        Feature("ridge_valley_breadth_mean", MM, "mean of (1 - r) P", _breadth(lambda r: (1 - r) * 0.5), 0.05),
        Feature("ridge_breadth_sd", MM, "standard deviation of r P", _constant(0), 0.05),
        _rate("ridge_thickness_ratio", SHARE, "ridge / valley breadth", _breadth(lambda r: r / (1 - r)), 0.2),
        _share(
            "quality_dark_share", "share of the print darker than midway of ridge and valley", _breadth(float), 0.05
        ),
    ),
    "pores": (_rate("ridge_pore_density", "1/cm", "light spots / length of ridge", _constant(10 / 1.5), 0.1),),
    "creases": (
        _rate("ridge_white_line_density", PER_CM2, "light lines across ridges / area", _line_density, 0.05),
        _rate("ridge_white_line_length", "mm/cm²", "their length / area", _line_length, 0.1),
    ),
    "extent": (
        _AREA,
        Feature("ridge_width", MM, "width of the print's upright box", _box(1), 0.5),
        Feature("ridge_height", MM, "height of the print's upright box", _box(0), 0.5),
        _rate("quality_area_share", SHARE, "area / area of the image", lambda p: p.truth.mask.mean(), 0.05),
        _share("quality_area_cut", "share of the outline on the image's border", _constant(0), 0.0),
    ),
    "orientation": (
        *_MEAN_FLOW,
        Feature("orient_dispersion", "degrees", "sqrt(-2 ln R) / 2", _dispersion, 2.0),
        Feature("orient_entropy", "bits", "entropy of A in 8 bins of 22.5 degrees, the first about 0", _entropy, 0.22),
        *(
            _share(f"orient_flow_a{a}", f"share of the print with A within 11.25 of {angle} degrees", _flow(k), 0.035)
            for a, angle, k in _EIGHTHS
        ),
    ),
    "curvature": (
        Feature("orient_curvature_mean", "1/mm", "mean of abs(dA / ds) along the ridge", _curvature(np.mean), 0.01),
        Feature("orient_curvature_p50", "1/mm", "median of it", _curvature(np.median), 0.01),
        Feature("orient_curvature_p90", "1/mm", "90th percentile", _curvature(lambda c: np.percentile(c, 90)), 0.01),
        Feature("orient_divergence_mean", "1/mm", "mean of abs(dA / ds) across the ridge", _constant(0), 0.01),
    ),
    "singular": (
        *_SINGULAR_COUNTS,
        _of_singular("orient_core_x", MM, "x of the topmost core", lambda c, d, top: top[0]),
        _of_singular("orient_core_y", MM, "y of the topmost core", lambda c, d, top: top[1]),
        _of_singular("orient_core_cos", SHARE, "cosine of where it opens to", lambda c, d, top: np.cos(top[2]), 0.2),
        _of_singular("orient_core_sin", SHARE, "sine of where it opens to", lambda c, d, top: np.sin(top[2]), 0.2),
    ),
    "loop": (
        _of_singular(
            "orient_core_delta_distance", MM, "distance of delta and core", lambda c, d, _: _apart(d[0] - c[0]), 0.7
        ),
        _of_singular("orient_core_delta_dx", MM, "x of delta - x of core", lambda c, d, _: d[0][0] - c[0][0], 0.7),
        _of_singular("orient_core_delta_dy", MM, "y of delta - y of core", lambda c, d, _: d[0][1] - c[0][1], 0.7),
        Feature("orient_core_delta_ridges", "ridges", "ridges between them", _constant(LOOP_RIDGES), 1.0),
    ),
    "whorl": (
        _of_singular(
            "orient_core_core_distance", MM, "distance of the two cores", lambda c, d, _: _apart(c[1] - c[0]), 0.7
        ),
    ),
    "no_minutiae": (_of_minutiae("minutiae_count", SHARE, _COUNT, lambda z, d, k: len(z)),),
    "minutiae": (
        _of_minutiae("minutiae_count", SHARE, _COUNT, lambda z, d, k: len(z)),
        _of_minutiae("minutiae_endings", SHARE, "number of ridge endings", lambda z, d, k: sum(k == ENDING)),
        _of_minutiae("minutiae_bifurcations", SHARE, "number of bifurcations", lambda z, d, k: sum(k == BIFURCATION)),
        _of_minutiae(
            "minutiae_bifurcation_share", SHARE, "their share", lambda z, d, k: np.mean(k == BIFURCATION), 1e-3
        ),
        _rate("minutiae_density", PER_CM2, "minutiae / area", _per_area(ENDING, BIFURCATION), 0.05),
        _rate("minutiae_endings_density", PER_CM2, "ridge endings / area", _per_area(ENDING), 0.05),
        _rate("minutiae_bifurcations_density", PER_CM2, "bifurcations / area", _per_area(BIFURCATION), 0.05),
        _of_minutiae(
            "minutiae_spacing_mean", MM, "mean of N, nearest other minutia", lambda z, d, k: _near(z).mean(), 0.1
        ),
        _of_minutiae("minutiae_spacing_sd", MM, "standard deviation of N", lambda z, d, k: _near(z).std(), 0.1),
        _of_minutiae("minutiae_spacing_p50", MM, "median of N", lambda z, d, k: np.median(_near(z)), 0.2),
        _rate("minutiae_clustering", SHARE, "mean of N / (0.5 sqrt(area / count))", _clustering, 0.05),
        _of_minutiae("minutiae_radius_mean", MM, "mean distance to the centroid", lambda z, d, k: abs(z).mean(), 0.2),
        _of_minutiae("minutiae_radius_sd", MM, "its standard deviation", lambda z, d, k: abs(z).std(), 0.2),
        _of_minutiae(
            *("minutiae_direction_resultant", SHARE, "abs(mean of exp i direction)"),
            *(lambda z, d, k: abs(np.exp(1j * d).mean()), 0.05),
        ),
        *(
            _share(f"minutiae_direction_a{a:03d}", f"share within 22.5 of {a} degrees", _points_at(a), 1e-3)
            for a in range(0, 360, 45)
        ),
        *(
            _rate(f"minutiae_{name}_density", PER_CM2, f"minutiae / area, {words} quarter", _in_quarter(x, y), 0.1)
            for name, (words, x, y) in _QUARTERS.items()
        ),
    ),
    "print": (
        *(*_SPACING, *_MEAN_FLOW, _AREA, *_SINGULAR_COUNTS),
        _rate("minutiae_count", SHARE, _COUNT, _minutiae(lambda z, d, k: len(z)), 0.1),
    ),
    "grey": (
        Feature("quality_mu", GREY, "mean grey level", _constant(127.5), 1.0),
        Feature("quality_mmb", GREY, "mean of the means of 32 px blocks", _constant(127.5), 2.0),
        Feature("quality_sigma", GREY, "sqrt(a² / 2 + s²), a amplitude, s noise", _sigma, 1.0),
    ),
    # Of no phantom by construction: known where implementations agree.
    "agreed": tuple(
        _share(f"quality_{name}_mean", f"mean of NFIQ 2's {words}", _constant(np.nan), AGREED)
        for name, words in (
            ("ocl", "orientation certainty"),
            ("lcs", "local clarity"),
            ("fda", "frequency domain analysis"),
            ("of", "orientation flow"),
            ("rvu", "ridge to valley width ratio"),
        )
    ),
}
"""The features by what must be known of a phantom."""
BY_NAME = {feature.name: feature for group in GROUPS.values() for feature in group}
"""Every reference feature; its unit and formula are the same in all groups."""
