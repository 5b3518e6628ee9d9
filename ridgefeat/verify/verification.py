"""Verification: prints -> enrolment -> the comparisons of a protocol -> a table of scores and its sidecar."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ridgefeat._version import __version__
from ridgefeat.brief import Brief
from ridgefeat.errors import ParameterError, ScoreError
from ridgefeat.files import bare_name, os_errors_as, sha256, write_together
from ridgefeat.params import Params
from ridgefeat.sheets import write_frame
from ridgefeat.verify.enrolment import Dpi, Entry, PathLike, Progress, count_notes, enrol, find_sources
from ridgefeat.verify.features import entries_from_features, feature_scores
from ridgefeat.verify.minutiae import minutiae_scores
from ridgefeat.verify.protocols import Plan, make_plan
from ridgefeat.work.engine import count_workers, spread

COMPARATORS = ("minutiae", "features")
COLUMNS = ("probe", "reference", "subject_probe", "subject_reference", "mated", "score")
FORMAT = "ridgefeat scores 1"
_DECIMALS = 6
BATCH = 1024
"""Comparisons that are sent to a worker at a time."""
CHUNK = 256
"""Comparisons whose scores are computed by one call."""
BLOCK = 64
"""Entries whose comparisons are kept together, so that a worker is sent few templates."""

Scores = NDArray[np.float64]
Comparator = Callable[[Sequence[tuple[Any, Any]]], Scores]


@dataclass(frozen=True, eq=False, repr=False)
class Verification(Brief):
    """The scores of a protocol's comparisons.

    Attributes
    ----------
    scores : DataFrame
        One row per comparison: probe, reference, subject_probe, subject_reference, mated (1 or 0), score (empty if a
        print failed), failure (the print that failed and the reason; empty otherwise), and for altered probes
        alteration and level.
    about : dict
        How the table was made: the content of the sidecar.
    """

    scores: pd.DataFrame
    about: dict[str, Any]

    def save(self, path: PathLike, dialect: str = "standard") -> Path:
        """Write the table (CSV in a dialect, or .xlsx) and its sidecar (.json) together. Return its path.

        Raises ScoreError if they cannot be written.
        """
        path = Path(path)
        with os_errors_as(ScoreError, f"{path} cannot be written", "; is its folder writable?"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with write_together(path, path.with_suffix(".json")) as (table, sidecar):
                write_frame(self.scores, table, dialect, ScoreError, path)
                about = {**self.about, "sha256": sha256(table)}
                sidecar.write_bytes((json.dumps(about, indent=1, ensure_ascii=False) + "\n").encode())
        return path


def verify(
    inputs: Sequence[PathLike] | PathLike,
    protocol: str = "fvc",
    *,
    comparator: str = "minutiae",
    every_impostor: bool = False,
    layout: str = "auto",
    regex: str | None = None,
    index: PathLike | None = None,
    index_column: str = "file",
    dpi: Dpi | None = None,
    params: Params | None = None,
    families: Sequence[str] | None = None,
    jobs: int | None = 1,
    template_format: str = "auto",
    enrolled: Progress | None = None,
    compared: Callable[[int, int], None] | None = None,
) -> Verification:
    """Compare prints by a protocol. Return the scores, and how they were made.

    Parameters
    ----------
    inputs : paths
        Images, templates, or folders of them; for `features` also one feature table.
    protocol : str
        "fvc", "altered", or a CSV table of pairs.
    comparator : {"minutiae", "features"}
    every_impostor : bool
        Whether to make all non-mated comparisons instead of the protocol's selection.
    layout, regex, index, index_column, dpi
        How names and resolutions are read.
    params : Params, optional
        Stage parameters for `minutiae`; the defaults if omitted.
    families : sequence of str, optional
        Families for `features`.
    jobs : int, optional
        Worker processes; None or -1 for every core.
    template_format : str
        A name in ridgefeat.templates.FORMATS.
    enrolled, compared : callable, optional
        Called with prints done, failed and in total; with comparisons done and in total.

    Raises
    ------
    RidgefeatError
        If inputs, protocol or comparator are unusable. A print that fails raises nothing: its comparisons stay in the
        table without a score, as failures to acquire.
    """
    if comparator not in COMPARATORS:
        raise ParameterError(f"unknown comparator {comparator!r}; there are: {', '.join(COMPARATORS)}")
    reading: dict[str, Any] = {"layout": layout, "regex": regex, "index": index, "index_column": index_column}
    if comparator == "minutiae":
        params = params or Params()
        sources = find_sources(inputs, **reading, template_format=template_format)
        entries = enrol(sources, params=params, dpi=dpi, jobs=jobs, progress=enrolled, template_format=template_format)
        function: Comparator = minutiae_scores
    else:
        entries = entries_from_features(inputs, families=families, dpi=dpi, jobs=jobs, **reading)
        function = feature_scores
    plan, entries = make_plan(protocol, entries, every_impostor=every_impostor)
    score = compare_all(entries, plan, function, jobs=jobs, progress=compared)
    about = _about(entries, plan, protocol, comparator, every_impostor)
    if comparator == "minutiae" and params is not None:
        about["parameters"] = params.to_dict()
        about["layouts"] = dict(Counter(source.layout for source in sources))
    return Verification(score_table(entries, plan, score), about)


def compare_all(
    entries: Sequence[Entry],
    plan: Plan,
    function: Comparator = minutiae_scores,
    *,
    jobs: int | None = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Scores:
    """Return the score of every planned comparison, float64, shape (n,); NaN if a print failed.

    Scores are in the plan's order, and the same for any number of workers.

    Parameters
    ----------
    entries, plan
        What to compare.
    function : callable
        Returns the scores of a list of pairs: minutiae_scores or feature_scores.
    jobs : int, optional
        Worker processes; None or -1 for every core.
    progress : callable, optional
        Called with comparisons done and comparisons in all.
    """
    from joblib import delayed

    possible = np.flatnonzero(_can_compare(entries, plan))
    order = possible[np.lexsort((possible, plan.reference[possible] // BLOCK, plan.probe[possible] // BLOCK))]
    batches = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
    calls = (delayed(_compare_batch)(function, *_collect(entries, plan, batch)) for batch in batches)
    results = spread(calls, count_workers(jobs), ordered=True)
    scores = np.full(len(plan), np.nan)
    for done, (batch, found) in enumerate(zip(batches, results, strict=True), 1):
        scores[batch] = found
        if progress is not None:
            progress(min(done * BATCH, len(order)), len(order))
    return scores


def _collect(entries: Sequence[Entry], plan: Plan, batch: NDArray[np.int64]) -> tuple[list[Any], list[tuple[int, int]]]:
    """Return the contents that a batch of comparisons needs, each once, and the pairs among them."""
    ends = np.stack([plan.probe[batch], plan.reference[batch]])
    used, index = np.unique(ends, return_inverse=True)
    first, second = index.reshape(2, -1)
    return [entries[i].content for i in used], list(zip(first.tolist(), second.tolist(), strict=True))


def _compare_batch(function: Comparator, contents: list[Any], pairs: list[tuple[int, int]]) -> Scores:
    chunks = (pairs[i : i + CHUNK] for i in range(0, len(pairs), CHUNK))
    return np.concatenate([function([(contents[i], contents[j]) for i, j in chunk]) for chunk in chunks])


def score_table(entries: Sequence[Entry], plan: Plan, score: np.ndarray) -> pd.DataFrame:
    """Return the table of a plan's comparisons of `entries`, one row each in its order; `score` is from compare_all."""
    names, subjects = (np.array([getattr(e, what) for e in entries], object) for what in ("name", "subject"))
    why = np.array([f"{e.name}: {e.failure}" if e.failure else "" for e in entries], object)
    columns = {
        "probe": names[plan.probe],
        "reference": names[plan.reference],
        "subject_probe": subjects[plan.probe],
        "subject_reference": subjects[plan.reference],
        "mated": plan.mated.astype(np.int8),
        "score": np.round(score, _DECIMALS),
        "failure": np.where(why[plan.probe] != "", why[plan.probe], why[plan.reference]),
    }
    if any(entry.is_altered for entry in entries):
        for label in ("alteration", "level"):
            columns[label] = np.array([str(e.labels.get(label) or "") for e in entries], object)[plan.probe]
    return pd.DataFrame(columns)


def _can_compare(entries: Sequence[Entry], plan: Plan) -> NDArray[np.bool_]:
    """Return for each planned comparison whether both prints have a template."""
    enrolled = np.array([entry.content is not None for entry in entries], bool)
    return np.asarray(enrolled[plan.probe] & enrolled[plan.reference])


def _about(entries: Sequence[Entry], plan: Plan, protocol: str, comparator: str, every: bool) -> dict[str, Any]:
    failures = Counter(e.failure for e in entries if e.failure)
    made = _can_compare(entries, plan)
    distance = "minus the root mean square difference of standardised features"
    return {
        "format": FORMAT,
        "version": __version__,
        "protocol": bare_name(protocol),
        "comparator": comparator,
        "every_impostor": every,
        "score": "similarity, about a logarithm of odds" if comparator == "minutiae" else distance,
        "prints": len(entries),
        "failures_to_acquire": int(sum(failures.values())),
        "reasons": dict(failures.most_common(20)),
        "notes": count_notes(entries),
        "comparisons": {
            kind: {"planned": int(which.sum()), "made": int((which & made).sum())}
            for kind, which in (("mated", plan.mated), ("non_mated", ~plan.mated))
        },
    }
