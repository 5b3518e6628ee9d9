"""A whole comparison as a job: tables on disk are read, audited, split and compared, and the results are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ridgefeat.audit.near import Comparator
from ridgefeat.audit.resolving import ONE_IMAGE, Duplicates, decide
from ridgefeat.audit.run import Audit, audit
from ridgefeat.bench import splits
from ridgefeat.bench.comparison import compare
from ridgefeat.bench.data import BLOCKS, MAX_BLOCK, load, make_problem, pair_prints
from ridgefeat.bench.options import Options, Progress
from ridgefeat.bench.results import Comparison, Fold, Kind, Problem
from ridgefeat.errors import ParameterError, TableError
from ridgefeat.files import atomic_write, count_of, os_errors_as
from ridgefeat.sheets import DIALECTS
from ridgefeat.sources import PrintSource

TABLES = (
    *("results", "scores", "summary", "classes", "fused_scores", "fused_summary", "pairs", "learning"),
    *("importances", "ablation", "confounds", "levels", "controls", "epochs", "selection"),
)
"""The tables of a comparison that are written, each as far as it was made."""


@dataclass(frozen=True)
class Job:
    """What is compared on which tables.

    Attributes
    ----------
    target, group : str
    table : Path or None
        One table that folds are made of.
    train, test : Path or None
        Instead: train on one, test on the other.
    cross : tuple of Path
        Instead: test on each, trained on all others.
    kind, positive, families
        As in ridgefeat.bench.data.make_problem.
    feature_columns
        As in ridgefeat.bench.data.load.
    pairs : str or None
        Instead of a target: a label that two prints may share (ridgefeat.bench.data.pair_prints).
    differ, match : tuple of str
        As pair_prints takes them.
    on_duplicates : "merge", "drop" or "warn"
    audit : bool
        Look for leaks first.
    options : Options
    """

    target: str
    group: str
    table: Path | None = None
    train: Path | None = None
    test: Path | None = None
    cross: tuple[Path, ...] = ()
    kind: Kind | None = None
    positive: str | None = None
    families: tuple[str, ...] | None = None
    feature_columns: tuple[str, ...] = ()
    pairs: str | None = None
    differ: tuple[str, ...] = ()
    match: tuple[str, ...] = ()
    on_duplicates: Duplicates = "merge"
    audit: bool = True
    options: Options = field(default_factory=Options)

    def tables(self) -> list[Path]:
        """Return the tables; the one to test on before the one to train on, so that of prints in both its own are kept.

        Raises ParameterError unless exactly one of the ways to give them is used.
        """
        pair = [p for p in (self.test, self.train) if p is not None]
        if sum((self.table is not None, bool(pair), bool(self.cross))) != 1 or len(pair) == 1 or len(self.cross) == 1:
            raise ParameterError("give one table, or --train with --test, or two and more tables with --cross")
        if self.pairs is not None and self.table is None:
            raise ParameterError("pairs are made of one table; leave out --train, --test and --cross")
        if self.table is not None:
            return [self.table]
        return pair or list(self.cross)


def run(
    job: Job, command: str = "", on_message: Callable[[str], None] | None = None, progress: Progress | None = None
) -> Comparison:
    """Read, audit, split and compare.

    Parameters
    ----------
    job : Job
    command : str
        The command line, for the report.
    on_message : callable, optional
        Called with what was found on the way, in lines.
    progress : callable, optional
        Called with (done, total, what).

    Returns
    -------
    Comparison

    Raises
    ------
    RidgefeatError
        If the tables, the target or the options are unusable.
    """
    from ridgefeat.table import table_digest

    on_message = on_message or (lambda text: None)
    paths = job.tables()
    problem = read_problem(job)
    found = None
    if job.audit and job.pairs is None:
        # Folds by group are made after groups are merged; those by image separate them anyway, and are audited.
        by_image = job.table is not None and job.options.split == "image"
        found = audit_problem(problem, job.options, make_job_folds(problem, job) if by_image else ())
        problem = replace(problem, labels=problem.labels.assign(meta_row=np.arange(len(problem))))
        problem = settle_duplicates(problem, found, job.on_duplicates)
    folds = make_job_folds(problem, job)
    if found is not None:
        found = found.with_folds(problem.labels["meta_row"].to_numpy(), [(f.train, f.test) for f in folds])
        on_message(found.text())
    if job.train is not None and (left := len(problem) - len(folds[0].train) - len(folds[0].test)):
        note = f"{left} prints left out of training: their {problem.group} or image is in {job.test} as well"
        problem = replace(problem, notes=(*problem.notes, note))
    for text in (*problem.notes, *splits.describe(folds, problem)):
        on_message(text)
    problem = replace(problem, labels=problem.labels.drop(columns=["meta_table", "meta_row"], errors="ignore"))
    done = compare(problem, job.options, folds=folds, audit=found, progress=progress)
    digests = {f"sha256 of {p.name}": table_digest(p) for p in paths} | dict(done.reproduction.digests)
    return replace(done, reproduction=replace(done.reproduction, command=command, digests=digests))


def read_problem(job: Job) -> Problem:
    """Return the problem of a job's tables, with the columns that it needs and the label meta_table, a row's table."""
    from ridgefeat.table import check_same

    paths, frames, about = job.tables(), [], None
    for path in paths:
        named = (job.group, job.pairs or job.target)
        frame, own = load(path, families=job.families, named=named, feature_columns=job.feature_columns)
        if about is None:
            about = own
        else:
            check_same(*((about, own) if job.feature_columns else (paths[0], path)))
        if job.cross and job.group in frame:  # the same name in two tables means two people
            frame[job.group] = [None if v is None or v != v else f"{path.stem}:{v}" for v in frame[job.group]]
        frames.append(frame)
    # A copy, in one piece: a frame read column by column warns about every further one.
    whole = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0].copy()
    whole["meta_table"] = np.repeat(np.arange(len(frames)), [len(f) for f in frames])
    asked = {name: getattr(job, name) for name in ("target", "group", "kind", "positive", "families")}
    if job.pairs is not None:
        how: dict[str, Any] = {"by": job.pairs, "group": job.group, "differ": job.differ, "match": job.match}
        needed = list(dict.fromkeys((job.pairs, job.group, *job.differ, *job.match)))
        unlabelled = int(whole.reindex(columns=needed).isna().any(axis=1).sum())
        whole, about = pair_prints(whole, about or {}, **how, seed=job.options.seed)
        asked |= {"target": f"same_{job.pairs}", "group": BLOCKS, "positive": "yes", "kind": "binary"}
        whole["meta_table"] = 0
    problem = make_problem(whole, about or {}, **asked)
    if job.pairs is not None:
        note = f"A row is a pair of prints, and a block holds the pairs of {MAX_BLOCK} people at most"
        left = f"{count_of(unlabelled, 'print')} left out of the pairs: no value of {' or '.join(needed)}"
        problem = replace(problem, notes=(note, *([left] if unlabelled else []), *problem.notes))
    return problem


def audit_problem(problem: Problem, options: Options, folds: Sequence[Fold] = ()) -> Audit:
    """Return the audit of the problem's prints, and of folds where they are given."""
    labels = problem.labels.drop(columns="meta_table", errors="ignore")
    return audit(
        pd.concat([labels, problem.features], axis=1),
        target=problem.target,
        group=problem.group,
        features=[str(name) for name in problem.features],
        folds=[(f.train, f.test) for f in folds],
        images_root=options.images,
        comparator=make_comparator() if options.images else None,
        jobs=options.jobs,
    )


