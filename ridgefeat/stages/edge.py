"""How far points lie from the edge of a print."""

from __future__ import annotations

import cv2
import numpy as np
from scipy import ndimage

from ridgefeat.stages.grid import FINE
from ridgefeat.structure import Bool, Float


def edge_distance(mask: Bool, x: np.ndarray, y: np.ndarray) -> Float:
    """Return each point's distance in pixels to the nearest place outside the mask or the image, float32, shape (n,).

    Accurate to about 2 px, because it is measured on every fourth pixel; exact at the image's border; 0 outside.

    Examples
    --------
    >>> mask = np.ones((100, 200), bool)
    >>> edge_distance(mask, np.array([4, 100]), np.array([50, 50])).round(0)
    array([ 5., 50.], dtype=float32)
    """
    coarse = np.pad(mask[::FINE, ::FINE], 1).view(np.uint8)
    distance = cv2.distanceTransform(coarse, cv2.DIST_L2, 5) * np.float32(FINE)
    at = x.astype(np.float32) / FINE + 1, y.astype(np.float32) / FINE + 1
    if not at[0].size:
        return np.zeros(0, np.float32)
    sampled = ndimage.map_coordinates(distance, at[::-1], order=1, mode="constant")
    to_border = np.minimum.reduce([x + 1, y + 1, mask.shape[1] - x, mask.shape[0] - y])
    return np.asarray(np.minimum(sampled, to_border), np.float32)
