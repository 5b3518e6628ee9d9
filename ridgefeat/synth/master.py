"""A finger: orientation and period drawn, ridges grown, minutiae found, pores and creases placed."""

from __future__ import annotations

import cv2
import numpy as np

from ridgefeat.errors import ParameterError
from ridgefeat.structure import CORE, DELTA, MM_PER_PX, Array, Bool, Float, OrientationField, SingularPoints
from ridgefeat.synth.flow import PATTERN_SHARES, Flow, draw_flow, orientation_at, smooth_noise
from ridgefeat.synth.growth import Waves, find_minutiae, grow, measure, refine
from ridgefeat.synth.prints import MasterPrint, Rng, Shape, Truth
from ridgefeat.synth.simple import wrap_orientation

PERIOD_RANGE_MM = (0.3, 0.8)
_AXIS = 0.46
"""Height of the middle of the pad as a share of the rows."""
_ZOOM = 2
"""Ridges grow on a grid this much coarser, where they are about 4.5 pixels wide, and are enlarged exactly."""


def make_master(
    pattern: str | None = None, *, rng: Rng | int, period_mm: float = 0.45, shape: Shape = (432, 368)
) -> MasterPrint:
    """Make a finger.

    Parameters
    ----------
    pattern : str, optional
        "arch", "tented_arch", "left_loop", "right_loop" or "whorl"; drawn in their natural shares without.
    rng : numpy.random.Generator or int
        Where chance comes from.
    period_mm : float, 0.3 to 0.8
        Mean distance between ridges in mm above the core; nearer the finger's crease they are up to 12 % wider.
    shape : (int, int), each 128 to 1024
        Rows and columns at 500 dpi.

    Returns
    -------
    MasterPrint
        The same for the same arguments.

    Raises
    ------
    ParameterError
        If there is no such pattern, or the period or the shape is out of range.

    Notes
    -----
    After the method of SFinGe: R. Cappelli, Synthetic fingerprint generation, in D. Maltoni et al., Handbook of
    Fingerprint Recognition, Springer.
    """
    rng = np.random.default_rng(rng)
    (apart,) = rng.spawn(1)
    if not PERIOD_RANGE_MM[0] <= period_mm <= PERIOD_RANGE_MM[1]:
        raise ParameterError(f"period_mm must lie between 0.3 and 0.8 mm, got {period_mm!r}")
    if len(shape) != 2 or not all(128 <= n <= 1024 for n in shape):
        raise ParameterError(f"shape must be rows and columns between 128 and 1024 px, got {shape!r}")
    if pattern is None:
        pattern = str(rng.choice(list(PATTERN_SHARES), p=list(PATTERN_SHARES.values())))
    flow = draw_flow(pattern, rng)
    angle, period = _fields(flow, period_mm / MM_PER_PX, shape, rng)
    waves = _ridges(angle, period, rng)
    angle, period = measure(waves, angle, period)
    singular = _singular_points(flow, shape)
    mask = _outline(shape, rng)
    minutiae = find_minutiae(waves, angle, period, singular)
    ridges = waves.level
    orientation = OrientationField(wrap_orientation(angle), np.ones(shape, np.float32))
    inside = mask[np.rint(minutiae.y).astype(int), np.rint(minutiae.x).astype(int)]
    truth = Truth(orientation, period, mask, minutiae.select(inside), singular)
    relief, pores = _relief(shape, rng), _pores(ridges, rng)
    creases = _lines(shape, rng.poisson(rng.gamma(1.0, 3.0)), 0.5, rng)
    # From a stream of their own, so that a finger of version 0.1 is the same finger still.
    scars = _lines(shape, apart.poisson(0.7), np.pi, apart)
    return MasterPrint(pattern, ridges, relief, pores, creases, scars, truth)


def _fields(flow: Flow, period: float, shape: Shape, rng: Rng) -> tuple[Float, Float]:
    """Orientation, not reduced to [0, pi), and period in pixels."""
    columns, rows = np.meshgrid(np.arange(shape[1]), np.arange(shape[0]))
    # From the middle of the pad in mm, y up.
    x, y = (columns - (shape[1] - 1) / 2) * MM_PER_PX, (shape[0] * _AXIS - rows) * MM_PER_PX
    angle = orientation_at(flow, x, y) + 0.045 * smooth_noise(shape, 70, rng)
    proximal = 0.12 / (1 + np.exp((y + 4.0) / 1.5))
    scale = (1 + proximal) * (1 + 0.035 * smooth_noise(shape, 60, rng))
    return angle.astype(np.float32), (period * np.clip(scale, 0.85, 1.3)).astype(np.float32)


