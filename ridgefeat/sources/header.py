"""What an image file says about itself before it is decoded.

Every format's module turns its first bytes into a Header, so that an image that is too large, cut short or of a kind
that nobody decodes is refused before anything of its claimed size is allocated.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from ridgefeat.errors import ImageError

MM_PER_INCH = 25.4

Dpi = tuple[float, float]


@dataclass(frozen=True)
class Header:
    """Size, depth and resolution as the file claims them.

    Attributes
    ----------
    width, height : int
        Pixels across and down, as stored (before a rotation that the file asks for).
    bytes_per_pixel : int
        What the decoder will need for a pixel.
    dpi : (float, float) or None
        Resolution across and down; None where the file does not say.
    maximum : int
        Sample value that stands for white; 0 where the depth says it (255, or the 16 bits' range).
    inverted : bool
        The decoder hands out 0 for white.
    turned : bool
        The file asks for a rotation by 90 or 270 degrees, which the decoder does.
    notes : tuple of str
        What a person should know, as flags.
    """

    width: int
    height: int
    bytes_per_pixel: int
    dpi: Dpi | None = None
    maximum: int = 0
    inverted: bool = False
    turned: bool = False
    notes: tuple[str, ...] = ()


def unpack(layout: str, data: bytes, offset: int) -> tuple[Any, ...]:
    """Return struct.unpack_from, with an ImageError where the data end too early."""
    if offset < 0 or offset + struct.calcsize(layout) > len(data):
        raise ImageError(f"the file is cut short inside its header ({len(data)} bytes)")
    return struct.unpack_from(layout, data, offset)


def need(data: bytes, size: int) -> None:
    """Raise ImageError unless the data hold at least so many bytes."""
    if len(data) < size:
        raise ImageError(f"the file is cut short: {len(data)} of {size} bytes are there; copy it again")


def cannot_hold(data: bytes, header_width: int, header_height: int) -> ImageError:
    """Return the error for a claimed size that so few bytes cannot hold, however well compressed."""
    return ImageError(
        f"the header claims {header_width}x{header_height} px, more than {len(data)} bytes can hold; "
        "the file is damaged or cut short"
    )


def dpi_or_none(across: float, down: float) -> Dpi | None:
    """Return a resolution rounded to 0.01 dpi, or None where it is zero or absurd."""
    if not (0 < across < 1e6 and 0 < down < 1e6):
        return None
    return round(across, 2), round(down, 2)
