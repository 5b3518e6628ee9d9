"""Records as text, Markdown, CSV or JSON: shared by the lists of features and parameters."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

import click

from ridgefeat.cli import options, talk

Record = dict[str, Any]

form = options.stacked(
    click.option(
        "--format",
        "form",
        type=click.Choice(["text", "markdown", "csv", "json"]),
        default="text",
        show_default=True,
        help="Format of the list.",
    ),
    options.json_result,
)


def write(records: Sequence[Record], form: str) -> str:
    """Return records, all with the same keys, in the given form."""
    forms: dict[str, Callable[[Sequence[Record]], str]] = {
        "text": _text,
        "markdown": _markdown,
        "csv": _csv,
        "json": lambda r: json.dumps(r, indent=2, ensure_ascii=False),
    }
    return forms["json" if talk.wants_json() else form](records)


def _cells(record: Record) -> list[str]:
    return [f"{v:g}" if isinstance(v, float) else str(v) for v in record.values()]


def _text(records: Sequence[Record]) -> str:
    return talk.align([list(records[0]), *map(_cells, records)])


def _markdown(records: Sequence[Record]) -> str:
    rows = [list(records[0]), ["---"] * len(records[0])]
    rows += [[c.replace("|", "\\|") for c in _cells(r)] for r in records]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _csv(records: Sequence[Record]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([list(records[0]), *map(_cells, records)])
    return out.getvalue().rstrip("\n")
