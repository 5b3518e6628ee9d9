"""Signatures by which changed copies of an image are recognised: re-encoded, resized, cropped, turned, mirrored.

A signature is 64 keypoints of SIFT (Lowe 2004), each with its place, size and angle, and 64 bits of what surrounds it:
40 of the image scaled to one ridge period, and 24 of what is larger than ridges, which is left where ridges are
blurred, or lost in a small copy. Two images are one if several keypoints are alike and one shift, turn and scale brings
them together. A print cannot be rebuilt from it: of each place it holds 64 signs of sums of 128 numbers, which are
histograms of gradients themselves, and of what is between the places nothing.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import hadamard

from ridgefeat.structure import Float, UInt8

KEYPOINTS, COARSE = 64, 24
"""Keypoints of a signature, and how many of them are of what is larger than ridges."""
QUERY_KEYPOINTS = 124
"""Keypoints that an image is searched by: more than a signature holds, as they change ranks."""
MARGIN = 0.15
"""Share of the image at each side whose keypoints come last, since a crop removes them."""
RECORD = np.dtype([("hash", "<u8"), ("x", "u1"), ("y", "u1"), ("size", "u1"), ("angle", "u1")])
MARK_BYTES = KEYPOINTS * RECORD.itemsize
"""Bytes of a signature: 768."""
FIRST_SIDE, FIRST_SIGMA = 176.0, 7.2
"""Of the image on which the ridge period is estimated: the square root of its pixels, and the deviation of the
neighbourhood in which contrast is evened out."""
PERIOD = 6.0
"""Pixels per ridge period of the image in which keypoints are looked for."""
MAX_SIDE, FRAME_SIDE, STEP = 408.0, 256.0, 1.6
"""Maximum side of that image in pixels; square root of the pixels of the frame in which places are given, unless its
side were too large: a place takes a byte, in steps of STEP pixels."""
CONTRAST_SIGMA, BLUR_SIGMA = 1.2, 0.2
"""Standard deviations, in ridge periods, of the neighbourhood in which contrast is evened out, and of a blur."""
SUPPORT = 2.0
"""Factor on a keypoint's size: what surrounds it is several ridges."""
COARSE_SIDE, COARSE_BLUR, COARSE_CONTRAST, COARSE_DISTANCE = 96.0, 2.2, 14.0, 3.0
"""Of the image in which coarse keypoints are looked for, in its pixels: side, deviations of the blur that removes
ridges and of the neighbourhood in which contrast is evened out, and distance of two keypoints."""
MIN_SIZE = 0.4
"""Minimum size of a keypoint in ridge periods; smaller ones are pores and noise."""
MIN_DISTANCE = 0.7
"""Minimum distance of two keypoints in ridge periods."""
MAX_BITS = 13
"""Bits of 64 in which two keypoints that are alike may differ."""
MIN_INLIERS, MIN_COPY = 7, 16
"""Keypoints that agree on one map from which two images show one finger, and from which they are one image. Prints of
two people have at most 6, impressions of one finger in most cases fewer than 16, copies that were cropped by 10 % at
every side in most cases more (benchmarks/recognition.py).
"""
MAX_ERROR, MAX_TURN, MAX_ZOOM = 2.6, 0.2, 0.25
"""How far a keypoint may be from where the map puts it, 1 % of the image; difference of turns in radians, and of
logarithms of scales."""
MAX_MAP_TURN, MAX_MAP_ZOOM = 0.6, 0.7
"""Turn in radians, and logarithm of the scale, beyond which a map is not considered."""
CANDIDATES = 20
"""Prints with the most alike keypoints, which are verified."""
BANDS = 4
"""Parts of 16 bits, in one of which a keypoint's bits must agree but for one to be compared in full."""

MAX_PAIRS = 400
"""Pairs of alike keypoints, the most alike ones, of which maps are made: their number counts squared."""
MIN_BUCKET, BUCKET_SHARE = 1000, 1 / 200
"""Keypoints with equal bits in a part, in number and as a share of all; beyond them that part distinguishes nothing."""