def _ridges(angle: Float, period: Float, rng: Rng) -> Waves:
    rows, columns = angle.shape
    border = _ZOOM * 8
    # Filters reach across the border, so ridges grow on a slightly larger sheet.
    pad = [(border, border + n % _ZOOM) for n in (rows, columns)]
    coarse = [np.pad(field, pad, "edge")[::_ZOOM, ::_ZOOM] for field in (angle, period)]
    state = grow(coarse[0], coarse[1] / _ZOOM, rng)
    waves = refine(state, float(np.median(period)) / _ZOOM, _ZOOM)
    return waves.crop(np.s_[border : border + rows, border : border + columns])


def _singular_points(flow: Flow, shape: Shape) -> SingularPoints:
    points = np.vstack([flow.cores, flow.deltas])
    kind = np.repeat([CORE, DELTA], [len(flow.cores), len(flow.deltas)])
    turn = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    directions = []
    for across, up in points:
        angle = orientation_at(flow, across + 0.3 * np.cos(turn), up + 0.3 * np.sin(turn))
        directions.append(turn[np.argmin(np.abs(np.sin(angle - turn)))])
    x, y = points[:, 0] / MM_PER_PX + (shape[1] - 1) / 2, shape[0] * _AXIS - points[:, 1] / MM_PER_PX
    return SingularPoints.make(x, y, kind, directions)


def _outline(shape: Shape, rng: Rng) -> Bool:
    """The pad: half an ellipse above its middle, a squarer one below, with a wavy edge."""
    y, x = np.indices(shape, np.float32)
    middle = shape[0] * _AXIS
    right = np.abs(x - (shape[1] - 1) / 2) / (0.47 * shape[1] * rng.uniform(0.92, 1.0))
    up, down = (middle - y) / (middle - 6), (y - middle) / (shape[0] - middle - 6)
    radius = np.where(y < middle, right**2.2 + np.maximum(up, 0) ** 2.2, right**3 + np.maximum(down, 0) ** 3)
    return np.asarray(radius < 1 + 0.05 * smooth_noise(shape, 120, rng), np.bool_)


def _relief(shape: Shape, rng: Rng) -> Float:
    noise = rng.standard_normal(shape, dtype=np.float32)
    fine, broad = cv2.GaussianBlur(noise, (0, 0), 1.1), cv2.GaussianBlur(noise, (0, 0), 2.4)
    relief = fine / fine.std() + 0.8 * broad / broad.std()
    return np.asarray(relief / relief.std(), np.float32)


def _pores(ridges: Array, rng: Rng) -> Float:
    """Some fifteen per cm of ridge, near its middle."""
    cell = 5.0
    rows, columns = (int(n / cell) for n in ridges.shape)
    jitter = rng.uniform(0, cell - 1, (2, rows, columns))
    x = np.arange(columns)[None, :] * cell + jitter[0]
    y = np.arange(rows)[:, None] * cell + jitter[1]
    on_ridge = ridges[y.astype(int), x.astype(int)] > 0.8
    return np.column_stack([x[on_ridge], y[on_ridge]]).astype(np.float32)


def _lines(shape: Shape, count: int, tilt: float, rng: Rng) -> tuple[Float, ...]:
    """Bowed lines across the finger, their angle to the horizontal of deviation `tilt` in radians."""
    lines = []
    for _ in range(count):
        middle = rng.uniform(0.15, 0.95, 2) * [shape[1], shape[0]]
        length, angle = rng.uniform(40, 180), rng.normal(0, tilt)
        t = np.linspace(-0.5, 0.5, 12)
        bow = rng.normal(0, 0.08) * (1 - 4 * t**2) + np.cumsum(rng.normal(0, 0.008, len(t)))
        along, aside = length * t, length * bow
        x = middle[0] + along * np.cos(angle) + aside * np.sin(angle)
        y = middle[1] - along * np.sin(angle) + aside * np.cos(angle)
        lines.append(np.column_stack([x, y]).astype(np.float32))
    return tuple(lines)
