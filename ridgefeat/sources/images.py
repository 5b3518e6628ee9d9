"""Image files and bytes -> grey pixels. Pillow reads the formats; what is checked before and after is here.

The first bytes decide on the format, not the suffix, and only the plugins named here are used, directly: `Image.open`
would let hostile bytes choose among all of them. Size and resolution come from the header that Pillow reads lazily, so
that nothing of an unchecked size is allocated.
"""

from __future__ import annotations

import errno
import hashlib
import io
import math
import os
import re
import stat
import threading
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
from PIL.Image import Exif
from PIL.TiffImagePlugin import IFDRational

from ridgefeat.errors import ImageError
from ridgefeat.sources.endings import check_directory, check_end, check_strips, refuse_libtiff_errors
from ridgefeat.sources.resolution import Dpi, rounded_dpi
from ridgefeat.sources.source import Place
from ridgefeat.sources.wsq import decode_wsq, read_wsq_header
from ridgefeat.structure import UInt8

Check = Callable[[int, int, Dpi | None], None]
"""Called with width, height and the resolution that a header claims."""
MAX_PIXELS = 100_000_000
_BYTES_PER_PIXEL = 3
_METADATA = 1 << 24
_MAX_READS = 1 << 20
_MAX_PIXELS_PER_BYTE = {"png": 8 * 1032, "jpeg": 512, "gif": 4096}
"""Deflate cannot shrink data more than this (zlib's technical notes); in JPEG, 8x8 pixels take at least one bit;
a code of LZW stands for at most 4096 pixels."""

