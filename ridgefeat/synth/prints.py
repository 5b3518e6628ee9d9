"""What the generator makes: master prints, impressions of them, what they are like, and the truth about them."""

from __future__ import annotations

from dataclasses import dataclass

from ridgefeat.brief import Brief
from ridgefeat.errors import ParameterError
from ridgefeat.structure import WORKING_DPI, Bool, Float, Minutiae, OrientationField, SingularPoints, UInt8

_BOUNDS = {
    "distortion": (0.0, 3.0),
    "contact": (0.2, 1.5),
    "pressure": (-1.0, 1.0),
    "unevenness": (0.0, 2.0),
    "roughness": (0.0, 2.0),
    "pores": (0.0, 1.0),
    "creases": (0.0, 1.0),
    "scratches": (0.0, 50.0),
    "smudge": (0.0, 1.0),
    "scars": (0.0, 1.0),
    "residue": (0.0, 1.0),
    "light": (0.0, 1.0),
    "blur": (0.0, 5.0),
    "noise": (0.0, 80.0),
    "dpi": (100.0, 1000.0),
    **dict.fromkeys(("rotation", "shift_x", "shift_y", "contact_x", "contact_y"), (-2000.0, 2000.0)),
}


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
    unevenness : float, 0 to 2
        How much pressure and moisture vary over the print; above 1 with dry and wet patches.
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
    scars : float, 0 to 1
        Depth of the finger's scars.
    residue : float, 0 to 1
        Darkness of what an earlier print left on the sensor.
    frame, writing : bool
        Whether the sensor's dark frame, or a line of handwriting, is in the image.
    light : float, 0 to 1
        Share of light that is missing where there is least.
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
    scars: float = 0.0
    residue: float = 0.0
    frame: bool = False
    writing: bool = False
    light: float = 0.0
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
        if self.background not in ("white", "grey", "dirty"):
            raise ParameterError(f"background must be white, grey or dirty, got {self.background!r}")
