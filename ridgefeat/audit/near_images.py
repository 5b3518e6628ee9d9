"""Near-duplicates, from the images: re-encoded, moved, brightened, cropped, resized, turned, mirrored.

Every image becomes a signature. Signatures are mirrored, turned and enlarged like the images that they are of; each
image is compared in full with the few that are most similar by them.

Hashes such as imagehash's find re-encoded copies, but miss turned and cropped ones. Of 300 prints of SOCOFing the two
most similar by a pHash of 64 bits differ in 6 bits. Of 60 copies turned by 5 degrees 30 % differ in fewer, of copies
with 6 % cut off two sides none; 98 % and all are found here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from ridgefeat.audit.table import AuditTable
from ridgefeat.errors import TableError
from ridgefeat.sources import PrintSource
from ridgefeat.sources.rows import check_root, load, locate
from ridgefeat.sources.source import Box
from ridgefeat.structure import Bool, Float, UInt8
from ridgefeat.work.engine import count_workers, spread_items
from ridgefeat.work.guard import Stopped

Images = str | os.PathLike[str] | Sequence[PrintSource]
"""A table's images: the folder that meta_source is relative to, or each row's image."""
BATCH = 200
"""Prints or pairs that are sent to a worker at once."""
CACHED_IMAGES = 4500
"""Prints that a worker caches while it compares pairs; 37 kB each."""
NO_SIGNATURE: tuple[str | None, Float] = (None, np.zeros(0, np.float32))
QUANTISATION = 30
"""Steps per unit that cached images are rounded to: their values lie within four units of 0."""


@dataclass(frozen=True)
class Comparison:
    """Pairs of rows whose images are alike, and rows that could not be compared."""

    pairs: tuple[tuple[int, int, float], ...]
    """Two rows, the smaller first, and the correlation of their aligned images."""
    how: Mapping[tuple[int, int], str]
    """For pairs of which one was mirrored, turned or cropped: how."""
    sources: Mapping[int, PrintSource]
    """Rows whose image could be read, and where it is."""
    signatures: Float
    """Their signatures, in the same order."""
    unreadable: tuple[int, ...]
    """Rows whose image is missing or cannot be read."""
    changed: tuple[int, ...]
    """Rows whose image has other pixels than the table was extracted from."""


def compare_images(table: AuditTable, images: Images, rows: Sequence[int], jobs: int | None = 1) -> Comparison:
    """Return the pairs among some rows that show one finger in nearly the same way.

    `images` is the folder that meta_source is relative to, or each row's image.

    One of a pair may be mirrored, turned or cropped.

    Raises
    ------
    TableError
        If the folder is not there, the table has no meta_source, or none of the images can be read.
    """
    sources, digests = _sources(table, images, rows)
    workers = count_workers(jobs)
    made = make_signatures(sources, workers)
    if sources and all(digest is None for digest, _ in made):
        raise TableError(
            f"none of {len(sources)} images can be read, first {sources[0].path}; give the folder that the table was "
            "extracted from"
        )
    readable = [k for k, (digest, _) in enumerate(made) if digest is not None]
    vectors = np.array([made[k][1] for k in readable], np.float32).reshape(-1, 3 * CELLS * CELLS)
    pairs = [(readable[i], readable[j], how) for i, j, how in _candidates(vectors, table)]
    compared = [(sources[i], sources[j], how) for i, j, how in pairs]
    alike = [0.0 if isinstance(r, Stopped) else r for r in spread_items(_correlation, compared, workers, batch=BATCH)]
    _kept.cache_clear()
    limits, best = table.limits, dict[tuple[int, int], tuple[float, str]]()
    for (i, j, how), r in zip(pairs, alike, strict=True):  # unchanged ones come first
        at = min(rows[i], rows[j]), max(rows[i], rows[j])
        before = best.get(at, (0.0, ""))[0]
        if r >= limits.same_finger_correlation and r > before < limits.near_correlation:
            best[at] = r, how
    return Comparison(
        tuple((*at, r) for at, (r, _) in sorted(best.items())),
        {at: how for at, (_, how) in best.items() if how},
        {rows[k]: sources[k] for k in readable},
        vectors,
        tuple(rows[k] for k, (digest, _) in enumerate(made) if digest is None),
        tuple(rows[k] for k in readable if digests[k] and made[k][0] != digests[k]),
    )


def make_signatures(sources: Sequence[PrintSource], workers: int) -> list[tuple[str | None, Float]]:
    """Return the digest and the signature of each image; NO_SIGNATURE where it cannot be read."""
    found = spread_items(_signature, sources, workers, batch=BATCH)
    return [NO_SIGNATURE if isinstance(one, Stopped) else one for one in found]


def _sources(table: AuditTable, images: Images, rows: Sequence[int]) -> tuple[list[PrintSource], list[str]]:
    if not isinstance(images, (str, os.PathLike)):
        return [images[i] for i in rows], [""] * len(rows)
    check_root(images)
    part = table.frame.iloc[list(rows)]
    return locate_all(part, images), part.reindex(columns=["meta_sha256"])["meta_sha256"].fillna("").astype(
        str
    ).tolist()


def locate_all(frame: pd.DataFrame, root: str | os.PathLike[str]) -> list[PrintSource]:
    """Return where the images of a table's rows are, below the folder `root`.

    Raises TableError if the table has no meta_source.
    """
    if "meta_source" not in frame:
        raise TableError(
            "the table has no column meta_source, so its images cannot be found; do not give the folder of the images"
        )
    cells = frame.reindex(columns=["meta_source", "meta_layout"]).fillna("").astype(str)
    return [
        locate(root, name, layout or None)
        for name, layout in zip(cells["meta_source"], cells["meta_layout"], strict=True)
    ]


def _candidates(vectors: Float, table: AuditTable) -> list[tuple[int, int, str]]:
    """Return pairs that are worth comparing, and how the first is changed before, in the order of the first."""
    count = min(table.limits.neighbours, len(vectors) - 1)
    if count < 1:
        return []
    axes = PCA(min(AXES, *vectors.shape), random_state=0).fit(vectors)
    low = axes.transform(vectors)
    search = NearestNeighbors(n_neighbors=count + 1, algorithm="brute").fit(low)
    found: dict[str, list[NDArray[Any]]] = {}
    for how, matrix in CHANGES.items():
        distance, nearest = search.kneighbors(axes.transform(_changed(vectors, matrix)) if how else low)
        found[how] = [nearest, np.where(nearest == np.arange(len(vectors))[:, None], 0, 1 - distance**2 / 2)]
    i, k = np.nonzero(found[""][1] >= table.limits.min_similarity)
    plain = np.unique(np.sort([i, found.pop("")[0][i, k]], axis=0), axis=1)
    nearest, similarity = (np.hstack(both) for both in zip(*found.values(), strict=True))
    best = np.argsort(-similarity, axis=1, kind="stable")[:, :count]
    i, k = np.nonzero(np.take_along_axis(similarity, best, axis=1) >= CHANGED_SIMILARITY)
    names, at = np.repeat(list(found), count + 1), best[i, k]
    pairs = [*zip(*plain.tolist(), [""] * plain.shape[1], strict=True)]
    return sorted([*pairs, *zip(i.tolist(), nearest[i, at].tolist(), names[at].tolist(), strict=True)])


def _changed(vectors: Float, matrix: NDArray[np.float64]) -> Float:
    """Return the signatures of images that were mapped linearly about their centre, nearly."""
    maps = vectors.reshape(-1, CELLS, CELLS, 3)
    angle = matrix / np.sqrt(abs(np.linalg.det(matrix)))
    # What the map does to the two components of a doubled angle: those of Q diag(1, -1) Q' and of Q offdiag(1, 1) Q'.
    tensors = angle @ np.array([[[1, 0], [0, -1]], [[0, 1], [1, 0]]]) @ angle.T
    doubled = np.stack([tensors[:, 0, 0], tensors[:, 0, 1]]).astype(np.float32)
    out = np.empty_like(maps)
    for k, one in enumerate(maps):
        moved = cv2.warpAffine(one, _about_centre(matrix, CELLS), (CELLS, CELLS), borderMode=cv2.BORDER_REPLICATE)
        out[k, ..., :2], out[k, ..., 2] = moved[..., :2] @ doubled.T, moved[..., 2] - moved[..., 2].mean()
    flat = out.reshape(len(vectors), -1)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12), np.float32)


def _about_centre(matrix: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    middle = np.full(2, (side - 1) / 2)
    return np.column_stack([matrix, middle - matrix @ middle])


def _signature(source: PrintSource) -> tuple[str | None, Float]:
    digest = _kept(source.path, source.relative, source.layout, source.box)[0]
    return (digest, signature(_square(source))) if digest else NO_SIGNATURE


def _correlation(pair: tuple[PrintSource, PrintSource, str]) -> float:
    one, other, how = pair
    return correlate(_square(one), _square(other), how)


def _square(source: PrintSource) -> Float:
    kept = _kept(source.path, source.relative, source.layout, source.box)[1]
    return kept.astype(np.float32) / np.float32(QUANTISATION)


@lru_cache(maxsize=CACHED_IMAGES)
def _kept(path: Path, relative: str, layout: str, box: Box | None) -> tuple[str | None, NDArray[np.int8]]:
    loaded = load(PrintSource(path, relative, layout, box=box))
    if loaded is None:
        return None, np.zeros((SIDE, SIDE), np.int8)
    return loaded.sha256, np.clip(np.rint(to_square(loaded.pixels) * QUANTISATION), -127, 127).astype(np.int8)


SIDE = 192
"""Pixels of the square that images are brought to: three to nine per ridge in the usual sizes."""
CONTRAST_SIGMA = 8.0
"""Standard deviation, in pixels, of the neighbourhood in which contrast is evened out."""
CELLS = 12
"""Cells of a signature along each side."""


AXES = 96
"""Principal axes of the signatures along which similar ones are looked for."""
CHANGED_SIMILARITY = 0.9
"""Cosine of two signatures, one of them changed, below which images are not compared in full."""


def _map(turn: float, scale: float = 1.0, mirror: bool = False) -> NDArray[np.float64]:
    c, s = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    return scale * np.array([[c, -s], [s, c]]) @ np.diag([-1.0 if mirror else 1.0, 1.0])


CHANGES = {
    "": _map(0),
    "turned by 180°": _map(180),
    "turned by 90°": _map(90),
    "mirrored": _map(0, mirror=True),
    "mirrored and turned by 180°": _map(180, mirror=True),
    "mirrored and turned by 90°": _map(90, mirror=True),
    "mirrored and turned by 270°": _map(270, mirror=True),
    "turned by about 7°": _map(7),
    "turned by about 14°": _map(14),
    "turned by about 20°": _map(20),
    "mirrored and turned by about 8°": _map(8, mirror=True),
    "mirrored and turned by about -8°": _map(-8, mirror=True),
    "cropped by about 5 %": _map(0, 1.11),
    "cropped by about 10 %": _map(0, 1.25),
}
"""Linear maps of an image about its centre. Their inverses need not be tried: each print of a pair is mapped once."""


def to_square(pixels: UInt8) -> Float:
    """Return an image brought to SIDE x SIDE with local mean 0 and local deviation about 1, float32."""
    shrinks = max(pixels.shape) > SIDE
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    image = cv2.resize(pixels, (SIDE, SIDE), interpolation=how).astype(np.float32)
    detail = image - cv2.GaussianBlur(image, (0, 0), CONTRAST_SIGMA)
    deviation = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), CONTRAST_SIGMA))
    # The floor keeps noise on an empty background from being blown up to ridges.
    return np.asarray(detail / (deviation + 2.0 + 0.1 * float(detail.std())), np.float32)


def signature(square: Float) -> Float:
    """Return the signature of an image from to_square, float32 of length 1, shape (3 * CELLS * CELLS,).

    The gradient's structure tensor by cell (Bigun and Granlund 1987): its doubled angle's two components, and its
    energy less the image's mean.
    """
    smooth = cv2.GaussianBlur(square, (0, 0), 1.0)
    gx, gy = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    xx, yy = gx * gx, gy * gy
    maps = cv2.merge([xx - yy, 2 * gx * gy, xx + yy])
    cells = cv2.resize(cv2.GaussianBlur(maps, (0, 0), 6.0), (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    cells[..., 2] -= cells[..., 2].mean()
    vector = cells.ravel()
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length if length > 0 else vector, np.float32)


TILE, REACH = 32, 10
"""Pixels: side of the pieces that are looked for in the other image, and how far around their place."""
COARSE_TILES, FINE_TILES = 4, 6
"""Tiles per side, first to decide whether to go on, then to align."""
ALIKE_CORRELATION, USABLE_CORRELATION = 0.7, 0.6
"""Correlation of a tile that supports one image, and of one that may be used to align."""
MIN_TILES = 4
MIN_RIDGE_DEVIATION = 0.3
"""Standard deviation of grey values below which a tile holds no ridges."""
MAX_STRETCH = 0.15
"""How far the affine map may be from a pure shift."""
SMOOTHING_SIGMA = 1.5
"""Standard deviation, in pixels, of the blur that takes noise and compression out of the comparison."""
BORDER = 4
MIN_OVERLAP = 0.5


def correlate(one: Float, other: Float, how: str = "") -> float:
    """Return the correlation of two images from to_square after alignment; 0 where they cannot be aligned.

    One is first changed as CHANGES[how] says. Tiles of it are found in the other (normalised cross-correlation), an
    affine map is fitted to where they were found (RANSAC) and refined on the pixels (ECC: Evangelidis and Psarakis
    2008).
    """
    change = _about_centre(CHANGES[how], SIDE)
    changed = cv2.warpAffine(one, change, (SIDE, SIDE)) if how else one
    _, _, alike = _find_tiles(changed, other, COARSE_TILES)
    if (alike > ALIKE_CORRELATION).sum() < MIN_TILES:
        return 0.0
    start, found, alike = _find_tiles(changed, other, FINE_TILES)
    usable = alike > USABLE_CORRELATION
    if usable.sum() <= MIN_TILES:
        return 0.0
    affine, inliers = cv2.estimateAffine2D(start[usable], found[usable], method=cv2.RANSAC, ransacReprojThreshold=2.0)
    if affine is None or inliers.sum() <= MIN_TILES or not _plausible(affine):
        return 0.0
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
    try:
        _, refined = cv2.findTransformECC(changed, other, affine.astype(np.float32), cv2.MOTION_AFFINE, stop, None, 3)
    except cv2.error:  # it did not converge
        return 0.0
    if not _plausible(refined):
        return 0.0
    # Compared as they are: an enlarged image is smoother, and so more like another impression.
    whole = refined[:, :2] @ change + np.column_stack([np.zeros((2, 2)), refined[:, 2]])
    return _compare(one, other, whole.astype(np.float32) if how else refined)


def _find_tiles(one: Float, other: Float, count: int) -> tuple[Float, Float, Float]:
    """Return tiles' centres in one image, where each is found in the other, and how well (n rows each)."""
    starts = np.linspace(REACH, SIDE - TILE - REACH, count).round().astype(int)
    places, moved, alike = [], [], []
    for y in starts:
        for x in starts:
            tile = one[y : y + TILE, x : x + TILE]
            if cv2.meanStdDev(tile)[1][0, 0] < MIN_RIDGE_DEVIATION:
                continue
            around = other[y - REACH : y + TILE + REACH, x - REACH : x + TILE + REACH]
            _, best, _, (dx, dy) = cv2.minMaxLoc(cv2.matchTemplate(around, tile, cv2.TM_CCOEFF_NORMED))
            places.append((x, y))
            moved.append((x + dx - REACH, y + dy - REACH))
            alike.append(best)
    middle = (TILE - 1) / 2
    at, to = (np.array(p, np.float32).reshape(-1, 2) + np.float32(middle) for p in (places, moved))
    return at, to, np.array(alike, np.float32)


def _plausible(affine: NDArray[np.floating]) -> bool:
    return bool(np.abs(affine[:, :2] - np.eye(2)).max() <= MAX_STRETCH)


def _compare(one: Float, other: Float, affine: Float) -> float:
    flags = cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(other, affine, (SIDE, SIDE), flags=flags | cv2.INTER_LINEAR)
    inside = cv2.warpAffine(np.ones((SIDE, SIDE), np.uint8), affine, (SIDE, SIDE), flags=flags | cv2.INTER_NEAREST)
    both: Bool = inside > 0
    both[:BORDER] = both[-BORDER:] = False
    both[:, :BORDER] = both[:, -BORDER:] = False
    if both.mean() < MIN_OVERLAP:
        return 0.0
    a, b = (cv2.GaussianBlur(image, (0, 0), SMOOTHING_SIGMA)[both] for image in (one, laid))
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
