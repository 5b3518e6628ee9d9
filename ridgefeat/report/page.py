"""Pages made of templates: foreign text escaped, numbers for people, written as a whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgefeat.errors import TableError
from ridgefeat.files import atomic_write, os_errors_as

if TYPE_CHECKING:
    from markupsafe import Markup


def render_page(template: str, page: Mapping[str, Any]) -> str:
    """Return a template of this package filled in. File names and labels are foreign text: all of it is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    pages = Environment(
        loader=PackageLoader("ridgefeat.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["breakable"] = breakable
    return pages.get_template(template).render(page)


def breakable(text: str) -> Markup:
    """Return text, escaped, that may be broken after underscores and slashes."""
    from markupsafe import Markup, escape

    return Markup("").join(Markup("{}<wbr>").format(escape(p)) for p in re.split(r"(?<=[_/])", str(text)))


def number(value: float) -> str:
    """Return a number for people: three digits that matter, no exponent where it can be helped."""
    if not np.isfinite(value):
        return "–"
    if value != 0 and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.2e}"
    if value == int(value) and abs(value) >= 10:
        return f"{int(value):,}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{digits}f}"


def write_page(path: Path, text: str) -> Path:
    """Write a page; see `write_file`."""
    return write_file(path, text.encode("utf-8", errors="backslashreplace"), "page")


def write_file(path: Path, data: bytes, kind: str) -> Path:
    """Write a file atomically; an older one is replaced.

    Raises
    ------
    TableError
        If it cannot be written; `kind` says in the message what it is.
    """
    with os_errors_as(TableError, f"{kind} {path} cannot be written", "; is its folder writable?"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            temporary.write_bytes(data)
    return path
