"""An impression of a finger: how it lies, how hard and how moist it is pressed, and what the truth becomes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ridgefeat.errors import ParameterError
from ridgefeat.structure import WORKING_DPI, Bool, Float
from ridgefeat.synth.flow import smooth_noise
from ridgefeat.synth.placement import Placement, carry_fields, carry_points
from ridgefeat.synth.prints import Impression, MasterPrint, Truth
from ridgefeat.synth.rendering import draw_ink, sense

_Array = NDArray[Any]

NOISE_LEVELS = (0, 1, 2, 3)
_FAR = 2000.0
_SEEN = 6.0
"""Pixels inside the contact's edge from which a minutia can be told from a ridge that the edge cuts."""
_BOUNDS = {
    "distortion": (0.0, 3.0),
    "contact": (0.2, 1.5),
    "pressure": (-1.0, 1.0),
    "unevenness": (0.0, 1.0),
    "roughness": (0.0, 2.0),
    "pores": (0.0, 1.0),
    "creases": (0.0, 1.0),
    "scratches": (0.0, 50.0),
    "smudge": (0.0, 1.0),
    "blur": (0.0, 5.0),
    "noise": (0.0, 80.0),
    "dpi": (100.0, 1000.0),
}


@dataclass(frozen=True, kw_only=True)
class ImpressionParams:
    """What one impression of a finger is like; the defaults are a clean one.

    Attributes
    ----------
    rotation : float
        Radians counter-clockwise.
    shift_x, shift_y : float
        Translation of the finger in pixels at 500 dpi.
    distortion : float, 0 to 3
        Amount of plastic skin distortion; 1 is usual.
    contact : float, 0.2 to 1.5
        Size of the area in contact; 1 touches most of the pad.
    contact_x, contact_y : float
        Which part touches: shift of that area on the finger, pixels.
    pressure : float, -1 to 1
        Dry and light (thin, broken ridges) to wet and hard (thick, merged ridges).
    unevenness : float, 0 to 1
        How much pressure and moisture vary over the print.
    roughness : float, 0 to 2
        Irregularity of the ridges' edges.
    pores : float, 0 to 1
        Share of pores that show.
    creases : float, 0 to 1
        Depth of the finger's white lines.
    scratches : int, 0 to 50
        Number of thin lines across this impression.
    smudge : float, 0 to 1
        Depth of blotches in which ridges are lost.
    blur : float, 0 to 5
        Deviation of the sensor's point spread in pixels at 500 dpi.
    noise : float, 0 to 80
        Deviation of the sensor's noise in grey levels.
    background : str
        "white", "grey" (brighter in the middle) or "dirty" (specks of an earlier finger).
    dpi : float, 100 to 1000
        Resolution of the image.
    """

    rotation: float = 0.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    distortion: float = 0.0
    contact: float = 1.0
    contact_x: float = 0.0
    contact_y: float = 0.0
    pressure: float = 0.0
    unevenness: float = 0.0
    roughness: float = 0.0
    pores: float = 0.0
    creases: float = 0.0
    scratches: int = 0
    smudge: float = 0.0
    blur: float = 0.5
    noise: float = 0.0
    background: str = "white"
    dpi: float = WORKING_DPI

    def __post_init__(self) -> None:
        """Refuse what no impression can be."""
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ParameterError(f"{name} must lie between {low:g} and {high:g}, got {value!r}")
        for name in ("rotation", "shift_x", "shift_y", "contact_x", "contact_y"):
            if not abs(getattr(self, name)) < _FAR:
                raise ParameterError(
                    f"{name} must lie between -{_FAR:g} and {_FAR:g}, got {getattr(self, name)!r}"
                )
        if self.background not in ("white", "grey", "dirty"):
            raise ParameterError(f"background must be white, grey or dirty, got {self.background!r}")


def draw_params(noise_level: int, rng: np.random.Generator) -> ImpressionParams:
    """Draw what an impression is like.

    Parameters
    ----------
    noise_level : {0, 1, 2, 3}
        0 placed and distorted but free of noise; 1 good, 2 fair, 3 poor.
    rng : numpy.random.Generator
        Where chance comes from.

    Returns
    -------
    ImpressionParams
        At 500 dpi.

    Raises
    ------
    ParameterError
        If there is no such level.
    """
    if noise_level not in NOISE_LEVELS:
        raise ParameterError(f"noise_level must be one of 0, 1, 2, 3, got {noise_level!r}")
    worse = noise_level / 3
    params = ImpressionParams(
        rotation=float(np.clip(rng.normal(0, 0.10 + 0.12 * worse), -0.6, 0.6)),
        shift_x=float(rng.normal(0, 10)),
        shift_y=float(rng.normal(0, 10)),
        distortion=float(rng.uniform(0.3, 1.2 + 0.6 * worse)),
        contact=float(rng.uniform(0.88, 1.05) - 0.28 * worse * rng.random()),
        contact_x=float(rng.normal(0, 6 + 18 * worse)),
        contact_y=float(rng.normal(0, 8 + 24 * worse)),
    )
    if noise_level == 0:
        return params
    return replace(
        params,
        pressure=float(np.clip(rng.normal(0, 0.15 + 0.45 * worse), -0.9, 0.9)),
        unevenness=float(0.15 + 0.75 * worse * rng.uniform(0.5, 1)),
        roughness=float(rng.uniform(0.05, 0.30) + 1.0 * worse),
        pores=float(rng.uniform(0.2, 0.9)),
        creases=float(rng.uniform(0.2, 1.0)),
        scratches=int(rng.poisson(1 + 7 * worse**2)),
        smudge=float(worse**1.5 * rng.uniform(0.2, 1)),
        blur=float(rng.uniform(0.5, 0.8) + 0.3 * worse),
        noise=float(rng.uniform(2, 5) + 22 * worse**1.5),
        background=str(rng.choice(["white", "grey", "dirty"], p=[0.55, 0.2, 0.25])),
    )


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
        0 free of noise, 1 good, 2 fair, 3 poor; says nothing where `params` are given.
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
