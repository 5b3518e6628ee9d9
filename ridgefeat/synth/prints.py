"""What the generator makes: master prints, impressions of them, what they are like, and the truth about them."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ridgefeat.brief import Brief
from ridgefeat.errors import ParameterError
from ridgefeat.structure import WORKING_DPI, Bool, Float, Minutiae, OrientationField, SingularPoints, UInt8

Shape = tuple[int, int]
"""Rows and columns."""
Rng = np.random.Generator


def _value(default: Any, meaning: str, low: float | None = None, high: float | None = None) -> Any:
    """Declare a field with its default, its meaning and, for a number, the range that it must lie in."""
    return field(default=default, metadata={"meaning": meaning, "range": None if low is None else (low, high)})


def _document(cls: type[Any]) -> type[Any]:
    """Add the fields to a class's docstring."""
    lines = [str(cls.__doc__), "", "    Attributes", "    ----------"]
    for f in fields(cls):
        bounds = ", {:g} to {:g}".format(*f.metadata["range"]) if f.metadata["range"] else ""
        lines += [f"    {f.name} : {f.type}{bounds}", f"        {f.metadata['meaning']}."]
    cls.__doc__ = "\n".join(lines)
    return cls


@dataclass(frozen=True, eq=False)
class Truth:
    """The truth about a print, known because it was made.

    All of it refers to the print at 500 dpi, whatever the resolution of the image.

    Attributes
    ----------
    orientation : OrientationField
        Along the ridge, radians in [0, pi), shape (rows, columns); coherence 1.
    period : ndarray of float32, shape (rows, columns)
        Distance between neighbouring ridges in pixels.
    mask : ndarray of bool, shape (rows, columns)
        Where the finger touches the sensor.
    minutiae : Minutiae
        More than 6 px inside the mask, where a ridge's end can be distinguished from the print's. Quality is how
        clearly the kind is decided, 0 to 100: at low quality it depends on the pressure of the finger.
    singular_points : SingularPoints
        Inside the mask.
    """

    orientation: OrientationField
    period: Float
    mask: Bool
    minutiae: Minutiae
    singular_points: SingularPoints


@dataclass(frozen=True, eq=False, repr=False)
class Impression(Brief):
    """One image of a finger and the truth about it.

    Attributes
    ----------
    image : ndarray of uint8, shape (rows, columns)
        Ridges dark.
    dpi : float
        Resolution of the image in both directions.
    truth : Truth
        At 500 dpi.
    """

    image: UInt8
    dpi: float
    truth: Truth


@dataclass(frozen=True, eq=False, repr=False)
class MasterPrint(Brief):
    """One finger: what all its impressions have in common.

    Attributes
    ----------
    pattern : str
        Pattern class: arch, tented_arch, left_loop, right_loop or whorl.
    ridges : ndarray of float32, shape (rows, columns)
        Clean ridge pattern at 500 dpi, +1 on ridges, -1 in valleys.
    relief : ndarray of float32, shape (rows, columns)
        Irregularity of the ridges' edges, mean 0, deviation 1.
    pores : ndarray of float32, shape (n, 2)
        Positions (x, y) of pores in pixels.
    creases : tuple of ndarray of float32, each shape (n, 2)
        White lines of the finger as polylines (x, y) in pixels.
    scars : tuple of ndarray of float32, each shape (n, 2)
        Broad white lines, likewise; impressions show them only if their `scars` is above 0.
    truth : Truth
        Of the whole finger pad, in the master's own frame.
    """

    pattern: str
    ridges: Float
    relief: Float
    pores: Float
    creases: tuple[Float, ...]
    scars: tuple[Float, ...]
    truth: Truth


@_document
@dataclass(frozen=True, kw_only=True)
class ImpressionParams:
    """What one impression of a finger is like; the defaults are a clean one."""

    rotation: float = _value(0.0, "Radians counter-clockwise", -2000, 2000)
    shift_x: float = _value(0.0, "Translation of the finger to the right in pixels at 500 dpi", -2000, 2000)
    shift_y: float = _value(0.0, "The same down", -2000, 2000)
    distortion: float = _value(0.0, "Amount of plastic skin distortion; 1 is usual", 0, 3)
    contact: float = _value(1.0, "Size of the area in contact; 1 is nearly the whole pad", 0.2, 1.5)
    contact_x: float = _value(0.0, "Which part touches: shift of that area on the finger to the right, px", -2000, 2000)
    contact_y: float = _value(0.0, "The same down", -2000, 2000)
    pressure: float = _value(0.0, "Dry and light (thin, broken ridges) to wet and hard (thick, merged ridges)", -1, 1)
    unevenness: float = _value(0.0, "How much pressure and moisture vary; above 1 with dry and wet patches", 0, 2)
    roughness: float = _value(0.0, "Irregularity of the ridges' edges", 0, 2)
    pores: float = _value(0.0, "Share of pores that show", 0, 1)
    creases: float = _value(0.0, "Depth of the finger's white lines", 0, 1)
    scratches: int = _value(0, "Number of thin lines across this impression", 0, 50)
    smudge: float = _value(0.0, "Depth of blotches in which ridges are lost", 0, 1)
    scars: float = _value(0.0, "Depth of the finger's scars", 0, 1)
    residue: float = _value(0.0, "Darkness of what an earlier print left on the sensor", 0, 1)
    frame: bool = _value(False, "Whether the sensor's dark frame is in the image")
    writing: bool = _value(False, "Whether a line of handwriting is in the image")
    light: float = _value(0.0, "Share of light that is missing where there is least", 0, 1)
    blur: float = _value(0.5, "Deviation of the sensor's point spread in pixels at 500 dpi", 0, 5)
    noise: float = _value(0.0, "Deviation of the sensor's noise in grey levels", 0, 80)
    background: str = _value("white", "white, grey (brighter in the middle) or dirty (specks of an earlier finger)")
    dpi: float = _value(WORKING_DPI, "Resolution of the image", 100, 1000)

    def __post_init__(self) -> None:
        """Refuse what no impression can be."""
        for f in fields(self):
            value, bounds = getattr(self, f.name), f.metadata["range"]
            if bounds and not bounds[0] <= value <= bounds[1]:
                raise ParameterError(f"{f.name} must lie between {bounds[0]:g} and {bounds[1]:g}, got {value!r}")
        if self.background not in ("white", "grey", "dirty"):
            raise ParameterError(f"background must be white, grey or dirty, got {self.background!r}")