_FORMATS = {
    "bmp": (rb"BM", BmpImagePlugin.BmpImageFile),
    # A bitmap without its file header, as the clipboard has it: the size of the next header, and one plane.
    "dib": (
        rb"(?s:[\x28\x34\x38\x40\x6c\x7c]\0{3}.{8}\x01\0[\x01\x04\x08\x10\x18\x20]\0)",
        BmpImagePlugin.DibImageFile,
    ),
    "png": (rb"\x89PNG\r\n\x1a\n", PngImagePlugin.PngImageFile),
    "jpeg": (rb"\xff\xd8\xff", JpegImagePlugin.JpegImageFile),
    "tiff": (rb"II[*+]\0|MM\0[*+]", TiffImagePlugin.TiffImageFile),
    "pnm": (rb"P[1-6][\s#]", PpmImagePlugin.PpmImageFile),
    "gif": (rb"GIF8[79]a", GifImagePlugin.GifImageFile),
    "webp": (rb"(?s:RIFF....WEBP)", WebPImagePlugin.WebPImageFile),
    "jpeg2000": (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", Jpeg2KImagePlugin.Jpeg2KImageFile),
    "wsq": (rb"\xff\xa0\xff", None),
}
_NAMED_ONLY = {"HEIF or AVIF image": rb"(?s:....ftyp)", "PDF document": rb"%PDF", "zip archive": rb"PK\x03\x04"}
_MAX_SCANS, _MAX_SCANNED = 32, 500_000_000
"""Scans of a progressive JPEG beyond which scans times pixels are bounded: each scan goes over the whole image."""
_ORIENTATION, _ACROSS, _DOWN, _UNIT = 274, 282, 283, 296
_TURNS = {2: (True, 0), 3: (False, 2), 4: (True, 2), 5: (True, 1), 6: (False, 3), 7: (True, 3), 8: (False, 1)}
"""What EXIF's orientations ask for: mirrored first, then quarter turns counter-clockwise."""
_decode_lock = threading.Lock()
"""Held while Pillow decodes, because the filter that silences its warnings belongs to the whole process."""


@dataclass(frozen=True, eq=False)
class Image:
    """An image as its file holds it."""

    pixels: UInt8
    """Grey values, 0 black, shape (rows, columns)."""
    dpi: Dpi | None
    """Resolution across and down that the file claims; None where it claims none."""
    format: str
    """bmp, dib, png, jpeg, tiff, pnm, gif, webp, jpeg2000 or wsq."""
    notes: tuple[str, ...] = ()
    """What a person should know: first_page_only (a file of several pages or frames), alpha_ignored (all of the
    image is transparent)."""


def read_image(path: str | os.PathLike[str], *, name: str | None = None, check: Check | None = None) -> Image:
    """Read an image file; anything but a regular file is refused at once.

    `name` is what messages call the file; its path without. `check` is called before anything is decoded. Raises
    ImageError if the file is missing, unreadable, not regular, empty, too large, damaged or of an unknown format.
    """
    name = os.fspath(path) if name is None else name
    return decode_image(_read_bytes(path, name, _max_bytes(MAX_PIXELS)), name, check=check)


def read_place(place: Place, name: str, check: Check | None = None) -> Image:
    """Read an image that is not a file of its own: an archive's member, or at an address. Raises as read_image does."""
    try:
        data = place.read(_max_bytes(MAX_PIXELS))
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from None
    return decode_image(data, name, check=check)


def decode_image(data: bytes, name: str = "", *, max_pixels: int = MAX_PIXELS, check: Check | None = None) -> Image:
    """Decode the bytes of an image file to grey values.

    Colours become their luma (ITU-R BT.601). Transparent pixels are put on white, as a viewer shows them, unless all of
    them are transparent: then the alpha channel is a leftover. Grey samples of 16 bits lose their low bits: of the 8,
    10, 12, 14 or 16 bits that the largest sample needs, the upper 8 are kept, since sensors store 10 or 12 bits in 16.
    Of 16-bit colours the upper 8 bits are kept. The orientation that TIFF or the EXIF block of JPEG, PNG and WebP asks
    for is applied. Of several pages or frames the first is read. `check` may raise an error of its own about the size
    that the header claims. Raises ImageError if the bytes are empty, too many, damaged or of an unknown format.
    """
    try:
        if len(data) > (limit := _max_bytes(max_pixels)):
            raise ImageError(_too_large(len(data), limit))
        kind, plugin = _identify(data)
        if kind == "wsq":
            width, height, dpi = read_wsq_header(data)
            _check_size(width, height, 1, max_pixels)
            if check:
                check(width, height, dpi)
            return Image(decode_wsq(data, width, height), dpi, kind)
        with _decode_lock, warnings.catch_warnings(action="ignore"):
            return _decode(data, kind, plugin, max_pixels, check)
    except ImageError as error:
        raise ImageError(f"{name}: {error}" if name else str(error)) from None


def is_image(start: bytes) -> bool:
    """Return whether bytes begin as an image file of a known format does."""
    return any(re.match(pattern, start) for pattern, _ in _FORMATS.values())


def pixel_digest(pixels: UInt8) -> str:
    """Return the SHA-256 of an image's shape and pixels, hexadecimal: the same for the same picture in any format."""
    digest = hashlib.sha256(f"{pixels.shape[0]}x{pixels.shape[1]}:".encode())
    digest.update(np.ascontiguousarray(pixels, np.uint8).data)
    return digest.hexdigest()


def _max_bytes(max_pixels: int) -> int:
    return _BYTES_PER_PIXEL * max_pixels + _METADATA


def _too_large(size: int, limit: int) -> str:
    return f"the file has {size} bytes, more than the {limit} that are read; cut the print out of it"


def _read_bytes(path: str | os.PathLike[str], name: str, limit: int) -> bytes:
    try:
        # First without opening: to open a device or pipe can block or do something.
        _refuse_irregular(os.stat(path), name)  # noqa: PTH116
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(file.fileno())
            _refuse_irregular(found, name)
            if found.st_size > limit:
                raise ImageError(f"{name}: {_too_large(found.st_size, limit)}")
            return file.read(limit + 1)
    except FileNotFoundError:
        if os.path.islink(path):  # noqa: PTH114
            raise ImageError(f"{name}: a broken symbolic link; what it names is not there") from None
        raise ImageError(f"{name}: no such file") from None
    except OSError as error:
        hint = "; check its permissions" if error.errno in (errno.EACCES, errno.EPERM) else ""
        raise ImageError(f"{name}: cannot be read: {error.strerror}{hint}") from None
    except ValueError as error:
        raise ImageError(f"{name!r}: no usable file name: {error}") from None


def _refuse_irregular(found: os.stat_result, name: str) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise ImageError(f"{name}: a folder, not an image file")
    if not stat.S_ISREG(found.st_mode):
        raise ImageError(f"{name}: a pipe, socket or device, not an image file")


def _identify(data: bytes) -> tuple[str, Any]:
    if not data:
        raise ImageError("the file is empty (0 bytes); copy it again")
    for kind, (pattern, plugin) in _FORMATS.items():
        if re.match(pattern, data):
            return kind, plugin
    for what, pattern in _NAMED_ONLY.items():
        if re.match(pattern, data):
            raise ImageError(f"the file is a {what}, which is not read; save the image as PNG or TIFF")
    known = ", ".join(kind.upper() for kind in _FORMATS)
    raise ImageError(f"the file is not a known image format: it begins with {data[:8]!r}; {known} are read")


def _check_size(width: int, height: int, bands: int, max_pixels: int) -> None:
    pixels, size = width * height, f"{width}x{height} px"
    if width < 1 or height < 1:
        raise ImageError(f"the header claims {size}; the file is damaged")
    if pixels > max_pixels or pixels * bands > _BYTES_PER_PIXEL * max_pixels:
        raise ImageError(f"the header claims {size}, more than the {max_pixels} pixels that are read")


class _BoundedReads(io.BytesIO):
    """Bytes of a header beyond which its pieces are not read: Pillow walks through them in Python."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads > _MAX_READS:
            raise OSError(f"it comes in more than {_MAX_READS} pieces")
        return super().read(size)


def _decode(data: bytes, kind: str, plugin: Any, max_pixels: int, check: Check | None) -> Image:
    """Decode the image, whatever a plugin may raise."""
    try:
        inverted = False
        if kind == "tiff":
            data, inverted = check_directory(data)
        image = plugin(_BoundedReads(data))
        width, height = image.size
        _check_size(width, height, len(image.getbands()), max_pixels)
        if width * height > _MAX_PIXELS_PER_BYTE.get(kind, max_pixels) * len(data):
            raise ImageError(f"the header claims {width}x{height} px, more than {len(data)} bytes can hold")
        check_end(image, data, kind)
        scans = data.count(b"\xff\xda") if kind == "jpeg" else 0
        if scans > _MAX_SCANS and scans * width * height > _MAX_SCANNED:
            raise ImageError(f"the JPEG file claims {scans} scans over {width}x{height} px; it is damaged")
        if kind == "png":
            image.verify()  # Only this checks every checksum; it closes the image.
            image = plugin(_BoundedReads(data))
        if kind == "tiff":
            check_strips(image.tag_v2, data, width, height)
        notes = ("first_page_only",) if getattr(image, "is_animated", False) else ()
        tags = _tags(image, kind)
        dpi = _resolution(image, kind, tags)
        if check:
            check(width, height, dpi)
        with refuse_libtiff_errors() if kind == "tiff" else nullcontext():
            pixels, alpha_notes = _grey(image, data, kind)
        if kind == "png":  # its EXIF block may stand behind the pixels
            tags = _tags(image, kind)
            dpi = _resolution(image, kind, tags)
    except ImageError:
        raise
    except Exception as error:
        damage = f"damaged, cut short or of a rare variant ({str(error)[:100]})"
        raise ImageError(f"the {kind.upper()} file is {damage}; copy it again, or save the image as PNG") from None
    if inverted:
        pixels = ~pixels
    if kind != "tiff" and tags.get(_ORIENTATION) in _TURNS:  # Pillow turns a TIFF itself
        mirrored, quarters = _TURNS[tags[_ORIENTATION]]
        pixels = np.ascontiguousarray(np.rot90(pixels[:, ::-1] if mirrored else pixels, quarters))
    return Image(pixels, dpi, kind, notes + alpha_notes)


def _tags(image: Any, kind: str) -> dict[int, Any]:
    """Return the tags of TIFF or EXIF that are used; a damaged EXIF block is skipped, as the image is still good."""
    tags = image.tag_v2 if kind == "tiff" else Exif()
    try:
        if kind in ("jpeg", "webp", "png"):
            tags.load(image.info.get("exif", b""))
        return {tag: tags[tag] for tag in (_ORIENTATION, _ACROSS, _DOWN, _UNIT) if tag in tags}
    except Exception:
        return {}


def _resolution(image: Any, kind: str, tags: dict[int, Any]) -> Dpi | None:
    """Return the resolution across and down of the image as it is shown."""
    across, down = (0, 0) if kind == "tiff" else image.info.get("dpi", (0, 0))
    if kind in ("bmp", "dib"):  # Pillow's inch has 1/39.3701 m
        across, down = (round(v * 39.3701) * 0.0254 for v in (across, down))
    if kind == "jpeg":  # As "dpi" Pillow gives EXIF's where JFIF has none, and of that only the one across.
        per_inch = {1: 1.0, 2: 2.54}.get(image.info.get("jfif_unit"), 0.0)
        across, down = (per_inch * v for v in image.info.get("jfif_density", (0, 0)))
    if kind in ("tiff", "jpeg", "webp") and not (across and down):
        factor = {2: 1.0, 3: 2.54}.get(tags.get(_UNIT, 2), 0.0)
        across, down = (factor * _number(tags.get(tag)) for tag in (_ACROSS, _DOWN))
        down = down or across
    dpi = rounded_dpi(across, down)
    return dpi[::-1] if dpi and tags.get(_ORIENTATION) in (5, 6, 7, 8) else dpi


def _number(value: Any) -> float:
    """Return a rational of a tag as a number, 0 where it is none."""
    return float(value) if isinstance(value, IFDRational) and value.denominator else 0.0


def _grey(image: Any, data: bytes, kind: str) -> tuple[UInt8, tuple[str, ...]]:
    """Return an opened image's grey values, and notes on them."""
    if kind == "pnm" and image.mode != "1" and image.tile[0][0] != "raw":
        # Pillow goes through these in Python, one sample at a time.
        codec, _, offset, (_, maximum) = image.tile[0]
        shape = (image.height, image.width, len(image.getbands()))
        if codec == "ppm":
            samples = np.frombuffer(data, ">u2" if maximum > 255 else "u1", math.prod(shape), offset)
        else:
            samples = np.fromstring(re.sub(rb"#[^\r\n]*", b"", data[offset:]), np.uint32, sep=" ")[: math.prod(shape)]
        grey = _to_8_bits(samples.reshape(shape), maximum)
        return grey[..., 0].copy() if shape[2] == 1 else cv2.cvtColor(grey, cv2.COLOR_RGB2GRAY), ()
    image.load()
    if image.mode.startswith("I;16") or (image.mode == "I" and kind in ("png", "pnm")):
        return _to_8_bits(np.asarray(image), 65535 if kind == "pnm" else 0), ()
    if image.mode in ("I", "F"):
        raise ImageError(f"{kind.upper()} with {image.mode} samples is not read; save it with 8 or 16 bits unsigned")
    if image.has_transparency_data:
        rgba = np.asarray(image.convert("RGBA"))
        grey, alpha = cv2.cvtColor(rgba, cv2.COLOR_RGBA2GRAY), cv2.extractChannel(rgba, 3)
        if not alpha.any():
            return grey, ("alpha_ignored",)
        return ~cv2.multiply(~grey, alpha, scale=1 / 255), ()
    if image.mode in ("1", "L"):
        return np.array(image.convert("L")), ()
    return cv2.cvtColor(np.asarray(image.convert("RGB")), cv2.COLOR_RGB2GRAY), ()


def _to_8_bits(samples: np.ndarray[Any, Any], maximum: int) -> UInt8:
    """Scale by a stated maximum; without one by the smallest even number of bits that holds every sample."""
    if maximum:
        scaled = (np.minimum(samples, maximum).astype(np.uint32) * 255 + maximum // 2) // maximum
    else:
        bits = max(8, int(samples.max()).bit_length())
        scaled = samples >> (bits + bits % 2 - 8)
    grey: UInt8 = scaled.astype(np.uint8)
    return grey
