"""Pairs of prints as rows: can a classifier predict from two prints whether they share a label, such as their person?

Each row has the absolute difference and the product of every column of two prints. People are divided into small
blocks; pairs are made inside a block, and a block stays on one side of a fold, so that nobody of a test pair was seen
in training. For each pair of fingers (and of the other labels in which prints of a pair must differ) as many pairs that
share the label are formed as pairs that do not, and at most ten of either kind per person are drawn from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ridgefeat.bench.inputs import level_names
from ridgefeat.bench.tables import FINGER
from ridgefeat.errors import TableError
from ridgefeat.files import first_few

FINGER_LABELS = (*FINGER, "finger_id")
"""Labels that say which finger a print is of."""
MAX_BLOCK, MIN_BLOCKS = 4, 10
"""People in a block, at most; fewer where there would be less than so many blocks."""
PAIRS_PER_PERSON = 10
"""Pairs of either kind, at most, for each person of a block."""
PRODUCT = "_product"
"""Ending of the columns of products; those of differences keep their names."""
BLOCKS = "block"
"""The label that numbers the blocks."""

Ints = NDArray[np.int64]


def pair_prints(
    frame: pd.DataFrame,
    about: Mapping[str, Any],
    *,
    by: str,
    group: str,
    differ: Sequence[str] = (),
    match: Sequence[str] = (),
    seed: int = 42,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return a table with a row per pair of prints, and its sidecar, from a table with a row per print and its own.

    `by` is the label that two prints may share. If it is `group`, the label of the people, pairs are of two different
    fingers; otherwise, of two different people. In the labels `differ`, such as the session, the prints of a pair are
    different; the labels `match`, such as the sex, are shared by all people of a block and thus do not distinguish
    pairs.

    Raises TableError if a label is missing, or no two prints can be paired.
    """
    needed = [by, group, *differ, *match]
    if lacking := [name for name in needed if name not in frame]:
        features = {c["name"] for c in about["columns"]}
        labels = [str(c) for c in frame if c not in features and not str(c).startswith("meta_")]
        raise TableError(f"the table has no label {lacking[0]!r}; it has: {first_few(labels)}")
    frame = frame[frame[needed].notna().all(axis=1)].reset_index(drop=True)
    names = [c["name"] for c in about["columns"] if c["name"] in frame]
    fingers = [name for name in FINGER_LABELS if name in frame and name != by]
    finger = _codes(frame, fingers)
    condition = _codes(frame, list(dict.fromkeys([*fingers, *differ])))
    person, label = _codes(frame, [group]), _codes(frame, [by])
    apart = np.stack([_codes(frame, [name]) for name in differ], 1) if differ else np.zeros((len(frame), 0), np.int64)
    rng = np.random.default_rng(seed)
    found, block_of = [], []
    for number, people in enumerate(_blocks(person, _codes(frame, match), rng)):
        rows = np.flatnonzero(np.isin(person, people))
        i, j = (rows[k] for k in np.triu_indices(len(rows), 1))
        usable = (apart[i] != apart[j]).all(axis=1)
        if by == group:
            usable &= (finger[i] != finger[j]) | (not fingers)
        else:
            usable &= person[i] != person[j]
        i, j = _balanced(i[usable], j[usable], label, condition, PAIRS_PER_PERSON * len(people), rng)
        found.append(np.stack([i, j]))
        block_of += [number] * len(i)
    first, second = np.concatenate(found, axis=1) if found else np.zeros((2, 0), np.int64)
    if not len(first):
        needs = "people need prints of several fingers" if by == group else "people must not all have the same value"
        advice = "; leave out --differ or --match" if differ or match else ""
        raise TableError(
            f"no two prints can be paired by {by!r}: {needs}, and two people need prints of the same fingers{advice}"
        )
    values = _standardised(frame[names].to_numpy(np.float32), finger)
    one, two = values[first], values[second]
    sources = frame["meta_source"].astype(str).to_numpy(object)
    columns = {
        "meta_source": sources[first] + " | " + sources[second],
        f"same_{by}": np.where(label[first] == label[second], "yes", "no"),
        BLOCKS: np.array(block_of).astype(str).astype(object),
    }
    described = [c for c in about["columns"] if c["name"] in set(names)]
    described += [{**c, "name": c["name"] + PRODUCT} for c in described]
    made = pd.DataFrame(np.concatenate([np.abs(one - two), one * two], axis=1), columns=[c["name"] for c in described])
    return pd.concat([pd.DataFrame(columns), made], axis=1), {**about, "columns": described}


def _codes(frame: pd.DataFrame, labels: Sequence[str]) -> Ints:
    """Return a number per print for its levels of some labels together; 0 where there are none."""
    if not labels:
        return np.zeros(len(frame), np.int64)
    return np.unique(level_names(frame, list(labels)).astype(str), return_inverse=True)[1].astype(np.int64)


def _blocks(person: Ints, level: Ints, rng: np.random.Generator) -> list[Ints]:
    """Return the people of each block, at random among those of one level; a rest of one person joins another block."""
    people, first = np.unique(person, return_index=True)
    size = max(2, min(MAX_BLOCK, len(people) // MIN_BLOCKS))
    blocks = []
    for value in np.unique(level[first]):
        own = rng.permutation(people[level[first] == value])
        parts = np.array_split(own, max(1, min(-(-len(own) // size), len(own) // 2)))
        blocks += [part for part in parts if len(part) > 1]
    return blocks


def _balanced(i: Ints, j: Ints, label: Ints, condition: Ints, most: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Form as many pairs of either kind for every two conditions; draw `most` of each kind, if there are more."""
    order = rng.permutation(len(i))
    i, j = i[order], j[order]
    low, high = np.minimum(condition[i], condition[j]), np.maximum(condition[i], condition[j])
    frame = pd.DataFrame({"low": low, "high": high, "same": label[i] == label[j]})
    place = frame.groupby(["low", "high", "same"]).cumcount()
    counts = frame.groupby(["low", "high"])["same"].agg(["sum", "size"])
    counts["fewest"] = np.minimum(counts["sum"], counts["size"] - counts["sum"])
    kept = np.flatnonzero(place < frame.join(counts, on=["low", "high"])["fewest"])
    same = frame["same"].to_numpy()[kept]
    chosen = np.sort(np.concatenate([kept[same][:most], kept[~same][:most]]))
    return i[chosen], j[chosen]


def _standardised(values: NDArray[np.float32], finger: Ints) -> NDArray[np.float32]:
    """Return columns without the mean and the spread of each finger, so that no pair is recognised by its fingers."""
    frame = pd.DataFrame(values)
    by = frame.groupby(finger)
    spread = by.transform("std").replace(0, np.nan)
    return ((frame - by.transform("mean")) / spread).to_numpy(np.float32)
