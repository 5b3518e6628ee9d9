"""Spatial frequencies: spectra of square windows spread over the print."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import fft

from ridgefeat.features.zones import Box
from ridgefeat.structure import MM_PER_PX, Bool, Float

SIDE = 64
"""Side of a window in pixels at 500 dpi: 3.25 mm, six to eight ridges."""
ALONG = 6
"""Windows along each side of the print's box."""
EDGES = (0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8, 3.2, 3.6, 4.0, 4.8, 6.0, 8.0)
"""Limits of the rings in cycles/mm; ridges lie around 2.2."""
FULL = 0.5
"""Minimum share of print in a window for it to count."""


def window_spectra(normalised: Float, mask: Bool, box: Box) -> tuple[Float, Bool]:
    """Return the power spectra of those of 6 x 6 Hann-weighted windows that are full, and which these are.

    The windows are spread evenly over a box. Values count as 0 outside the mask, and a box that is smaller than a
    window is extended by zeros. A window is full if at least half of it is print. The spectra have shape
    (full windows, 64, 33).
    """
    inside = mask[box]
    grey = normalised[box] * inside
    lacking = [(0, max(0, SIDE - n)) for n in grey.shape]
    if any(after for _, after in lacking):
        grey, inside = np.pad(grey, lacking), np.pad(inside, lacking)
    top, left = (np.linspace(0, n - SIDE, ALONG).round().astype(int) for n in grey.shape)
    full = sliding_window_view(inside, (SIDE, SIDE))[top[:, None], left, ::4, ::4].mean((2, 3)) >= FULL
    row, column = np.nonzero(full)
    spectrum = fft.rfft2(sliding_window_view(grey, (SIDE, SIDE))[top[row], left[column]] * _hann())
    return (spectrum.real**2 + spectrum.imag**2), full.ravel()


@cache
def _hann() -> Float:
    w = np.hanning(SIDE + 1)[:-1].astype(np.float32)
    return np.outer(w, w)


@cache
def _rings() -> tuple[Float, Float]:
    fy, fx = np.fft.fftfreq(SIDE, MM_PER_PX)[:, None], np.fft.rfftfreq(SIDE, MM_PER_PX)
    radius = np.hypot(fy, fx)
    # The half spectrum represents both halves: columns other than the first and last count twice.
    twice = np.where((np.arange(SIDE // 2 + 1) % (SIDE // 2)) > 0, 2.0, 1.0)
    edges = np.array(EDGES)
    ring = (radius >= edges[:-1, None, None]) & (radius < edges[1:, None, None])
    weights = (ring * twice).reshape(len(edges) - 1, -1).T
    return weights.astype(np.float32), np.where(radius > 0, radius, 1).astype(np.float32)


def ring_power(power: Float) -> Float:
    """Return the power in each ring of each spectrum, float32, shape (windows, 12)."""
    return np.asarray(power.reshape(len(power), -1) @ _rings()[0], np.float32)


def summary(power: Float) -> list[float] | None:
    """Return centroid, spread (cycles/mm), entropy and flatness of a spectrum between the outermost ring limits.

    The last two are 0 for a single line and 1 for white noise. None for no power.

    Examples
    --------
    >>> line = np.zeros((64, 33), np.float32)
    >>> line[0, 7] = 1.0  # 7 cycles in 64 px of 0.0508 mm
    >>> [round(float(v), 2) for v in summary(line)[:2]]
    [2.15, 0.0]
    """
    weights, radius = _rings()
    share = power.ravel() * weights.sum(1)
    total = share.sum(dtype=float)
    if total <= 0:
        return None
    used = weights.any(1)
    share, r = share[used].astype(float) / total, radius.ravel()[used].astype(float)
    centroid = share @ r
    spread = np.sqrt(share @ (r - centroid) ** 2)
    positive = np.maximum(share, 1e-12)
    entropy = -(share @ np.log(positive)) / np.log(len(share))
    flatness = np.exp(np.log(positive).mean()) * len(share)
    return [centroid, spread, min(entropy, 1.0), min(flatness, 1.0)]
