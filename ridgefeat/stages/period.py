"""Period: the distance between neighbouring ridges."""

from __future__ import annotations

import cv2
import numpy as np

from ridgefeat.stages.grid import CELL, at_cells, to_pixels
from ridgefeat.stages.parameter import parameter, parameters
from ridgefeat.structure import Bool, Float, GaborResponses, OrientationField


@parameters
class PeriodParams:
    """Parameters of estimate_period."""

    smoothing: float = parameter(
        8.0, "px", 0, 64, "deviation of the Gaussian over which energies are averaged; raised: a smoother map"
    )
    shortest: float = parameter(4.5, "px", 3, 10, "shorter periods are set to this")
    longest: float = parameter(18.0, "px", 10, 40, "longer periods are set to this")


def estimate_period(
    gabor: GaborResponses, orientation: OrientationField, mask: Bool, params: PeriodParams | None = None
) -> Float:
    """Estimate the ridge period at every pixel.

    Parameters
    ----------
    gabor : GaborResponses
    orientation : OrientationField
    mask : ndarray of bool, shape (rows, columns)
    params : PeriodParams, optional

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        Pixels at 500 dpi, across the ridges; NaN outside the mask.

    Notes
    -----
    Energies along the ridge's normal, less those across it (noise has as much of both), are averaged locally.
    The filters being Gaussian over log frequency, the logarithm of a wave's energy is a parabola over log wavelength;
    three neighbouring filters determine its vertex exactly.

    Examples
    --------
    >>> from ridgefeat import Fingerprint
    >>> from ridgefeat.synth.simple import grating
    >>> period = Fingerprint(grating((161, 161), 10.0, 0.4).image).period
    >>> period.shape, period[80, 80].round(1)
    ((161, 161), np.float32(10.0))
    """
    p = params or PeriodParams()
    if not mask.any():
        return np.full(mask.shape, np.nan, np.float32)
    energy = gabor.magnitude**2
    off = 2 * gabor.orientations[:, None, None] - 2 * at_cells(orientation.angle)
    along = np.square(np.square(np.maximum(np.cos(off), 0)))
    gathered = (energy * (along - along.mean(0))).sum(1)
    gathered *= at_cells(mask)
    gathered = np.stack([cv2.GaussianBlur(g, (0, 0), p.smoothing / CELL) for g in gathered])
    period = _vertex(gathered, np.log(gabor.wavelengths))
    period = np.clip(period, np.log(p.shortest), np.log(p.longest))
    full = to_pixels(np.exp(period), mask.shape)
    full[~mask] = np.nan
    return np.asarray(full)


def _vertex(energy: Float, position: Float) -> Float:
    """Return the vertex of the parabola through each place's largest log energy and its two neighbours."""
    n = len(energy)
    log = np.log(np.maximum(energy, np.maximum(energy.max(0) * np.float32(1e-4), np.float32(1e-12))))
    peak = np.clip(energy.argmax(0), 1, n - 2)[None]
    a, b, c = (np.take_along_axis(log, peak + k, 0)[0] for k in (-1, 0, 1))
    curvature = np.minimum(a - 2 * b + c, np.float32(-1e-3))
    shift = np.clip((a - c) / (2 * curvature), -1.5, 1.5)
    return np.asarray(position[peak[0]] + shift * (position[1] - position[0]), np.float32)
