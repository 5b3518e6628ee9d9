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
from ridgefeat.verify.geometry import wrap

SIZE = 48
"""Numbers of a code."""
MIN_SIMILARITY = 0.6
"""Cosine of the angle between two codes from which they vote."""
ROTATION_BINS = 10
SHIFT_BIN = np.float32(32)
"""Pixels. Bins overlap by half, so that no motion lies at the edge of all that it falls into."""
MAX_APART, MAX_TURN = 20.0, 0.5
"""Pixels and radians between the minutiae of a pair."""
MARGIN = 16
"""Pixels by which the boxes about minutiae are enlarged."""
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


def count_votes(probe: Codes, gallery: Codes) -> tuple[Float, Float]:
    """Count for each print of a gallery the votes for the motion that has most.

    Returns
    -------
    votes : ndarray of float32, shape (prints,)
    motion : ndarray of float32, shape (prints, 3)
        The mean motion of those that voted for it: where the probe's middle goes (x and y in px), and its rotation in
        radians; 0 without votes.

    Examples
    --------
    >>> values = np.eye(3, SIZE, dtype=np.float16)
    >>> place = np.float32([[10, 10, 0], [90, 40, 1], [50, 120, 2]])
    >>> probe = Codes(values, place, np.array([0, 3]))
    >>> moved = place + np.float32([5, 5, 0])
    >>> gallery = Codes(np.tile(values, (2, 1)), np.concatenate([moved, place[::-1]]), np.array([0, 3, 6]))
    >>> votes, motion = count_votes(probe, gallery)
    >>> votes.round(1), (motion[0, :2] - place[:, :2].mean(0)).round(1)
    (array([1.2, 0.4], dtype=float32), array([5., 5.], dtype=float32))
    """
    wanted = probe.values.astype(np.float32)
    prints = len(gallery.start) - 1
    votes, motion = np.zeros(prints, np.float32), np.zeros((prints, 3), np.float32)
    owner = np.repeat(np.arange(prints), np.diff(gallery.start))
    for first in range(0, prints, _PRINTS):
        begin, end = gallery.start[first], gallery.start[min(first + _PRINTS, prints)]
        alike = wanted @ gallery.values[begin:end].astype(np.float32).T
        i, j = np.nonzero(alike > MIN_SIMILARITY)
        weight, j = alike[i, j] - MIN_SIMILARITY, j + begin
        turn, right, down = _motions(probe.place[i], gallery.place[j], probe.place[:, :2].mean(0))
        parts = [weight * v for v in (right, down, np.cos(turn), np.sin(turn))]
        binned = turn * np.float32(ROTATION_BINS / (2 * np.pi)), right / SHIFT_BIN, down / SHIFT_BIN
        for offset in product((0, 0.5), repeat=3):
            around, across, along = (
                np.floor(v + np.float32(o)).astype(np.int64) for v, o in zip(binned, offset, strict=True)
            )
            bins = np.clip([across + _BINS // 2, along + _BINS // 2], 0, _BINS - 1)
            key = ((owner[j] * ROTATION_BINS + around % ROTATION_BINS) * _BINS + bins[0]) * _BINS + bins[1]
            there, number = np.unique(key, return_inverse=True)
            total, own = np.bincount(number, weight), there // (ROTATION_BINS * _BINS**2)
            # The last of each print's bins is the one with most votes.
            order = np.lexsort((total, own))
            best = order[np.diff(own[order], append=-1) != 0]
            best = best[total[best] > votes[own[best]]]
            x, y, cosine, sine = (np.bincount(number, part)[best] for part in parts)
            votes[own[best]] = total[best]
            motion[own[best]] = np.stack([x / total[best], y / total[best], np.arctan2(sine, cosine)], 1)
    return votes, motion


def count_paired(probe: Codes, gallery: Codes, motion: Float, chosen: NDArray[np.int64]) -> Float:
    """Return for chosen prints of a gallery how many minutiae the probe's fall on, times their share of the overlap.

    The probe is moved by `motion`, shape (chosen, 3), as `count_votes` returns it. Minutiae are paired if each is the
    other's nearest, not farther than MAX_APART and MAX_TURN; the overlap is that of the boxes about the minutiae.

    Examples
    --------
    >>> place = np.float32([[10, 10, 0], [90, 40, 1], [50, 120, 2]])
    >>> probe = Codes(np.zeros((3, SIZE), np.float16), place, np.array([0, 3]))
    >>> motion = np.append(place[:, :2].mean(0), 0)[None]
    >>> count_paired(probe, probe, motion, np.array([0])).tolist()
    [3.0]
    """
    out = np.zeros(len(chosen), np.float32)
    x, y = (probe.place[:, :2] - probe.place[:, :2].mean(0)).T
    for first in range(0, len(chosen), _PRINTS // 4):
        some = slice(first, first + _PRINTS // 4)
        count = np.diff(gallery.start)[chosen[some]]
        begin = np.concatenate([[0], np.cumsum(count)[:-1]])
        owner = np.repeat(np.arange(len(count)), count)
        at = gallery.start[chosen[some]][owner] + np.arange(len(owner)) - begin[owner]
        (right, down, turn), place = motion[some].T[:, :, None], gallery.place[at]
        moved_x, moved_y = np.cos(turn) * x + np.sin(turn) * y + right, np.cos(turn) * y - np.sin(turn) * x + down
        apart = np.hypot(moved_x[owner] - place[:, :1], moved_y[owner] - place[:, 1:2])
        turned = np.abs(wrap((probe.place[:, 2] + turn)[owner] - place[:, 2:]))
        apart[(apart > MAX_APART) | (turned > MAX_TURN)] = np.inf
        nearest, own = apart.argmin(1), np.arange(len(owner))
        least = np.minimum.reduceat(apart, begin)
        is_paired = np.isfinite(apart[own, nearest]) & (apart[own, nearest] == least[owner, nearest])
        pairs = np.bincount(owner[is_paired], minlength=len(count))
        low, high = (f.reduceat(place[:, :2], begin)[:, :, None] for f in (np.minimum, np.maximum))
        moved = np.stack([moved_x, moved_y], 1)
        seen = ((moved > low - MARGIN) & (moved < high + MARGIN)).all(1).sum(1)
        low, high = moved.min(2) - MARGIN, moved.max(2) + MARGIN
        inside = ((place[:, :2] > low[owner]) & (place[:, :2] < high[owner])).all(1)
        common = np.maximum(seen, 1) * np.maximum(np.bincount(owner[inside], minlength=len(count)), 1)
        out[some] = pairs**2 / np.sqrt(common)
    return out


def _motions(probe: Float, reference: Float, middle: Float) -> tuple[Float, Float, Float]:
    """Return the motion that brings each minutia onto another: its rotation, and where the probe's middle goes."""
    turn = reference[:, 2] - probe[:, 2]
    c, s = np.cos(turn), np.sin(turn)
    x, y = (probe[:, :2] - middle).T
    return turn, reference[:, 0] - (c * x + s * y), reference[:, 1] - (c * y - s * x)


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
