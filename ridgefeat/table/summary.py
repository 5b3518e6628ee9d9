"""What a run did, counted while its rows pass by."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ridgefeat.table.row import Meta

Progress = Callable[[int, int, int], None]
"""Called with the prints done, how many of these failed, and how many there are in all."""


@dataclass
class Summary:
    """What a run did.

    Attributes
    ----------
    table, sidecar : Path
        What was written.
    rows, failures, kept : int
        Prints in all, those with an error, and those that an earlier run had finished.
    reasons : dict of str to (int, str)
        For each kind of failure how often it came, and its first message with the print's name.
    flags : Counter
        How many prints carry each flag.
    memory : int
        The most memory that a worker of this run has held, in bytes; 0 where that is not known.
    workers : int
        How many there were.
    """

    table: Path
    sidecar: Path
    rows: int = 0
    failures: int = 0
    kept: int = 0
    reasons: dict[str, tuple[int, str]] = field(default_factory=dict)
    flags: Counter[str] = field(default_factory=Counter)
    memory: int = 0
    workers: int = 1

    def add(self, meta: Meta) -> None:
        """Count one row."""
        self.rows += 1
        self.flags.update((meta["meta_flags"] or "").split())
        if error := meta["meta_error"]:
            self.failures += 1
            # Messages alike but for names and numbers are of one kind.
            kind = re.sub(r"'[^']*'|\S*[/\\]\S*|\d+", "…", error.replace(meta["meta_source"], "…"))
            count, first = self.reasons.get(kind, (0, f"{meta['meta_source']}: {error}"))
            self.reasons[kind] = (count + 1, first)

    def counts(self) -> dict[str, Any]:
        """Return rows, failures, reasons and flags as a sidecar holds them."""
        return {
            "rows": self.rows,
            "failures": self.failures,
            "reasons": self.reasons,
            "flags": dict(sorted(self.flags.items())),
        }
