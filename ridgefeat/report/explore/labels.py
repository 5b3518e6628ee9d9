"""Labels as groups to colour and compare by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.report.page import number

if TYPE_CHECKING:
    import pandas as pd

MAX_GROUPS = 8
"""Groups with their own colour and shape; the rest form one more group."""
NONE = 255
"""Code of a row without a group."""
OTHERS = "others"
IDENTITIES = ("subject", "simulated")
"""Labels that identify a print's origin: to search for, not to compare by."""
QUANTILES = 4

Codes = NDArray[np.uint8]


def as_text(frame: pd.DataFrame, name: str) -> pd.Series[str]:
    """Return a column's cells as text, empty where missing."""
    return frame[name].astype("string").fillna("")


def list_groupings(frame: pd.DataFrame, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return every way to group a table's rows: its labels and flags; with the names of the groups and each row's code.

    Parameters
    ----------
    frame : DataFrame
        A feature table.
    labels : sequence of str
        Its label columns.
    """
    found = [_by_label(frame, name) for name in labels if name not in IDENTITIES]
    flags = as_text(frame, "meta_flags").to_numpy(dtype=str)
    if (flags != "").any():
        found.append(_group("flagged", np.where(flags != "", "flagged", "not flagged")))
        first = np.array([f.split()[0] if f else "" for f in flags.tolist()])
        found.append(_group("first flag", np.where(first == "", "none", first)))
    found += [_group(n[5:], as_text(frame, n).to_numpy(dtype=str)) for n in ("meta_layout",)]
    return [f for f in found if f is not None]


def _by_label(frame: pd.DataFrame, name: str) -> dict[str, Any] | None:
    import pandas as pd

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
    for name in (wanted, "sex", "pattern", "pattern_class", "finger", "hand", "alteration"):
        if name in names:
            return names.index(name)
    return 0 if names else -1
