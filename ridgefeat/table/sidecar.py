"""Sidecars of tables: how a table was made, so that it can be reproduced and is not mixed with others."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ridgefeat._version import __version__
from ridgefeat.errors import TableError
from ridgefeat.files import read_bounded, sha256
from ridgefeat.table.recipe import differences
from ridgefeat.table.row import file_state
from ridgefeat.table.writers import kind_of, label_names, text

if TYPE_CHECKING:
    from ridgefeat.table.recipe import Recipe
    from ridgefeat.table.row import Item

FORMAT = "ridgefeat table 1"
MANIFEST = "_manifest.json"
MAX_BYTES = 64 << 20
LIBRARIES = ("numpy", "scipy", "opencv-python", "opencv-python-headless", "scikit-image", "PyWavelets", "joblib")


def sidecar_path(table: Path) -> Path:
    """Return the sidecar's path: features.csv has features.json, a folder of parts its manifest inside."""
    if table.is_dir():
        return table / MANIFEST
    return table.with_suffix(".json")


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that decide the table's numbers."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def load_sidecar(path: str | Path) -> dict[str, Any]:
    """Read a sidecar.

    Parameters
    ----------
    path : str or Path
        The sidecar (.json) or its table.

    Returns
    -------
    dict
        What the file holds: command, versions, parameters, columns with units, inputs, failures.

    Raises
    ------
    TableError
        If it cannot be read or is no sidecar of ridgefeat's.
    """
    path = Path(path)
    if path.suffix.lower() != ".json":
        table, path = path, sidecar_path(path)
        if not table.exists() and not path.exists():
            raise TableError(f"table {table}: no such file or folder; `ridgefeat extract` makes one")
    raw = read_bounded(path, MAX_BYTES, TableError, "sidecar")
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise TableError(f"sidecar {path} is no JSON: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise TableError(f"{path} is no sidecar of a ridgefeat table (its format must read {FORMAT!r})")
    wanted = {"families": list, "parameters": dict, "columns": list, "label_kinds": dict, "layout": str}
    for key, kind in wanted.items():
        if not isinstance(content.get(key), kind):
            raise TableError(f"sidecar {path}: {key!r} is missing or damaged; make the table again")
    names = {"columns": [isinstance(c, dict) and c.get("name") for c in content["columns"]]}
    for key, found in {**names, "families": content["families"]}.items():
        if not all(isinstance(name, str) for name in found):
            raise TableError(f"sidecar {path}: {key!r} is damaged; make the table again")
    return content


def check_same(a: str | Path | Mapping[str, Any], b: str | Path | Mapping[str, Any]) -> None:
    """Raise TableError, naming the columns or parameters, if two tables cannot be used together.

    Parameters
    ----------
    a, b : path or sidecar
        Two tables, their sidecars' paths, or sidecars as load_sidecar gives them.
    """
    names = [str(x) if isinstance(x, (str, Path)) else "given table" for x in (a, b)]
    first, second = (x if isinstance(x, Mapping) else load_sidecar(x) for x in (a, b))
    if found := differences(first, second):
        raise TableError(
            f"{names[0]} and {names[1]} were not made alike: {'; '.join(found)}. "
            "Make one of them again with --like the other's sidecar"
        )


def describe(items: Sequence[Item], recipe: Recipe, minutiae: Path | None, standard: str = "iso") -> dict[str, Any]:
    """Return what a run is of, as its manifest and the table's sidecar hold it."""
    names = label_names(items)
    kinds = {name: kind_of(text(item.labels.get(name)) for item in items) for name in names}
    return {
        **recipe.to_dict(),
        "version": __version__,
        "libraries": library_versions(),
        "label_kinds": kinds,
        "rows": len(items),
        "inputs_digest": digest(items),
        "minutiae": None if minutiae is None else f"{minutiae.absolute()}{' (ansi)' * (standard == 'ansi')}",
    }


def digest(items: Iterable[Item]) -> str:
    """Return a digest of which prints there are, what is known of them, and whether their files changed."""
    out = hashlib.sha256()
    for item in items:
        place = getattr(item, "place", None)
        state = (None if place else file_state(item)) or (None, None)
        labels = {k: text(v) for k, v in item.labels.items()}
        known = [str(item.relative), item.layout, labels, item.error, getattr(item, "known_dpi", None), *state]
        if place is not None:
            known.append(place.state)
        out.update(json.dumps(known).encode() + b"\n")
    return out.hexdigest()


def agree(then: Mapping[str, Any], now: Mapping[str, Any], where: str) -> None:
    """Raise TableError, with every difference, unless what was made then can be continued now."""
    try:
        found = differences(then, now)
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


def table_digest(path: Path) -> str:
    """Return the SHA-256 of the table at path; that of the manifest for a folder, which holds those of its parts."""
    return sha256(sidecar_path(path) if path.is_dir() else path)
