"""Near-duplicates, from the images: re-encoded, moved, brightened, cropped, resized, turned, mirrored.

Images that may show one finger are found by their keypoints (`marks`), which also say how one is laid on the other; the
pixels then tell a copy from another impression of the finger.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ridgefeat.audit.known import without_frame
from ridgefeat.audit.marks import KEYPOINTS, STEP, MarkIndex, agreeing, describe_marks, flatten, frame_factor
from ridgefeat.audit.table import AuditTable
from ridgefeat.errors import TableError
from ridgefeat.sources import PrintSource
from ridgefeat.sources.find import check_root, load, locate
from ridgefeat.sources.source import Box
from ridgefeat.structure import Bool, Float, UInt8
from ridgefeat.work.engine import count_workers, spread_items
from ridgefeat.work.guard import Stopped

Images = str | os.PathLike[str] | Sequence[PrintSource]
"""A table's images: the folder that meta_source is relative to, or each row's image."""
BATCH = 200
"""Prints or pairs that are sent to a worker at once."""
Match = tuple[int, int, int, tuple[NDArray[Any], NDArray[Any]], bool]
"""Keypoints that agree, the two prints, the keypoints' places in both, and whether the second is mirrored."""
CACHED_IMAGES = 1000
"""Prints that a worker caches while it compares pairs; 37 kB each."""
QUANTISATION = 30
"""Steps per unit that cached images are rounded to: their values lie within four units of 0."""


@dataclass(frozen=True)
class Described:
    """A print that could be read: digest of its pixels, signature, keypoints, and scale from their frame to SIDE."""

    digest: str
    signature: Float
    marks: NDArray[Any]
    scale: tuple[float, float]


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


def compare_images(
    table: AuditTable,
    images: Images,
    rows: Sequence[int],
    jobs: int | None = 1,
    marks: Mapping[int, NDArray[Any]] = MappingProxyType({}),
) -> Comparison:
    """Return the pairs among some rows that show one finger in nearly the same way.

    `images` is the folder that meta_source is relative to, or each row's image; `marks` are keypoints of rows that are
    known already. One of a pair may be mirrored, turned or cropped. Raises TableError if the folder is not there, the
    table has no meta_source, or none of the images can be read.
    """
    sources, digests = _sources(table, images, rows)
    workers = count_workers(jobs)
    asked = [(source, marks.get(row)) for source, row in zip(sources, rows, strict=True)]
    found = spread_items(_described, asked, workers, batch=BATCH)
    readable = {k: one for k, one in enumerate(found) if isinstance(one, Described)}
    if sources and not readable:
        first = f"first {sources[0].path}; give the folder that the table was extracted from"
        raise TableError(f"none of {len(sources)} images can be read, {first}")
    pairs = _find_pairs(readable, table.limits.neighbours, workers)
    compared = [(sources[i], sources[j], matrix) for i, j, matrix, _ in pairs]
    best: dict[tuple[int, int], tuple[float, str]] = {}
    for (i, j, _, how), r in zip(pairs, spread_items(_correlation, compared, workers, batch=BATCH), strict=True):
        if not isinstance(r, Stopped) and r >= table.limits.same_finger_correlation:
            best[min(rows[i], rows[j]), max(rows[i], rows[j])] = r, how
    _kept.cache_clear()
    return Comparison(
        tuple((*at, r) for at, (r, _) in sorted(best.items())),
        {at: how for at, (_, how) in best.items() if how},
        {rows[k]: sources[k] for k in readable},
        np.array([one.signature for one in readable.values()], np.float32).reshape(-1, 3 * CELLS * CELLS),
        tuple(row for k, row in enumerate(rows) if k not in readable),
        tuple(rows[k] for k, one in readable.items() if digests[k] and one.digest != digests[k]),
    )


def read_signature(source: PrintSource) -> Float | None:
    """Return the signature of an image that is still to be read; None where it cannot be read."""
    loaded = load(source)
    return None if loaded is None else signature(to_square(without_frame(loaded.pixels)))


def _sources(table: AuditTable, images: Images, rows: Sequence[int]) -> tuple[list[PrintSource], list[str]]:
    if not isinstance(images, (str, os.PathLike)):
        return [images[i] for i in rows], [""] * len(rows)
    check_root(images)
    part = table.frame.iloc[list(rows)]
    digests = part.reindex(columns=["meta_sha256"])["meta_sha256"]
    return locate_all(part, images), digests.fillna("").astype(str).tolist()


def locate_all(frame: pd.DataFrame, root: str | os.PathLike[str]) -> list[PrintSource]:
    """Return where the images of a table's rows are, below the folder `root`.

    Raises TableError if the table has no meta_source.
    """
    if "meta_source" not in frame:
        raise TableError(
            "the table has no column meta_source, so its images cannot be found; do not give the folder of the images"
        )
    cells = frame.reindex(columns=["meta_source", "meta_layout"]).fillna("").astype(str)
    return [locate(root, name, layout or None) for name, layout in cells.itertuples(index=False, name=None)]


def _find_pairs(
    prints: Mapping[int, Described], count: int, workers: int
) -> list[tuple[int, int, NDArray[np.float64], str]]:
    """Return pairs that show one finger, the map from the first's square to the second's, and how one was changed.

    Each print is paired with at most `count` others, those with which most keypoints agree.
    """
    names = list(prints)
    search = MarkIndex(np.array([p.marks[0, :KEYPOINTS].copy().view(np.uint8) for p in prints.values()], np.uint8))
    best: dict[tuple[int, int], Match] = {}
    queries = [(j, one.marks) for j, one in enumerate(prints.values())]
    for own in spread_items(partial(_matches, search, count), queries, workers, batch=BATCH):
        for match in own if isinstance(own, list) else []:
            at = min(match[1:3]), max(match[1:3])
            if at not in best or match[0] > best[at][0]:
                best[at] = match
    out = []
    for _, (_, i, j, places, mirrored) in sorted(best.items()):
        matrix, how = _lay(*places, mirrored)
        scales = [np.diag([*prints[names[k]].scale, 1.0]) for k in (i, j)]
        out.append((names[i], names[j], (scales[1] @ matrix @ np.linalg.inv(scales[0]))[:2], how))
    return out


