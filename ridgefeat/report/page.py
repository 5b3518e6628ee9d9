"""Pages made of templates: foreign text escaped, numbers and names for people, written as a whole or not at all."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from ridgefeat._version import __version__
from ridgefeat.errors import TableError
from ridgefeat.files import atomic_write, count_of, first_few, os_errors_as

if TYPE_CHECKING:
    import pandas as pd

ASK = "**TO FILL IN:**"
"""Marks in a Markdown file what only a person can say."""
_POPULATION = ("population", "ancestry", "ethnicity", "race", "nationality", "country", "region")
SENSITIVE = {
    **dict.fromkeys(("sex", "gender"), "sex"),
    **dict.fromkeys(("age", "age_group", "birth_year"), "age"),
    **dict.fromkeys(_POPULATION, "population"),
}
"""Targets about which a page adds warnings, and under which topic."""


def render_page(template: str, page: Mapping[str, Any]) -> str:
    """Return a template of this package filled in; in pages, file names and labels are escaped."""
    return _templates(template.endswith(".html")).get_template(template).render(page)


@cache
def _templates(is_escaped: bool) -> Environment:
    pages = Environment(
        loader=PackageLoader("ridgefeat.report", ""),
        autoescape=is_escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"breakable": breakable, "count_of": count_of, "join_names": join_names}
    pages.filters |= {"percent": percent, "p_value": format_p_value}
    pages.globals |= {"version": __version__, "ask": ASK, "first_few": first_few}
    pages.globals |= {"interval": interval, "number": number, "signed": signed}
    return pages


def embed_script(script: str) -> dict[str, Any]:
    """Return a page's own script, and its digest, by which the page's policy lets it alone run."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return {"script": Markup(script), "script_digest": digest}


def breakable(text: str) -> Markup:
    """Return text, escaped, that may be broken after underscores and slashes."""
    return Markup("").join(Markup("{}<wbr>").format(escape(p)) for p in re.split(r"(?<=[_/])", str(text)))


def number(value: float) -> str:
    """Return a number for people: three significant digits, and an exponent only where it is needed.

    Examples
    --------
    >>> number(0.4712), number(12.345), number(1234.5), number(3e-7), number(float("nan"))
    ('0.471', '12.3', '1,234', '3.00e-07', '–')
    """
    if not np.isfinite(value):
        return "–"
    if value != 0 and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.2e}"
    if value == int(value) and abs(value) >= 10:
        return f"{int(value):,}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{digits}f}"


def signed(value: float) -> str:
    """Return a number with a true minus."""
    return f"−{number(-value)}" if value < 0 else number(value)


def interval(row: Any, name: str, form: Callable[[float], str] = signed) -> str:
    """Return a row's cells `name`_low and `name`_high as "a to b", empty if unknown."""
    ends = row[f"{name}_low"], row[f"{name}_high"]
    return " to ".join(map(form, ends)) if np.isfinite(ends).all() else ""


def percent(value: float) -> str:
    """Return a rate as a percentage with the digits that matter.

    Examples
    --------
    >>> percent(0.0123), percent(0.0004), percent(0.99995), percent(0), percent(6e-11)
    ('1.23 %', '0.04 %', '99.9950 %', '0 %', 'below 0.0001 %')
    """
    if not np.isfinite(value):
        return "–"
    shown = 100 * value
    if shown in (0, 100):
        return f"{shown:.0f} %"
    if 0 < shown < 1e-4:
        return "below 0.0001 %"
    return f"{shown:.2f} %" if 0.1 <= shown <= 99.9 else f"{shown:.3g} %" if shown < 1 else f"{shown:.4f} %"


def percent_interval(low: float, high: float) -> str:
    """Return an interval of rates; empty where it is unknown.

    Examples
    --------
    >>> percent_interval(0.01, 0.025)
    '1.00–2.50 %'
    """
    return f"{percent(low)[:-2]}–{percent(high)}" if np.isfinite([low, high]).all() else ""


def format_p_value(p: float) -> str:
    """Return a p value with three decimals.

    Examples
    --------
    >>> format_p_value(0.0312), format_p_value(0.0004), format_p_value(float("nan"))
    ('0.031', '< 0.001', '–')
    """
    return "–" if not np.isfinite(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def join_names(names: Sequence[str]) -> str:
    """Return names as an enumeration.

    Examples
    --------
    >>> join_names(["a", "b", "c"]), join_names(["a"]), join_names([])
    ('a, b and c', 'a', '')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def find_topic(target: str) -> str:
    """Return which sensitive topic a target is: "sex", "age", "population", or "" for none.

    Examples
    --------
    >>> find_topic("Gender"), find_topic("finger")
    ('sex', '')
    """
    return SENSITIVE.get(target.lower(), "")


def describe_simulated(labels: pd.DataFrame) -> str:
    """Return whether "all", "some" or "none" of a table's prints were made by a program, as its labels say."""
    if "simulated" not in labels:
        return "none"
    made = labels["simulated"].astype("string").fillna("") == "yes"
    return "all" if made.all() else "some" if made.any() else "none"


def write_page(path: str | Path, template: str, page: Mapping[str, Any], kind: str = "page") -> Path:
    """Fill in a template and write it to a file; see `render_page` and `write_file`."""
    text = render_page(template, page)
    return write_file(Path(path), text.encode("utf-8", errors="backslashreplace"), kind)


def write_file(path: Path, data: bytes, kind: str) -> Path:
    """Write a file atomically; an older one is replaced.

    Raises TableError if it cannot be written; `kind` says in the message what it is.
    """
    with os_errors_as(TableError, f"{kind} {path} cannot be written", "; is its folder writable?"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            temporary.write_bytes(data)
    return path
