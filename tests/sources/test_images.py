import hashlib
import io
import os
import socket
import struct
import subprocess
import sys
import warnings
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageFile, ImageOps

from ridgefeat.errors import ImageError
from ridgefeat.sources import decode_image, images, pixel_digest, read_image
from tests.sources.image_files import grating, saved


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width: int, height: int, depth: int = 8, colour: int = 0) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def bmp(width: int, height: int, bits: int, body: bytes, per_metre: int = 0, compression: int = 0) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(body), per_metre, per_metre, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(body), 0, 0, 54) + info + body


def tiff(entries: dict[int, tuple[int, int]], tail: bytes = b"") -> bytes:
    body = b"".join(struct.pack("<HHII", t, k, 1, v) for t, (k, v) in sorted(entries.items()))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + struct.pack("<I", 0) + tail


def vp8x(width: int, height: int) -> bytes:
    """A WebP file that claims a canvas and holds an image of 50x60 px."""
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I4x", 10) + canvas + saved("WEBP", lossless=True)[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def refused(data: bytes, *words: str) -> None:
    with pytest.raises(ImageError) as caught:
        decode_image(data, "bad.bmp")
    assert str(caught.value).startswith("bad.bmp: ")
    for word in words:
        assert word in str(caught.value)


# ---- every format gives the pixels


def test_every_variant_decodes_to_the_same_picture(samples):
    for name, data in samples.items():
        image = decode_image(data, name)
        expected = grating()
        if " 1" in name:
            expected = np.asarray(Pillow.fromarray(expected).convert("1").convert("L"))
        assert image.pixels.dtype == np.uint8 and image.pixels.flags.c_contiguous
        assert image.pixels.shape == (60, 50) and image.notes == (), name
        worst = np.abs(image.pixels.astype(int) - expected).max()
        assert worst <= (30 if "jpeg" in name else 0), name
        assert image.format == ("png" if ".png" in name else "tiff" if ".tif" in name else name.split()[0])


def test_colour_becomes_luma_and_a_palette_is_looked_up():
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 255
    picture = Pillow.fromarray(np.array([[0, 1], [1, 0]], np.uint8), "L").convert("P")
    picture.putpalette([255, 255, 255, 255, 0, 0] + [0] * 762)
    for kind in ("BMP", "PNG", "TIFF", "PPM"):
        assert (decode_image(saved(kind, "RGB", red)).pixels == 76).all(), kind
    for kind in ("BMP", "PNG", "TIFF"):
        file = io.BytesIO()
        picture.save(file, kind)
        assert decode_image(file.getvalue()).pixels.tolist() == [[255, 76], [76, 255]], kind


def test_a_transparent_background_is_white_unless_all_is_transparent():
    rgba = np.zeros((2, 3, 4), np.uint8)
    rgba[:, :2, 3] = 255, 128
    assert decode_image(saved("PNG", "RGBA", rgba)).pixels.tolist() == [[0, 127, 255]] * 2
    hidden = np.dstack([grating()] * 3 + [np.zeros((60, 50), np.uint8)])
    image = decode_image(saved("PNG", "RGBA", hidden))
    assert (image.pixels == grating()).all() and image.notes == ("alpha_ignored",)
    # In a BMP of 32 bits the fourth is not an alpha channel; its rows go up, or down where the height is negative.
    assert (decode_image(bmp(50, 60, 32, hidden[::-1].tobytes())).pixels == grating()).all()
    assert (decode_image(bmp(50, -60, 32, hidden.tobytes())).pixels == grating()).all()


def test_a_bitmap_without_its_file_header_is_read():
    whole = bmp(50, 60, 32, np.dstack([grating()[::-1]] * 4).tobytes(), per_metre=19685)
    image, bare = decode_image(whole), decode_image(whole[14:])
    assert (bare.pixels == grating()).all() and bare.dpi == image.dpi == (500, 500) and bare.format == "dib"
    assert (decode_image(saved("DIB")).pixels == grating()).all()
    refused(whole[14:1000], "DIB file is damaged, cut short")


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_16_bit_files_keep_the_upper_8_of_the_bits_that_are_used(bits):
    samples = np.linspace(0, 2**bits - 1, 256).astype(np.uint16).reshape(16, 16)
    for suffix in (".png", ".tif"):
        pixels = decode_image(bytes(cv2.imencode(suffix, samples)[1])).pixels
        assert (pixels == samples >> (bits - 8)).all() and (pixels.min(), pixels.max()) == (0, 255)


