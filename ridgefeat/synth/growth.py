"""Ridges grown from noise by iterated local filtering along a given orientation and period, and their minutiae.

A minutia of the clean pattern is where its phase is dislocated.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache, partial

import cv2
import numpy as np
import scipy.fft
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.morphology import skeletonize

from ridgefeat.structure import BIFURCATION, ENDING, Array, Float, Minutiae, SingularPoints
from ridgefeat.synth.prints import Rng, Shape

_ORIENTATIONS = 24
_MARGIN = 24
"""Pixels that keep opposite borders apart in the periodic transform."""
_STEP = 1.1
"""Ratio of neighbouring filter periods."""
_ITERATIONS = 8
"""Of the filters; more leave fewer minutiae."""
_CYCLES = 0.8
"""Deviation of the filters' Gaussian envelope in periods."""
_AVERAGE = 6.0
"""Deviation in pixels of the window in which grown ridges are measured."""


def grow(angle: Array, period: Array, rng: Rng) -> Float:
    """Grow ridges along `angle` (radians) with `period` (px, > 2.5): float32 near +1 on ridges and near -1 in valleys.

    Notes
    -----
    After R. Cappelli, A. Erol, D. Maio and D. Maltoni, Synthetic fingerprint-image generation, ICPR 2000: Gabor
    filters tuned to the local orientation and period are applied again and again to a noisy start. Differs in that
    all pixels grow at once, from noise, and that the filters are quantised and applied in the frequency domain;
    each pixel takes one of its neighbouring filters at random, the nearer the likelier.
    """
    shape = angle.shape
    padded = _padded(shape)
    dither = rng.random((2, *shape), dtype=np.float32)
    turn = np.floor(np.mod(angle, np.pi) * (_ORIENTATIONS / np.pi) + dither[0]).astype(np.int64)
    scale = np.floor(np.log(period) / np.log(_STEP) + dither[1]).astype(np.int64)
    groups = _group(scale * _ORIENTATIONS + turn % _ORIENTATIONS)
    state = rng.standard_normal(shape, dtype=np.float32)
    for _ in range(_ITERATIONS):
        spectrum = scipy.fft.rfft2(state, s=padded)
        grown = np.empty(angle.size, np.float32)
        for key, members in groups:
            response = scipy.fft.irfft2(spectrum * _filter(padded, key), s=padded)
            grown[members] = response[: shape[0], : shape[1]].ravel()[members]
        grown /= np.sqrt(np.mean(grown**2))
        state = np.tanh(grown).reshape(shape)
    return np.asarray(state, np.float32)


