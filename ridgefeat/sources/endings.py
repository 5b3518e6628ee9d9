"""Checks that an image file's compressed pixels are complete, for formats whose decoders accept truncated data.

A file that was not copied completely is cut off or ends in zeros. WebP, PackBits and the older fax codes have neither a
checksum nor an end marker. A WebP file is refused if the zeros at its end are not needed to decode it, the others if
they have more zeros than an encoder writes. Of a TIFF, the tags are checked too before Pillow decodes it, and libtiff's
errors during decoding are.
"""

from __future__ import annotations

import ctypes
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from typing import Any

from PIL import _imaging
from PIL.ExifTags import Base as Tag
from PIL.WebPImagePlugin import WebPImageFile

from ridgefeat.errors import ImageError

_MARKS = {"png": b"IEND\xaeB`\x82", "jpeg": b"\xff\xd9", "jpeg2000": b"\xff\xd9"}
_WEBP_ZEROS = 16
"""Zero bytes at the end of WebP data above which they are checked: the decoder reads up to 8 bytes ahead."""
_FAX_ZEROS = 4
"""Consecutive zero bytes that occur in no fax code: between two 1 bits there are fewer than 16 zero bits."""
_LZW_ZEROS = 8
_PADDING = 4
"""Maximum number of zero bytes that a writer may add to a strip."""
_RLE_PIXELS = 4_000_000
"""Maximum pixels of a run-length encoded bitmap: Pillow decodes its lines in Python."""
_REVERSED = bytes(int(f"{v:08b}"[::-1], 2) for v in range(256))
_FAX, _LZW, _JPEG, _DEFLATE, _PACKBITS = (2, 3, 4), 5, 7, (8, 32946), 32773
"""Codes of a TIFF's compression."""


def check_end(image: Any, data: bytes, kind: str) -> None:
    """Raise ImageError if an image, opened but not decoded by Pillow, is incomplete; for TIFF see check_strip_ends."""
    if kind in _MARKS and data.rfind(_MARKS[kind], image.fp.tell()) < 0:
        raise ImageError(f"the {kind.upper()} file is cut short: {len(data)} bytes without an end; copy it again")
    if kind == "webp" and _ends_in_unused_zeros(data):
        raise ImageError("the WEBP file is damaged: its data end in zeros that belong to no pixel; copy it again")
    if kind == "gif" and not _ends_gif(data, image.tile[0][2], image.tile[0][3][0]):
        raise ImageError("the GIF file is cut short: its codes do not end; copy it again")
    if kind in ("bmp", "dib") and image.tile[0][0] == "bmp_rle":
        if image.width * image.height > _RLE_PIXELS:
            size = f"{image.width}x{image.height} px"
            raise ImageError(f"a run-length encoded bitmap of {size} is not read; save it as PNG")
        if not _ends_bitmap(data, image.tile[0][2], image.height, image.tile[0][3][1]):
            raise ImageError(f"the {kind.upper()} file is cut short: its run-length codes do not end; copy it again")


