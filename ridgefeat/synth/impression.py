"""An impression of a finger: how it lies, how hard and how moist it is pressed, and what the truth becomes."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ridgefeat.errors import ParameterError
from ridgefeat.structure import Bool, Float
from ridgefeat.synth.flow import smooth_noise
from ridgefeat.synth.impression_params import ImpressionParams, draw_params
from ridgefeat.synth.placement import Placement, carry_fields, carry_points
from ridgefeat.synth.prints import Impression, MasterPrint, Truth
from ridgefeat.synth.rendering import draw_ink, sense

_Array = NDArray[Any]

_SEEN = 6.0
"""Pixels inside the contact's edge from which a minutia can be distinguished from a ridge that the edge cuts."""


def make_impression(
    master: MasterPrint,
    *,
    rng: np.random.Generator | int,
    noise_level: int = 1,
    params: ImpressionParams | None = None,
    shape: tuple[int, int] = (400, 360),
) -> Impression:
    """Press a finger on the sensor.

    Parameters
    ----------
    master : MasterPrint
        The finger.
    rng : numpy.random.Generator or int
        Where chance comes from.
    noise_level : {0, 1, 2, 3}
        0 free of noise, 1 good, 2 fair, 3 poor; ignored if `params` are given.
    params : ImpressionParams, optional
        What the impression is like; drawn for the noise level without.
    shape : (int, int), each 64 to 1024
        Rows and columns of the print at 500 dpi.

    Returns
    -------
    Impression
        The same for the same arguments. At 500 dpi its image has the given shape.

    Raises
    ------
    ParameterError
        If the noise level or the shape is out of range.
    """
    if len(shape) != 2 or not all(64 <= n <= 1024 for n in shape):
        raise ParameterError(f"shape must be rows and columns between 64 and 1024 px, got {shape!r}")
    rng = np.random.default_rng(rng)
    if params is None:
        params = draw_params(noise_level, rng)
    placement = _place(master, params, shape, rng)
    maps = placement.maps(shape)
    depth = _contact(master, params, maps, rng)
    ink = draw_ink(master, params, maps, depth, rng)
    image = sense(ink, params, rng)
    return Impression(image, float(params.dpi), _truth(master, placement, maps, depth))


def _place(
    master: MasterPrint, params: ImpressionParams, shape: tuple[int, int], rng: np.random.Generator
) -> Placement:
    """Lay the finger's middle near the middle of the image and pull its skin in a random direction."""
    rows, columns = master.ridges.shape
    way, amount = rng.uniform(0, 2 * np.pi), params.distortion
    return Placement(
        centre=((shape[1] - 1) / 2 + params.shift_x, 0.48 * shape[0] + params.shift_y),
        master_centre=((columns - 1) / 2 + params.contact_x, 0.48 * rows + params.contact_y),
        rotation=params.rotation,
        pull_x=float(amount * 8 * np.cos(way)),
        pull_y=float(amount * 8 * np.sin(way)),
        torsion=float(amount * rng.normal(0, 0.06)),
        stick_x=float(rng.uniform(40, 70)),
        stick_y=float(rng.uniform(50, 90)),
        elasticity=float(rng.uniform(1.6, 2.4)),
    )


def _contact(
    master: MasterPrint, params: ImpressionParams, maps: tuple[Float, Float], rng: np.random.Generator
) -> Float:
    """How far inside the area in contact each pixel lies, in pixels; negative outside."""
    rows, columns = master.ridges.shape
    slim = rng.uniform(0.90, 1.04)
    radius_x, radius_y = 0.41 * columns * params.contact * slim, 0.46 * rows * params.contact / slim
    u = (maps[0] - (columns - 1) / 2 - params.contact_x) / radius_x
    v = (maps[1] - 0.49 * rows - params.contact_y) / radius_y
    wave = 1 + 0.03 * smooth_noise(maps[0].shape, 90, rng) + 0.008 * smooth_noise(maps[0].shape, 14, rng)
    ellipse = (wave - (np.abs(u) ** 2.4 + np.abs(v) ** 2.4) ** (1 / 2.4)) * min(radius_x, radius_y)
    inside = np.pad(master.truth.mask.astype(np.uint8), 1)
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, 3)[1:-1, 1:-1] - 0.5
    pad = cv2.remap(distance, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=-1)
    return np.asarray(np.minimum(ellipse, pad), np.float32)


def _truth(master: MasterPrint, placement: Placement, maps: tuple[Float, Float], depth: Float) -> Truth:
    known, mask = master.truth, depth > 0
    orientation, period = carry_fields(known.orientation.angle, known.period, maps)
    return Truth(
        orientation,
        period,
        mask,
        _inside(carry_points(known.minutiae, placement), depth > _SEEN),
        _inside(carry_points(known.singular_points, placement), mask),
    )


def _inside(points: Any, mask: Bool) -> Any:
    x, y = np.rint(points.x).astype(int), np.rint(points.y).astype(int)
    within = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
    within[within] = mask[y[within], x[within]]
    return points.select(within)