def _padded(shape: tuple[int, ...]) -> Shape:
    rows, columns = (2 * scipy.fft.next_fast_len((n + _MARGIN + 1) // 2, real=True) for n in shape)
    return rows, columns


def _group(which: Array) -> list[tuple[int, Array]]:
    """Flat indices of the pixels of each filter."""
    order = np.argsort(which, axis=None, kind="stable")
    keys, first = np.unique(which.ravel()[order], return_index=True)
    return list(zip(keys.tolist(), np.split(order, first[1:]), strict=True))


@lru_cache(maxsize=1024)
def _filter(padded: Shape, key: int) -> Float:
    """Frequency response of one even Gabor filter on the half plane of a real transform."""
    scale, turn = divmod(key, _ORIENTATIONS)
    period, angle = _STEP**scale, turn * np.pi / _ORIENTATIONS
    fy, fx = np.fft.fftfreq(padded[0])[:, None], np.fft.rfftfreq(padded[1])[None, :]
    spread = 2 * (np.pi * _CYCLES * period) ** 2
    x, y = np.sin(angle) / period, np.cos(angle) / period
    lobes = [np.exp(-spread * ((fx - s * x) ** 2 + (fy - s * y) ** 2)) for s in (1, -1)]
    return np.asarray(lobes[0] + lobes[1], np.float32)


@dataclass(frozen=True, eq=False)
class Waves:
    """A clean ridge pattern with its quadrature and slope; all arrays float32 of one shape."""

    height: Float  # positive on ridges, negative in valleys
    riesz_x: Float  # Riesz transform: along a normal (u, v), u * riesz_x + v * riesz_y is the height in quadrature
    riesz_y: Float
    slope_x: Float  # gradient of the height per pixel
    slope_y: Float

    def crop(self, window: tuple[slice, slice]) -> Waves:
        """Return the part in a window."""
        return Waves(*(getattr(self, f.name)[window].copy() for f in fields(self)))

    @property
    def level(self) -> Float:
        """The height as a share of its amplitude, -1 to 1."""
        square = self.height**2 + self.riesz_x**2 + self.riesz_y**2
        return np.asarray(self.height / np.sqrt(square + np.float32(1e-6)), np.float32)


def refine(state: Array, period: float, zoom: int) -> Waves:
    """Smooth a grown pattern of mean `period` (px), enlarge it `zoom` times and split off its quadrature.

    Source: M. Felsberg and G. Sommer, The monogenic signal, IEEE Transactions on Signal Processing 49 (2001).
    """
    shape = state.shape
    padded = _padded(shape)
    fy, fx = np.fft.fftfreq(padded[0])[:, None], np.fft.rfftfreq(padded[1])[None, :]
    radius = np.hypot(fx, fy)
    band = np.exp(-0.5 * (radius * period / 1.1) ** 4) * (1 - np.exp(-0.5 * (radius * period / 0.4) ** 4))
    framed = np.pad(state, [(0, n - m) for n, m in zip(padded, shape, strict=True)], mode="symmetric")
    spectrum = scipy.fft.rfft2(framed) * band.astype(np.float32)
    radius[0, 0] = 1
    turn = 2j * np.pi / zoom
    parts = (1, -1j * fx / radius, -1j * fy / radius, turn * fx, turn * fy)
    whole = Waves(*(_enlarged(spectrum * part, padded, zoom) for part in parts))
    return whole.crop(np.s_[: zoom * shape[0], : zoom * shape[1]])


def measure(waves: Waves, angle: Float, period: Float) -> tuple[Float, Float]:
    """Return angle and period (px) as the ridges have become, averaged over about one ridge, float32.

    The plan turns fast near cores and deltas, the difference between plan and ridges does not; so the difference is
    averaged, and what is exact about the plan stays so.
    """
    squared = (waves.slope_y + 1j * waves.slope_x) ** 2 * np.exp(-2j * angle)
    blur = partial(cv2.GaussianBlur, ksize=(0, 0), sigmaX=_AVERAGE)
    turn = np.arctan2(blur(squared.imag), blur(squared.real)) / 2
    planned = (2 * np.pi / period) ** 2
    steep = blur((waves.slope_x**2 + waves.slope_y**2) / planned)
    ratio = np.sqrt(steep / (blur(waves.riesz_x**2 + waves.riesz_y**2) + np.float32(1e-9)))
    grown = period / np.clip(ratio, 0.7, 1.4)
    return np.asarray(angle + turn, np.float32), np.asarray(grown, np.float32)


def _enlarged(spectrum: Array, padded: Shape, zoom: int) -> Float:
    """Invert a real transform on a finer grid, the centres of its pixels dividing the old ones evenly."""
    fy, fx = np.fft.fftfreq(padded[0])[:, None], np.fft.rfftfreq(padded[1])[None, :]
    lag = (zoom - 1) / (2 * zoom)
    spectrum = spectrum * np.exp(-2j * np.pi * lag * (fx + fy))
    half = padded[0] // 2
    fine = np.zeros((zoom * padded[0], zoom * padded[1] // 2 + 1), np.complex64)
    fine[:half, : spectrum.shape[1]] = spectrum[:half]
    fine[-half:, : spectrum.shape[1]] = spectrum[-half:]
    image = scipy.fft.irfft2(fine, s=(zoom * padded[0], zoom * padded[1]))
    return np.asarray(image * zoom**2, np.float32)


_DIPOLE = 0.7
"""Two opposite dislocations nearer than this many periods undo each other: no ridge ends or forks there."""


def find_minutiae(waves: Waves, angle: Array, period: Array, singular: SingularPoints) -> Minutiae:
    """Find the minutiae of a clean pattern, given orientation (radians along the ridge) and period (px) at every pixel.

    Quality is 100 where a ridge or valley meets the dislocation head-on, and 0 where it lies between the two.

    Notes
    -----
    A minutia is a zero of the pattern's modulus about which its phase winds once: K. G. Larkin and P. A. Fletcher,
    A coherent framework for fingerprint analysis: are fingerprints holograms?, Optics Express 15 (2007). So it
    lies between the last point of a ridge and the fork of the valleys around it, whatever the threshold. It
    counts if the centre line of a ridge or of a valley ends next to it, and that decides its kind: where a valley
    ends, a ridge forks. Around the singular points, where the phase is undefined, only the centre lines are read.
    """
    lines = {ENDING: skeletonize(waves.height > 0), BIFURCATION: skeletonize(waves.height <= 0)}
    nodes = np.zeros(waves.height.shape, np.uint8)
    for kind, line in lines.items():
        nodes[_ends(line)] = kind
    slips = _dislocations(waves, angle, period)
    reach = 1.75 * float(np.median(period))
    free = slips.select(_far(slips.x, slips.y, singular, reach))
    confirmed = _confirm(free, nodes, period)
    rows, columns = np.nonzero(nodes)
    close = ~_far(columns, rows, singular, reach)
    read = []
    for x, y in zip(columns[close], rows[close], strict=True):
        direction = _read_end(lines[nodes[y, x]], x, y, float(period[y, x]))
        if direction is not None:
            read.append((x, y, direction, nodes[y, x], 50))
    if not read:
        return confirmed
    parts = confirmed, Minutiae.make(*np.array(read).T)
    return Minutiae(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Minutiae)))


def _dislocations(waves: Waves, angle: Array, period: Array) -> Minutiae:
    # Phase, charge and direction share one sense of the normal; an orientation beyond a half turn would swap it.
    angle = np.mod(angle, np.pi)
    normal_x, normal_y = np.sin(angle), np.cos(angle)
    phase = np.arctan2(normal_x * waves.riesz_x + normal_y * waves.riesz_y, waves.height)
    charge = _winding(phase, normal_x, normal_y)
    rows, columns = np.nonzero(charge)
    points = np.column_stack([columns, rows]) + 0.5
    keep = _without_dipoles(points, charge[rows, columns], _DIPOLE * period[rows, columns])
    rows, columns, points = rows[keep], columns[keep], points[keep]
    theta = angle[rows, columns]
    direction = np.where(charge[rows, columns] > 0, theta, theta + np.pi)
    step = 0.6 * period[rows, columns, None] * np.column_stack([np.cos(direction), -np.sin(direction)])
    level = waves.level
    ahead, behind = (
        ndimage.map_coordinates(level, (points + s * step).T[::-1], order=1, mode="nearest") for s in (1, -1)
    )
    contrast = (ahead - behind) / 2
    kind = np.where(contrast > 0, ENDING, BIFURCATION)
    return Minutiae.make(*points.T, direction, kind, np.minimum(100, 100 * np.abs(contrast)))


def _winding(phase: Array, normal_x: Array, normal_y: Array) -> Array:
    """Turns of the phase around each square of four pixels, in the sense of the first pixel's normal."""
    corners = [np.s_[:-1, :-1], np.s_[:-1, 1:], np.s_[1:, 1:], np.s_[1:, :-1]]
    first = corners[0]
    same = [normal_x[first] * normal_x[c] + normal_y[first] * normal_y[c] >= 0 for c in corners]
    aligned = [np.where(is_same, phase[c], -phase[c]) for is_same, c in zip(same, corners, strict=True)]
    steps = [aligned[(i + 1) % 4] - aligned[i] for i in range(4)]
    total = np.sum([step - 2 * np.pi * np.rint(step / (2 * np.pi)) for step in steps], axis=0)
    return np.asarray(np.rint(total / (2 * np.pi)), np.int8)


def _without_dipoles(points: Array, charges: Array, reach: Array) -> Array:
    """Mark what remains when opposite neighbours, the nearest first, have undone each other."""
    keep = np.ones(len(points), np.bool_)
    if len(points) < 2:
        return keep
    pairs = cKDTree(points).query_pairs(float(reach.max()), output_type="ndarray")
    distance = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    near = distance < np.minimum(reach[pairs[:, 0]], reach[pairs[:, 1]])
    for i, j in pairs[near][np.argsort(distance[near], kind="stable")]:
        if keep[i] and keep[j]:
            keep[i] = keep[j] = False
    return keep


def _ends(lines: Array) -> Array:
    """Mark the pixels where lines one pixel wide end."""
    neighbours = cv2.filter2D(lines.astype(np.uint8), -1, np.ones((3, 3)), borderType=cv2.BORDER_REFLECT)
    return np.asarray(lines & (neighbours == 2))


def _far(x: Array, y: Array, singular: SingularPoints, reach: float) -> Array:
    away = np.hypot(np.subtract.outer(x, singular.x), np.subtract.outer(y, singular.y))
    return np.asarray(np.all(away > reach, axis=1))


def _confirm(slips: Minutiae, nodes: Array, period: Array) -> Minutiae:
    """Keep the dislocations that are nearest neighbours of a node, with the kind of that node."""
    rows, columns = np.nonzero(nodes)
    if len(slips) == 0 or len(rows) == 0:
        return Minutiae.empty()
    points, places = np.column_stack([slips.x, slips.y]), np.column_stack([columns, rows])
    distance, nearest = cKDTree(places).query(points)
    back = cKDTree(points).query(places)[1]
    index = np.arange(len(slips))
    keep = (back[nearest] == index) & (distance < period[rows[nearest], columns[nearest]])
    kind = nodes[rows[nearest], columns[nearest]]
    quality = np.where(kind == slips.kind, slips.quality, 0)
    return Minutiae.make(slips.x, slips.y, slips.direction, kind, quality).select(keep)


def _read_end(lines: Array, x: int, y: int, period: float) -> float | None:
    """Read the direction in which a line leaves its end, or nothing if it is shorter than a period."""
    reach = round(period)
    window = np.pad(lines, reach)[y : y + 2 * reach + 1, x : x + 2 * reach + 1]
    parts = np.asarray(ndimage.label(window, np.ones((3, 3)))[0])
    grid: Array = np.indices(window.shape) - reach
    down, right = grid
    rim = (parts == parts[reach, reach]) & (np.hypot(down, right) > reach - 1)
    if not rim.any():
        return None
    return float(np.arctan2(-down[rim].mean(), right[rim].mean()) % (2 * np.pi))