def _ends_in_unused_zeros(data: bytes) -> bool:
    """Return whether WebP data end in zeros without which they decode as well: complete data have no byte to spare."""
    at = 12
    while at + 8 <= len(data) and data[at : at + 4] not in (b"VP8 ", b"VP8L"):
        at += 8 + -(-int.from_bytes(data[at + 4 : at + 8], "little") // 2) * 2
    pixels = data[at + 8 : at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")]
    if len(pixels) <= _WEBP_ZEROS or pixels[-_WEBP_ZEROS:].strip(b"\0"):
        return False
    kept = pixels[:-_WEBP_ZEROS]
    chunk = data[at : at + 4] + len(kept).to_bytes(4, "little") + kept + bytes(len(kept) % 2)
    shorter = b"RIFF" + (4 + len(chunk)).to_bytes(4, "little") + b"WEBP" + chunk
    try:
        WebPImageFile(BytesIO(shorter)).load()
    except (OSError, EOFError, ValueError, SyntaxError):  # Pillow's, for data that are too short
        return False
    return True


def _ends_gif(data: bytes, at: int, bits: int) -> bool:
    """Return whether the blocks from byte `at` on end with the end code, which reads the same in either bit order."""
    tail = b""
    while size := data[at] if at < len(data) else 0:
        tail = tail[-_PADDING - 4 :] + data[at + 1 : at + 1 + size]
        at += size + 1
    return at < len(data) and _ends_with(tail.translate(_REVERSED), 1 << bits | 1, bits + 1)


def _ends_bitmap(data: bytes, at: int, rows: int, is_4_bit: bool) -> bool:
    """Return whether the run-length codes cover all rows and then end."""
    while at + 1 < len(data):
        count, value = data[at], data[at + 1]
        at += 2
        if count:
            continue
        if value == 1:
            return rows <= 1
        if value == 0:
            rows -= 1
        elif value == 2:
            rows -= data[at + 1] if at + 1 < len(data) else 0
            at += 2
        else:
            at += ((value + 1) // 2 + 1 if is_4_bit else value + 1) // 2 * 2
    return False


def check_strip_ends(tags: Any, data: bytes, strips: Sequence[tuple[int, int]]) -> None:
    """Raise ImageError if strips or tiles of a TIFF, given by first byte and length, overlap or are incomplete."""
    if sum(length for _, length in strips) > len(data):
        raise ImageError(f"the TIFF names {len(strips)} strips or tiles that overlap; it is damaged")
    compression = tags.get(Tag.Compression, 1)
    if compression == _JPEG and not _is_whole_strip(tags.get(Tag.JPEGTables, b"\xff\xd9"), _JPEG):
        raise ImageError("the TIFF file is damaged: its JPEG tables break off; copy it again")
    left = 8 * tags[Tag.ImageWidth] * tags[Tag.ImageLength] + (1 << 16)
    unpacked = 0
    for start, length in strips if compression in (_JPEG, _LZW, _PACKBITS, *_FAX, *_DEFLATE) else ():
        packed = data[start : start + length]
        if compression in _DEFLATE and (left := _inflate(packed, left)) < 0:
            raise ImageError(f"the TIFF file is damaged: its strip at byte {start} does not inflate to its end")
        if tags.get(Tag.FillOrder) == 2:
            packed = packed.translate(_REVERSED)
        if not _is_whole_strip(packed, compression):
            raise ImageError(f"the TIFF file is damaged: its strip at byte {start} breaks off; copy it again")
        unpacked += _unpacked_size(packed) if compression == _PACKBITS else 0
    if compression == _PACKBITS and unpacked != _expected_size(tags, len(strips)):
        raise ImageError(f"the TIFF file is damaged: its strips unpack to {unpacked} bytes, not to all its pixels")


def _inflate(packed: bytes, left: int) -> int:
    """Return `left` less the size of the inflated stream; negative if that is larger, or the stream incomplete."""
    stream = zlib.decompressobj()
    try:
        while packed and not stream.eof and left >= 0:
            left -= len(stream.decompress(packed, 1 << 20))
            packed = stream.unconsumed_tail
    except zlib.error:
        return -1
    return left if stream.eof else -1


def _ends_with(packed: bytes, mark: int, bits: int) -> bool:
    """Return whether the data end with the `bits` bits of `mark`, before at most _PADDING bytes of zeros."""
    tail = int.from_bytes(packed.rstrip(b"\0")[-8:], "big")
    tail >>= (tail & -tail).bit_length() - 1 if tail else 0
    return len(packed) - len(packed.rstrip(b"\0")) <= _PADDING and tail & ((1 << bits) - 1) == mark


def _is_whole_strip(packed: bytes, compression: int) -> bool:
    """Return whether a strip ends as the data of a TIFF's compression do."""
    if compression == _JPEG:
        return packed.rstrip(b"\0").endswith(b"\xff\xd9")
    if compression == _LZW:
        is_old = packed[:1] == b"\0"  # bits in the other order, as before TIFF 5
        return bytes(_LZW_ZEROS) not in packed and (is_old or _ends_with(packed, 0x101, 9))  # EndOfInformation
    if compression in _FAX:  # the last of them ends with the end-of-line code, twice
        ends = compression != _FAX[-1] or _ends_with(packed, 0x001001, 24)
        return bytes(_FAX_ZEROS) not in packed and ends
    return True


def _unpacked_size(packed: bytes) -> int:
    """Return the size of PackBits data when they are unpacked."""
    at = size = 0
    while at + 1 < len(packed):
        code = packed[at]
        if code < 128:
            size += min(code + 1, len(packed) - at - 1)
            at += code + 2
        elif code > 128:
            size += 257 - code
            at += 2
        else:
            at += 1
    return size


def _expected_size(tags: Any, tiles: int) -> int:
    """Return the size in bytes of a TIFF's pixels, which are stored in `tiles` tiles or in strips."""
    is_tiled = Tag.TileWidth in tags
    sides = (Tag.TileWidth, Tag.TileLength) if is_tiled else (Tag.ImageWidth, Tag.ImageLength)
    width, height = (tags[side] for side in sides)
    samples = tags.get(Tag.SamplesPerPixel, 1)
    planes, bits = (samples, 1) if tags.get(Tag.PlanarConfiguration) == 2 else (1, samples)
    row = -(-width * bits * tags.get(Tag.BitsPerSample, (1,))[0] // 8)
    return int(row * height * (tiles if is_tiled else planes))


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
