"""Protocols: which prints to compare, and which of these comparisons are mated."""

from __future__ import annotations

import difflib
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from ridgefeat.errors import LayoutError, ScoreError
from ridgefeat.files import count_of, first_few
from ridgefeat.sources import repeated_impressions
from ridgefeat.tabular import LOG
from ridgefeat.threshold.files import Matrix, meaning, read_file
from ridgefeat.verify.enrolment import Entry

PROTOCOLS = ("fvc", "altered")
OTHER_SUBJECTS = 10
"""Other subjects with whose same finger an altered print is compared."""
MAX_COMPARISONS = 200_000_000

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Plan:
    """The comparisons to make.

    Attributes
    ----------
    probe, reference : ndarray of int64, shape (n,)
        Indices of the entries.
    mated : ndarray of bool, shape (n,)
        Whether both prints are of one finger.
    """

    probe: Index
    reference: Index
    mated: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.mated)

    @classmethod
    def from_pairs(cls, mated: Sequence[tuple[int, int]], nonmated: Sequence[tuple[int, int]]) -> Plan:
        """Return the plan of `mated` and `nonmated` pairs of entries' indices (probe, reference), in this order.

        Raises ScoreError if there are more than 200 million.

        Examples
        --------
        >>> plan = Plan.from_pairs([(0, 1)], [(0, 2), (1, 2)])
        >>> plan.reference, plan.mated
        (array([1, 2, 2]), array([ True, False, False]))
        """
        pairs = np.array([*mated, *nonmated], np.int64).reshape(-1, 2)
        if len(pairs) > MAX_COMPARISONS:
            raise ScoreError(f"{len(pairs):,} comparisons are more than {MAX_COMPARISONS:,}; compare fewer prints")
        return cls(pairs[:, 0], pairs[:, 1], np.arange(len(pairs)) < len(mated))


def make_plan(protocol: str, entries: list[Entry], *, every_impostor: bool = False) -> tuple[Plan, list[Entry]]:
    """Return the comparisons of a protocol ("fvc", "altered" or a table of pairs), and the entries with subjects."""
    if protocol == "fvc":
        return fvc(entries, every_impostor=every_impostor), entries
    if protocol == "altered":
        return altered(entries, every_impostor=every_impostor), entries
    return read_pairs(protocol, entries)


def fvc(entries: Sequence[Entry], *, every_impostor: bool = False) -> Plan:
    """Return the comparisons of the Fingerprint Verification Competitions.

    Mated: each impression of a finger with each later one. Non-mated: each finger's first impression with those of all
    later fingers; or, with `every_impostor`, each print with all later ones of other fingers. Ten fingers of eight
    impressions give 280 mated, and 45 or 2,880 non-mated comparisons.

    Parameters
    ----------
    entries : sequence of Entry
        With labels that identify the finger.
    every_impostor : bool

    Raises
    ------
    LayoutError
        If a print's finger is not known, two prints have the labels of one impression, there are not two fingers, or no
        finger has two impressions.

    Notes
    -----
    Source: Maio, Maltoni, Cappelli, Wayman, Jain (2002), FVC2000, IEEE PAMI 24(3); later competitions kept it.

    Examples
    --------
    >>> entries = [Entry(f"{s}_{i}.tif", {"subject": s}) for s in "ab" for i in (1, 2)]
    >>> plan = fvc(entries)
    >>> [f"{entries[i].name}-{entries[j].name}" for i, j in zip(plan.probe, plan.reference)]
    ['a_1.tif-a_2.tif', 'b_1.tif-b_2.tif', 'a_1.tif-b_1.tif']
    >>> len(fvc(entries, every_impostor=True))
    6
    """
    if repeated := repeated_impressions({entry.name: entry.labels for entry in entries}):
        raise LayoutError(
            f"several prints have the same labels ({first_few(repeated, 3, '; ')}), so prints of different people "
            "might count as one finger's; use --layout (person-folders: a folder per person), --index or --regex to "
            "give labels that distinguish them"
        )
    fingers = _by_finger(entries)
    mated = [pair for prints in fingers for pair in combinations(prints, 2)]
    impostors = fingers if every_impostor else [prints[:1] for prints in fingers]
    nonmated = [(i, j) for a, b in combinations(impostors, 2) for i in a for j in b]
    if not mated or not nonmated:
        lacking = "no finger has two impressions" if not mated else "there is only one finger"
        raise LayoutError(f"protocol fvc compares impressions of several fingers, and {lacking} among the prints given")
    return Plan.from_pairs(mated, nonmated)


