"""Normalisation: grey values -> local mean 0, local deviation 1, so that pressure and lighting drop out."""

from __future__ import annotations

import cv2
import numpy as np

from ridgefeat.stages.parameter import parameter, parameters
from ridgefeat.structure import Float, UInt8


@parameters
class NormalisationParams:
    """Parameters of normalise."""

    window: int = parameter(
        default=33,
        unit="px",
        low=9,
        high=129,
        meaning="side of the square over which mean and deviation are taken",
    )
    least_deviation: float = parameter(
        default=4.0,
        unit="grey values",
        low=0.1,
        high=64,
        meaning="deviation below which contrast is not raised",
    )


def normalise(image: UInt8, params: NormalisationParams | None = None) -> Float:
    """Return (image - local mean) / local deviation, clipped to [-3, 3].

    Parameters
    ----------
    image : ndarray of uint8, shape (rows, columns)
        Ridges dark, 500 dpi.
    params : NormalisationParams, optional

    Returns
    -------
    ndarray of float32, shape (rows, columns)

    Notes
    -----
    After Hong, Wan and Jain, "Fingerprint image enhancement" (IEEE PAMI 1998), but with local instead of global mean
    and variance.
    """
    p = params or NormalisationParams()
    grey = image.astype(np.float32)
    side = p.window | 1
    mean = cv2.blur(grey, (side, side), borderType=cv2.BORDER_REFLECT)
    deviation = cv2.blur(cv2.multiply(grey, grey), (side, side), borderType=cv2.BORDER_REFLECT)
    deviation -= mean * mean
    # Rounding leaves a variance of a flat patch a little below zero.
    np.sqrt(np.maximum(deviation, np.float32(p.least_deviation**2), out=deviation), out=deviation)
    grey -= mean
    grey /= deviation
    return np.clip(grey, -3, 3, out=grey)