@pytest.mark.parametrize("maximum", [1, 15, 100, 255, 1000, 4095, 65535])
def test_grey_maps_are_scaled_by_their_own_maximum(maximum):
    values = np.array([[0, maximum // 2, maximum]])
    expected = np.rint(values * 255 / maximum)
    raw = values.astype(">u2" if maximum > 255 else "u1").tobytes()
    plain = " ".join(str(v) for v in values.ravel()).encode()
    for data in (b"P5\n# c\n3 1\n%d\n" % maximum + raw, b"P2 3 1 %d\n" % maximum + plain):
        assert np.abs(decode_image(data).pixels - expected).max() <= 1
        assert decode_image(data).pixels[0, 2] == 255
    assert decode_image(b"P5 1 1 255\n\x07").pixels.tolist() == [[7]]


@pytest.mark.parametrize("order", "<>")
def test_16_bit_tiff_of_which_zero_is_white_is_inverted(order):
    entries = {256: 50, 257: 60, 258: 16, 259: 1, 262: 0, 273: 122, 277: 1, 278: 60, 279: 6000}
    body = b"".join(struct.pack(order + "HHIHH", tag, 3, 1, value, 0) for tag, value in entries.items())
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, len(entries)) + body + bytes(4)
    data = head + (grating().astype(order + "u2") * 257).tobytes()
    assert (decode_image(data).pixels == 255 - grating()).all()


def test_orientation_of_jpeg_and_tiff_is_applied_and_the_resolution_turns_with_it():
    exif = Pillow.Exif()
    exif[274], exif[282], exif[283], exif[296] = 6, 500.0, 400.0, 2
    turned = np.rot90(grating(), -1)
    jpeg = decode_image(saved("JPEG", exif=exif, quality=100))
    assert np.abs(jpeg.pixels.astype(int) - turned).max() <= 3
    tif = decode_image(saved("TIFF", tiffinfo={274: 6, 282: 500.0, 283: 400.0, 296: 2}))
    assert (tif.pixels == turned).all() and tif.dpi == (400, 500)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_as_pillow_turns_it(orientation):
    exif = Pillow.Exif()
    exif[274] = orientation
    data = saved("WEBP", exif=exif, lossless=True)
    expected = np.asarray(ImageOps.exif_transpose(Pillow.open(io.BytesIO(data))).convert("L"))
    assert (decode_image(data).pixels == expected).all()
    assert (decode_image(saved("TIFF", tiffinfo={274: orientation})).pixels == expected).all()
    png = saved("PNG", exif=exif, dpi=(500, 400))
    block = png.index(b"eXIf") - 4
    length = 12 + int.from_bytes(png[block : block + 4], "big")
    last = png[:block] + png[block + length : -12] + png[block : block + length] + png[-12:]
    for found in map(decode_image, (png, last)):  # the block in front of the pixels, or behind them
        assert (found.pixels == expected).all()
        assert found.dpi == pytest.approx((400, 500) if orientation > 4 else (500, 400), abs=0.02)


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "WEBP"])
def test_only_the_first_page_or_frame_is_read_and_that_is_said(kind):
    file = io.BytesIO()
    second = Pillow.fromarray(255 - grating())
    options = {"lossless": True} if kind == "WEBP" else {}
    Pillow.fromarray(grating()).save(file, kind, save_all=True, append_images=[second], **options)
    image = decode_image(file.getvalue())
    assert (image.pixels == grating()).all() and image.notes == ("first_page_only",)


# ---- resolution


@pytest.mark.parametrize("kind", ["BMP", "PNG", "JPEG", "TIFF"])
def test_resolution_is_read_across_and_down(kind):
    assert decode_image(saved(kind, dpi=(500, 400))).dpi == pytest.approx((500, 400), abs=0.02)
    assert decode_image(saved(kind)).dpi is None or kind == "BMP"


