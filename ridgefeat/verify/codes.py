"""Codes: a short vector per minutia, by which a gallery is narrowed before its prints are compared.

A code is a minutia's cylinder, projected on its principal components (of simulated prints; benchmarks/fit_codes.py).
Every two minutiae with similar codes vote for the motion that would bring one onto the other. A print of the probe's
finger collects many votes for one motion, others few votes for many.

Sources: indexing by cylinders, Cappelli, Ferrara and Maltoni, "Fingerprint indexing based on Minutia Cylinder-Code"
(IEEE PAMI 33, 2011), which hashes binary cylinders where we project real ones; votes for a motion: Ratha and others, "A
real-time matching system for large fingerprint databases" (IEEE PAMI 18, 1996).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ridgefeat.structure import Float
from ridgefeat.verify.cylinders import Cylinders

SIZE = 48
"""Numbers of a code."""
MIN_SIMILARITY = 0.6
"""Cosine of the angle between two codes from which they vote."""
ROTATION_BINS = 10
SHIFT_BIN = 32.0
"""Pixels. Bins overlap by half, so that no motion lies at the edge of all that it falls into."""
_BINS = 128
_PRINTS = 1024
"""Prints whose similarities are held at once."""


@dataclass(frozen=True, eq=False)
class Codes:
    """The codes of the minutiae of one or many prints.

    Attributes
    ----------
    values : ndarray of float16, shape (n, SIZE)
        Of length 1; 0 for a minutia whose cylinder is not usable.
    place : ndarray of float32, shape (n, 3)
        x and y in pixels, direction in radians.
    start : ndarray of int64, shape (prints + 1,)
        Where the minutiae of each print begin, and the end.
    """

    values: NDArray[np.float16]
    place: Float
    start: NDArray[np.int64]


def compute_codes(cylinders: Cylinders) -> NDArray[np.float16]:
    """Return the codes of a print's cylinders, shape (n, SIZE).

    Examples
    --------
    >>> from ridgefeat.verify.cylinders import Cylinders
    >>> none = Cylinders(np.zeros((2, 312), "f4"), np.zeros((2, 52), "f4"), np.zeros((2, 52), "f4"), np.zeros(2, bool))
    >>> compute_codes(none).shape, compute_codes(none).any()
    ((2, 48), np.False_)
    """
    mean, axes = _projection()
    code = (cylinders.values - mean) @ axes * cylinders.usable[:, None]
    return np.asarray(code / np.maximum(np.linalg.norm(code, axis=1, keepdims=True), 1e-6), np.float16)


def count_votes(probe: Codes, gallery: Codes) -> Float:
    """Return for each print of a gallery the votes for the motion that has most, shape (prints,).

    Examples
    --------
    >>> values = np.eye(3, SIZE, dtype=np.float16)
    >>> place = np.float32([[10, 10, 0], [90, 40, 1], [50, 120, 2]])
    >>> probe = Codes(values, place, np.array([0, 3]))
    >>> moved = place + np.float32([5, 5, 0])
    >>> gallery = Codes(np.tile(values, (2, 1)), np.concatenate([moved, place[::-1]]), np.array([0, 3, 6]))
    >>> count_votes(probe, gallery).round(1)
    array([1.2, 0.4], dtype=float32)
    """
    wanted = probe.values.astype(np.float32)
    prints = len(gallery.start) - 1
    votes = np.zeros(prints, np.float32)
    owner = np.repeat(np.arange(prints), np.diff(gallery.start))
    for first in range(0, prints, _PRINTS):
        begin, end = gallery.start[first], gallery.start[min(first + _PRINTS, prints)]
        alike = wanted @ gallery.values[begin:end].astype(np.float32).T
        i, j = np.nonzero(alike > MIN_SIMILARITY)
        weight, j = alike[i, j] - MIN_SIMILARITY, j + begin
        rotation, right, down = _motions(probe.place[i], gallery.place[j], probe.place[:, :2].mean(0))
        for offset in product((0, 0.5), repeat=3):
            turn, across, along = (
                np.floor(v + np.float32(o)).astype(np.int64)
                for v, o in zip((rotation, right, down), offset, strict=True)
            )
            bins = np.clip([across + _BINS // 2, along + _BINS // 2], 0, _BINS - 1)
            key = ((owner[j] * ROTATION_BINS + turn % ROTATION_BINS) * _BINS + bins[0]) * _BINS + bins[1]
            there, number = np.unique(key, return_inverse=True)
            np.maximum.at(votes, there // (ROTATION_BINS * _BINS**2), np.bincount(number, weight).astype(np.float32))
    return votes


def _motions(probe: Float, reference: Float, middle: Float) -> tuple[Float, Float, Float]:
    """Return the motion that brings each minutia onto another, in bins: rotation, then shift of the probe's middle."""
    turn = reference[:, 2] - probe[:, 2]
    c, s = np.cos(turn), np.sin(turn)
    x, y = (probe[:, :2] - middle).T
    right, down = reference[:, 0] - (c * x + s * y), reference[:, 1] - (c * y - s * x)
    return turn * np.float32(ROTATION_BINS / (2 * np.pi)), right / np.float32(SHIFT_BIN), down / np.float32(SHIFT_BIN)


@cache
def _projection() -> tuple[Float, Float]:
    with as_file(files("ridgefeat.verify").joinpath("codes.npz")) as path, np.load(path) as held:
        return held["mean"].astype(np.float32), held["axes"].astype(np.float32)


def join(codes: Sequence[NDArray[np.float16]], places: Sequence[Float]) -> Codes:
    """Return the codes of many prints as one."""
    start = np.concatenate([[0], np.cumsum([len(c) for c in codes], dtype=np.int64)])
    if not codes:
        return Codes(np.zeros((0, SIZE), np.float16), np.zeros((0, 3), np.float32), start)
    return Codes(np.concatenate(codes), np.concatenate(places), start)
