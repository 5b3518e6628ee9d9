"""Closed-form prints: gratings, rings and spirals of known orientation, period and minutiae.

Each function returns an Impression at 500 dpi of the given shape (rows, columns), and raises ParameterError if the
shape, a period (pixels between neighbouring ridges, at least 2) or another argument is unusable.
"""

from __future__ import annotations

import numpy as np

from ridgefeat.errors import ParameterError
from ridgefeat.structure import (
    BIFURCATION,
    CORE,
    ENDING,
    WORKING_DPI,
    Array,
    Float,
    Minutiae,
    OrientationField,
    SingularPoints,
)
from ridgefeat.synth.prints import Impression, Shape, Truth


def grating(
    shape: Shape = (300, 300), period: float = 9.0, angle: float = 0.0, *, contrast: float = 1.0, offset: float = 0.0
) -> Impression:
    """Make parallel ridges.

    Parameters
    ----------
    shape : (int, int)
    period : float, >= 2
    angle : float
        Along the ridge, radians counter-clockwise from the x axis as seen on the page.
    contrast : float, 0 to 1
        Amplitude as a share of the full range.
    offset : float
        Phase at the centre of the image in radians; 0 puts the middle of a ridge there.

    Examples
    --------
    >>> made = grating((9, 9), period=8.0, angle=np.pi / 2)  # upright ridges, one through the centre
    >>> made.image[0]
    array([255, 218, 128,  37,   0,  37, 127, 218, 255], dtype=uint8)
    >>> made.truth.period[0, 0], made.truth.orientation.angle[0, 0].round(2)
    (np.float32(8.0), np.float32(1.57))
    """
    _check(shape, period, contrast)
    _, across = _along_and_across(shape, *_centre(shape), angle)
    phase = 2 * np.pi * across / period + offset
    return _impression(phase, np.full(shape, angle), np.full(shape, period), contrast)


def chirp(shape: Shape = (300, 300), periods: tuple[float, float] = (7.0, 12.0), angle: float = 0.0) -> Impression:
    """Make parallel ridges with a frequency that changes linearly across the image.

    Parameters
    ----------
    shape : (int, int)
    periods : (float, float), >= 2
        Period in pixels where the image begins and ends, seen across the ridges.
    angle : float
        Along the ridge, radians.

    Examples
    --------
    >>> chirp((100, 60), (6.0, 12.0)).truth.period[[0, 99], 0]  # level ridges: from the top down
    array([ 6., 12.], dtype=float32)
    """
    _check(shape, min(periods), 1.0)
    _, across = _along_and_across(shape, *_centre(shape), angle)
    length = max(float(np.ptp(across)), 1.0)
    t = across - across.min()
    first, last = 1 / periods[0], 1 / periods[1]
    frequency = first + (last - first) * t / length
    phase = 2 * np.pi * (first * t + (last - first) * t**2 / (2 * length))
    return _impression(phase, np.full(shape, angle), 1 / frequency, 1.0)


def rings(shape: Shape = (300, 300), period: float = 9.0, centre: tuple[float, float] | None = None) -> Impression:
    """Make concentric rings: every orientation, one period, and a centre that counts as two opposite cores.

    Parameters
    ----------
    shape : (int, int)
    period : float, >= 2
    centre : (float, float), optional
        (x, y) in pixels; the middle of the image without.

    Examples
    --------
    >>> made = rings((61, 61), 10.0)
    >>> made.image[30, 30:56:5]  # a ridge every 10 px from the centre
    array([  0, 255,   0, 255,   0, 255], dtype=uint8)
    >>> len(made.truth.singular_points.cores)
    2
    """
    _check(shape, period, 1.0)
    x, y = centre if centre is not None else _centre(shape)
    right, down = _along_and_across(shape, x, y, 0.0)
    orientation = np.arctan2(-down, right) + np.pi / 2
    cores = SingularPoints.make([x, x], [y, y], [CORE, CORE], [np.pi / 2, 3 * np.pi / 2])
    phase = 2 * np.pi * np.hypot(right, down) / period
    return _impression(phase, orientation, np.full(shape, period), 1.0, singular_points=cores)