_MEAN = np.frombuffer(
    bytes.fromhex(
        "5e42304460412e42714f3850714a334c724c354e6f4a334e5c3e2c415d3e2d426d4b3650764d344b8f5e42658c583858945d3a58855c3c5d"
        "6b45304a704b334a6d4b344d7650364b8f5838588c65425e945d3c5c85583a5d6b4a334b704a30455e422e4160443042714c334a7150384f"
        "724e334a6f4e354c5c422d3e5d412c3e"
    ),
    np.uint8,
).astype(np.float32) / np.float32(4 * 255)
"""Mean of the square roots of descriptors of prints: without it most bits would be the same in all of them."""
_SIGNS = hadamard(128)[1:65].T.astype(np.float32)


@lru_cache(maxsize=1)
def _sift() -> Any:
    return cv2.SIFT.create(nfeatures=0, contrastThreshold=0.008, edgeThreshold=20)


def describe_marks(pixels: UInt8) -> NDArray[Any]:
    """Return an image's keypoints, and those of its mirror image, as RECORDs, shape (2, QUERY_KEYPOINTS).

    The first KEYPOINTS of the first row are its signature. Unused ones are zeros.
    """
    image, scale = _to_period(pixels)
    # An image of about COARSE_SIDE pixels a side without ridges.
    own = min(COARSE_SIDE / np.sqrt(pixels.size), MAX_SIDE / max(pixels.shape))
    smooth = np.asarray(cv2.GaussianBlur(_scaled(pixels, own), (0, 0), COARSE_BLUR), np.float32)
    coarse = _to_bytes(flatten(smooth, COARSE_CONTRAST))
    # Places are those of the whole image brought to one size: the ridge period of a blurred image may be unknown.
    frame = frame_factor(pixels.shape)
    fine = _describe(image, MIN_SIZE * PERIOD, MIN_DISTANCE * PERIOD, QUERY_KEYPOINTS - COARSE, SUPPORT, frame / scale)
    large = _describe(coarse, 0, COARSE_DISTANCE, COARSE, 1.0, frame / own)
    return np.concatenate([fine[:, : KEYPOINTS - COARSE], large, fine[:, KEYPOINTS - COARSE :]], axis=1)


def frame_factor(shape: tuple[int, ...]) -> float:
    """Return the factor that brings an image of some shape to the size in which places are given."""
    return float(min(FRAME_SIDE / np.sqrt(np.prod(shape)), MAX_SIDE / max(shape)))


def _describe(
    image: UInt8, min_size: float, distance: float, count: int, support: float, factor: float
) -> NDArray[Any]:
    """Return an image's keypoints that are `distance` apart, and of its mirror image, as RECORDs, shape (2, count).

    The strongest come first, but before them those that a crop by MARGIN leaves. `factor` brings places and sizes to
    the frame, and `support` is how much larger than a keypoint its surroundings are.
    """
    points = [p for p in _sift().detect(image, None) if p.size >= min_size]
    at = np.array([p.pt for p in points], np.float32).reshape(-1, 2)
    share = at / np.array(image.shape[::-1], np.float32)
    edge = np.minimum(share, 1 - share).min(axis=1) < MARGIN if points else at
    chosen: list[int] = []
    too_near = np.zeros(len(points), np.bool_)
    for i in sorted(range(len(points)), key=lambda i: (edge[i], -points[i].response, points[i].pt)):
        if too_near[i]:
            continue
        chosen.append(i)
        if len(chosen) == count:
            break
        too_near |= ((at - at[i]) ** 2).sum(axis=1) <= distance**2
    out = np.zeros((2, count), RECORD)
    if not chosen:
        return out
    for i in chosen:
        points[i].size *= support
    kept, values = _sift().compute(image, [points[i] for i in chosen])
    own = out[:, : len(kept)]
    x, y = (np.rint([p.pt[k] * factor / STEP for p in kept]).clip(0, 255) for k in range(2))
    angle = np.rint(np.array([p.angle for p in kept]) * 256 / 360).astype(np.int64)
    own["x"], own["y"] = (x, 255 - x), y
    own["size"] = np.rint(16 * np.log2([max(1.0, p.size * factor) for p in kept])).clip(1, 255)
    own["angle"] = np.stack([angle, 128 - angle]) % 256
    # Mirrored, a descriptor has its rows of cells and its directions in reverse order.
    mirrored = values.reshape(-1, 4, 4, 8)[:, ::-1][..., [0, 7, 6, 5, 4, 3, 2, 1]].reshape(-1, 128)
    own["hash"] = _hash(values), _hash(mirrored)
    return out


