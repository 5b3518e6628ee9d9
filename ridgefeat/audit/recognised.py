"""What follows when prints are recognised: their sets and people, splits that separate a person, impossible labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ridgefeat.audit.duplicates import FOLDS, DuplicateSets
from ridgefeat.audit.groups import in_several_groups
from ridgefeat.audit.known import BATCH, LEVELS, Look, PrintIndex, look_at_source, people_of
from ridgefeat.audit.table import AuditTable, Finding, Index, as_text
from ridgefeat.files import count_of, first_few
from ridgefeat.sources import PrintSource
from ridgefeat.sources.layouts import normalise_labels
from ridgefeat.work.engine import count_workers, spread_items

KNOWN_LABELS = ("sex", "hand", "finger")
"""Labels whose words are the same in every set."""
HOW = {
    "exact": "pixel for pixel or byte for byte",
    "copy": "as changed copies",
    "finger": "as other prints of the same finger, or as copies that were changed much",
}
"""What is said of each level of LEVELS."""
MAX_PEOPLE_NAMED = 10
TRAIT = re.compile(
    r"sex|gender|blood|rhesus|birth|born|year_of|age|ethnic|race|nation|country|population|handed|diabet|disease|diagnos",
    re.IGNORECASE,
)
"""Names of labels that have one value in a person."""
TRAIT_VALUES = (
    re.compile(r"(a|b|ab|o|0)[ _]?([-+]|pos(itive)?|neg(ative)?)", re.IGNORECASE),
    re.compile(r"(fe)?male|m|f|(wo)?m[ae]n", re.IGNORECASE),
)
"""Values of such labels: blood groups and sexes, whatever the label is called."""
MIN_AGREEMENT = 0.9
"""Share of pairs of a person's prints with equal values from which differing ones are taken for single errors."""


@dataclass(frozen=True, eq=False)
class Recognised:
    """The known print of each row.

    Attributes
    ----------
    prints : pandas.DataFrame
        The known prints (PrintIndex.prints).
    at : ndarray of int, shape (rows,)
        Each row's position there; -1 for a print that is not known.
    level : ndarray of int, shape (rows,)
        How it is known: a position in LEVELS.
    marks : mapping of int to ndarray
        Keypoints (describe_marks) of the rows that were looked for by their image.
    """

    prints: pd.DataFrame
    at: Index
    level: NDArray[np.int8]
    marks: Mapping[int, NDArray[Any]] = field(default_factory=dict)

    @property
    def people(self) -> list[str]:
        """The person of each row as the set names it; an empty text where that is not known."""
        names = people_of(self.prints)
        return [names[i] if i >= 0 else "" for i in self.at]

    def label(self, name: str) -> list[str]:
        """Return a label that the sets know, for each row; an empty text where it is not known.

        Parameters
        ----------
        name : str
            The label, such as `finger`.

        Returns
        -------
        list of str
        """
        cells = self.prints[name].tolist() if name in self.prints else []
        return [cells[i] if i >= 0 and cells else "" for i in self.at]


def recognise_prints(
    index: PrintIndex, looks: Sequence[Look] | None, images: Sequence[PrintSource] | None = None, jobs: int | None = 1
) -> Recognised:
    """Return the known print of each row: by digests first, and then by the images of rows that have no known digest.

    Parameters
    ----------
    index : PrintIndex
        Known prints.
    looks : sequence of Look, optional
        Digests of each row.
    images : sequence of PrintSource, optional
        The images of all rows. A signature takes about 40 ms per print.
    jobs : int, optional
        Worker processes; None or -1 for every core.

    Returns
    -------
    Recognised
    """
    at, level = index.find(looks if looks is not None else [Look(())] * len(images or ()))
    marks: dict[int, NDArray[Any]] = {}
    if images is not None and (rest := np.flatnonzero(at < 0)).size:
        found = spread_items(look_at_source, [images[int(i)] for i in rest], count_workers(jobs), batch=BATCH)
        described = [look if isinstance(look, Look) else Look(()) for look in found]
        at[rest], level[rest] = index.find(described)
        marks = {int(i): look.marks for i, look in zip(rest, described, strict=True) if look.marks is not None}
    return Recognised(index.prints, at, level, marks)


def check_recognised(table: AuditTable, known: Recognised) -> Iterator[Finding]:
    """Yield which sets the prints are of, people on both sides of a fold or in several groups, contradicted labels."""
    rows = np.flatnonzero(known.at >= 0)
    if not rows.size:
        yield Finding("recognised", "note", f"none of {count_of(len(table), 'print')} is of a set that the index knows")
        return
    people = np.array(known.people, object)
    sets = np.array(known.label("set"), object)
    for name in dict.fromkeys(sets[rows]):
        own = np.flatnonzero(sets == name)
        persons = pd.Series(people[own])[people[own] != ""].value_counts()
        counts = dict(zip(LEVELS, np.bincount(known.level[own], minlength=len(LEVELS)), strict=True))
        how = ", ".join(f"{counts[level]:,} {words}" for level, words in HOW.items() if counts[level])
        how += f"; they are of {count_of(len(persons), 'person', 'people')}" if len(persons) else ""
        cost = "who is in these prints is known, whatever the files are called"
        if seen := float((persons * (1 - (1 / FOLDS) ** (persons - 1))).sum()) / own.size:
            cost += f"; in {FOLDS} folds by image {seen:.0%} of them are tested with their person in training"
        message = f"{own.size:,} of {len(table):,} prints are prints of {name}, {how}"
        yield Finding("recognised", "note", message, _files(table, known, own), cost=cost, count=own.size)
    yield from _separated(table, people)
    yield from _contradicted(table, known)


