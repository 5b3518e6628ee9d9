"""The leak audit: all checks one after the other, and their findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ridgefeat.audit.columns import check_features, check_names, check_pairs, check_together
from ridgefeat.audit.duplicates import check_altered, check_identical, find_identical
from ridgefeat.audit.files import check_files
from ridgefeat.audit.groups import check_folds, check_groups, check_labels
from ridgefeat.audit.inputs import AuditInput, failed_rows
from ridgefeat.audit.known import PrintIndex
from ridgefeat.audit.near import Comparator, check_near, group_by_comparison
from ridgefeat.audit.near_images import Images, locate_all
from ridgefeat.audit.probe import make_probe
from ridgefeat.audit.recognised import Recognised, check_recognised, check_trait, recognise_prints
from ridgefeat.audit.table import SEVERITIES, AuditParams, AuditTable, Finding, Index, as_text, make_table, not_checked
from ridgefeat.brief import Brief
from ridgefeat.errors import TableError
from ridgefeat.files import count_of
from ridgefeat.work.threads import one_thread

SHOWN = 20
"""Sets of files that the text names; `to_frame` names all."""
PERSON = "person"
"""The column of people of a table that names none."""
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

    @property
    def verdict(self) -> str:
        """One sentence: whether there is a leak, and the first."""
        prints = count_of(self.prints, "print")
        if leaks := self.leaks:
            return f"{count_of(len(leaks), 'leak')} found in {prints}. First: {leaks[0].message}."
        warned = sum(f.severity == "warning" for f in self.findings)
        to_check = f"; {count_of(warned, 'warning')} to check" if warned else ""
        return f"No leak found in {prints}{to_check}."

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
        found = [f"{n} {s}{'' if n == 1 else 's'}" for s, n in counts.items()]
        if resolved := sum(f.resolved for f in self.findings):
            found.append(f"{resolved} found, resolved")
        about = f"{count_of(self.prints, 'print')}, target {self.target!r}, groups by {self.group!r}"
        lines = [f"Leak audit of {about}: {', '.join(found)}"]
        for finding in self.findings:
            severity = "resolved" if finding.resolved else finding.severity
            lines.append(f"{severity.upper():9}{finding.kind}: {finding.message}")
            if finding.cost:
                lines.append(f"         cost: {finding.cost}")
            for names in finding.files[:shown]:
                more = f" = … {len(names) - SHOWN_FILES} more" if len(names) > SHOWN_FILES else ""
                lines.append(f"          {' = '.join(names[:SHOWN_FILES])}{more}")
            if len(finding.files) > shown:
                lines.append(f"          … and {len(finding.files) - shown} more sets")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as JSON holds it."""
        names = ("severity", "kind", "message", "cost", "advice", "count", "resolved", "columns", "files", "groups")
        findings = [{name: getattr(f, name) for name in names} for f in self.findings]
        about = {"verdict": self.verdict, "prints": self.prints, "label": self.target, "group": self.group}
        return about | {"leaks": len(self.leaks), "findings": findings}

    def to_frame(self) -> pd.DataFrame:
        """Return a row per finding: severity, kind, message, cost, count, files, groups and columns (as text)."""
        names = ["severity", "kind", "message", "cost", "count", "files", "groups", "columns"]
        frame = pd.DataFrame([[getattr(f, name) for name in names] for f in self.findings], columns=names)
        frame["files"] = ["; ".join(" = ".join(s) for s in f.files) for f in self.findings]
        frame["groups"] = ["; ".join(", ".join(s) for s in f.groups) for f in self.findings]
        frame["columns"] = [", ".join(f.columns) for f in self.findings]
        return frame