def _hash(values: Float) -> NDArray[np.uint64]:
    """Return 64 bits of each SIFT descriptor: signs of sums of its elements' square roots, less their mean."""
    roots = np.sqrt(values / np.maximum(values.sum(axis=1, keepdims=True), 1e-6)) - _MEAN
    return np.asarray(np.packbits(roots @ _SIGNS > 0, axis=1).view("<u8").ravel(), np.uint64)


def _to_period(pixels: UInt8) -> tuple[UInt8, float]:
    """Return an image with ridges PERIOD pixels apart and contrast evened out, and the factor of its size."""
    first = FIRST_SIDE / np.sqrt(pixels.size)
    period = _period(flatten(_scaled(pixels, first), FIRST_SIGMA)[:256, :256])
    scale = min(first * PERIOD / period, MAX_SIDE / max(pixels.shape))
    flat = flatten(_scaled(pixels, scale), CONTRAST_SIGMA * PERIOD)
    return _to_bytes(cv2.GaussianBlur(flat, (0, 0), BLUR_SIGMA * PERIOD)), scale


def _to_bytes(flat: Float) -> UInt8:
    return np.asarray(np.clip(128 + 45 * np.asarray(flat, np.float32), 0, 255), np.uint8)


def _scaled(pixels: UInt8, factor: float) -> Float:
    size = tuple(max(8, round(side * factor)) for side in pixels.shape[::-1])
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, size, interpolation=how), np.float32)


def flatten(image: Float, sigma: float) -> Float:
    """Return an image with local mean 0 and local deviation about 1, in neighbourhoods of deviation `sigma` (px)."""
    detail = image - cv2.GaussianBlur(image, (0, 0), sigma)
    deviation = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), sigma))
    # The floor keeps noise on an empty background from being blown up to ridges.
    return np.asarray(detail / (deviation + 2 + 0.1 * float(detail.std())), np.float32)


def _period(flat: Float) -> float:
    """Return the mean ridge period of an image of at most 256 x 256 in pixels: the peak of its radial spectrum."""
    window = np.outer(np.hanning(flat.shape[0]), np.hanning(flat.shape[1]))
    power = np.abs(np.fft.rfft2(flat * window, (256, 256))) ** 2
    radius = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.rfftfreq(256)) * 256
    band = (radius > 256 / 25) & (radius < 256 / 3)
    shares = np.bincount(radius[band].astype(np.intp), weights=power[band], minlength=90)
    profile = np.convolve(shares, np.ones(9) / 9, "same")
    low = max(0, int(profile.argmax()) - 12)
    peak = profile[low : low + 25]
    centre = float((peak * (low + 0.5 + np.arange(len(peak)))).sum()) / max(float(peak.sum()), 1e-9)
    return 256 / centre if centre > 1 else FIRST_SIGMA / CONTRAST_SIGMA


