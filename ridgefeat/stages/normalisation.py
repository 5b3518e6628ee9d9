"""Normalisation: grey values -> local mean 0, local deviation 1, so that pressure and lighting drop out."""

from __future__ import annotations

import cv2
import numpy as np

from ridgefeat.stages.grid import FINE
from ridgefeat.stages.parameter import parameter, parameters
from ridgefeat.structure import Float, UInt8

LIMIT = 3.0
"""Local deviations at which values are clipped."""


@parameters
class NormalisationParams:
    """Parameters of normalise."""

    window: int = parameter(
        33, "px", 9, 129, "side of the square over which mean and deviation are taken; raised: less local"
    )
    min_deviation: float = parameter(
        4.0, "grey levels", 0.1, 64, "deviation below which contrast is not raised; raised: faint areas stay faint"
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

    Examples
    --------
    A clean wave gets nearly deviation 1, whatever its contrast and brightness.

    >>> from ridgefeat.synth.simple import grating
    >>> for contrast in (1.0, 0.3):
    ...     print(normalise(grating((99, 99), 9.0, contrast=contrast).image)[27:72].std().round(1))
    1.0
    1.0
    """
    p = params or NormalisationParams()
    rows, columns = image.shape
    grey = cv2.copyMakeBorder(image, 0, -rows % FINE, 0, -columns % FINE, cv2.BORDER_REPLICATE).astype(np.float32)
    side = max(1, round(p.window / FINE)) | 1

    def local(values: Float) -> Float:
        small = values.shape[1] // FINE, values.shape[0] // FINE
        cells = cv2.resize(values, small, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.blur(cells, (side, side), borderType=cv2.BORDER_REFLECT_101))

    mean = local(grey)
    variance = local(grey * grey) - mean * mean
    gain = 1 / np.sqrt(np.maximum(variance, np.float32(p.min_deviation**2)))
    size = grey.shape[::-1]
    grey -= cv2.resize(mean, size, interpolation=cv2.INTER_LINEAR)
    grey *= cv2.resize(gain, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(grey[:rows, :columns], -LIMIT, LIMIT))
