"""Ridges grown from noise by iterated local filtering along a given orientation and period."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

_Array = NDArray[Any]

_ORIENTATIONS = 24
_MARGIN = 24
"""Pixels that keep opposite borders apart in the periodic transform."""
_STEP = 1.1
"""Ratio of neighbouring filter periods."""


def grow(
    angle: _Array, period: _Array, rng: np.random.Generator, *, iterations: int = 8, cycles: float = 0.8
) -> NDArray[np.float32]:
    """Grow ridges.

    Parameters
    ----------
    angle : ndarray, shape (rows, columns)
        Orientation along the ridge, radians.
    period : ndarray, shape (rows, columns)
        Distance between ridges in pixels, > 2.5.
    rng : numpy.random.Generator
        Where chance comes from.
    iterations : int, >= 1
        Passes; more passes leave fewer minutiae.
    cycles : float
        Deviation of the filters' Gaussian envelope in periods.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        Near +1 on ridges, near -1 in valleys.

    Notes
    -----
    After R. Cappelli, A. Erol, D. Maio and D. Maltoni, Synthetic fingerprint-image generation, ICPR 2000: Gabor
    filters tuned to the local orientation and period are applied again and again to a noisy start. Differs in that
    all pixels grow at once, from noise, and that the filters are quantised and applied in the frequency domain;
    each pixel takes one of its neighbouring filters at random, the nearer the likelier.
    """
    shape = angle.shape
    padded = _padded(shape)
    groups = _group(_choose_filters(angle, period, rng))
    state = rng.standard_normal(shape, dtype=np.float32)
    for _ in range(iterations):
        spectrum = scipy.fft.rfft2(state, s=padded)
        grown = np.empty(angle.size, np.float32)
        for key, members in groups:
            response = scipy.fft.irfft2(spectrum * _filter(padded, key, cycles), s=padded)
            grown[members] = response[: shape[0], : shape[1]].ravel()[members]
        grown *= np.float32(2.0 / np.sqrt(np.mean(grown**2)))
        state = np.tanh(grown).reshape(shape)
    return np.asarray(state, np.float32)


def _padded(shape: tuple[int, ...]) -> tuple[int, int]:
    rows, columns = (2 * scipy.fft.next_fast_len((n + _MARGIN + 1) // 2, real=True) for n in shape)
    return rows, columns


def _choose_filters(angle: _Array, period: _Array, rng: np.random.Generator) -> _Array:
    dither = rng.random((2, *angle.shape), dtype=np.float32)
    turn = np.floor(np.mod(angle, np.pi) * (_ORIENTATIONS / np.pi) + dither[0]).astype(np.int64)
    scale = np.floor(np.log(period) / np.log(_STEP) + dither[1]).astype(np.int64)
    return np.asarray(scale * _ORIENTATIONS + turn % _ORIENTATIONS)


def _group(which: _Array) -> list[tuple[int, _Array]]:
    """Flat indices of the pixels of each filter."""
    order = np.argsort(which, axis=None, kind="stable")
    keys, first = np.unique(which.ravel()[order], return_index=True)
    return list(zip(keys.tolist(), np.split(order, first[1:]), strict=True))


@lru_cache(maxsize=1024)
def _filter(padded: tuple[int, int], key: int, cycles: float) -> NDArray[np.float32]:
    """Frequency response of one even Gabor filter on the half plane of a real transform."""
    scale, turn = divmod(key, _ORIENTATIONS)
    period, angle = _STEP**scale, turn * np.pi / _ORIENTATIONS
    fy, fx = np.fft.fftfreq(padded[0])[:, None], np.fft.rfftfreq(padded[1])[None, :]
    spread = 2 * (np.pi * cycles * period) ** 2
    x, y = np.sin(angle) / period, np.cos(angle) / period
    lobes = [np.exp(-spread * ((fx - s * x) ** 2 + (fy - s * y) ** 2)) for s in (1, -1)]
    return np.asarray(lobes[0] + lobes[1], np.float32)


def refine(state: _Array, period: float, zoom: int) -> tuple[_Array, _Array, _Array]:
    """Enlarge a grown pattern and split off its quadrature.

    Parameters
    ----------
    state : ndarray, shape (rows, columns)
        What `grow` returns.
    period : float
        Mean period in its pixels.
    zoom : int
        Enlargement.

    Returns
    -------
    wave, wave_x, wave_y : ndarray of float32, shape (zoom * rows, zoom * columns)
        The smooth pattern and the two components of its Riesz transform: along a normal (u, v) of the ridges,
        u * wave_x + v * wave_y is the pattern in quadrature.

    Notes
    -----
    M. Felsberg and G. Sommer, The monogenic signal, IEEE Transactions on Signal Processing 49 (2001).
    """
    shape = state.shape
    padded = _padded(shape)
    fy, fx = np.fft.fftfreq(padded[0])[:, None], np.fft.rfftfreq(padded[1])[None, :]
    radius = np.hypot(fx, fy)
    band = np.exp(-0.5 * (radius * period / 1.1) ** 4) * (1 - np.exp(-0.5 * (radius * period / 0.4) ** 4))
    framed = np.pad(state, [(0, n - m) for n, m in zip(padded, shape, strict=True)], mode="symmetric")
    spectrum = scipy.fft.rfft2(framed) * band.astype(np.float32)
    radius[0, 0] = 1
    waves = [_enlarged(spectrum * part, padded, zoom) for part in (1, -1j * fx / radius, -1j * fy / radius)]
    rows, columns = zoom * shape[0], zoom * shape[1]
    wave, wave_x, wave_y = (w[:rows, :columns] for w in waves)
    return wave, wave_x, wave_y


def _enlarged(spectrum: _Array, padded: tuple[int, int], zoom: int) -> NDArray[np.float32]:
    """Invert a real transform on a finer grid whose pixels' centres divide the old pixels evenly."""
    fy, fx = np.fft.fftfreq(padded[0])[:, None], np.fft.rfftfreq(padded[1])[None, :]
    lag = (zoom - 1) / (2 * zoom)
    spectrum = spectrum * np.exp(-2j * np.pi * lag * (fx + fy))
    half = padded[0] // 2
    fine = np.zeros((zoom * padded[0], zoom * padded[1] // 2 + 1), np.complex64)
    fine[:half, : spectrum.shape[1]] = spectrum[:half]
    fine[-half:, : spectrum.shape[1]] = spectrum[-half:]
    image = scipy.fft.irfft2(fine, s=(zoom * padded[0], zoom * padded[1]))
    return np.asarray(image * zoom**2, np.float32)