def _files(table: AuditTable, known: Recognised, rows: Iterable[int]) -> tuple[tuple[str, str], ...]:
    """Return some rows' names, here and in their set."""
    return tuple((str(table.names[i]), str(known.prints["file"].iat[known.at[i]])) for i in rows)


def _separated(table: AuditTable, people: NDArray[np.object_]) -> Iterator[Finding]:
    """Yield people that the sets name who are on both sides of a fold, or in several groups."""
    named = np.flatnonzero(people != "")
    if not named.size:
        return
    codes = np.full(len(table), -1, np.intp)
    names, codes[named] = np.unique(people[named].astype(str), return_inverse=True)
    shared, hit, tested = table.seen_in_training(codes)

    def on_people(who: Sequence[int], message: str, cost: str) -> Finding:
        files, groups = DuplicateSets(table, [np.flatnonzero(codes == p).tolist() for p in who]).names()
        message += f": {first_few([names[p] for p in who], MAX_PEOPLE_NAMED)}"
        return Finding("known_people", "leak", message, files, groups, cost=cost, count=len(who))

    if shared:
        message = (
            f"{count_of(len(shared), 'person is', 'people are')} on both sides of the split by the public set's names"
        )
        share = f"{hit:,} of {tested:,} test prints ({hit / tested:.1%}) have prints of the same person in training"
        cost = f"{share}: the score measures in part how well people are recognised"
        yield on_people(sorted(shared), message, cost)
    split = in_several_groups(codes[named], table.group_codes[named])
    if len(table.folds) or not split.size:
        return
    message = f"{count_of(split.size, 'person', 'people')} of the public set {'has' if split.size == 1 else 'have'} "
    message += f"prints in several groups by {table.group!r}"
    share = f"{np.isin(codes, split).sum() / len(table):.1%}"
    yield on_people(
        split.tolist(), message, f"{share} of the prints can be tested with prints of their own person in training"
    )


def _contradicted(table: AuditTable, known: Recognised) -> Iterator[Finding]:
    """Yield labels of the table that the set itself contradicts; people may have other names than there."""
    for name in dict.fromkeys((*KNOWN_LABELS, table.target)):
        if name not in table.frame or name not in known.prints or name == table.group:
            continue
        own = [normalise_labels({name: as_text(v)}).get(name, "") if v == v and v else "" for v in table.frame[name]]
        pairs = enumerate(zip(own, known.label(name), strict=True))
        wrong = [i for i, (mine, true) in pairs if mine and true and mine.casefold() != true.casefold()]
        if wrong:
            first = f"{table.names[wrong[0]]}: {own[wrong[0]]}, in the set {known.label(name)[wrong[0]]}"
            message = f"{name!r} of {count_of(len(wrong), 'print')} contradicts the public set, first {first}"
            cost = f"{len(wrong) / len(table):.1%} of the prints have a label that is not the set's"
            files = _files(table, known, wrong)
            yield Finding("known_label", "warning", message, files, cost=cost, count=len(wrong))


def check_trait(table: AuditTable, people: Sequence[str] | None = None) -> Iterator[Finding]:
    """Yield a label that differs between prints of one person, though it is a trait of people.

    `people` names each row's person, "" where that is not known; without it, people are the table's groups.
    """
    if people is None or not any(people):
        people = [table.group_names[g] for g in table.group_codes]
    if table.target == table.group or table.quantity or not is_trait(table):
        return
    known = (table.target_codes >= 0) & (np.array(people, object) != "")
    names, person = np.unique(np.array(people, object)[known].astype(str), return_inverse=True)
    counts = np.zeros((len(names), len(table.target_names)), np.int64)
    np.add.at(counts, (person, table.target_codes[known]), 1)
    sizes, different = counts.sum(axis=1), (counts > 0).sum(axis=1)
    several = sizes > 1
    pairs = float((sizes * (sizes - 1)).sum())
    if not several.any() or not (different > 1).any():
        return
    agree = float((counts * (counts - 1)).sum()) / pairs
    total = counts.sum(axis=0)
    chance = float(((total / total.sum()) ** 2).sum())
    if agree >= MIN_AGREEMENT:
        return  # single errors, which check_labels names
    counted = [int((several & (different >= n)).sum()) for n in (1, 2, 3)]
    rows = np.flatnonzero(known)
    sets = [rows[person == p].tolist() for p in np.argsort(-different, kind="stable")[: counted[1]]]
    message = (
        f"{table.target!r} cannot be true of these people: {counted[1]:,} of {counted[0]:,} people with several prints "
        f"have more than one value of it, {counted[2]:,} three or more, {counted[0] - counted[1]:,} have one; two "
        f"prints of one person agree in {agree:.1%} of pairs, by chance {chance:.1%}"
    )
    cost = (
        "what a classifier learns from this label is not a trait of people; a score above chance comes from "
        "something else, such as prints of one person or copies on both sides of the split"
    )
    files, groups = DuplicateSets(table, sets).names()
    yield Finding("impossible_label", "leak", message, files, groups, cost=cost, count=len(sets))


def is_trait(table: AuditTable) -> bool:
    """Whether the label is one that has a single value in a person, by its name or by its values."""
    by_values = any(all(p.fullmatch(v.strip()) for v in table.target_names) for p in TRAIT_VALUES)
    return by_values or TRAIT.search(table.target) is not None
