"""The works that columns, stages and methods name as their source: authors, year, title, where published, a link."""

from __future__ import annotations

import json
import re
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


def cites(text: str, name: str) -> bool:
    """Return whether a docstring cites a work: its authors, in any of the usual styles, and its year soon after.

    Examples
    --------
    >>> cites('After M. Kass and A. Witkin, "Analyzing oriented patterns" (CVGIP 1987).', "Kass, Witkin 1987")
    True
    """
    authors, year = name.replace(" et al.", "").rsplit(" ", 1)
    surnames = r"(?:,| and|,? [A-Z]\.)* ".join(map(re.escape, re.split(r", | and ", authors)))
    return re.search(rf"\b{surnames}\b[^;]{{0,170}}?\b{year}\b", " ".join(text.split())) is not None


def describe_work(work: Mapping[str, str]) -> str:
    """Return a work's authors, year, title and place of publication."""
    title = work["title"] if work["title"].endswith("?") else f"{work['title']}."
    return f"{work['authors']} ({work['year']}). {title} {work['published']}."
