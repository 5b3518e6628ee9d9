"""What classifiers read: a matrix with a row per print for each kind of input, and the levels to standardise within."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ridgefeat.bench.options import FEATURES, Method, Options, Progress
from ridgefeat.bench.results import Problem
from ridgefeat.errors import RidgefeatError, TableError
from ridgefeat.sources import PrintSource, load_print
from ridgefeat.sources.find import check_root, locate
from ridgefeat.structure import UInt8
from ridgefeat.work.engine import count_workers
from ridgefeat.work.guard import current_limits, guarded_map, without_stopped
from ridgefeat.work.threads import opencv_threads

FINGER = ("hand", "finger")
"""Labels that together say which of ten fingers a print is of."""
SIDE = 128
"""Rows and columns of an image's pixels as classifiers read them."""


def make_inputs(
    problem: Problem, options: Options, methods: Sequence[Method] = (), progress: Progress | None = None
) -> dict[str, NDArray[Any] | str]:
    """Return what each kind of classifier reads: float32 matrices, a row per print; or why one is missing.

    A matrix with columns that are harmonised by site ends with the number of the print's site, then one with columns
    that are standardised within levels with the number of its level.
    """
    codes: list[NDArray[np.float32]] = []
    for columns, purpose in (((options.harmonise,), "harmonise by"), (options.within, "standardise within")):
        if any(columns):
            names = level_names(problem.labels, [c for c in columns if c], purpose)
            codes.append(level_codes(names, levels_of(names))[:, None])

    def with_levels(X: NDArray[Any], scaled: bool) -> NDArray[Any]:
        return np.concatenate([X, *codes], axis=1) if scaled and codes else X

    inputs: dict[str, NDArray[Any] | str] = {FEATURES: with_levels(problem.features.to_numpy(np.float32), scaled=True)}
    for m in methods:
        if m.read is None or m.input in inputs or options.images is None:
            continue
        try:
            given = {"progress": progress} if m.reports_progress else {}
            # A network's images are computed on as many threads as there may be workers.
            with opencv_threads(min(count_workers(options.jobs), count_workers(None))):
                read = m.read(problem, options.images, **given)
            inputs[m.input] = with_levels(read, m.scaled)
        # Only the classifiers that read it fail.
        except RidgefeatError as error:
            inputs[m.input] = str(error)
    return inputs


def level_names(labels: pd.DataFrame, columns: Sequence[str], purpose: str = "standardise within") -> NDArray[Any]:
    """Return each row's level as text, such as "left index", missing as ""; raise TableError if a column is missing."""
    if lacking := [c for c in columns if c not in labels.columns]:
        raise TableError(f"the table has no column {lacking[0]!r} to {purpose}")
    parts = labels[list(columns)]
    cells = zip(*(parts[c].tolist() for c in columns), strict=True)
    names = np.array([" ".join(map(str, row)) for row in cells], object)
    names[parts.isna().any(axis=1).to_numpy()] = ""
    return names


def levels_of(names: NDArray[Any]) -> list[str]:
    """Return the levels that occur, in sorted order."""
    return sorted({str(n) for n in names} - {""})


def level_codes(names: NDArray[Any], levels: Sequence[str]) -> NDArray[np.float32]:
    """Return the number of each name in `levels`, -1 for one that is not there; float32, shape (rows,)."""
    where = {name: i for i, name in enumerate(levels)}
    return np.array([where.get(n, -1) for n in names], np.float32)


def read_pixels(
    root: Path, sources: Sequence[Any], layouts: Sequence[Any], flags: Sequence[Any] | None = None
) -> NDArray[np.float32]:
    """Return every print's pixels, 0 to 1; float32, shape (prints, SIDE * SIDE).

    Parameters
    ----------
    root : Path
        Folder below which the sources lie.
    sources, layouts : sequence of str
        meta_source and meta_layout of every print.
    flags : sequence of str, optional
        meta_flags of every print; where ridges are white (`inverted`), the negative is read.

    Raises
    ------
    ImageError
        If an image is missing, lies outside the root, or cannot be read.
    TableError
        If the root does not exist.
    """
    out = np.empty((len(sources), SIDE * SIDE), np.float32)
    for i, pixels in enumerate(read_images(_read_shrunk, root, sources, layouts, flags or [None] * len(sources))):
        out[i] = pixels
    return out / np.float32(255)


def read_images(read: Callable[[PrintSource], Any], root: Path, *of_prints: Iterable[Any]) -> Iterator[Any]:
    """Yield what `read` makes of each print's image; `of_prints` are meta_source, meta_layout and meta_flags."""
    check_root(root)
    located = [locate(root, str(source), str(layout), flag) for source, layout, flag in zip(*of_prints, strict=True)]
    yield from without_stopped(guarded_map(read, located, current_limits()), (s.relative for s in located))


def _read_shrunk(source: PrintSource) -> UInt8:
    return cv2.resize(load_print(source).pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA).ravel()  # type: ignore[no-any-return]
