"""The target told by how prints were taken and stored: format, size, resolution, names, order of rows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.audit.columns import LEAKING_AUC, believed
from ridgefeat.audit.probe import Readout
from ridgefeat.audit.table import AuditTable, Finding
from ridgefeat.sources.rows import stays_inside

MOST_LEVELS = 30
"""Different texts of a trait that are told apart: the most frequent ones."""
PREFIX = 3
"""Characters of a file name that are looked at."""
IN_THE_NAME = ("folder", "length of file name", "beginning of file name")
"""Traits that no classifier is shown and no picture holds."""


def check_files(
    table: AuditTable, readout: Readout, images_root: str | os.PathLike[str] | None = None
) -> Iterator[Finding]:
    """Yield traits of the files, and the order of the rows, that tell the target."""
    traits = file_traits(table, images_root)
    if not traits:
        return
    numbers = {n: v for n, v in traits.items() if v.dtype.kind == "f"}
    texts = {n: v for n, v in traits.items() if v.dtype.kind != "f"}
    area: dict[str, float] = {}
    if numbers:
        area.update(zip(numbers, readout.of_numbers(np.stack(list(numbers.values()), axis=1)), strict=True))
    if texts:
        area.update(zip(texts, readout.of_codes(np.stack(list(texts.values()), axis=1)), strict=True))
    found = {n: a for n, a in area.items() if believed(readout, table, np.array([a]))[0]}
    order = found.pop("order of rows", None)
    if order is not None:
        yield Finding(
            "order",
            "warning",
            f"the order of the rows tells {table.target!r} (AUC on groups left out {order:.3f}): it is sorted by it",
            cost="a split that does not shuffle tests on classes that it did not train on; shuffle the groups",
            count=1,
        )
    named = {n: found.pop(n) for n in IN_THE_NAME if n in found}
    if named:
        yield Finding(
            "file",
            "note",
            f"{_told(named)} tell {table.target!r} (AUC on groups left out)",
            cost="nothing, as long as no classifier sees names; look whether the classes were also taken or treated "
            "differently",
            count=len(named),
            columns=tuple(named),
        )
    if found:
        worst = max(found.values())
        yield Finding(
            "file",
            "leak" if worst >= LEAKING_AUC else "warning",
            f"{_told(found)} tell {table.target!r} (AUC on groups left out): classes were taken or stored differently",
            cost="size, resolution and compression are in the pixels and in most features; a classifier can read the "
            f"scanner instead of the finger, up to AUC {worst:.2f}",
            count=len(found),
            columns=tuple(found),
        )


def file_traits(table: AuditTable, images_root: str | os.PathLike[str] | None = None) -> dict[str, NDArray[Any]]:
    """Return what is known of each print besides its ridges, by name: numbers as floats, texts as codes."""
    frame = table.frame
    traits: dict[str, NDArray[Any]] = {"order of rows": np.arange(len(table), dtype=np.float64)}
    for column, name in (
        ("meta_width", "width"),
        ("meta_height", "height"),
        ("meta_dpi_x", "resolution across"),
        ("meta_dpi_y", "resolution down"),
    ):
        if column in frame and getattr(frame[column].dtype, "kind", "O") in "fiu":
            traits[name] = frame[column].to_numpy(np.float64, na_value=np.nan)
    for column, name in (("meta_layout", "layout"), ("meta_flags", "flags"), ("meta_error", "error")):
        if column in frame:
            traits[name] = _codes([str(v) for v in frame[column].fillna("")])
    if "meta_sha256" in frame:
        traits["beginning of sha256"] = np.array([_first_byte(v) for v in frame["meta_sha256"]], np.float64)
    if "meta_source" in frame:
        traits.update(_of_names([PurePosixPath(str(n)) for n in table.names]))
        if images_root is not None:
            traits["size of file"] = _sizes(Path(images_root), [str(n) for n in table.names])
    return traits


def _of_names(paths: list[PurePosixPath]) -> dict[str, NDArray[Any]]:
    return {
        "format": _codes([p.suffix.lower() for p in paths]),
        "folder": _codes([str(p.parent) for p in paths]),
        "length of file name": np.array([len(p.name) for p in paths], np.float64),
        "beginning of file name": _codes([p.name[:PREFIX] for p in paths]),
    }


def _codes(texts: list[str]) -> NDArray[np.int64]:
    values, inverse, counts = np.unique(np.array(texts, object).astype(str), return_inverse=True, return_counts=True)
    rank = np.empty(len(values), np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(values))
    return np.minimum(rank[inverse], MOST_LEVELS)


def _first_byte(digest: Any) -> float:
    text = str(digest)[:2]
    return float(int(text, 16)) if re.fullmatch("[0-9a-fA-F]{2}", text) else np.nan


def _sizes(root: Path, names: list[str]) -> NDArray[np.float64]:
    sizes = np.full(len(names), np.nan)
    for i, name in enumerate(names):
        with suppress(OSError):
            if stays_inside(name):
                sizes[i] = (root / name).stat().st_size
    return sizes


def _told(found: dict[str, float]) -> str:
    return ", ".join(f"{n} {a:.3f}" for n, a in sorted(found.items(), key=lambda item: -item[1]))