def test_resolution_in_centimetres_and_without_unit():
    jfif = saved("JPEG", dpi=(200, 100))
    at = jfif.index(b"JFIF\0") + 7
    for tiff_unit, jfif_unit, dpi in ((3, b"\2", (508, 254)), (1, b"\0", None)):
        assert decode_image(saved("TIFF", tiffinfo={282: 200.0, 283: 100.0, 296: tiff_unit})).dpi == dpi
        assert decode_image(jfif[:at] + jfif_unit + jfif[at + 1 :]).dpi == dpi


def test_exif_resolution_counts_where_jfif_has_none():
    exif = Pillow.Exif()
    exif[282], exif[283], exif[296] = 1000.0, 1000.0, 2
    for kind in ("JPEG", "WEBP"):
        assert decode_image(saved(kind, exif=exif)).dpi == (1000, 1000)


# ---- what is refused, each with its reason


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty (0 bytes)"),
        (b"this is text, renamed", "not a known image format"),
        (b"GIF89a" + bytes(50), "image not found in GIF frame"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WEBP file is damaged"),
        (b"\0\0\0\x18ftypheic" + bytes(50), "HEIF or AVIF"),
        (vp8x(16383, 16383), "damaged"),
        (saved("JPEG2000")[:-2], "cut short"),
        (b"BM", "cut short"),
        (b"BM" + bytes(60), "header type (0)"),
        (bmp(100_000, 100_000, 8, b""), "100000x100000 px"),
        (bmp(100_000, 100_000, 8, bytes(8) + b"\0\1", compression=1), "100000x100000 px"),
        (bmp(0, 10, 8, bytes(1024)), "BMP file is damaged"),
        (bmp(10, 10, 7, bytes(1000)), "depth (7)"),
        (bmp(10, 10, 8, bytes(100), compression=1), "codes do not end"),
        (png_header(100_000, 100_000) + chunk(b"IDAT", b"") + chunk(b"IEND", b""), "100000x100000 px"),
        (png_header(10, 10) + chunk(b"IDAT", b""), "cut short"),
        (png_header(0, 10) + chunk(b"IDAT", b"") + chunk(b"IEND", b""), "PNG file is damaged"),
        (b"P5 100000 100000 255\n" + bytes(100), "100000x100000 px"),
        (b"P5 10 10 70000\n" + bytes(200), "maxval"),
        (b"P5 ten 10 255\n" + bytes(100), "damaged"),
        (tiff({256: (4, 100_000), 257: (4, 100_000), 273: (4, 8), 279: (4, 9)}), "100000x100000 px"),
        (tiff({256: (4, 10), 257: (4, 10), 258: (3, 8), 262: (3, 1), 277: (3, 1)}), "data organization"),
        (tiff({256: (4, 10), 257: (4, 10), 258: (3, 8), 262: (3, 1), 273: (4, 8)}), "1 strips or tiles but 0 sizes"),
        (tiff({256: (4, 10), 257: (4, 10), 273: (4, 8), 279: (4, 999)}), "cut short"),
        (tiff({256: (4, 9), 257: (4, 9), 322: (4, 60000), 323: (4, 60000), 324: (4, 8), 325: (4, 9)}), "tiles"),
        (tiff({256: (4, 10), 257: (4, 10), 258: (3, 32), 273: (4, 8), 279: (4, 9)}), "pixel mode"),
        (b"II+\0" + bytes(20), "BigTIFF"),
        (b"\xff\xd8\xff\xd9", "JPEG file is damaged"),
        (b"\xff\xd8\xff\xc0\0\x0b\x08\xff\xff\xff\xff\x01\x01\x11\0\xff\xda\0\2\xff\xd9", "more than"),
        (b"\xff\xa0\xff\xa2\0\x11\0\0\xff\xff\xff\xff" + bytes(20) + b"\xff\xa1", "65535x65535 px"),
    ],
)
def test_unusable_bytes_are_refused_with_the_reason(data, word):
    refused(data, word)


