"""Binarisation and skeleton: ridges as areas, then as lines one pixel wide."""

from __future__ import annotations

import cv2
import numpy as np
from skimage.morphology import skeletonize

from ridgefeat.stages.parameter import parameter, parameters
from ridgefeat.structure import Bool, Float


@parameters
class SkeletonParams:
    """Parameters of binarise and skeletonise."""

    level: float = parameter(0.0, "", -0.9, 0.9, "enhanced values below this are ridge; raised: broader ridges")


def binarise(enhanced: Float, mask: Bool, params: SkeletonParams | None = None) -> Bool:
    """Return where the ridges are.

    Parameters
    ----------
    enhanced : ndarray of float32, shape (rows, columns)
        Ridges negative.
    mask : ndarray of bool, shape (rows, columns)
    params : SkeletonParams, optional

    Returns
    -------
    ndarray of bool, shape (rows, columns)

    Examples
    --------
    >>> binarise(np.array([[-0.5, 0.5, -0.5]], np.float32), np.array([[True, True, False]]))
    array([[ True, False, False]])
    """
    p = params or SkeletonParams()
    return np.asarray((enhanced < p.level) & mask)


def skeletonise(binary: Bool, params: SkeletonParams | None = None) -> Bool:
    """Thin ridges to lines one pixel wide (Zhang and Suen, "A fast parallel algorithm for thinning", CACM 1984).

    Parameters
    ----------
    binary : ndarray of bool, shape (rows, columns)
    params : SkeletonParams, optional

    Returns
    -------
    ndarray of bool, shape (rows, columns)

    Examples
    --------
    >>> bar = np.zeros((7, 20), bool)
    >>> bar[2:5, 2:18] = True
    >>> skeletonise(bar)[3, 3:16].all(), skeletonise(bar)[[1, 2, 4, 5], 3:16].any()
    (np.True_, np.False_)
    """
    out = np.zeros(binary.shape, bool)
    x, y, width, height = cv2.boundingRect(binary.view(np.uint8))
    if width and height:
        box = slice(y, y + height), slice(x, x + width)
        out[box] = skeletonize(np.ascontiguousarray(binary[box]))
    return out
