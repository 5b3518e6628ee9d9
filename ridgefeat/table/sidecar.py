"""Sidecars of tables: how a table was made, so that it can be reproduced and is not mixed with others."""

from __future__ import annotations

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Required, TypedDict

from ridgefeat._version import __version__
from ridgefeat.errors import TableError
from ridgefeat.files import MAX_DESCRIPTION_BYTES, first_few, read_bounded, sha256
from ridgefeat.reliability import ERROR_SUFFIX
from ridgefeat.schema import check_schema
from ridgefeat.table.recipe import differences
from ridgefeat.table.row import META, file_state, kind_of, label_names, text

if TYPE_CHECKING:
    from ridgefeat.table.recipe import Recipe
    from ridgefeat.table.row import Item

FORMAT = "ridgefeat table 1"
TABLE_MANIFEST = "_manifest.json"
LIBRARIES = ("numpy", "scipy", "opencv-python", "opencv-python-headless", "scikit-image", "PyWavelets", "joblib")


class Column(TypedDict, total=False):
    """A feature's column as sidecars and models describe it."""

    name: Required[str]
    unit: str
    low: float | None
    high: float | None
    meaning: str
    source: str
    uses: list[str]


class _Part(TypedDict, total=False):
    file: Required[str]
    sha256: Required[str]
    rows: int
    bytes: int


class _OwnFamily(TypedDict, total=False):
    source: Required[str]
    sha256: Required[str]


class _Errors(TypedDict, total=False):
    source: Required[str]
    deviations: Required[dict[str, float]]


class Recorded(TypedDict, total=False):
    """What decides a table's columns and values, as sidecars and models hold it."""

    families: Required[list[str]]
    parameters: Required[dict[str, dict[str, float | bool | str | None]]]
    columns: Required[list[Column]]
    label_kinds: Required[dict[str, Literal["integer", "number", "text"]]]
    layout: Required[str]
    parameters_digest: str
    schema_digest: str
    own_families: dict[str, _OwnFamily]


class Sidecar(Recorded, total=False):
    """Schema of a sidecar; keys that other versions add are ignored."""

    command: list[str]
    version: str
    libraries: dict[str, str]
    regex: str | None
    dpi: tuple[float, float] | None
    mirror: Literal["left", "right"] | None
    invert: Literal["auto", "yes", "no"]
    fingers: Literal["split"] | None
    errors: _Errors
    inputs: list[str]
    inputs_digest: str
    minutiae: str | None
    rows: int
    failures: int
    reasons: dict[str, tuple[int, str]]
    flags: dict[str, int]
    table: _Part
    parts: list[_Part]


def sidecar_path(table: Path) -> Path:
    """Return the sidecar's path: features.csv has features.json, a folder of parts its manifest inside."""
    if table.is_dir():
        return table / TABLE_MANIFEST
    return table.with_suffix(".json")


def numeric_columns(about: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the columns of numbers that a table has, as its sidecar describes them: features, then standard errors."""
    columns = list(about["columns"])
    se = [{**c, "name": c["name"] + ERROR_SUFFIX, "meaning": f"standard error of {c['name']}"} for c in columns]
    return [*columns, *se] if "errors" in about else columns


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that decide the table's numbers."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
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
        If it cannot be read or is not a sidecar of ridgefeat's.
    """
    path = Path(path)
    if path.suffix.lower() != ".json":
        table, path = path, sidecar_path(path)
        if not table.exists() and not path.exists():
            raise TableError(f"table {table}: no such file or folder; `ridgefeat extract` makes one")
        if not path.exists():
            advice = "for a table of another program, name the feature columns: --feature-columns 'a*'"
            raise TableError(f"sidecar {path}: no such file, or not a regular one; {advice}")
    raw = read_bounded(path, MAX_DESCRIPTION_BYTES, TableError, "sidecar")
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise TableError(f"sidecar {path} is not JSON: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise TableError(f"{path} is not a sidecar of a ridgefeat table (its format must read {FORMAT!r})")
    check_schema(content, Sidecar, f"sidecar {path}", TableError)
    names = [*META, *content["label_kinds"], *(c["name"] for c in numeric_columns(content))]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise TableError(f"sidecar {path}: columns {first_few(twice)} are listed twice")
    return content


def check_same(a: str | Path | Mapping[str, Any], b: str | Path | Mapping[str, Any]) -> None:
    """Raise TableError, naming the columns or parameters, if two tables cannot be used together.

    `a` and `b` are the tables, their sidecars' paths, or sidecars as load_sidecar gives them.
    """
    names = [str(x) if isinstance(x, (str, Path)) else "given table" for x in (a, b)]
    first, second = (x if isinstance(x, Mapping) else load_sidecar(x) for x in (a, b))
    if found := differences(first, second):
        advice = "Make one of them again with --like the other's sidecar"
        raise TableError(f"{names[0]} and {names[1]} were not made alike: {'; '.join(found)}. {advice}")


def describe(items: Sequence[Item], recipe: Recipe, minutiae: Path | None, standard: str = "iso") -> dict[str, Any]:
    """Return what a run is of, as its manifest and the table's sidecar hold it."""
    return {
        **recipe.to_dict(),
        "version": __version__,
        "libraries": library_versions(),
        "label_kinds": {n: kind_of(text(item.labels.get(n)) for item in items) for n in label_names(items)},
        "rows": len(items),
        "inputs_digest": digest(items),
        "minutiae": None if minutiae is None else f"{minutiae.name}{' (ansi)' * (standard == 'ansi')}",
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
        if then.get("errors") != now.get("errors"):
            found.append("standard errors")
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
        advice = "Give the same options as then, or --overwrite"
        raise TableError(f"cannot resume: {where} differs ({'; '.join(found)}). {advice}")


def json_bytes(content: Mapping[str, Any]) -> bytes:
    """Return a sidecar's text."""
    return (json.dumps(content, indent=2) + "\n").encode()


def table_digest(path: Path) -> str:
    """Return the SHA-256 of the table at path; that of the manifest for a folder, which holds those of its parts."""
    return sha256(sidecar_path(path) if path.is_dir() else path)
