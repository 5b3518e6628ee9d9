"""Checks of a TIFF before Pillow decodes it, and libtiff's errors during decoding."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from PIL import _imaging
from PIL.ExifTags import Base as Tag

from ridgefeat.errors import ImageError
from ridgefeat.sources.endings import check_strip_ends

_METADATA = 1 << 24
_MAX_TAG_VALUES = 1 << 18
_MAX_TILE = 1 << 24
_TAG_SIZES = {3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_BYTE_TAGS = (1, 2, 7)
_PRIVATE_TAGS = 0x8000
_Handler = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)


def check_directory(data: bytes) -> tuple[bytes, bool]:
    """Raise ImageError for tags of more values than the file holds or a header needs; Pillow would make lists of them.

    Returns the file's bytes, and whether the decoded image must be inverted. Pillow does not read samples of more than
    8 bits of which 0 is white in every byte order, and does not invert them: in the returned bytes 0 is black.
    """
    order, total = "<" if data[:2] == b"II" else ">", 0
    shorts: dict[int, tuple[int, int]] = {}
    try:
        version, start = struct.unpack_from(order + "HI", data, 2)
        if version != 42:
            raise ImageError("the TIFF header is damaged, or that of a BigTIFF; save the image as plain TIFF or PNG")
        for entry in range(start + 2, start + 2 + 12 * struct.unpack_from(order + "H", data, start)[0], 12):
            tag, kind, count, offset = struct.unpack_from(order + "HHII", data, entry)
            size = count * _TAG_SIZES.get(kind, 1)
            total += size if size > 4 else 0
            if count > _MAX_TAG_VALUES and (kind not in _BYTE_TAGS or (tag < _PRIVATE_TAGS and count > _METADATA)):
                raise ImageError(f"tag {tag} of the TIFF claims {count} values; the file is damaged")
            if total > len(data) or (size > 4 and tag < _PRIVATE_TAGS and offset + size > len(data)):
                raise ImageError(f"the TIFF file is cut short: the values of tag {tag} lie outside it; copy it again")
            if kind == 3 and count == 1:
                shorts.setdefault(tag, (entry + 8, struct.unpack_from(order + "H", data, entry + 8)[0]))
    except struct.error:
        raise ImageError(f"the file is cut short inside its header ({len(data)} bytes)") from None
    at, photometric = shorts.get(Tag.PhotometricInterpretation, (0, 1))
    if photometric or shorts.get(Tag.BitsPerSample, (0, 1))[1] <= 8:
        return data, False
    return data[:at] + struct.pack(order + "H", 1) + data[at + 2 :], True


def check_strips(tags: Any, data: bytes, width: int, height: int) -> None:
    """Raise ImageError if strips or tiles lie outside the file, are far larger than the image, or are incomplete."""
    if tags.get(Tag.TileWidth, 0) * tags.get(Tag.TileLength, 0) > max(_MAX_TILE, 4 * width * height):
        raise ImageError("the TIFF claims tiles far larger than its image; it is damaged")
    samples = tags.get(Tag.SamplesPerPixel, 1) if tags.get(Tag.PlanarConfiguration) == 2 else 1
    if samples == 2 or (samples > 2 and max(tags[Tag.BitsPerSample]) > 8):  # Pillow would mix the planes up
        raise ImageError(f"a TIFF of {samples} planes of such samples is not read; save it with interleaved samples")
    is_tiled = Tag.StripOffsets not in tags
    both = (Tag.TileOffsets, Tag.TileByteCounts) if is_tiled else (Tag.StripOffsets, Tag.StripByteCounts)
    starts, lengths = (tags.get(tag, ()) for tag in both)
    if not starts or len(starts) != len(lengths):
        raise ImageError(f"the TIFF names {len(starts)} strips or tiles but {len(lengths)} sizes; it is damaged")
    strips = list(zip(starts, lengths, strict=True))
    end = max(start + length for start, length in strips)
    if end > len(data):
        raise ImageError(f"the TIFF file is cut short: {len(data)} of {end} bytes; copy it again")
    check_strip_ends(tags, data, strips)


@contextmanager
def refuse_libtiff_errors() -> Iterator[None]:
    """Raise ImageError for the first error that libtiff reports in this block; by default it prints it and continues.

    Its handler belongs to the whole process, so only one thread may be in such a block.
    """
    install, errors = _error_handler(), list[bytes]()
    handler = _Handler(lambda module, text, values: errors.append(text))
    before = install(ctypes.cast(handler, ctypes.c_void_p)) if install else None
    try:
        yield
    finally:
        if install:
            install(before)
    if errors:
        # The text is a printf format, cut at its first argument: how those are passed differs between platforms.
        reason = errors[0].decode("ascii", "replace").partition("%")[0].strip(" .,;:(\"'")
        raise ImageError(f"the TIFF file is damaged (libtiff: {reason}); copy it again")


@cache
def _error_handler() -> Any:
    """Return libtiff's function that sets its error handler; None where Pillow is linked statically (Windows)."""
    try:
        function = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
    except (OSError, AttributeError):
        return None
    function.restype, function.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    return function