def dislocated_grating(
    shape: Shape = (300, 300),
    period: float = 9.0,
    direction: float = 0.0,
    kind: int = ENDING,
    at: tuple[float, float] | None = None,
) -> Impression:
    """Make parallel ridges with one minutia, a spiral in the phase of the grating; its truth is the distorted ridges'.

    Parameters
    ----------
    shape : (int, int)
    period : float, >= 2
        Away from the minutia.
    direction : float
        Direction of the minutia in radians, ISO/IEC 19794-2's sense.
    kind : {1, 2}
        1 ridge ending, 2 bifurcation.
    at : (float, float), optional
        (x, y) in pixels; the middle of the image without.

    Notes
    -----
    The monochromatic wave with a spiral phase of K. G. Larkin and P. A. Fletcher, A coherent framework for
    fingerprint analysis: are fingerprints holograms?, Optics Express 15 (2007).

    Examples
    --------
    >>> minutia = dislocated_grating((200, 300), 9.0, np.pi / 2).truth.minutiae
    >>> minutia.x, minutia.y, np.rad2deg(minutia.direction), minutia.kind
    (array([149.5], dtype=float32), array([99.5], dtype=float32), array([90.], dtype=float32), array([1], dtype=uint8))
    """
    _check(shape, period, 1.0)
    if kind not in (ENDING, BIFURCATION):
        raise ParameterError(f"kind must be {ENDING} (ridge ending) or {BIFURCATION} (bifurcation), got {kind!r}")
    x, y = at if at is not None else _centre(shape)
    along, across = _along_and_across(shape, x, y, direction)
    phase = 2 * np.pi * across / period + np.arctan2(across, along) + (0.0 if kind == ENDING else np.pi)
    square = np.maximum(along**2 + across**2, 1.0)
    slope_along, slope_across = -across / square, 2 * np.pi / period + along / square
    orientation = direction + np.arctan2(slope_along, slope_across)
    minutia = Minutiae.make([x], [y], [direction % (2 * np.pi)], [kind], [100])
    return _impression(phase, orientation, 2 * np.pi / np.hypot(slope_along, slope_across), 1.0, minutiae=minutia)


def _check(shape: Shape, period: float, contrast: float) -> None:
    if len(shape) != 2 or min(shape) < 1:
        raise ParameterError(f"shape must be two positive numbers of pixels, got {shape!r}")
    if not 2 <= period < np.inf:
        raise ParameterError(f"period must be at least 2 px, got {period!r}")
    if not 0 <= contrast <= 1:
        raise ParameterError(f"contrast must lie between 0 and 1, got {contrast!r}")


def _centre(shape: Shape) -> tuple[float, float]:
    return (shape[1] - 1) / 2, (shape[0] - 1) / 2


def _along_and_across(shape: Shape, x: float, y: float, angle: float) -> tuple[Array, Array]:
    """Coordinates of every pixel relative to a point, along an angle and to its right as seen on the page."""
    right = (np.arange(shape[1]) - x)[None, :]
    down = (np.arange(shape[0]) - y)[:, None]
    along = right * np.cos(angle) - down * np.sin(angle)
    across = right * np.sin(angle) + down * np.cos(angle)
    return along, across


def _impression(
    phase: Array,
    angle: Array,
    period: Array,
    contrast: float,
    minutiae: Minutiae | None = None,
    singular_points: SingularPoints | None = None,
) -> Impression:
    """Draw ridges where the phase is a multiple of 2 pi."""
    image = np.rint(127.5 - 127.5 * contrast * np.cos(phase)).astype(np.uint8)
    orientation = OrientationField(wrap_orientation(angle), np.ones(phase.shape, np.float32))
    mask = np.ones(phase.shape, np.bool_)
    points = (minutiae or Minutiae.empty(), singular_points or SingularPoints.empty())
    return Impression(image, WORKING_DPI, Truth(orientation, period.astype(np.float32), mask, *points))


def wrap_orientation(angle: Array) -> Float:
    """Return angles reduced to [0, pi) as float32.

    Examples
    --------
    >>> np.rad2deg(wrap_orientation(np.deg2rad([-30.0, 180.0, 200.0]))).round(3)
    array([150.,   0.,  20.], dtype=float32)
    """
    wrapped = np.mod(angle, np.pi).astype(np.float32)
    wrapped[wrapped >= np.float32(np.pi)] = 0
    return wrapped