def _matches(search: MarkIndex, count: int, query: tuple[int, NDArray[Any]]) -> list[Match]:
    """Return the prints with which most keypoints of a print agree; the query is its number and its keypoints."""
    j, marks = query
    own: list[Match] = []
    for mirrored, one in enumerate(marks):
        used = one[one["size"] > 0]
        for i in (int(i) for i in search.candidates(used) if i != j):
            there, here = agreeing(search.records[i], used, np.inf, MIN_AGREEING)
            number = min(np.unique(there).size, np.unique(here).size)
            if number >= MIN_AGREEING:
                own.append((number, i, j, (there, here), bool(mirrored)))
    return sorted(own, key=lambda m: -m[0])[:count]


def _lay(there: NDArray[Any], here: NDArray[Any], mirrored: bool) -> tuple[NDArray[np.float64], str]:
    """Return the shift, turn and scale between places (least squares), a 3 x 3 matrix, and in words how one changed."""
    a, b = there - there.mean(), here - here.mean()
    m = complex(np.vdot(a, b) / max(float(np.vdot(a, a).real), 1e-9))
    shift = complex(here.mean() - m * there.mean())
    matrix = np.array([[m.real, -m.imag, shift.real], [m.imag, m.real, shift.imag], [0, 0, 1]])
    if mirrored:
        matrix = np.array([[-1, 0, 255 * STEP], [0, 1, 0], [0, 0, 1]]) @ matrix
    turn = round(abs(np.rad2deg(np.angle(m))) / 5) * 5
    words = ["mirrored"] * mirrored + [f"turned by about {turn}°"] * (turn > 0)
    if not words and abs(np.log(abs(m))) > MIN_ZOOM:
        words = ["cropped or enlarged"]
    return matrix, " and ".join(words)


def _described(asked: tuple[PrintSource, NDArray[Any] | None]) -> Described | None:
    """Return what a print is compared by, given its keypoints where they are known; None where it cannot be read."""
    source, marks = asked
    loaded = load(source)
    if loaded is None:
        return None
    pixels = without_frame(loaded.pixels)
    across, down = (SIDE / (side * frame_factor(pixels.shape)) for side in pixels.shape[::-1])
    marks = describe_marks(pixels) if marks is None else marks
    return Described(loaded.sha256, signature(to_square(pixels)), marks, (across, down))


def _correlation(pair: tuple[PrintSource, PrintSource, NDArray[np.float64]]) -> float:
    kept = [_kept(source.path, source.relative, source.layout, source.box) for source in pair[:2]]
    one, other = (square.astype(np.float32) / np.float32(QUANTISATION) for square in kept)
    return correlate(one, other, pair[2])


@lru_cache(maxsize=CACHED_IMAGES)
def _kept(path: Path, relative: str, layout: str, box: Box | None) -> NDArray[np.int8]:
    loaded = load(PrintSource(path, relative, layout, box=box))
    square = np.zeros((SIDE, SIDE), np.float32) if loaded is None else to_square(without_frame(loaded.pixels))
    return np.clip(np.rint(square * QUANTISATION), -127, 127).astype(np.int8)


SIDE = 192
"""Pixels of the square that images are brought to: three to nine per ridge in the usual sizes."""
CONTRAST_SIGMA = 8.0
"""Standard deviation, in pixels, of the neighbourhood in which contrast is evened out."""
CELLS = 12
"""Cells of a signature along each side."""
MIN_AGREEING = 6
"""Keypoints on one map from which two images are compared in full: fewer than mark a known print, as pixels decide."""
MIN_ZOOM = 0.05
"""Logarithm of the scale from which one of two images counts as cropped or enlarged."""


def to_square(pixels: UInt8) -> Float:
    """Return an image brought to SIDE x SIDE with local mean 0 and local deviation about 1, float32."""
    how = cv2.INTER_AREA if max(pixels.shape) > SIDE else cv2.INTER_CUBIC
    return flatten(cv2.resize(pixels, (SIDE, SIDE), interpolation=how).astype(np.float32), CONTRAST_SIGMA)


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
    length = float(np.linalg.norm(cells))
    return np.asarray(cells.ravel() / (length or 1), np.float32)


MAX_STRETCH = 0.15
"""How far the refined map may be from that of the keypoints, as parts of a length."""
SMOOTHING_SIGMA = 1.5
"""Standard deviation, in pixels, of the blur that takes noise and compression out of the comparison."""
BORDER = 4
MIN_OVERLAP = 0.5


def correlate(one: Float, other: Float, matrix: NDArray[np.float64]) -> float:
    """Return the correlation of two images from to_square after alignment; 0 where they cannot be aligned.

    `matrix`, shape (2, 3), maps places of one to the other; it is refined on the pixels (ECC: Evangelidis and Psarakis
    2008).
    """
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
    try:
        _, refined = cv2.findTransformECC(one, other, matrix.astype(np.float32), cv2.MOTION_AFFINE, stop, None, 3)
    except cv2.error:  # it did not converge
        return 0.0
    change = np.linalg.solve(matrix[:, :2], refined[:, :2].astype(np.float64))
    return _compare(one, other, refined) if np.abs(change - np.eye(2)).max() <= MAX_STRETCH else 0.0


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
