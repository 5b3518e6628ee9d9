"""Wavelets: energies of subbands, and singular values of a print of fixed size."""

from __future__ import annotations

import cv2
import numpy as np
import pywt

from ridgefeat.structure import Float, UInt8

DETAILS = ("horizontal", "vertical", "diagonal")
WAVELET = "db4"
LEVELS = 4
SVD_SIDE = 96
"""Side of the square to which the print's box is scaled for DWT-SVD."""
SVD_LEVELS = 6
SVD_VALUES = 24
"""Singular values that are kept, largest first."""


def subbands(image: Float, wavelet: str, levels: int) -> tuple[Float, list[Float]]:
    """Return the approximation and all details of a wavelet decomposition, finest level first.

    Details come as horizontal, vertical, diagonal of each level: variation down, across and along both.

    Examples
    --------
    >>> approximation, details = subbands(np.array([[4, 2], [4, 2]], np.float32), "haar", 1)
    >>> approximation[0, 0].round(3), [round(float(d[0, 0]), 3) for d in details]
    (np.float32(6.0), [0.0, 2.0, 0.0])
    """
    approximation, *details = pywt.wavedec2(image, wavelet, mode="periodization", level=levels)
    return approximation, [band for level in reversed(details) for band in level]


def energies(image: Float) -> np.ndarray | None:
    """Return the 12 subbands' shares of the detail energy, then their 12 sparsities.

    Sparsity is root mean square over mean magnitude, 1 for even coefficients. None without energy, or if a side is too
    short for the coarsest level (112 px, 5.7 mm).
    """
    if pywt.dwt_max_level(min(image.shape), WAVELET) < LEVELS:
        return None
    details = subbands(image, WAVELET, LEVELS)[1]
    energy = np.array([np.vdot(d, d) for d in details], float)
    if energy.sum() <= 0:
        return None
    size = np.array([d.size for d in details])
    mean = np.array([np.abs(d).sum() for d in details], float) / size
    sparsity = np.divide(np.sqrt(energy / size), mean, out=np.full(len(mean), np.nan), where=mean > 0)
    return np.concatenate([energy / energy.sum(), sparsity])


def dwt_svd(image: UInt8) -> np.ndarray | None:
    """Return the energy shares of a 6-level decomposition and the leading singular values of a scaled print.

    The image is scaled to 96 x 96 first, so that prints of all sizes compare, and its mean is taken out. 19 shares of
    all energy (approximation, details), then 24 singular values over their root sum of squares; None for a flat image.
    """
    shrinks = min(image.shape) > SVD_SIDE
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    square = cv2.resize(image, (SVD_SIDE, SVD_SIDE), interpolation=how).astype(np.float32)
    square -= square.mean()
    total = float(np.vdot(square, square))
    if total <= 0:
        return None
    approximation, details = subbands(square, "haar", SVD_LEVELS)
    energy = np.array([np.vdot(band, band) for band in (approximation, *details)], float)
    values = np.linalg.svd(square, compute_uv=False)[:SVD_VALUES]
    return np.concatenate([energy / energy.sum(), values / np.sqrt(total)])
