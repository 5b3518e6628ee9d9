"""Enhancement: each pixel filtered along its own ridge, so that gaps close, bridges break and noise goes."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import scipy.fft
from scipy.special import iv

from ridgefeat.stages.parameter import parameter, parameters
from ridgefeat.structure import Bool, Float, OrientationField

HARMONICS = 6
MARGIN = 16


@parameters
class EnhancementParams:
    """Parameters of enhance."""

    angular_deviation: float = parameter(
        default=14.0, unit="degrees", low=8, high=45, meaning="deviation of the filter over angle"
    )
    radial_deviation: float = parameter(
        default=0.35, unit="", low=0.1, high=1.0, meaning="deviation of the filter over log frequency"
    )


def enhance(
    normalised: Float,
    orientation: OrientationField,
    period: Float,
    mask: Bool,
    params: EnhancementParams | None = None,
) -> Float:
    """Filter every pixel with a Gabor-like filter along its own orientation.

    Parameters
    ----------
    normalised : ndarray of float32, shape (rows, columns)
    orientation : OrientationField
    period : ndarray of float32, shape (rows, columns)
        Pixels; its median over the mask tunes the filter, whose pass band is wide enough for the rest.
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
    transforms give the exact response at every angle.
    """
    p = params or EnhancementParams()
    out = np.zeros(mask.shape, np.float32)
    if not mask.any():
        return out
    x0, y0, width, height = cv2.boundingRect(mask.view(np.uint8))
    box = (slice(max(0, y0 - MARGIN), y0 + height + MARGIN), slice(max(0, x0 - MARGIN), x0 + width + MARGIN))
    inside = mask[box]
    typical = float(np.median(period[box][inside]))
    filtered = _steered(normalised[box], orientation.angle[box], typical, p)
    # Where ridges are clear and where they are faint, waves of the same height: what is left is phase.
    side = round(1.5 * typical)
    height_of_waves = np.sqrt(2 * cv2.blur(filtered * filtered, (side, side), borderType=cv2.BORDER_REFLECT))
    filtered /= height_of_waves + np.float32(0.02)
    out[box] = np.clip(filtered, -1, 1) * inside
    return out


def _steered(image: Float, angle: Float, period: float, p: EnhancementParams) -> Float:
    rows, columns = image.shape
    shape = tuple(int(scipy.fft.next_fast_len(n + MARGIN, real=True)) for n in image.shape)
    padded = cv2.copyMakeBorder(image, 0, shape[0] - rows, 0, shape[1] - columns, cv2.BORDER_REFLECT_101)
    spectrum = cv2.dft(padded, flags=cv2.DFT_COMPLEX_OUTPUT).view(np.complex64)[..., 0]
    log_radius, doubled = _polar(shape)
    radial = np.exp(-0.5 * ((log_radius + np.float32(np.log(period))) / np.float32(p.radial_deviation)) ** 2)
    spectrum *= radial
    weights = _angular_series(p.angular_deviation)
    # The ridge's normal stands a right angle from it: the sign of every odd harmonic of the doubled angle changes.
    turn = np.empty((rows, columns), np.complex64)
    turn.real, turn.imag = -np.cos(2 * angle), np.sin(2 * angle)
    # Horner's scheme from the highest harmonic down: sum of weight_k * turn^k * (image filtered with harmonic k).
    powers = [spectrum]
    for _ in range(HARMONICS):
        powers.append(powers[-1] * doubled)
    total = np.zeros((rows, columns), np.complex64)
    for k in range(HARMONICS, -1, -1):
        basis = cv2.dft(powers[k].view(np.float32).reshape(*shape, 2), flags=cv2.DFT_INVERSE | cv2.DFT_SCALE)
        total *= turn
        total += basis.view(np.complex64)[:rows, :columns, 0] * np.float32(weights[k] * (1 if k == 0 else 2))
    return np.ascontiguousarray(total.real)


@lru_cache(maxsize=16)
def _polar(shape: tuple[int, int]) -> tuple[Float, np.ndarray]:
    """Return log frequency and exp(2 i angle) of every bin; the mean has log frequency -inf and is never passed."""
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None, :]
    with np.errstate(divide="ignore"):
        log_radius = np.log(np.hypot(fx, fy))
    log_radius[0, 0] = -50
    angle = np.arctan2(-fy, fx)
    return log_radius.astype(np.float32), np.exp(2j * angle).astype(np.complex64)


@lru_cache(maxsize=16)
def _angular_series(deviation: float) -> np.ndarray:
    """Return the Fourier coefficients of exp(kappa (cos 2 a - 1)), whose deviation at the peak is the given one."""
    kappa = 1 / (2 * np.deg2rad(deviation)) ** 2
    return np.asarray(iv(np.arange(HARMONICS + 1), kappa) * np.exp(-kappa))
