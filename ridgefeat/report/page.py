"""Pages made of templates: foreign text escaped, written as a whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ridgefeat.errors import TableError

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


def write_page(path: Path, text: str) -> Path:
    """Write a page under a temporary name and rename it; what stood there is replaced.

    Raises
    ------
    TableError
        If it cannot be written.
    """
    half = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half.write_text(text, encoding="utf-8", errors="backslashreplace")
        half.replace(path)
    except OSError as error:
        raise TableError(f"page {path} cannot be written: {error.strerror}; is its folder writable?") from None
    finally:
        with suppress(OSError):
            half.unlink()
    return path
