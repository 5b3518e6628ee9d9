"""A table read once; of one that is too large for a page, a sample stratified by label."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ridgefeat.table.reading import iterate_table
from ridgefeat.table.writers import column, kind_of

if TYPE_CHECKING:
    import pandas as pd

OVERSAMPLING = 2
"""Candidates per drawn row: the strata are known only when the whole table has been read."""
MAX_VALUES = 64
"""Different values of a label of which a row is certainly a candidate, so that no stratum is empty."""
NAMES = ("meta_source", "meta_sha256")
"""Columns as large as all labels together; they are held of the candidates alone."""


@dataclass(frozen=True)
class Candidates:
    """What is held of a table.

    Attributes
    ----------
    labels : DataFrame
        Labels and meta_* columns of all rows, without NAMES.
    frame : DataFrame
        Rows that may be drawn, with all columns in the table's order.
    rows : ndarray of int64
        Their numbers in the table, ascending.
    keys : ndarray of float64
        A random number for each; smaller ones are drawn first.
    """

    labels: pd.DataFrame
    frame: pd.DataFrame
    rows: NDArray[np.int64]
    keys: NDArray[np.float64]


def read_candidates(
    table: Path, features: Collection[str], kinds: Collection[str], limit: int, seed: int
) -> Candidates | None:
    """Read a table once; hold the labels of all rows, and about twice as many rows as are wanted.

    Parameters
    ----------
    table : Path
    features, kinds : collection of str
        Its feature columns, and the labels of which the sidecar knows the type.
    limit : int
        Number of rows that are wanted.
    seed : int
        The same seed gives the same candidates, however the table is stored.

    Returns
    -------
    Candidates or None
        None for a table without rows.
    """
    import pandas as pd

    rng = np.random.default_rng(seed)
    seen: dict[str, set[str]] = {}
    labels: list[pd.DataFrame] = []
    held: list[pd.DataFrame] = []
    keys, rows, certain = np.zeros(0), np.zeros(0, np.int64), np.zeros(0, bool)
    total, most = 0, OVERSAMPLING * limit
    for stretch in iterate_table(table):
        known = stretch[[n for n in stretch.columns if n not in features and n not in NAMES]]
        labels.append(known)
        held.append(stretch)
        keys = np.append(keys, rng.random(len(stretch)))
        rows = np.append(rows, np.arange(total, total + len(stretch)))
        certain = np.append(certain, _has_new_value(known, seen))
        total += len(stretch)
        if total > most:
            kept = certain | (keys <= np.partition(keys, most - 1)[most - 1])
            held = [pd.concat(held, ignore_index=True)[kept]]
            keys, rows, certain = keys[kept], rows[kept], certain[kept]
    if not total:
        return None
    everything, frame = pd.concat(labels, ignore_index=True), pd.concat(held, ignore_index=True)
    for name in everything.columns:
        # A label that was added by hand comes as text.
        if name not in kinds and not name.startswith("meta_") and not pd.api.types.is_numeric_dtype(everything[name]):
            cells = everything[name].fillna("").tolist()
            everything[name] = column(cells, kind_of(cells))
            frame[name] = everything[name].iloc[rows].reset_index(drop=True)
    return Candidates(everything, frame, rows, keys)


def _has_new_value(labels: pd.DataFrame, seen: dict[str, set[str]]) -> NDArray[np.bool_]:
    """Return which rows are the first with a value of some label, and remember the values."""
    new = np.zeros(len(labels), bool)
    for name in labels.columns:
        values = seen.setdefault(name, set())
        if len(values) < MAX_VALUES:
            texts = labels[name].astype("string").fillna("")
            first = np.flatnonzero(~texts.duplicated() & ~texts.isin(values))[: MAX_VALUES - len(values)]
            new[first] = True
            values.update(texts.iloc[first])
    return new


def draw_rows(
    strata: NDArray[np.uint8], rows: NDArray[np.int64], keys: NDArray[np.float64], limit: int
) -> NDArray[np.int64]:
    """Draw candidates so that every stratum keeps its fraction, and has at least one.

    Parameters
    ----------
    strata : ndarray of uint8, shape (prints,)
        Each print's stratum.
    rows : ndarray of int64, shape (candidates,)
        The candidates among the prints.
    keys : ndarray of float64, shape (candidates,)
        Within a stratum, candidates with the smallest keys are drawn.
    limit : int
        Number of candidates to draw.

    Returns
    -------
    ndarray of int64
        Places among the candidates, ascending.

    Notes
    -----
    Places are given to strata by Webster's method.

    Examples
    --------
    >>> strata = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 2], np.uint8)
    >>> drawn = draw_rows(strata, np.arange(10), np.linspace(0, 1, 10), 5)
    >>> strata[drawn].tolist()
    [0, 0, 0, 1, 2]
    """
    own, counts = strata[rows], np.bincount(strata)
    order = np.lexsort((keys, own))
    held = np.bincount(own, minlength=len(counts))
    rank = np.empty(len(rows), np.int64)
    rank[order] = np.arange(len(rows)) - np.repeat(np.cumsum(held) - held, held)
    quotient = np.where(rank == 0, -1, (rank + 0.5) / counts[own])
    return np.sort(np.lexsort((keys, quotient))[:limit])
