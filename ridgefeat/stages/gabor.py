"""Gabor responses: how strongly each neighbourhood answers to ridges of a given orientation and wavelength.

One bank, read several ways: segmentation takes its energy, orientation its angle, period its wavelength, and the gabor
family its statistics.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import cv2
import numpy as np
import scipy.fft
import scipy.sparse

from ridgefeat.stages.grid import CELL
from ridgefeat.stages.parameter import parameter, parameters
from ridgefeat.structure import Float, GaborResponses

REACH = 3.0
"""Deviations at which a filter's Gaussian is cut off."""
PADDING = 16
"""Pixels, at least one filter length, so that opposite borders do not meet on the torus."""


@parameters
class GaborParams:
    """Parameters of gabor_responses."""

    orientations: int = parameter(12, "", 8, 32, "number of ridge orientations, evenly over 180 degrees")
    wavelengths: int = parameter(5, "", 3, 8, "number of wavelengths, evenly on a logarithmic scale")
    shortest: float = parameter(5.0, "px", 4.0, 8.0, "shortest centre wavelength")
    longest: float = parameter(15.0, "px", 9.0, 30.0, "longest centre wavelength")
    angular_deviation: float = parameter(12.0, "degrees", 5, 40, "deviation of each filter's Gaussian over angle")
    radial_deviation: float = parameter(0.22, "", 0.1, 0.8, "deviation of each filter's Gaussian over log frequency")


def gabor_responses(normalised: Float, params: GaborParams | None = None) -> GaborResponses:
    """Filter with a bank of one-sided log-Gabor filters and return their envelopes in the middle of each 8 x 8 px.

    Parameters
    ----------
    normalised : ndarray of float32, shape (rows, columns)
        Local mean 0, local deviation 1.
    params : GaborParams, optional

    Returns
    -------
    GaborResponses
        Cell (i, j) covers pixel rows 8 i to 8 i + 7 and columns 8 j to 8 j + 7.

    Notes
    -----
    Polar separable, Gaussian over angle and log frequency (Field, "Relations between the statistics of natural images
    and the response properties of cortical cells", J. Opt. Soc. Am. A 1987). A filter's pass band is far narrower
    than the spectrum, so only its bins are multiplied, and folding them before the inverse transform yields the
    response at every eighth pixel exactly, at 1/64 of the cost.

    Examples
    --------
    >>> from ridgefeat.synth.simple import grating
    >>> wave = (grating((96, 96), 9.0, np.pi / 2).image / 127.5 - 1).astype(np.float32)  # amplitude 1, upright ridges
    >>> found = gabor_responses(wave)
    >>> found.magnitude.shape
    (5, 12, 12, 12)
    >>> middle = found.magnitude[:, :, 6, 6]
    >>> strongest = np.unravel_index(middle.argmax(), middle.shape)
    >>> found.wavelengths[strongest[0]].round(1), np.rad2deg(found.orientations[strongest[1]]).round(1)
    (np.float32(8.7), np.float32(90.0))
    """
    p = params or GaborParams()
    rows, columns = normalised.shape
    m = _grid_size(rows), _grid_size(columns)
    below, right = CELL * m[0] - rows, CELL * m[1] - columns
    padded = cv2.copyMakeBorder(normalised, 0, below, 0, right, cv2.BORDER_CONSTANT, value=0)
    half = scipy.fft.rfft2(padded).ravel()
    windows = (_bank(m, p) @ np.concatenate([half, half.conj()])).reshape(-1, *m)
    response = np.abs(scipy.fft.ifft2(windows, overwrite_x=True))
    used = -(-rows // CELL), -(-columns // CELL)
    wavelengths, orientations = centres(p)
    magnitude = response.reshape(p.wavelengths, p.orientations, *m)[:, :, : used[0], : used[1]]
    return GaborResponses(np.ascontiguousarray(magnitude), wavelengths, orientations)


def _grid_size(pixels: int) -> int:
    # Few different sizes, so that a bank serves many images.
    needed = -(-(pixels + PADDING) // CELL)
    return int(scipy.fft.next_fast_len(-(-needed // 2))) * 2


@lru_cache(maxsize=4)
def centres(p: GaborParams) -> tuple[Float, Float]:
    """Return the bank's centre wavelengths (px) and ridge orientations (radians).

    Examples
    --------
    >>> centres(GaborParams())[0].round(1)
    array([ 5. ,  6.6,  8.7, 11.4, 15. ], dtype=float32)
    """
    wavelengths = np.geomspace(p.shortest, p.longest, p.wavelengths).astype(np.float32)
    orientations = (np.arange(p.orientations) * np.pi / p.orientations).astype(np.float32)
    return wavelengths, orientations


@lru_cache(maxsize=32)
def _bank(m: tuple[int, int], p: GaborParams) -> scipy.sparse.csr_array:
    """Return the matrix from half an image's spectrum and its conjugate to the folded windows of all filters."""
    wavelengths, orientations = centres(p)
    rows, columns = CELL * m[0], CELL * m[1]
    ky, kx = (np.fft.fftfreq(rows, 1 / rows).astype(int)[:, None], np.fft.fftfreq(columns, 1 / columns).astype(int))
    radius = np.hypot(kx / columns, ky / rows)
    lowest, highest = (np.exp(sign * REACH * p.radial_deviation) for sign in (-1, 1))
    row, column = np.nonzero((radius > lowest / p.longest) & (radius < highest / p.shortest))
    ky, kx = ky[row, 0], kx[column]
    log_radius, angle = np.log(radius[row, column]), np.arctan2(-ky / rows, kx / columns)
    # A real image's wave to the left is the conjugate of its wave to the right, behind the first half.
    width = columns // 2 + 1
    source = np.where(kx < 0, rows * width + (-ky % rows) * width - kx, ky % rows * width + kx).astype(np.int32)
    folded = ((ky % m[0]) * m[1] + kx % m[1]).astype(np.int32)
    to_centre = np.exp(1j * np.pi * (CELL - 1) * (ky / rows + kx / columns))
    data, to, of = [], [], []
    for n, (wavelength, orientation) in enumerate(product(wavelengths, orientations)):
        # The wave vector is at a right angle to the ridge.
        off = (angle - orientation - np.pi / 2 + np.pi) % (2 * np.pi) - np.pi
        radial = (log_radius + np.log(wavelength)) / p.radial_deviation
        exponent = radial**2 + (off / np.deg2rad(p.angular_deviation)) ** 2
        passed = np.flatnonzero(exponent < REACH**2)
        # Twice, because one of a real wave's two lobes is kept: the envelope is then the wave's amplitude.
        data.append((2 / CELL**2 * np.exp(-0.5 * exponent[passed]) * to_centre[passed]).astype(np.complex64))
        to.append(np.int32(n * m[0] * m[1]) + folded[passed])
        of.append(source[passed])
    shape = len(data) * m[0] * m[1], 2 * rows * width
    return scipy.sparse.csr_array((np.concatenate(data), (np.concatenate(to), np.concatenate(of))), shape=shape)
