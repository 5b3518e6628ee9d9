"""Image files made for the tests."""

import cv2
import numpy as np
import pytest

from tests.sources.image_files import grating, saved


@pytest.fixture(scope="session")
def samples() -> dict[str, bytes]:
    """One whole file of every format and variant, 50x60 px."""
    out = {f"bmp {m}": saved("BMP", m, dpi=(500, 500)) for m in ("1", "L", "P", "RGB", "RGBA")}
    out |= {f"png {m}": saved("PNG", m, dpi=(500, 500)) for m in ("1", "L", "P", "LA", "RGB", "RGBA")}
    for compression in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        modes = ("1", "L", "P", "RGB", "RGBA")
        out |= {f"tiff {m} {compression}": saved("TIFF", m, compression=compression, dpi=(500, 500)) for m in modes}
    out["tiff 1 group4"] = saved("TIFF", "1", compression="group4")
    out |= {f"jpeg {m}": saved("JPEG", m, dpi=(500, 500)) for m in ("L", "RGB", "CMYK")}
    out["jpeg progressive"] = saved("JPEG", progressive=True)
    out |= {f"pnm {m}": saved("PPM", m) for m in ("1", "L", "RGB")}
    out |= {f"gif {m}": saved("GIF", m) for m in ("1", "L", "RGB")}
    out |= {f"webp {m}": saved("WEBP", m, lossless=True) for m in ("L", "RGB", "RGBA")}
    out |= {f"jpeg2000 {m}": saved("JPEG2000", m) for m in ("L", "RGB", "RGBA")}
    out["jpeg2000 codestream"] = saved("JPEG2000", no_jp2=True)
    out["pnm plain"] = b"P2\n# made here\n50 60\n255\n" + b" ".join(b"%d" % v for v in grating().ravel())
    for suffix in (".png", ".tif"):
        out[f"16 bit {suffix}"] = bytes(cv2.imencode(suffix, grating().astype(np.uint16) * 257)[1])
    return out