def test_a_png_whose_checksum_fails_is_damaged():
    data = bytearray(saved("PNG"))
    data[data.index(b"IDAT") + 10] ^= 1
    refused(bytes(data), "checksum", "IDAT")


def test_tiffs_that_are_damaged_or_of_rare_variants_are_refused(samples):
    for compression in ("tiff_lzw", "packbits"):
        data = bytearray(samples[f"tiff L {compression}"])
        at = data.index(struct.pack("<HHI", 279, 4, 1)) + 8
        struct.pack_into("<I", data, at, struct.unpack_from("<I", data, at)[0] // 2)
        refused(bytes(data), "TIFF file is damaged")
    whole = samples["tiff L tiff_adobe_deflate"]
    refused(whole[:8] + bytes([255] * 100) + whole[108:], "TIFF", "does not inflate")
    refused(bytes(cv2.imencode(".tif", grating().astype(np.float32))[1]), "F samples", "8 or 16 bits")
    planes = {256: (4, 2), 257: (4, 2), 258: (3, 16), 262: (3, 2), 273: (4, 0), 277: (3, 3), 279: (4, 0), 284: (3, 2)}
    refused(tiff(planes), "3 planes", "interleaved")


@pytest.mark.parametrize("kind", [1, 3, 4])
def test_a_tag_of_millions_of_values_is_not_read(kind):
    entries = struct.pack("<HHII", 256, kind, 20_000_000, 8) + struct.pack("<HHII", 257, 3, 1, 10)
    data = b"II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4 + 80_000_000)
    refused(data, "tag 256", "20000000 values")
    refused(data[:4000], "tag 256")


def test_a_header_in_endless_pieces_is_not_read_to_its_end(monkeypatch):
    assert images._MAX_READS == 1 << 20
    monkeypatch.setattr(images, "_MAX_READS", 1 << 14)
    for start in (b"\xff\xd8\xff", b"GIF89a"):
        refused(start + bytes(40_000), "more than 16384 pieces")


def test_scans_of_a_progressive_jpeg_are_bounded():
    assert (images._MAX_SCANS, images._MAX_SCANNED) == (32, 500_000_000)
    data = saved("JPEG", pixels=np.full((1200, 1200), 128, np.uint8), progressive=True)
    scan = data[data.rfind(b"\xff\xda") : -2]
    assert decode_image(data[:-2] + 20 * scan + data[-2:]).pixels.shape == (1200, 1200)
    refused(data[:-2] + 5000 * scan + data[-2:], "scans over 1200x1200 px")


FAX, OTHERS = ("tiff_ccitt", "group3", "group4"), ("tiff_lzw", "jpeg", "tiff_deflate", "packbits")


@pytest.mark.parametrize("compression", FAX + OTHERS)
def test_compressed_strips_of_a_tiff_must_reach_their_end(compression):
    pixels = np.random.default_rng(0).integers(0, 256, (60, 50), np.uint8)
    data = saved("TIFF", "1" if compression in FAX else "L", pixels, compression=compression)
    tags = Pillow.open(io.BytesIO(data)).tag_v2
    start, length = tags[273][0], tags[279][0]
    assert decode_image(data).pixels.shape == (60, 50)
    last = 99 if compression == "packbits" else 9  # the zeros must reach into two of its rows
    for at in (start + length // 2, start + length - last):
        refused(data[:at] + bytes(start + length - at) + data[start + length :], "TIFF file is damaged")


def test_a_deflated_strip_that_never_ends_is_refused():
    data = bytearray(saved("TIFF", compression="tiff_deflate"))
    tags = Pillow.open(io.BytesIO(data)).tag_v2
    endless = zlib.compressobj()
    packed = endless.compress(grating().tobytes()) + endless.flush(zlib.Z_SYNC_FLUSH)
    start, length = tags[273][0], tags[279][0]
    at = data.index(struct.pack("<HHII", 279, 4, 1, length)) + 8
    data[at : at + 4] = struct.pack("<I", len(packed))
    at = data.index(struct.pack("<HHII", 273, 4, 1, start)) + 8
    data[at : at + 4] = struct.pack("<I", len(data))
    refused(bytes(data) + packed, "does not inflate to its end")


def test_strips_over_the_same_bytes_are_refused():
    tags = [(256, 10), (257, 20), (258, 8), (259, 1), (262, 1), (273, 8, 8), (277, 1), (278, 10), (279, 110, 110)]
    entries = b"".join(struct.pack("<HHI2H", tag, 3, len(v), *v, *[0] * (2 - len(v))) for tag, *v in tags)
    data = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    refused(data, "2 strips or tiles that overlap")
    assert decode_image(data + bytes(100)).pixels.shape == (20, 10)


def test_a_run_length_encoded_bitmap_must_reach_its_end():
    rows = b"".join(bytes([4, 10 * i, 0, 3, 1, 2, 3, 0, 0, 0]) for i in range(3))
    header = struct.pack("<IiiHHIIiiII", 40, 7, 3, 1, 8, 1, 0, 0, 0, 256, 0)
    palette = b"".join(bytes([v, v, v, 0]) for v in range(256))
    whole = b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + 1024) + header + palette + rows + b"\0\1"
    assert decode_image(whole).pixels[0].tolist() == [20, 20, 20, 20, 1, 2, 3]
    for at in (1, 2, 12, 20):
        refused(whole[:-at] + bytes(at), "codes do not end")
    refused(whole[:18] + struct.pack("<ii", 10_000, 10_000) + whole[26:], "10000x10000 px is not read")


@pytest.mark.parametrize("options", [{"quality": 90}, {"lossless": True}])
def test_a_webp_whose_end_is_zeros_is_damaged(options):
    for mode in ("L", "RGBA"):
        data = saved("WEBP", mode, **options)
        for at in (len(data) // 2, 2 * len(data) // 3, len(data) - 40):
            refused(data[:at] + bytes(len(data) - at), "damaged")


def test_zeros_that_stand_for_a_plain_margin_are_no_damage():
    grey = np.full((1000, 1000), 255, np.uint8)
    grey[:60, :50] = grating()[:60, :50]
    raw = io.BytesIO()
    Pillow.fromarray(grey).convert("RGB").save(raw, "WEBP")
    whole = raw.getvalue()
    assert not whole[-64:].strip(b"\0") and decode_image(whole).pixels.shape == grey.shape
    for at in (400, 2000):
        refused(whole[:at] + bytes(len(whole) - at), "damaged")


def test_pixels_and_bytes_are_bounded():
    data = saved("PNG")
    with pytest.raises(ImageError, match="50x60 px, more than the 2999 pixels"):
        decode_image(data, max_pixels=2999)
    for mode in ("L", "RGB"):
        assert decode_image(saved("PNG", mode), max_pixels=3000).pixels.shape == (60, 50)
    with pytest.raises(ImageError, match="50x60 px, more than"):  # three bytes per pixel are allowed
        decode_image(saved("PNG", "RGBA"), max_pixels=3000)
    with pytest.raises(ImageError, match="more than the 16777219 that are read"):
        decode_image(bytes(1 << 25), max_pixels=1)


def test_a_bad_file_is_reported_once_and_not_by_pillow_too(capfd, recwarn):
    exif = Pillow.Exif()
    exif[282], exif[283], exif[296], exif[270] = 500.0, 500.0, 2, "a description that is longer than the block"
    data = saved("JPEG", exif=exif)
    damaged = data.replace(struct.pack(">HH", 270, 2), struct.pack(">HH", 270, 5))
    Pillow.open(io.BytesIO(damaged))
    assert len(recwarn) > 0, "Pillow does not warn about this file: take another"
    recwarn.clear()
    assert decode_image(damaged).pixels.shape == (60, 50)
    refused(b"P2 3 1 255\n1 2 three\n", "PNM file is damaged")
    assert capfd.readouterr() == ("", "") and len(recwarn) == 0


def test_pillows_own_settings_are_neither_needed_nor_changed(monkeypatch):
    monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", 100)
    with warnings.catch_warnings(action="error"):
        for kind in ("PNG", "BMP", "JPEG", "PPM"):
            assert decode_image(saved(kind)).pixels.shape == (60, 50)
    assert Pillow.MAX_IMAGE_PIXELS == 100 and not ImageFile.LOAD_TRUNCATED_IMAGES


# ---- files


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(saved("PNG"))
    assert (read_image(path).pixels == grating()).all()
    path.write_bytes(b"")
    with pytest.raises(ImageError, match=r"a\.png: the file is empty"):
        read_image(path)
    with pytest.raises(ImageError, match=r"^short: the file is empty"):
        read_image(path, name="short")
    with path.open("wb") as file:
        file.truncate(1 << 33)
    with pytest.raises(ImageError, match="8589934592 bytes, more than"):
        read_image(path)

    def forbidden(*args: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("ridgefeat.sources.images.os.open", forbidden)
    with pytest.raises(ImageError, match="cannot be read: Permission denied; check its permissions"):
        read_image(path)


def test_what_is_no_regular_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "broken.png").symlink_to(tmp_path / "nothing")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s.png"))
        for name, reason in {
            "pipe.png": "a pipe, socket or device",
            "s.png": "a pipe, socket or device",
            "folder.png": "a folder, not an image file",
            "broken.png": "a broken symbolic link",
            "loop.png": "cannot be read",
            "missing.png": "no such file",
            "nul\0.png": "no usable file name",
        }.items():
            with pytest.raises(ImageError, match=reason):
                read_image(tmp_path / name)
    with pytest.raises(ImageError, match="a pipe, socket or device"):
        read_image("/dev/zero")


def test_digest_is_that_of_the_shape_and_pixels():
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert pixel_digest(pixels) == hashlib.sha256(b"2x3:\0\1\2\3\4\5").hexdigest()
    assert pixel_digest(pixels) != pixel_digest(pixels.reshape(3, 2))
    assert pixel_digest(np.asfortranarray(pixels)) == pixel_digest(pixels)
    twice = [pixel_digest(decode_image(saved(kind)).pixels) for kind in ("BMP", "PNG", "TIFF", "PPM")]
    assert len(set(twice)) == 1


# ---- WSQ


@pytest.fixture(scope="module")
def wsq_file() -> bytes:
    pytest.importorskip("wsq", reason="the extra `wsq` is not installed")
    return saved("WSQ", pixels=grating(128, 96))


def test_wsq_is_decoded_and_its_comment_gives_the_resolution(wsq_file):
    image = decode_image(wsq_file)
    assert (image.format, image.pixels.shape, image.dpi) == ("wsq", (128, 96), (500, 500))
    assert np.abs(image.pixels.astype(float) - grating(128, 96)).mean() < 10
    assert wsq_file.count(b"PPI 500") == 1
    assert decode_image(wsq_file.replace(b"PPI 500", b"PPI 996")).dpi == (996, 996)
    assert decode_image(wsq_file.replace(b"PPI 500", b"PPI -1 ")).dpi is None


def test_a_damaged_wsq_does_not_take_the_process_with_it(wsq_file, monkeypatch):
    refused(wsq_file[:500] + b"\x55" * 10 + wsq_file[510:], "the WSQ file cannot be decoded")
    refused(wsq_file[:-200], "cut short")
    refused(wsq_file[:2] + b"\xff\xa9" + wsq_file[4:], "no frame header")
    monkeypatch.setattr("ridgefeat.sources.wsq._CHILD", "import os; os.abort()")
    refused(wsq_file, "the WSQ file cannot be decoded")
    monkeypatch.setattr("ridgefeat.sources.wsq._CHILD", "import time; time.sleep(60)")
    monkeypatch.setattr("ridgefeat.sources.wsq._TIMEOUT", 0.2)
    refused(wsq_file, "did not finish within 0.2 s")


def test_wsq_without_the_extra_says_what_to_install(wsq_file, monkeypatch):
    monkeypatch.setattr("ridgefeat.sources.wsq.find_spec", lambda name: None)
    refused(wsq_file, "pip install 'ridgefeat[wsq]'")


def test_importing_needs_no_extra_and_no_pandas():
    code = "import sys, ridgefeat.sources; print([m for m in ('pandas', 'wsq', 'pyarrow') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