def altered(entries: Sequence[Entry], *, every_impostor: bool = False) -> Plan:
    """Return the comparisons of altered prints with unaltered ones.

    Mated: each altered print (probe) with the unaltered ones of its finger (references). Non-mated: with the same
    finger of the next ten other subjects that have one; or of all others, with `every_impostor`.

    Parameters
    ----------
    entries : sequence of Entry
        Some with the label `alteration`, such as SOCOFing's.
    every_impostor : bool

    Raises
    ------
    LayoutError
        If there are no altered prints, no unaltered ones, or no mated or non-mated comparison.

    Examples
    --------
    >>> labels = {"finger": "thumb", "alteration": "none"}
    >>> real = [Entry(f"{s}.png", {**labels, "subject": s}) for s in "ab"]
    >>> plan = altered([*real, Entry("a_cut.png", {**labels, "subject": "a", "alteration": "z_cut"})])
    >>> plan.probe, plan.reference, plan.mated
    (array([2, 2]), array([0, 1]), array([ True, False]))
    """
    _by_finger(entries)
    references: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, entry in enumerate(entries):
        if not entry.is_altered:
            references[_finger(entry)].append(i)
    probes = [i for i, entry in enumerate(entries) if entry.is_altered]
    if not probes or not references:
        lacking = "no print is altered" if not probes else "all prints are altered"
        raise LayoutError(
            f"protocol altered compares altered prints with unaltered ones, and {lacking}; give both folders, such as "
            "SOCOFing/Real and SOCOFing/Altered"
        )
    places: dict[tuple[str, ...], list[tuple[str, ...]]] = defaultdict(list)
    for finger in references:
        places[finger[1:]].append(finger)
    mated, nonmated = [], []
    for probe in probes:
        own = _finger(entries[probe])
        mated += [(probe, i) for i in references.get(own, [])]
        same_place = places[own[1:]]
        # Start at the own place, so that non-mated comparisons spread evenly over the references.
        start = same_place.index(own) if own in same_place and not every_impostor else 0
        others = [f for f in same_place[start:] + same_place[:start] if f[0] != own[0]]
        nonmated += [(probe, references[f][0]) for f in others[: None if every_impostor else OTHER_SUBJECTS]]
    if not mated or not nonmated:
        which = "the same finger of another subject" if mated else "the finger that an altered one shows"
        kind = "non-mated" if mated else "mated"
        raise LayoutError(f"protocol altered finds no {kind} comparison: no unaltered print is of {which}")
    return Plan.from_pairs(mated, nonmated)


def read_pairs(path: str | os.PathLike[str], entries: Sequence[Entry]) -> tuple[Plan, list[Entry]]:
    """Return the comparisons that a table lists, and the entries with the subjects that it names.

    Parameters
    ----------
    path : path
        CSV in any dialect, .xlsx or Parquet with columns `probe, reference`, or a list of trials without names of
        columns (a label and two prints): names as `verify` writes them, or their last parts if these are
        unambiguous. Optional columns are `mated` (1 or 0), `subject_probe` and `subject_reference`; without them the
        labels of the prints decide.
    entries : sequence of Entry

    Raises
    ------
    LayoutError
        If the table cannot be read, a column is missing, or a print is unknown or ambiguous; the row is named.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "pairs.csv"
    ...     with path.open("w") as file:
    ...         print("probe,reference,mated", "a/1.png,2.png,1", "a/1.png,3.png,0", sep=chr(10), file=file)
    ...     plan, entries = read_pairs(path, [Entry("a/1.png"), Entry("a/2.png"), Entry("b/3.png")])
    >>> plan.reference, plan.mated, [entry.subject for entry in entries]
    (array([1, 2]), array([ True, False]), ['a/1.png', 'a/1.png', 'b/3.png'])
    """
    frame = _read_frame(Path(path))
    find = _finder(entries, Path(path))
    probe, reference = (
        np.array([find(name, row) for row, name in enumerate(frame[column], 1)], np.int64)
        for column in ("probe", "reference")
    )
    named = _with_subjects(frame, entries, probe, reference, Path(path))
    if "mated" in frame.columns:
        meanings = [meaning(v) for v in frame["mated"]]
        if None in meanings:
            row = meanings.index(None)
            wrong = str(frame["mated"].iloc[row])[:40]
            raise LayoutError(f"{path}, row {1 + row}: mated must be 1 or 0, got {wrong!r}")
        mated = np.array(meanings, bool)
    else:
        fingers = [entry.finger for entry in named]
        if unknown := [i for i in (*probe, *reference) if fingers[i] is None]:
            raise LayoutError(
                f"{path}: no label names the subject of {named[unknown[0]].name}; add a column mated (1 or 0), or "
                "subject_probe and subject_reference"
            )
        mated = np.array([fingers[i] == fingers[j] for i, j in zip(probe, reference, strict=True)], bool)
    said: dict[tuple[int, int], bool] = {}
    for row, (i, j, same) in enumerate(zip(probe.tolist(), reference.tolist(), mated.tolist(), strict=True), 1):
        if said.setdefault((min(i, j), max(i, j)), same) != same:
            raise LayoutError(f"{path}, row {row}: this pair is {'mated' if same else 'non-mated'} here, but not above")
    if itself := int((probe == reference).sum()):
        LOG.info("protocol %s: %s of a print with itself.", path, count_of(itself, "comparison"))
    return Plan(probe, reference, mated), _join_subjects(named, probe[mated], reference[mated])


