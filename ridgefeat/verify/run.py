"""verify: prints -> enrolment -> a protocol's comparisons -> a table of scores and its sidecar."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgefeat._version import __version__
from ridgefeat.errors import ParameterError, ScoreError
from ridgefeat.files import atomic_write, os_errors_as
from ridgefeat.params import Params
from ridgefeat.verify.comparing import compare_all, feature_scores, minutiae_scores
from ridgefeat.verify.entries import Dpi, Entry, PathLike, Progress, enrol, find_sources
from ridgefeat.verify.protocols import Plan, altered, fvc, read_pairs
from ridgefeat.verify.template import comparison_params

if TYPE_CHECKING:
    import pandas as pd

COMPARATORS = ("minutiae", "features")
COLUMNS = ("probe", "reference", "subject_probe", "subject_reference", "mated", "score")
FORMAT = "ridgefeat scores 1"
_DECIMALS = 6


@dataclass(frozen=True, eq=False)
class Verification:
    """What a protocol's comparisons gave.

    Attributes
    ----------
    scores : DataFrame
        A row a comparison: probe, reference, subject_probe, subject_reference, mated (1 or 0), score (empty where a
        print failed), failure (which print failed and why; empty otherwise), and of altered probes alteration and
        level.
    about : dict
        How the table was made: what stands in the sidecar.
    """

    scores: pd.DataFrame
    about: dict[str, Any]

    def save(self, path: PathLike) -> Path:
        """Write the table (CSV) and beside it its sidecar (.json); neither is ever there by half. Return its path.

        Parameters
        ----------
        path : path

        Raises
        ------
        ScoreError
            If they cannot be written.
        """
        path = Path(path)
        text = self.scores.to_csv(index=False, lineterminator="\n").encode()
        about = {**self.about, "sha256": hashlib.sha256(text).hexdigest()}
        sidecar = (json.dumps(about, indent=1, ensure_ascii=False) + "\n").encode()
        with os_errors_as(ScoreError, f"{path} cannot be written", "; is its folder writable?"):
            path.parent.mkdir(parents=True, exist_ok=True)
            for target, content in ((path, text), (path.with_suffix(".json"), sidecar)):
                with atomic_write(target) as temporary:
                    temporary.write_bytes(content)
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
    dpi: Dpi | None = None,
    params: Params | None = None,
    families: Sequence[str] | None = None,
    jobs: int = 1,
    enrolled: Progress | None = None,
    compared: Callable[[int, int], None] | None = None,
) -> Verification:
    """Compare prints by a protocol.

    Parameters
    ----------
    inputs : paths
        Images, ISO/IEC 19794-2 or .xyt templates, folders of them; for `features` also one feature table.
    protocol : str
        "fvc", "altered", or a CSV table of pairs.
    comparator : {"minutiae", "features"}
    every_impostor : bool
        All non-mated comparisons, instead of the protocol's choice.
    layout, regex, index, dpi
        How names and resolutions are read.
    params : Params, optional
        Stage parameters for `minutiae`; comparison_params() without.
    families : sequence of str, optional
        Families for `features`.
    jobs : int
        Worker processes; -1 for every core.
    enrolled, compared : callable, optional
        Progress: prints done, failed and in all; comparisons done and in all.

    Returns
    -------
    Verification

    Raises
    ------
    RidgefeatError
        If inputs, protocol or comparator are unusable. A print that fails raises nothing: its comparisons stay in the
        table without a score, as failures to acquire.
    """
    if comparator not in COMPARATORS:
        raise ParameterError(f"unknown comparator {comparator!r}; there are: {', '.join(COMPARATORS)}")
    if comparator == "minutiae":
        params = params or comparison_params()
        sources = find_sources(inputs, layout=layout, regex=regex, index=index)
        entries = enrol(sources, params=params, dpi=dpi, jobs=jobs, progress=enrolled)
        function = minutiae_scores
    else:
        from ridgefeat.verify.features import entries_from_features

        entries = entries_from_features(
            inputs, layout=layout, regex=regex, index=index, families=families, dpi=dpi, jobs=jobs
        )
        function = feature_scores
    plan, entries = _plan(protocol, entries, every_impostor)
    score = compare_all(entries, plan, function, jobs=jobs, progress=compared)
    about = _about(entries, plan, protocol, comparator, every_impostor)
    if comparator == "minutiae" and params is not None:
        about["parameters"] = params.to_dict()
    return Verification(score_table(entries, plan, score), about)


def _plan(protocol: str, entries: list[Entry], every: bool) -> tuple[Plan, list[Entry]]:
    if protocol == "fvc":
        return fvc(entries, every_impostor=every), entries
    if protocol == "altered":
        return altered(entries, every_impostor=every), entries
    return read_pairs(protocol, entries)


def score_table(entries: Sequence[Entry], plan: Plan, score: np.ndarray) -> pd.DataFrame:
    """Return the table of a plan's scores, a row a comparison in the plan's order."""
    import pandas as pd

    def of(values: list[str], which: np.ndarray) -> Any:
        return np.array(values, object)[which]

    names, subjects = [e.name for e in entries], [e.subject for e in entries]
    why = [f"{e.name}: {e.failure}" if e.failure else "" for e in entries]
    failed = [np.where(of(why, w) != "", of(why, w), "") for w in (plan.probe, plan.reference)]
    columns = {
        "probe": of(names, plan.probe),
        "reference": of(names, plan.reference),
        "subject_probe": of(subjects, plan.probe),
        "subject_reference": of(subjects, plan.reference),
        "mated": plan.mated.astype(np.int8),
        "score": np.round(score, _DECIMALS),
        "failure": np.where(failed[0] != "", failed[0], failed[1]),
    }
    for label in ("alteration", "level"):
        said = [str(e.labels.get(label) or "") for e in entries]
        if any(entry.altered for entry in entries):
            columns[label] = of(said, plan.probe)
    return pd.DataFrame(columns)


def _about(entries: Sequence[Entry], plan: Plan, protocol: str, comparator: str, every: bool) -> dict[str, Any]:
    failures = Counter(e.failure for e in entries if e.failure)
    there = np.array([e.content is not None for e in entries])
    made = there[plan.probe] & there[plan.reference]
    return {
        "format": FORMAT,
        "version": __version__,
        "protocol": protocol,
        "comparator": comparator,
        "every_impostor": every,
        "score": (
            "similarity, about a logarithm of odds"
            if comparator == "minutiae"
            else "minus the root mean square difference of standardised features"
        ),
        "prints": len(entries),
        "failures_to_acquire": int(sum(failures.values())),
        "reasons": dict(failures.most_common(20)),
        "comparisons": {
            kind: {"planned": int(which.sum()), "made": int((which & made).sum())}
            for kind, which in (("mated", plan.mated), ("non_mated", ~plan.mated))
        },
    }
