"""A table read once; its labels as groups to colour and compare by; of a large table, a sample stratified by label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ridgefeat.report.page import number
from ridgefeat.table.reading import iterate_table
from ridgefeat.table.row import column, kind_of

OVERSAMPLING = 2
"""Candidates per drawn row: the strata are known only when the whole table has been read."""
MAX_VALUES = 64
"""Different values of a label of which a row is certainly a candidate, so that no stratum is empty."""
NAMES = ("meta_source", "meta_sha256")
"""Columns as large as all labels together; they are held of the candidates alone."""
MAX_GROUPS = 8
"""Groups with their own colour and shape; the rest form one more group."""
NONE = 255
"""Code of a row without a group."""
OTHERS = "others"
IDENTITIES = ("subject", "simulated")
"""Labels that identify a print's origin: to search for, not to compare by."""
QUANTILES = 4


@dataclass(frozen=True)
class Candidates:
    """What is held of a table."""

    labels: pd.DataFrame
    """Labels and meta_* columns of all rows, without NAMES."""
    frame: pd.DataFrame
    """Rows that may be drawn, with all columns in the table's order."""
    rows: NDArray[np.int64]
    """Their numbers in the table, ascending."""
    keys: NDArray[np.float64]
    """A random number for each; smaller ones are drawn first."""


def read_candidates(
    table: Path, features: Collection[str], about: Mapping[str, Any], limit: int, seed: int
) -> Candidates | None:
    """Read a table once; hold the labels of all rows, and about twice as many rows as are wanted; None without rows.

    `features` are its feature columns, `about` is its sidecar, `limit` the number of rows that are wanted. The same
    seed gives the same candidates, however the table is stored.
    """
    rng = np.random.default_rng(seed)
    seen: dict[str, set[str]] = {}
    labels: list[pd.DataFrame] = []
    held: list[pd.DataFrame] = []
    keys, rows, certain = np.zeros(0), np.zeros(0, np.int64), np.zeros(0, bool)
    total, most = 0, OVERSAMPLING * limit
    for stretch in iterate_table(table, about=about):
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
        if (
            name not in about["label_kinds"]
            and not name.startswith("meta_")
            and not pd.api.types.is_numeric_dtype(everything[name])
        ):
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
            texts = as_text(labels, name)
            first = np.flatnonzero(~texts.duplicated() & ~texts.isin(values))[: MAX_VALUES - len(values)]
            new[first] = True
            values.update(texts.iloc[first])
    return new


def draw_rows(
    strata: NDArray[np.uint8], rows: NDArray[np.int64], keys: NDArray[np.float64], limit: int
) -> NDArray[np.int64]:
    """Draw candidates so that every stratum keeps its fraction, and has at least one; places by Webster's method.

    `strata` has a value for each print; `rows` are the candidates among the prints and `keys` their random numbers:
    within a stratum, the smallest are drawn. The result holds places among the candidates, ascending.

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


def as_text(frame: pd.DataFrame, name: str) -> pd.Series[str]:
    """Return a column's cells as text, empty where missing."""
    return frame[name].astype("string").fillna("")


def list_groupings(frame: pd.DataFrame, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return every way to group a table's rows, by its labels and flags: the groups' names and each row's code."""
    found = [_by_label(frame, name) for name in labels if name not in IDENTITIES]
    flags = as_text(frame, "meta_flags").to_numpy(dtype=str)
    if (flags != "").any():
        found.append(_group("flagged", np.where(flags != "", "flagged", "not flagged")))
        first = np.array([f.split()[0] if f else "" for f in flags.tolist()])
        found.append(_group("first flag", np.where(first == "", "none", first)))
    found.append(_group("layout", as_text(frame, "meta_layout").to_numpy(dtype=str)))
    return [f for f in found if f is not None]


def _by_label(frame: pd.DataFrame, name: str) -> dict[str, Any] | None:
    texts = as_text(frame, name).to_numpy(dtype=str)
    column = frame[name]
    if pd.api.types.is_numeric_dtype(column) and column.nunique() > MAX_GROUPS:
        values = column.to_numpy(np.float64, na_value=np.nan)
        cuts = np.unique(np.nanquantile(values, np.linspace(0, 1, QUANTILES + 1)))
        at = np.clip(np.searchsorted(cuts, values, "right") - 1, 0, len(cuts) - 2)
        names = np.array([f"{number(a)} to {number(b)}" for a, b in pairwise(cuts)])
        return _group(name, np.where(np.isfinite(values), names[at], ""), names.tolist())
    return _group(name, texts)


def _group(name: str, texts: NDArray[Any], order: Sequence[str] | None = None) -> dict[str, Any] | None:
    counted = Counter(texts[texts != ""].tolist())
    if len(counted) < 2 or len(counted) > len(texts) / 2 > MAX_GROUPS:
        return None
    ranked = sorted(counted, key=lambda v: (-counted[v], v))
    names = ranked if len(ranked) <= MAX_GROUPS else ranked[: MAX_GROUPS - 1]
    names = [n for n in order if n in names] if order else sorted(names, key=_natural)
    if len(ranked) > len(names):
        names = [*names, OTHERS]
    code = {value: names.index(value) if value in names else len(names) - 1 for value in counted}
    codes = np.array([code.get(t, NONE) for t in texts.tolist()], np.uint8)
    return {"name": name, "names": names, "codes": codes}


def _natural(text: str) -> tuple[int, float, str]:
    try:
        return 0, float(text), text
    except ValueError:
        return 1, 0.0, text


def encode_texts(frame: pd.DataFrame, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return text columns as lists of distinct values and each row's index in them."""
    found = []
    for name in names:
        values, codes = np.unique(as_text(frame, name).to_numpy(dtype=str), return_inverse=True)
        found.append({"name": name, "values": values.tolist(), "codes": codes.astype(np.uint32)})
    return found


def choose_grouping(groups: Sequence[Mapping[str, Any]], wanted: str | None) -> int:
    """Return the index of the initial grouping: the wanted one, else a usual one, else 0; -1 without any."""
    names = [g["name"] for g in groups]
    usual = (wanted, "sex", "pattern", "pattern_class", "finger", "hand", "alteration")
    return next((names.index(n) for n in usual if n in names), 0 if names else -1)
