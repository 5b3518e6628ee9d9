"""Image files made for the tests, by an encoder that the package does not use."""

import io

import numpy as np
from PIL import Image


def grating(rows: int = 60, columns: int = 50) -> np.ndarray:
    """Ridges with a period of 9 px, slightly turned: every grey value, and no symmetry."""
    y, x = np.mgrid[:rows, :columns]
    return np.round(127.5 + 127.5 * np.sin(2 * np.pi * (x + 0.3 * y) / 9)).astype(np.uint8)


def saved(kind: str, mode: str = "L", pixels: np.ndarray | None = None, **options: object) -> bytes:
    """The bytes of an image file as Pillow writes it."""
    file = io.BytesIO()
    Image.fromarray(grating() if pixels is None else pixels).convert(mode).save(file, kind, **options)
    return file.getvalue()