def _finger(entry: Entry) -> tuple[str, ...]:
    found = entry.finger
    if found is None:
        raise LayoutError(
            f"the name of {entry.name} does not give its subject; give --layout or --regex with a group `subject` "
            "(and finger), or a table of pairs"
        )
    return found


def _by_finger(entries: Sequence[Entry]) -> list[list[int]]:
    fingers: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, entry in enumerate(entries):
        fingers[_finger(entry)].append(i)
    return list(fingers.values())


def _read_frame(path: Path) -> pd.DataFrame:
    """Return a table of pairs with its columns named as `verify` names them."""
    if not path.exists():
        near = difflib.get_close_matches(str(path), PROTOCOLS, 1)
        advice = f"did you mean {near[0]}?" if near else f"protocols are {', '.join(PROTOCOLS)}, or a table of pairs"
        raise LayoutError(f"{str(path)!r} is neither a protocol nor a readable table (no such file); {advice}")
    try:
        found = read_file(path)
    except ScoreError as error:
        raise LayoutError(f"{error}; --protocol takes a table with columns probe, reference") from None
    if isinstance(found, Matrix):
        raise LayoutError(f"{path} is a matrix, not a table of pairs; give columns probe, reference")
    names = {column: "mated" if role == "label" else role for role, column in found.roles.items()}
    frame = found.frame.drop(columns=[n for n in names.values() if n not in names and n in found.frame.columns])
    frame = frame.rename(columns={k: v for k, v in names.items() if k not in ("subject", "group")})
    missing = [c for c in ("probe", "reference") if c not in frame.columns]
    if missing:
        raise LayoutError(f"{path} has no column {missing[0]!r}; there are: {', '.join(map(str, frame.columns[:8]))}")
    if not len(frame):
        raise LayoutError(f"{path} lists no pairs; give one row per comparison")
    if found.note:
        LOG.info("protocol %s is read with %s.", path, found.note)
    return frame


def _finder(entries: Sequence[Entry], path: Path) -> Any:
    ends: dict[str, set[int]] = defaultdict(set)
    bare: dict[str, set[int]] = defaultdict(set)
    for i, entry in enumerate(entries):
        parts = entry.name.split("/")
        for k in range(len(parts)):
            ends["/".join(parts[k:])].add(i)
            bare[str(PurePosixPath(*parts[k:]).with_suffix(""))].add(i)
    ends = defaultdict(set, {**bare, **ends})  # the name without suffix counts where no print has it whole

    def find(name: str, row: int) -> int:
        wanted = str(name).strip().replace("\\", "/")
        exact = [i for i in ends.get(wanted, ()) if entries[i].name == wanted] or sorted(ends.get(wanted, ()))
        if not exact:
            # A path on another machine: its last parts may be the name of a print.
            tail = wanted.split("/")
            exact = next((sorted(f) for k in range(1, len(tail)) if (f := ends.get("/".join(tail[k:])))), [])
        if len(exact) != 1:
            problem = "is none of the prints given" if not exact else f"may be {len(exact)} of the prints given"
            raise LayoutError(f"{path}, row {row}: {wanted[:200]!r} {problem}; names are like {entries[0].name!r}")
        return exact[0]

    return find


def _join_subjects(entries: list[Entry], probe: Index, reference: Index) -> list[Entry]:
    """Give prints of unknown subject the subject that their mated comparisons name, or else a common one."""
    if all(entry.labels.get("subject") for entry in entries):
        return entries
    count = len(entries)
    links = coo_matrix((np.ones(len(probe), bool), (probe, reference)), shape=(count, count))
    group = connected_components(links, directed=False)[1]
    known: dict[int, str] = {}
    for i in sorted(range(count), key=lambda i: not entries[i].labels.get("subject")):
        known.setdefault(int(group[i]), entries[i].subject)
    return [
        entry if entry.labels.get("subject") else _with_subject(entry, known[int(g)])
        for entry, g in zip(entries, group, strict=True)
    ]


def _with_subject(entry: Entry, subject: str) -> Entry:
    return replace(entry, labels={**entry.labels, "subject": subject})


def _with_subjects(
    frame: pd.DataFrame, entries: Sequence[Entry], probe: Index, reference: Index, path: Path
) -> list[Entry]:
    named = list(entries)
    given: dict[int, str] = {}
    for column, index in (("subject_probe", probe), ("subject_reference", reference)):
        if column not in frame.columns:
            continue
        for row, (i, subject) in enumerate(zip(index.tolist(), frame[column].tolist(), strict=True), 1):
            subject = "" if subject is None else str(subject)
            if (above := given.setdefault(i, subject)) != subject:
                where = f"{path}, row {row}: the subject of {entries[i].name}"
                raise LayoutError(f"{where} is {subject[:40]!r} here, but {above[:40]!r} above")
    for i, subject in given.items():
        named[i] = _with_subject(named[i], subject)
    return named
