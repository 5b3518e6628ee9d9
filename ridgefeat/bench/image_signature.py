"""A print as a small vector that copies of the same picture share: which way its ridges run, where.

The whole image is brought to one square, so that resizing changes nothing; local contrast is evened out, so that
brightness changes nothing; and gradients are averaged as doubled angles in wide cells, so that compression, a shift by
a pixel or two and a turn by a few degrees change little.
"""

from __future__ import annotations

import cv2
import numpy as np

from ridgefeat.structure import Float, UInt8

SIDE = 192
"""Pixels of the square that images are brought to: three to nine a ridge in the usual sizes."""
EVENED = 8.0
"""Standard deviation, in pixels, of the neighbourhood in which contrast is evened out."""
CELLS = 12
"""Cells of a signature along each side."""


def to_square(pixels: UInt8) -> Float:
    """Return an image brought to SIDE x SIDE with local mean 0 and local deviation about 1, float32."""
    shrinks = max(pixels.shape) > SIDE
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    image = cv2.resize(pixels, (SIDE, SIDE), interpolation=how).astype(np.float32)
    detail = image - cv2.GaussianBlur(image, (0, 0), EVENED)
    deviation = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), EVENED))
    # The floor keeps noise on an empty background from being blown up to ridges.
    return np.asarray(detail / (deviation + 2.0 + 0.1 * float(detail.std())), np.float32)


def signature(square: Float) -> Float:
    """Return the signature of an image from to_square, float32 of length 1, shape (3 * CELLS * CELLS,).

    The gradient's structure tensor by cell (Bigun and Granlund 1987): its doubled angle's two components, and its
    energy less the image's mean.
    """
    smooth = cv2.GaussianBlur(square, (0, 0), 1.0)
    gx, gy = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    xx, yy = gx * gx, gy * gy
    maps = cv2.merge([xx - yy, 2 * gx * gy, xx + yy])
    cells = cv2.resize(cv2.GaussianBlur(maps, (0, 0), 6.0), (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    cells[..., 2] -= cells[..., 2].mean()
    vector = cells.ravel()
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length if length > 0 else vector, np.float32)
