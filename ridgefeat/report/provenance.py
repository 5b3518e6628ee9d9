"""What results and models were made of: a folder of results as an RO-Crate, and a model card.

The crate says what each file is, made by which software from which tables. In a card, what the program knows is filled
in, and what only a person knows is marked to be completed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ridgefeat._version import __version__
from ridgefeat.files import first_few, sha256
from ridgefeat.report.page import render_page, write_file

NAME = "ro-crate-metadata.json"
SPECIFICATION = "https://w3id.org/ro/crate/1.1"
TYPES = {".csv": "text/csv", ".html": "text/html", ".md": "text/markdown", ".json": "application/json"}
TYPES |= {".svg": "image/svg+xml", ".pdf": "application/pdf", ".png": "image/png"}
LICENCE = "Not stated. The licence of the input tables decides; replace this by it."
SHOWN_COLUMNS = 8
KEEPING = frozenset(("knn", "rbf-svm"))
"""Classifiers whose fitted state contains training rows."""


def write_crate(
    folder: str | Path,
    *,
    name: str,
    description: str,
    command: str,
    inputs: Mapping[str, str],
    versions: Mapping[str, str],
) -> Path:
    """Write the metadata of a folder's files, after RO-Crate 1.1 (https://www.researchobject.org/ro-crate/).

    Parameters
    ----------
    folder : str or Path
        With all files that belong to it.
    name, description : str
        Of the results as a whole.
    command : str
        The command line.
    inputs : mapping
        SHA-256 of each input table by its name.
    versions : mapping
        Of the software.

    Returns
    -------
    Path
        The file. Its date is that of SOURCE_DATE_EPOCH, if set, or today's.

    Raises
    ------
    TableError
        If it cannot be written.
    """
    folder = Path(folder)
    made = [_file(p, folder) for p in sorted(folder.rglob("*")) if p.is_file() and p.name != NAME]
    read = {f"#{quote(n)}": {"name": n, "sha256": digest} for n, digest in inputs.items()}
    results = [{"@id": one["@id"]} for one in made]
    seconds = os.environ.get("SOURCE_DATE_EPOCH", "")
    date = datetime.fromtimestamp(int(seconds), UTC) if seconds.isdigit() else datetime.now(UTC)
    root = {"name": name, "description": description, "datePublished": date.date().isoformat()}
    libraries = ", ".join(f"{n} {v}" for n, v in versions.items() if n != "ridgefeat")
    tool = {"name": "ridgefeat", "version": __version__, "softwareRequirements": libraries}
    action = {
        "name": name,
        "description": command,
        "instrument": {"@id": "#ridgefeat"},
        "object": [{"@id": key} for key in read],
        "result": results,
    }
    graph = [
        {"@id": NAME, "@type": "CreativeWork", "conformsTo": {"@id": SPECIFICATION}, "about": {"@id": "./"}},
        {"@id": "./", "@type": "Dataset", **root, "license": {"@id": "#licence"}, "hasPart": results}
        | {"mentions": {"@id": "#command"}},
        *made,
        *({"@id": key, "@type": "CreativeWork", **one} for key, one in read.items()),
        {"@id": "#ridgefeat", "@type": "SoftwareApplication", **tool},
        {"@id": "#command", "@type": "CreateAction", **action},
        {"@id": "#licence", "@type": "CreativeWork", "name": "licence", "description": LICENCE},
    ]
    content = {"@context": [f"{SPECIFICATION}/context", {"sha256": "https://schema.org/sha256"}], "@graph": graph}
    return write_file(folder / NAME, (json.dumps(content, indent=1) + "\n").encode(), "metadata")


def _file(path: Path, folder: Path) -> dict[str, Any]:
    return {
        "@id": quote(path.relative_to(folder).as_posix()),
        "@type": "File",
        "name": path.name,
        "encodingFormat": TYPES.get(path.suffix, "application/octet-stream"),
        "contentSize": str(path.stat().st_size),
        "sha256": sha256(path),
    }


def render_model_card(about: Mapping[str, Any]) -> str:
    """Return a model's card as Markdown.

    Parameters
    ----------
    about : mapping
        What a model file says of itself (`ridgefeat.bench.model.Model.about`).

    Returns
    -------
    str

    Notes
    -----
    Headings after Mitchell et al., "Model cards for model reporting" (FAT* 2019).
    """
    known = {"columns": (), "classes": (), "table": {}, "within": (), "versions": {}, "seed": None} | dict(about)
    columns = [f"`{c}`" for c in known["columns"]]
    page = {
        "training": {"prints": "?", "groups": "?"} | known.get("training", {}),
        "columns": f"{len(columns)}: {first_few(columns, SHOWN_COLUMNS)}",
        "more": len(columns) > SHOWN_COLUMNS,
        "kept": sorted(KEEPING & {known["classifier"], *known.get("members", ())}),
    }
    return render_page("model_card.md", known | page) + "\n"
