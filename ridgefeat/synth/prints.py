"""What the generator makes: master prints, impressions of them, and the truth about each impression."""

from __future__ import annotations

from dataclasses import dataclass

from ridgefeat.structure import Bool, Float, Minutiae, OrientationField, SingularPoints, UInt8


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


@dataclass(frozen=True, eq=False)
class Impression:
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


@dataclass(frozen=True, eq=False)
class MasterPrint:
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
    truth : Truth
        Of the whole finger pad, in the master's own frame.
    """

    pattern: str
    ridges: Float
    relief: Float
    pores: Float
    creases: tuple[Float, ...]
    truth: Truth
