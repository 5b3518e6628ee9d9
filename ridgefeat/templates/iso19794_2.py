"""ISO/IEC 19794-2:2005 finger minutiae records, the standard's record format (not its card formats).

All numbers big-endian. Record header, 24 bytes: format `FMR\\0` (4), version ` 20\\0` (4), length of the
record (4), capture equipment (2), image width and height in px (2 + 2), resolution across and down in px per
cm (2 + 2), number of finger views (1), reserved (1). Each view, 4 bytes: finger position (1), view number and
impression type (4 + 4 bits), finger quality (1), number of minutiae (1). Each minutia, 6 bytes: type and x (2
+ 14 bits), reserved and y (2 + 14 bits), angle in units of 360/256 degrees (1), quality (1; 0 says that none
is reported). Then the length of the extended data (2) and its blocks: type (2), length with these four bytes
(2), content. Block 2 holds the number of cores (1), each core (whether an angle follows and x in 2 + 14 bits,
y (2), angle (1)), the number of deltas (1), each delta likewise with three angles.

Positions are whole pixels of the original image, from its top-left corner. Directions are on the finger, so
with square pixels, also where the two resolutions differ.

Source: ISO/IEC 19794-2:2005 with Cor. 1:2009, as summarised at
https://templates.machinezoo.com/iso-19794-2-2005.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

MAGIC = b"FMR\0 20\0"
HEADER = struct.Struct(">IHHHHHBB")
VIEW = struct.Struct(">BBBB")
MINUTIA = np.dtype([("x", ">u2"), ("y", ">u2"), ("angle", "u1"), ("quality", "u1")])
CORE_AND_DELTA = 2
LOW_14 = 0x3FFF
ANGLE = 360 / 256
"""Degrees of an angle's unit."""


@dataclass(frozen=True)
class IsoHeader:
    """What a record says beside the points.

    Attributes
    ----------
    width, height : int
        The original image's size in pixels.
    dpi_x, dpi_y : float
        Its resolution, from whole pixels per cm (so within 1.3 dpi; 197 and 394 per cm are read as 500 and
        1000 dpi).
    finger_position : int
        0 unknown, 1 right thumb to 5 right little, 6 left thumb to 10 left little.
    impression_type : int
        0 live plain, 1 live rolled, 2 non-live plain, 3 non-live rolled, 8 swipe.
    finger_quality : int
        0 to 100, of the whole print.
    view, views : int
        Number of this view, and how many the record has.
    """

    width: int
    height: int
    dpi_x: float
    dpi_y: float
    finger_position: int
    impression_type: int
    finger_quality: int
    view: int
    views: int
