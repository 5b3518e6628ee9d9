"""What one impression of a finger is like, and how that is drawn for a level of noise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ridgefeat.errors import ParameterError
from ridgefeat.structure import WORKING_DPI

NOISE_LEVELS = (0, 1, 2, 3)
_FAR = 2000.0
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
        Size of the area in contact; 1 is nearly the whole pad.
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
                raise ParameterError(f"{name} must lie between -{_FAR:g} and {_FAR:g}, got {getattr(self, name)!r}")
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