class MarkIndex:
    """Signatures to search in: uint8, shape (n, MARK_BYTES)."""

    def __init__(self, marks: UInt8) -> None:
        records = np.ascontiguousarray(marks).view(RECORD).reshape(-1, KEYPOINTS)
        self.records = records
        owner, slot = np.nonzero(records["size"])
        self._owner, self._hash = owner.astype(np.int32), records["hash"][owner, slot]
        bands = self._hash.view("<u2").reshape(-1, BANDS)
        self._order = [np.argsort(band, kind="stable").astype(np.uint32) for band in bands.T]
        edges = np.arange(1 << 16)
        self._start = [
            np.append(np.searchsorted(band[order], edges), len(band))
            for band, order in zip(bands.T, self._order, strict=True)
        ]

    def best(self, query: NDArray[Any]) -> tuple[int, int]:
        """Return the signature that shows an image's finger (-1: none), and the most keypoints that agree with any.

        The image is as describe_marks returns it.
        """
        found, most = -1, 0
        for one in query:
            used = one[one["size"] > 0]
            for i in self.candidates(used):
                agreeing = count_inliers(self.records[i], used, most + 1)
                if agreeing > most:
                    found, most = int(i), agreeing
        return (found if most >= MIN_INLIERS else -1), most

    def candidates(self, query: NDArray[Any]) -> NDArray[np.intp]:
        """Return the signatures with the most keypoints like some of the query's, at least two."""
        keys = np.ascontiguousarray(query["hash"]).view("<u2").reshape(-1, BANDS)
        near = np.append(0, 1 << np.arange(16)).astype(np.uint16)
        hits = []
        for band in range(BANDS):
            wanted = (keys[:, band, None] ^ near).ravel().astype(np.intp)
            first = self._start[band][wanted]
            count = self._start[band][wanted + 1] - first
            count[count > max(MIN_BUCKET, BUCKET_SHARE * len(self._hash))] = 0
            asked = np.repeat(np.arange(wanted.size), count)
            at = np.arange(asked.size) + np.repeat(first - np.cumsum(count) + count, count)
            stored = self._order[band][at]
            alike = np.bitwise_count(self._hash[stored] ^ query["hash"][asked // near.size]) <= MAX_BITS
            hits.append(stored[alike])
        owners, votes = np.unique(self._owner[np.unique(np.concatenate(hits))], return_counts=True)
        best = np.argsort(-votes, kind="stable")[:CANDIDATES]
        return np.asarray(owners[best[votes[best] > 1]], np.intp)


def count_inliers(stored: NDArray[Any], query: NDArray[Any], wanted: int = 1) -> int:
    """Return how many keypoints of a signature one shift, turn and scale brings to keypoints of an image like them.

    0 where they are certainly fewer than `wanted`.
    """
    there, here = agreeing(stored, query, MAX_MAP_TURN, wanted)
    return min(np.unique(there).size, np.unique(here).size)


def agreeing(
    stored: NDArray[Any], query: NDArray[Any], max_turn: float, wanted: int = 1
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the places of keypoints of a signature, and those to which one shift, turn and scale brings them.

    Both are complex numbers in pixels of the frame; `max_turn` is in radians. They are empty where fewer keypoints than
    `wanted` are alike, so that no map has to be tried: most candidates are prints of other fingers.
    """
    stored = stored[stored["size"] > 0]
    differing = np.bitwise_count(stored["hash"][:, None] ^ query["hash"])
    alike = differing <= MAX_BITS
    if min(np.count_nonzero(alike.any(axis=1)), np.count_nonzero(alike.any(axis=0))) < wanted:
        alike[:] = False
    r, q = np.nonzero(alike)
    if r.size > MAX_PAIRS:
        most = np.argsort(differing[r, q], kind="stable")[:MAX_PAIRS]
        r, q = r[most], q[most]
    zoom = (query["size"][q].astype(np.float64) - stored["size"][r]) * np.log(2) / 16
    turn = _wrapped((query["angle"][q].astype(np.float64) - stored["angle"][r]) * np.pi / 128)
    kept = (np.abs(zoom) < MAX_MAP_ZOOM) & (np.abs(turn) < max_turn)
    r, q, zoom, turn = r[kept], q[kept], zoom[kept], turn[kept]
    # Each pair of keypoints proposes a map; image rows grow downwards, and SIFT's angles turn with them.
    there, here = (STEP * (p["x"].astype(np.float64) + 1j * p["y"]) for p in (stored[r], query[q]))
    if not r.size:
        return there[:0], here[:0]
    maps = np.exp(zoom + 1j * turn)
    error = np.abs(here[:, None] + maps[:, None] * (there - there[:, None]) - here)
    agree = error < MAX_ERROR
    agree &= np.abs(_wrapped(turn - turn[:, None])) < MAX_TURN
    agree &= np.abs(zoom - zoom[:, None]) < MAX_ZOOM
    best = max(agree, key=lambda row: int(row.sum()))
    return there[best], here[best]


def _wrapped(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((angle + np.pi) % (2 * np.pi) - np.pi, np.float64)
