"""Orientation: the direction of the ridges at every pixel, modulo 180 degrees, and its coherence."""

from __future__ import annotations

import cv2
import numpy as np

from ridgefeat.stages.grid import CELL, FINE, at_cells, to_pixels
from ridgefeat.stages.parameter import parameter, parameters
from ridgefeat.structure import Bool, Float, GaborResponses, OrientationField

ROUNDS = 3
"""How often waves are weighed by their neighbours' orientation; it changes little after the third time."""
STRENGTH = 0.2
"""Power of a cell's whole energy by which it counts: dark, wet skin must not outvote the ridges around it."""


@parameters
class OrientationParams:
    """Parameters of estimate_orientation."""

    emphasis: float = parameter(1.5, "", 1, 8, "power of the Gabor energies; raised: the strongest wave decides alone")
    smoothing: float = parameter(
        6.0, "px", 1, 64, "deviation of the Gaussian that smooths the field; raised: rounds sharp bends"
    )
    neighbourhood: float = parameter(
        20.0, "px", 1, 128, "deviation of the Gaussian that averages the neighbours' orientation"
    )
    trust: float = parameter(
        3.0, "", 0, 16, "how much waves across the neighbours' orientation lose weight; 0: not at all"
    )
    window: float = parameter(8.0, "px", 2, 64, "deviation of the Gaussian over which coherence is measured")


def estimate_orientation(
    normalised: Float, gabor: GaborResponses, mask: Bool, params: OrientationParams | None = None
) -> OrientationField:
    """Estimate the ridge orientation and its coherence at every pixel.

    Parameters
    ----------
    normalised : ndarray of float32, shape (rows, columns)
    gabor : GaborResponses
        Of the same image.
    mask : ndarray of bool, shape (rows, columns)
    params : OrientationParams, optional

    Returns
    -------
    OrientationField
        Outside the mask the field is continued smoothly and its coherence is 0.

    Notes
    -----
    The angle is the energy-weighted mean of the bank's orientations as doubled angles (Kass and Witkin, "Analyzing
    oriented patterns", CVGIP 1987), a vector that can be averaged and interpolated. Wavelengths count by their share
    of the print's energy, since the blotches of dry and wet skin have others. The mean is taken several times: waves
    lose weight with their angle to their neighbourhood's mean orientation of the time before. The coherence is that
    of the structure tensor (Bazen and Gerez, "Systematic methods for the computation of the directional fields and
    singular points of fingerprints", IEEE PAMI 2002).

    Examples
    --------
    >>> from ridgefeat import Fingerprint
    >>> from ridgefeat.synth.simple import grating
    >>> field = Fingerprint(grating((161, 161), 9.0, np.deg2rad(30)).image).orientation
    >>> np.rad2deg(field.angle[80, 80]).round(0), field.coherence[80, 80] > 0.99
    (np.float32(30.0), np.True_)
    """
    p = params or OrientationParams()
    energy = (gabor.magnitude**2) ** np.float32(p.emphasis)
    inside = at_cells(mask) + np.float32(1e-6)
    share = np.tensordot(energy.sum(1), inside, 2)
    votes = np.tensordot(share / (share.max() + np.float32(1e-30)), energy, 1)
    votes *= (votes.sum(0) + np.float32(1e-12)) ** np.float32(STRENGTH - 1)
    doubled = 2 * gabor.orientations
    parts = np.stack([np.cos(doubled), np.sin(doubled)], -1).astype(np.float32)
    agreeing = votes
    for _ in range(ROUNDS):
        agreeing = votes * _agreement(np.tensordot(agreeing, parts, (0, 0)), parts, p)
    full = to_pixels(_blurred(np.tensordot(agreeing, parts, (0, 0)), p.smoothing), mask.shape)
    angle = cv2.phase(full[..., 0], full[..., 1]) / 2
    below_half_turn = np.nextafter(np.float32(np.pi), np.float32(0))
    return OrientationField(np.minimum(angle, below_half_turn), coherence(normalised, mask, p.window))


def _agreement(vector: Float, parts: Float, p: OrientationParams) -> Float:
    """Return the weight of each orientation: 1 along the neighbours' mean orientation, lowest across it."""
    common = _blurred(vector, p.neighbourhood)
    length = np.hypot(common[..., 0], common[..., 1]) + np.float32(1e-9)
    whole = _blurred(np.hypot(vector[..., 0], vector[..., 1]), p.neighbourhood) + np.float32(1e-9)
    along = np.tensordot(parts, common / length[..., None], (1, 2))
    return np.asarray(np.maximum((1 + along) / 2, np.float32(1e-3)) ** (p.trust * (length / whole) ** 2))


def _blurred(values: Float, deviation: float) -> Float:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), deviation / CELL, borderType=cv2.BORDER_REPLICATE))


def coherence(normalised: Float, mask: Bool, window: float) -> Float:
    """Return the structure tensor's coherence, (l1 - l2) / (l1 + l2) of its eigenvalues, 0 outside the mask."""
    gx = cv2.Scharr(normalised, cv2.CV_32F, 1, 0)
    gy = cv2.Scharr(normalised, cv2.CV_32F, 0, 1)
    rows, columns = mask.shape
    # A mean over hundreds of gradients loses nothing by every second row and column.
    tensor = structure_tensor(gx[::2, ::2], gy[::2, ::2], window)
    value = np.hypot(tensor[..., 0], tensor[..., 1]) / (tensor[..., 2] + np.float32(1e-6))
    full = cv2.resize(value, (columns, rows), interpolation=cv2.INTER_LINEAR)
    return np.asarray(full * mask)


def structure_tensor(gx: Float, gy: Float, window: float) -> Float:
    """Return xx - yy, 2 xy and xx + yy of the products of gradients (y down), smoothed over `window` (px at 500 dpi).

    The gradients, at every second pixel, give float32 of shape (grid rows, grid columns, 3) on fine cells.
    """
    small = -(-gx.shape[1] * 2 // FINE), -(-gx.shape[0] * 2 // FINE)
    xx, xy, yy = (cv2.resize(a * b, small, interpolation=cv2.INTER_AREA) for a, b in ((gx, gx), (gx, gy), (gy, gy)))
    tensor = np.stack([xx - yy, 2 * xy, xx + yy], -1)
    return np.asarray(cv2.GaussianBlur(tensor, (0, 0), window / FINE, borderType=cv2.BORDER_REPLICATE))