def audit(
    frame: pd.DataFrame,
    *,
    target: str,
    group: str,
    features: Sequence[str] | None = None,
    folds: Sequence[Any] | None = None,
    images_root: Images | None = None,
    comparator: Comparator | None = None,
    recognised: Recognised | None = None,
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
        The columns that a classifier is given; without, every column of numbers but meta_* and known labels.
    folds : sequence of (training, test) row positions, optional
        Splits to check; without them costs are estimated for five random folds.
    images_root : path or sequence of PrintSource, optional
        The folder that meta_source is relative to, or each row's image. Near-duplicates are then looked for in the
        images, else in the features.
    comparator : Comparator, optional
        With the images: finds prints of one person under two names; `ridgefeat.bench.make_comparator()` is one.
    recognised : Recognised, optional
        The rows' prints in an index of known sets (ridgefeat.audit.recognise_prints).
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
        found = _checks(table, images_root, comparator, recognised, jobs)
        return Audit((), target, group, len(table)).with_findings(found)


def audit_input(
    read: AuditInput,
    *,
    label: str | None = None,
    group: str = "subject",
    images: str | None = None,
    index: PrintIndex | None = None,
    comparator: Comparator | None = None,
    by_comparison: bool = False,
    jobs: int | None = 1,
) -> Audit:
    """Audit what `read_input` has read.

    Parameters
    ----------
    read : AuditInput
    label : str, optional
        The column to audit; by default `class`, which the layout class-folders gives, or else the people alone.
    group : str
        The column of people; without one it is called `person`. A print that has none there is of the person that the
        index knows, else of a person of its own.
    images : path, optional
        The images' folder, where a table was read.
    index : PrintIndex, optional
        Known prints, by which those of public sets are recognised.
    comparator, jobs
        As in `audit`.
    by_comparison : bool
        With a comparator: prints whose person is not known are grouped by comparing the most similar ones.

    Returns
    -------
    Audit
        Its findings, those that are leaks first.

    Raises
    ------
    TableError
        If there is no such label, there are no images to compare, or as in `audit`.
    """
    sources = read.images or (None if images is None else locate_all(read.frame, images))
    known = None
    if index is not None and (sources is not None or read.looks is not None):
        known = recognise_prints(index, read.looks, sources, jobs)
    group = group if group in read.frame else PERSON
    frame = with_people(read.frame, group, known)
    target = label or ("class" if "class" in frame else group)
    notes: list[Finding] = []
    if (failed := np.flatnonzero(failed_rows(frame))).size:
        first = frame["meta_source"].iat[failed[0]]
        notes.append(not_checked(f"{count_of(failed.size, 'print')} could not be read, first {first}", failed.size))
    if by_comparison:
        if sources is None or comparator is None:
            raise TableError("prints are compared by their images; give them as input, or their folder with --images")
        alone = [i for i, name in enumerate(frame[group]) if name == f"print {i + 1}"]
        fingers, words = group_by_comparison([sources[i] for i in alone], comparator, jobs)
        people = frame[group].to_numpy(object, copy=True)
        people[alone] = fingers
        frame = frame.assign(**{group: people})
        notes.append(Finding("groups", "note", f"people are not named: {words}", count=len(alone)))
    how: dict[str, Any] = {"features": read.features, "folds": read.folds, "images_root": read.images or images}
    how |= {"comparator": comparator, "recognised": known, "jobs": jobs}
    return audit(frame, target=target, group=group, **how).with_findings(notes)


def with_people(frame: pd.DataFrame, group: str, known: Recognised | None = None) -> pd.DataFrame:
    """Return a table in which every print has a person: its own label, else as recognised, else one for it alone.

    A recognised person is called as in the labels of other prints of theirs, where there are any.
    """
    names: Any = pd.Series(np.nan, frame.index, object)
    if group in frame:
        names = frame[group].astype(object).map(as_text, na_action="ignore")
    if known is not None:
        people = pd.Series(known.people, frame.index, object)
        people = people.where(people != "")
        called = people.map(names.groupby(people).first())
        names = names.where(names.notna(), called.where(called.notna(), people))
    alone = [f"print {i + 1}" for i in range(len(frame))]
    return frame.assign(**{group: names.where(names.notna(), alone)})


def _checks(
    table: AuditTable,
    images_root: Images | None,
    comparator: Comparator | None,
    recognised: Recognised | None,
    jobs: int | None,
) -> Iterator[Finding]:
    if recognised is not None:
        yield from check_recognised(table, recognised)
    yield from check_trait(table, recognised.people if recognised is not None else None)
    yield from check_groups(table)
    yield from check_folds(table)
    identical = find_identical(table)
    yield from check_identical(table, identical)
    marks = recognised.marks if recognised is not None else {}
    yield from check_near(table, identical, images_root, jobs, comparator, marks)
    yield from check_labels(table)
    yield from check_altered(table)
    yield from check_names(table)
    if table.target == table.group:
        yield not_checked("columns: the target is the group, so no column can be tested on others")
        return
    if (probe := make_probe(table)) is None:
        least = table.limits.min_groups
        yield not_checked(f"columns: at least two classes and {least} groups with a target are needed")
        return
    yield from check_features(table, probe)
    yield from check_pairs(table, probe)
    yield from check_together(table, probe)
    yield from check_files(table, probe, images_root)
