"""Values as table cells: text, numbers in the shortest digits that read back the same, types of label columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np

from ridgefeat.structure import Float
from ridgefeat.table.row import LABELS, Item, clean

Kind = Literal["integer", "number", "text"]

META_KINDS: dict[str, Kind] = {
    "meta_source": "text",
    "meta_sha256": "text",
    "meta_width": "integer",
    "meta_height": "integer",
    "meta_dpi_x": "number",
    "meta_dpi_y": "number",
    "meta_layout": "text",
    "meta_error": "text",
    "meta_flags": "text",
}
_INTEGER = re.compile(r"0|-?[1-9]\d{0,17}")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?(e[-+]?\d+)?", re.IGNORECASE)


def numbers(values: Float) -> list[str]:
    """Return float32 values in the fewest digits that read back the same; NaN becomes an empty cell."""
    # tolist() would make float64 of them, with their longer digits.
    return ["" if v == "nan" else v for v in map(str, values)]


def text(value: Any) -> str:
    """Return a meta cell or label as text; what is missing is empty."""
    if value is None or value != value:
        return ""
    return repr(float(value)) if isinstance(value, float) else clean(str(value))


def label_names(items: Iterable[Item]) -> list[str]:
    """Return the labels that any print has: the known ones in their order, then others as they appear."""
    seen: dict[str, None] = {}
    for item in items:
        seen.update(dict.fromkeys(item.labels))
    return [name for name in LABELS if name in seen] + [name for name in seen if name not in LABELS]


def kind_of(cells: Iterable[str]) -> Kind:
    """Return the narrowest type that gives every non-empty cell back as it is written (007 stays text)."""
    kinds = {"integer" if _INTEGER.fullmatch(c) else "number" if _NUMBER.fullmatch(c) else "text" for c in cells if c}
    if kinds == {"integer"}:
        return "integer"
    return "number" if kinds and "text" not in kinds else "text"


def column(cells: Sequence[str], kind: Kind) -> Any:
    """Return text cells as a pandas column of the given type; empty ones are missing."""
    import pandas as pd

    if kind == "text":
        return pd.Series([c or None for c in cells], dtype=object)
    if kind == "number" or any(not c for c in cells):
        as_float = pd.Series([float(c) if c else np.nan for c in cells], dtype=np.float64)
        return as_float if kind == "number" else as_float.astype("Int64")
    return pd.Series([int(c) for c in cells], dtype=np.int64)
