"""The works that columns name as their source: authors, year, title, where published and, if known, a link."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

DATA = "bibliography.json"


@cache
def load_bibliography() -> dict[str, dict[str, str]]:
    """Return every work by the short name that columns use, such as "Acree 1999"."""
    loaded: dict[str, dict[str, str]] = json.loads(files(__package__).joinpath(DATA).read_text(encoding="utf-8"))
    return loaded


def split_sources(source: str) -> list[str]:
    """Return the short names in a column's source, which semicolons separate."""
    return [name for part in source.split(";") if (name := part.strip())]


def cite(sources: Iterable[str]) -> dict[str, str]:
    """Return the full reference of each work that columns' sources name, by short name; own fits are left out."""
    works = load_bibliography()
    names = sorted({name for source in sources for name in split_sources(source)} & set(works))
    return {name: f"{describe_work(works[name])} {works[name]['link']}".rstrip() for name in names}


def describe_work(work: Mapping[str, str]) -> str:
    """Return a work's authors, year, title and place of publication."""
    title = work["title"] if work["title"].endswith("?") else f"{work['title']}."
    return f"{work['authors']} ({work['year']}). {title} {work['published']}."
