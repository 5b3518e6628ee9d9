"""The target predicted by how prints were captured and stored: format, size, resolution, names, order of rows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.audit.columns import LEAKING_AUC
from ridgefeat.audit.near_images import Images
from ridgefeat.audit.probe import ColumnProbe
from ridgefeat.audit.table import AuditTable, Finding, on_columns
from ridgefeat.sources.find import stays_inside

MAX_LEVELS = 30
"""Texts of a trait that are distinguished: the most frequent ones."""
PREFIX_LENGTH = 3
"""Characters at the beginning of a file name that are looked at."""
NUMBERS = {"width": "meta_width", "height": "meta_height", "resolution across": "meta_dpi_x"}
NUMBERS["resolution down"] = "meta_dpi_y"
"""Numeric properties of files, and their columns."""
NAME_TRAITS = ("folder", "length of file name", "beginning of file name")
"""Traits that no classifier sees and no image holds."""


def check_files(table: AuditTable, probe: ColumnProbe, images_root: Images | None = None) -> Iterator[Finding]:
    """Yield traits of the files, and the order of the rows, that predict the target."""
    traits = file_traits(table, images_root)
    area: dict[str, float] = {}
    for is_number, measure in ((True, probe.of_numbers), (False, probe.of_codes)):
        chosen = {n: v for n, v in traits.items() if (v.dtype.kind == "f") == is_number}
        if chosen:
            area |= zip(chosen, measure(np.stack(list(chosen.values()), axis=1)), strict=True)
    found = {n: a for n, a in area.items() if probe.is_significant(a)}
    if (order := found.pop("order of rows", None)) is not None:
        rows = f"the rows are sorted by {table.target!r}"
        message = f"{rows}: their order predicts it (AUC on held-out groups: {order:.3f})"
        cost = "a split without shuffling tests on classes that it did not train on; shuffle the groups"
        yield Finding("order", "warning", message, cost=cost, count=1)
    predict = f"predict {table.target!r} (AUC on held-out groups)"
    if named := {n: found.pop(n) for n in NAME_TRAITS if n in found}:
        cost = (
            "nothing, as long as no classifier sees names; check whether the classes were also captured or processed "
            "differently"
        )
        yield on_columns("file", "note", f"{_in_words(named)} {predict}", cost, list(named))
    if found:
        worst = max(found.values())
        message = f"{_in_words(found)} {predict}: classes were captured or stored differently"
        cost = (
            "size, resolution and compression are in the pixels and in most features; a classifier can read the "
            f"scanner instead of the finger, up to AUC {worst:.2f}"
        )
        yield on_columns("file", "leak" if worst >= LEAKING_AUC else "warning", message, cost, list(found))


def file_traits(table: AuditTable, images_root: Images | None = None) -> dict[str, NDArray[Any]]:
    """Return what is known about each print besides its ridges, by name: numbers as floats, texts as codes."""
    frame = table.frame
    traits: dict[str, NDArray[Any]] = {"order of rows": np.arange(len(table), dtype=np.float64)}
    for name, column in NUMBERS.items():
        if column in frame and getattr(frame[column].dtype, "kind", "O") in "fiu":
            traits[name] = frame[column].to_numpy(np.float64, na_value=np.nan)
    for name in ("layout", "flags", "error"):
        if (column := f"meta_{name}") in frame:
            traits[name] = _codes([str(v) for v in frame[column].fillna("")])
    if "meta_sha256" in frame:
        digits = (re.match("[0-9a-fA-F]{2}", str(v)) for v in frame["meta_sha256"])
        traits["beginning of sha256"] = np.array([int(m[0], 16) if m else np.nan for m in digits], np.float64)
    if "meta_source" in frame:
        paths = [PurePosixPath(str(n)) for n in table.names]
        traits |= {
            "format": _codes([p.suffix.lower() for p in paths]),
            "length of file name": np.array([len(p.name) for p in paths], np.float64),
            "beginning of file name": _codes([p.name[:PREFIX_LENGTH] for p in paths]),
        }
        if "meta_layout" not in frame or not frame["meta_layout"].eq("class-folders").all():
            traits["folder"] = _codes([str(p.parent) for p in paths])
        if isinstance(images_root, (str, os.PathLike)):
            names = map(str, table.names)
            traits["size of file"] = _sizes([Path(images_root) / n if stays_inside(n) else None for n in names])
        elif images_root is not None:
            traits["size of file"] = _sizes([source.path for source in images_root])
    return traits


def _codes(texts: list[str]) -> NDArray[np.int64]:
    values, inverse, counts = np.unique(np.array(texts, str), return_inverse=True, return_counts=True)
    rank = np.empty(len(values), np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(values))
    return np.minimum(rank[inverse], MAX_LEVELS)


def _sizes(paths: Sequence[Path | None]) -> NDArray[np.float64]:
    sizes = np.full(len(paths), np.nan)
    for i, path in enumerate(paths):
        with suppress(OSError):
            if path is not None:
                sizes[i] = path.stat().st_size
    return sizes


def _in_words(found: dict[str, float]) -> str:
    return ", ".join(f"{n} {a:.3f}" for n, a in sorted(found.items(), key=lambda item: -item[1]))
