"""Enhancement: each pixel filtered along its own ridge, so that gaps close, bridges break and noise goes."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import scipy.fft
from scipy.special import iv

from ridgefeat.stages.parameter import parameter, parameters
from ridgefeat.stages.percentiles import percentiles
from ridgefeat.structure import Bool, Float, OrientationField

HARMONICS = 6
"""Terms of the angular profile's Fourier series; those beyond are below 1 % at the default deviation."""
MARGIN = 16
"""Pixels around the print that are filtered too, about the length of a filter."""
USUAL_PERIOD = 9.0
"""Pixels; tunes the filter where the mask is too small to have a median period."""
LEVELLING_PERIODS = 1.5
"""Side, in periods, of the square over which the height of the filtered waves is levelled."""
HEIGHT_FLOOR = np.float32(0.02)
"""Added to the waves' height, so that areas without waves are not raised to full height."""


@parameters
class EnhancementParams:
    """Parameters of enhance."""

    angular_deviation: float = parameter(
        20.0, "degrees", 8, 45, "deviation of the filter over angle; raised: follows sharp bends, smooths less"
    )
    radial_deviation: float = parameter(
        0.42, "", 0.1, 1.0, "deviation of the filter over log frequency; raised: tolerates uneven periods, smooths less"
    )


def enhance(
    normalised: Float, orientation: OrientationField, period: Float, mask: Bool, params: EnhancementParams | None = None
) -> Float:
    """Filter every pixel with a Gabor-like filter along its own orientation.

    Parameters
    ----------
    normalised : ndarray of float32, shape (rows, columns)
    orientation : OrientationField
    period : ndarray of float32, shape (rows, columns)
        Pixels; its median over the mask tunes the filter, which has a pass band wide enough for the rest.
    mask : ndarray of bool, shape (rows, columns)
    params : EnhancementParams, optional

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        In [-1, 1], ridges negative (dark); 0 outside the mask.

    Notes
    -----
    Contextual filtering after Hong, Wan and Jain (IEEE PAMI 1998). Instead of a bank of which the nearest filter is
    taken, one polar-separable filter is steered continuously (Freeman and Adelson, "The design and use of steerable
    filters", IEEE PAMI 1991): its angular profile, von Mises in the doubled angle, is a short Fourier series, so seven
    transforms give the exact response at every angle. They run at half the resolution, which holds all waves longer
    than 4 px, and the result is interpolated bicubically.

    Examples
    --------
    >>> from ridgefeat import Fingerprint
    >>> from ridgefeat.synth.simple import grating
    >>> fp = Fingerprint(grating((121, 121), 9.0).image)  # a ridge runs through the centre
    >>> fp.enhanced[60, 60] < -0.9, fp.enhanced[64, 60] > 0.9
    (np.True_, np.True_)
    """
    p = params or EnhancementParams()
    out = np.zeros(mask.shape, np.float32)
    x0, y0, width, height = cv2.boundingRect(mask.view(np.uint8))
    box = (slice(max(0, y0 - MARGIN), y0 + height + MARGIN), slice(max(0, x0 - MARGIN), x0 + width + MARGIN))
    inside = mask[box]
    periods = period[box][::4, ::4][inside[::4, ::4]]
    typical = float(percentiles(periods, 50)[0]) if periods.size else USUAL_PERIOD
    filtered = _steered(normalised[box], orientation.angle[box], typical, p)
    # Clear and faint ridges become waves of the same height, so that only their phase is left.
    side = round(LEVELLING_PERIODS * typical)
    height_of_waves = np.sqrt(2 * cv2.blur(filtered * filtered, (side, side), borderType=cv2.BORDER_REFLECT))
    filtered = filtered / (height_of_waves + HEIGHT_FLOOR)
    out[box] = np.clip(filtered, -1, 1) * inside
    return out


def _steered(image: Float, angle: Float, period: float, p: EnhancementParams) -> Float:
    rows, columns = image.shape
    shape = tuple(4 * int(scipy.fft.next_fast_len(-(-(n + MARGIN) // 4))) for n in image.shape)
    padded = cv2.copyMakeBorder(image, 0, shape[0] - rows, 0, shape[1] - columns, cv2.BORDER_REFLECT_101)
    spectrum = _halved(padded)
    log_radius, doubled, between = _polar(shape)
    off = (log_radius + np.float32(np.log(period))) / np.float32(p.radial_deviation)
    spectrum *= np.exp(np.float32(-0.5) * off * off) * between
    # The ridge's normal is at a right angle to it, so every odd harmonic of the doubled angle changes its sign.
    coarse = cv2.copyMakeBorder(
        angle[::2, ::2], 0, shape[0] // 2 - -(-rows // 2), 0, shape[1] // 2 - -(-columns // 2), cv2.BORDER_REPLICATE
    )
    turn = np.empty(coarse.shape, np.complex64)
    turn.real, turn.imag = -np.cos(2 * coarse), np.sin(2 * coarse)
    # Horner's scheme from the highest harmonic down: sum of weight_k * turn^k * (image filtered with harmonic k).
    weights = _angular_series(p.angular_deviation) * np.r_[1, np.full(HARMONICS, 2)] / spectrum.size
    harmonics = [spectrum]
    for _ in range(HARMONICS):
        harmonics.append(harmonics[-1] * doubled)
    total = np.zeros_like(spectrum)
    for k in range(HARMONICS, -1, -1):
        total *= turn
        pairs = (harmonics[k] * np.float32(weights[k])).view(np.float32).reshape(*total.shape, 2)
        total += cv2.dft(pairs, flags=cv2.DFT_INVERSE).view(np.complex64)[..., 0]  # not scaled
    return np.asarray(cv2.resize(total.real, shape[::-1], interpolation=cv2.INTER_CUBIC))[:rows, :columns]


def _halved(image: Float) -> np.ndarray:
    """Return the waves longer than 4 px: the whole spectrum of the image at half the resolution."""
    rows, columns = (n // 4 for n in image.shape)
    spectrum = scipy.fft.fft(scipy.fft.rfft(image, axis=1)[:, : columns + 1], axis=0)
    right = np.concatenate([spectrum[:rows], spectrum[-rows:]])
    # A wave to the left is the conjugate of the opposite one to the right.
    left = np.roll(right[::-1, columns:0:-1], 1, axis=0).conj()
    return np.concatenate([right[:, :columns], left], axis=1)


@lru_cache(maxsize=16)
def _polar(shape: tuple[int, ...]) -> tuple[Float, np.ndarray, np.ndarray]:
    """Return log frequency and exp(2 i angle) of every bin of the halved spectrum; the mean's is never passed."""
    fy, fx = np.fft.fftfreq(shape[0] // 2, 2)[:, None], np.fft.fftfreq(shape[1] // 2, 2)[None, :]
    wave = (fx - 1j * fy).astype(np.complex64)
    squared = wave.real**2 + wave.imag**2
    squared[0, 0] = 1
    log_radius = np.log(squared) / 2
    log_radius[0, 0] = -50
    between = np.exp(1j * np.pi * fy).astype(np.complex64) * np.exp(1j * np.pi * fx).astype(np.complex64)
    return log_radius, wave * wave / squared, between


@lru_cache(maxsize=16)
def _angular_series(deviation: float) -> np.ndarray:
    """Return the Fourier coefficients of exp(kappa (cos 2 a - 1)), kappa from the deviation at the peak."""
    kappa = 1 / (2 * np.deg2rad(deviation)) ** 2
    return np.asarray(iv(np.arange(HARMONICS + 1), kappa) * np.exp(-kappa))
