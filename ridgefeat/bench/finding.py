"""Finding: one thing that the leak audit found, with the files it concerns and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["leak", "warning", "note"]
Names = tuple[str, ...]

SEVERITIES: tuple[Severity, ...] = ("leak", "warning", "note")
"""Worst first. A leak makes a score too good; a warning asks a person to look; a note says what was seen."""


def pictures_stand(count: int) -> str:
    """Return "1 picture stands", "2 pictures stand"."""
    return f"{count} picture stands" if count == 1 else f"{count} pictures stand"


@dataclass(frozen=True)
class Finding:
    """One thing that the audit found.

    Attributes
    ----------
    kind : str
        groups, folds, identical, near_duplicate, same_finger, label_conflict, altered_copy, column, column_pair,
        missing, file, order, target_name, target or not_checked.
    severity : {"leak", "warning", "note"}
        How bad it is.
    message : str
        What was found, in one sentence.
    files : tuple of tuple of str
        Files that belong together, set by set; empty where no file is concerned.
    groups : tuple of tuple of str
        The groups (people) of each set, in the same order.
    cost : str
        What it costs, in words and numbers.
    count : int
        How many sets, prints or columns are concerned; the message says which.
    rows : tuple of tuple of int
        Positions in the table of each set's prints, in the files' order.
    columns : tuple of str
        Columns that are concerned.
    """

    kind: str
    severity: Severity
    message: str
    files: tuple[Names, ...] = ()
    groups: tuple[Names, ...] = ()
    cost: str = ""
    count: int = 0
    rows: tuple[tuple[int, ...], ...] = ()
    columns: Names = ()
