"""The leak audit: all checks one after the other, and their findings."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ridgefeat.audit.columns import check_features, check_names, check_pairs
from ridgefeat.audit.copies import check_altered, check_identical, find_identical
from ridgefeat.audit.files import check_files
from ridgefeat.audit.groups import check_folds, check_groups, check_labels
from ridgefeat.audit.near import check_near
from ridgefeat.audit.people import Comparator
from ridgefeat.audit.probe import make_probe
from ridgefeat.audit.table import SEVERITIES, AuditParams, AuditTable, Finding, Index, make_table, not_checked
from ridgefeat.audit.together import check_together
from ridgefeat.brief import Brief
from ridgefeat.work.threads import one_thread

SHOWN = 20
"""Sets of files that the text names; `to_frame` names all."""
SHOWN_FILES = 8
"""Files of a set that it names."""


@dataclass(frozen=True, repr=False)
class Audit(Brief):
    """The result of an audit.

    Attributes
    ----------
    findings : tuple of Finding
        Leaks first, then warnings, then notes.
    target, group : str
        The columns that were audited.
    prints : int
        Rows of the table.
    """

    findings: tuple[Finding, ...]
    target: str
    group: str
    prints: int

    @property
    def leaks(self) -> tuple[Finding, ...]:
        """The findings that make a score too good and were not resolved."""
        return tuple(f for f in self.findings if f.severity == "leak" and not f.resolved)

    def with_folds(self, kept: Index, folds: Sequence[tuple[Index, Index]]) -> Audit:
        """Return the audit with those leaks marked as resolved whose sets of prints no fold separates.

        `kept` are the rows of the audited table that remain, and folds are (training, test) positions among them.
        """
        side = np.zeros((len(folds), self.prints), np.int8)
        for k, (train, test) in enumerate(folds):
            side[k, kept[train]], side[k, kept[test]] = 1, 2

        def is_resolved(f: Finding) -> bool:
            sides = (side[:, list(rows)] for rows in f.rows)
            return bool(f.rows) and not any(((s == 1).any(axis=1) & (s == 2).any(axis=1)).any() for s in sides)

        marked = (replace(f, resolved=f.severity == "leak" and is_resolved(f)) for f in self.findings)
        return replace(self, findings=tuple(marked))

    def with_findings(self, found: Iterable[Finding]) -> Audit:
        """Return the audit with the further findings `found` in their places."""
        both = sorted([*self.findings, *found], key=lambda f: SEVERITIES.index(f.severity))
        return replace(self, findings=tuple(both))

    def of_kind(self, *kinds: str) -> tuple[Finding, ...]:
        """Return the findings of some kinds."""
        return tuple(f for f in self.findings if f.kind in kinds)

    def text(self, shown: int = SHOWN) -> str:
        """Return the audit for a terminal, with up to `shown` sets of files per finding."""
        counts = {s: sum(f.severity == s and not f.resolved for f in self.findings) for s in SEVERITIES}
        resolved = sum(f.resolved for f in self.findings)
        lines = [
            f"Leak audit of {self.prints} prints, target {self.target!r}, groups by {self.group!r}: "
            + ", ".join(f"{n} {s}{'' if n == 1 else 's'}" for s, n in counts.items())
            + (f", {resolved} found, resolved" if resolved else "")
        ]
        for finding in self.findings:
            severity = "resolved" if finding.resolved else finding.severity
            lines.append(f"{severity.upper():9}{finding.kind}: {finding.message}")
            if finding.cost:
                lines.append(f"         cost: {finding.cost}")
            lines += [f"          {_set(s)}" for s in finding.files[:shown]]
            if len(finding.files) > shown:
                lines.append(f"          … and {len(finding.files) - shown} more sets")
        return "\n".join(lines)

    def to_frame(self) -> pd.DataFrame:
        """Return a row per finding: severity, kind, message, cost, count, files, groups and columns (as text)."""
        rows = [
            (f.severity, f.kind, f.message, f.cost, f.count)
            + ("; ".join(" = ".join(s) for s in f.files), "; ".join(", ".join(s) for s in f.groups))
            + (", ".join(f.columns),)
            for f in self.findings
        ]
        names = ["severity", "kind", "message", "cost", "count", "files", "groups", "columns"]
        return pd.DataFrame(rows, columns=names)


def _set(names: tuple[str, ...]) -> str:
    more = f" = … {len(names) - SHOWN_FILES} more" if len(names) > SHOWN_FILES else ""
    return " = ".join(names[:SHOWN_FILES]) + more


def audit(
    frame: pd.DataFrame,
    *,
    target: str,
    group: str,
    features: Sequence[str] | None = None,
    folds: Sequence[Any] | None = None,
    images_root: str | os.PathLike[str] | None = None,
    comparator: Comparator | None = None,
    jobs: int | None = 1,
    limits: AuditParams | None = None,
) -> Audit:
    """Look for what would make a score on a table too good.

    Parameters
    ----------
    frame : pandas.DataFrame
        A feature table: meta_* columns, labels, features.
    target : str
        The column to predict.
    group : str
        The column that a split keeps together: the person.
    features : sequence of str, optional
        The columns that a classifier is given; without, every column of numbers that is no meta_* and no known label.
    folds : sequence of (training, test) row positions, optional
        Splits to check; without them costs are estimated for five random folds.
    images_root : path, optional
        The folder that meta_source is relative to. Near-duplicates are then looked for in the images, else in the
        features.
    comparator : Comparator, optional
        With the images: finds prints of one person under two names; `ridgefeat.bench.make_comparator()` is one.
    jobs : int or None
        Worker processes for the images; None or -1 for every core.
    limits : AuditParams, optional
        Limits from which something is reported.

    Returns
    -------
    Audit
        The same for the same table, whatever the number of workers.

    Raises
    ------
    TableError
        If the table is empty or lacks a column, a print has no group, no print has a target, the folds belong to
        another table, or the images are missing.
    """
    table = make_table(frame, target, group, folds, limits or AuditParams(), features)
    with one_thread():
        return Audit((), target, group, len(table)).with_findings(_checks(table, images_root, comparator, jobs))


def _checks(
    table: AuditTable, images_root: str | os.PathLike[str] | None, comparator: Comparator | None, jobs: int | None
) -> Iterator[Finding]:
    yield from check_groups(table)
    yield from check_folds(table)
    identical = find_identical(table)
    yield from check_identical(table, identical)
    yield from check_near(table, identical, images_root, jobs, comparator)
    yield from check_labels(table)
    yield from check_altered(table)
    yield from check_names(table)
    if table.target == table.group:
        yield not_checked("columns: the target is the group, so no column can be tested on others")
        return
    probe = make_probe(table)
    if probe is None:
        yield not_checked(
            f"columns: at least two classes and {table.limits.min_groups} groups with a target are needed"
        )
        return
    yield from check_features(table, probe)
    yield from check_pairs(table, probe)
    yield from check_together(table, probe)
    yield from check_files(table, probe, images_root)
