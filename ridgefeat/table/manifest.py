"""What a run is of: its prints, its recipe and its versions, so that only the same run is ever continued."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ridgefeat._version import __version__
from ridgefeat.errors import TableError
from ridgefeat.table import sidecar
from ridgefeat.table.cells import kind_of, label_names, text
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.row import Item


def describe(items: Sequence[Item], recipe: Recipe, minutiae: Path | None) -> dict[str, Any]:
    """Return what a run is of, as its manifest and the table's sidecar hold it."""
    names = label_names(items)
    kinds = {name: kind_of(text(item.labels.get(name)) for item in items) for name in names}
    return {
        **recipe.to_dict(),
        "version": __version__,
        "libraries": sidecar.library_versions(),
        "label_kinds": kinds,
        "rows": len(items),
        "inputs_digest": digest(items),
        "minutiae": None if minutiae is None else str(minutiae.absolute()),
    }


def digest(items: Iterable[Item]) -> str:
    """Return a digest of which prints there are, what is known of them, and whether their files changed."""
    out = hashlib.sha256()
    for item in items:
        path = getattr(item, "path", None)
        place = getattr(item, "place", None)
        try:
            state = None if path is None or place else os.stat(path)  # noqa: PTH116  (Path would be made for every print)
        except OSError:
            state = None
        known: list[object] = [
            str(item.relative),
            item.layout,
            {k: text(v) for k, v in item.labels.items()},
            item.error,
        ]
        known += [getattr(item, "known_dpi", None)]
        known += [state and state.st_size, state and state.st_mtime_ns]
        if place is not None:
            known += [place.state]
        out.update(json.dumps(known).encode() + b"\n")
    return out.hexdigest()


def agree(then: Mapping[str, Any], now: Mapping[str, Any], where: str) -> None:
    """Raise TableError, with every difference, unless what was made then can be continued now."""
    try:
        found = sidecar.differences(then, now)
        for key in ("version", "libraries", "layout", "regex", "dpi", "minutiae"):
            if then[key] != now[key]:
                found.append(f"{key}: {then[key]}, now {now[key]}")
        if then["rows"] != now["rows"]:
            found.append(f"inputs: {then['rows']} prints, now {now['rows']}")
        elif then["inputs_digest"] != now["inputs_digest"] or then["label_kinds"] != now["label_kinds"]:
            found.append("inputs: files were renamed, changed or labelled otherwise")
    except (KeyError, TypeError, AttributeError):
        raise TableError(f"{where} is of another version or damaged; start again with --overwrite") from None
    if found:
        raise TableError(
            f"cannot resume: {where} differs ({'; '.join(found)}). Give the same options as then, or --overwrite"
        )


def json_bytes(content: Mapping[str, Any]) -> bytes:
    """Return a sidecar's text."""
    return (json.dumps(content, indent=2) + "\n").encode()


def file_digest(path: Path) -> str:
    """Return a file's sha256; a folder of parts has its manifest's, which holds those of the parts."""
    if path.is_dir():
        path = sidecar.path_beside(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