def make_comparator() -> Comparator:
    """Return the comparator of minutiae for an audit, its threshold above all non-mated scores of its calibration."""
    from ridgefeat.verify import Plan, compare_all, enrol, load_calibration

    known = load_calibration()
    threshold = float(known.score[-1])

    def scores(sources: Sequence[PrintSource], pairs: Sequence[Sequence[int]], jobs: int | None) -> NDArray[np.float64]:
        workers = -1 if jobs is None else jobs
        return compare_all(enrol(sources, jobs=workers), Plan.from_pairs([], [(i, j) for i, j in pairs]), jobs=workers)

    return Comparator(scores, threshold)


def settle_duplicates(problem: Problem, found: Audit, how: Duplicates) -> Problem:
    """Return the problem with the audit's duplicates merged or dropped, and a note on what was done."""
    done = decide(problem.groups.astype(str).astype(object), problem.y.astype(object), found, how)
    if not done.changed:
        return replace(problem, notes=(*problem.notes, done.note)) if found.of_kind(*ONE_IMAGE) else problem
    rows = np.flatnonzero(done.keep)
    return replace(
        problem,
        features=problem.features.iloc[rows].reset_index(drop=True),
        labels=problem.labels.iloc[rows].reset_index(drop=True),
        y=problem.y[rows],
        groups=done.groups[rows],
        sources=problem.sources[rows],
        notes=(*problem.notes, done.note),
    )


def make_job_folds(problem: Problem, job: Job) -> tuple[Fold, ...]:
    """Return the folds that the job's tables and options ask for."""
    table = problem.labels["meta_table"].to_numpy()
    if job.cross:
        return splits.across(problem, table)
    if job.table is None:
        return splits.between(problem, table == 0)
    o = job.options
    return splits.make_folds(problem, o.split, folds=o.folds, repeats=o.repeats, seed=o.seed)


def make_folder(folder: str | Path) -> Path:
    """Return the path of a folder, which is made if it does not exist; raise TableError if it cannot be."""
    path = Path(folder)
    with os_errors_as(TableError, f"output folder {path} cannot be made"):
        path.mkdir(parents=True, exist_ok=True)
    return path


def write_comparison(comparison: Comparison, folder: str | Path, dialect: str = "standard") -> list[Path]:
    """Write a comparison's tables as CSV, each under a temporary name first.

    Parameters
    ----------
    comparison : Comparison
    folder : path
        Made if it does not exist.
    dialect : {"standard", "semicolon", "raw"}

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    TableError
        If the folder cannot be made, or a file cannot be written.
    """
    path = make_folder(folder)
    made = {path / f"{name}.csv": frame for name in TABLES if (frame := getattr(comparison, name)) is not None}
    for target, frame in made.items():
        with os_errors_as(TableError, f"{target} cannot be written"), atomic_write(target) as temporary:
            DIALECTS[dialect].write(frame, temporary)
    return list(made)
