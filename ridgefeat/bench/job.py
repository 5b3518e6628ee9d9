"""A whole bench job, from tables on disk to tables, page and model-free figures in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgefeat.bench import duplicates, splits
from ridgefeat.bench.compare import Context, Options, Say, compare
from ridgefeat.bench.data import load, make_problem
from ridgefeat.bench.evaluation import Progress
from ridgefeat.bench.results import Comparison, Fold, Kind, Problem
from ridgefeat.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

    from ridgefeat.audit.run import Audit


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
    on_duplicates: duplicates.Duplicates = "merge"
    audit: bool = True
    options: Options = field(default_factory=Options)

    def tables(self) -> list[Path]:
        """Return the tables, training first.

        Raises
        ------
        ParameterError
            Unless exactly one of the ways to give them is used.
        """
        pair = [p for p in (self.train, self.test) if p is not None]
        if sum((self.table is not None, bool(pair), bool(self.cross))) != 1 or len(pair) == 1 or len(self.cross) == 1:
            raise ParameterError("give one table, or --train with --test, or two and more tables with --cross")
        if self.table is not None:
            return [self.table]
        return pair or list(self.cross)


def run(job: Job, command: str = "", say: Say | None = None, progress: Progress | None = None) -> Comparison:
    """Read, audit, split and compare.

    Parameters
    ----------
    job : Job
    command : str
        What was typed, for the reproduction box.
    say, progress : callable, optional
        Told what was found on the way, in lines, and (done, total, what).

    Returns
    -------
    Comparison

    Raises
    ------
    RidgefeatError
        If the tables, the target or the options are unusable.
    """
    from ridgefeat.table import table_digest

    say = say or (lambda line: None)
    paths = job.tables()
    problem = read_problem(job)
    audit = None
    if job.audit:
        # Folds by group are made after groups are merged; those by image part them anyway, and are looked at.
        image = job.table is not None and job.options.split == "image"
        audit = look_for_leaks(problem, job.options, make_job_folds(problem, job) if image else ())
        problem = duplicates.settle(problem, audit, job.on_duplicates)
        say(audit.text())
    for note in problem.notes:
        say(note)
    folds = make_job_folds(problem, job)
    for line in splits.describe(folds, problem):
        say(line)
    problem = replace(problem, labels=problem.labels.drop(columns="meta_table"))
    digests = {f"sha256 of {p.name}": table_digest(p) for p in paths}
    context = Context(audit, command, digests, say, progress)
    return compare(problem, job.options, context, folds=folds)


def read_problem(job: Job) -> Problem:
    """Return the problem of a job's tables, of which the columns are read that it needs.

    Raises
    ------
    RidgefeatError
        If the tables or the target are unusable.
    """
    frame, about, table = read_all(
        job.tables(), job.group, apart=bool(job.cross), families=job.families, target=job.target
    )
    frame = frame.copy()  # In one piece: a frame read column by column warns about every further one.
    frame["meta_table"] = table
    return make_problem(
        frame, about, target=job.target, group=job.group, kind=job.kind, positive=job.positive, families=job.families
    )


def read_all(
    paths: Sequence[Path], group: str, *, apart: bool = False, families: Sequence[str] | None = None, target: str = ""
) -> tuple[pd.DataFrame, dict[str, Any], Any]:
    """Return the tables one below the other, the first one's sidecar, and the number of each row's table.

    Parameters
    ----------
    paths : sequence of Path
    group : str
        Column that names people.
    apart : bool
        The same name in two tables means two people.
    families : sequence of str, optional
        Whose features to read; all without.
    target : str
        Column that is read even if it is a feature of another family.

    Raises
    ------
    TableError
        If one cannot be read, or they were not made alike.
    """
    import pandas as pd

    from ridgefeat.table import check_same

    frames, about = [], None
    for path in paths:
        frame, own = load(path, families=families, named=(group, target))
        if about is not None:
            check_same(paths[0], path)
        about = about or own
        if apart and group in frame:
            frame[group] = [None if v is None or v != v else f"{path.stem}:{v}" for v in frame[group]]
        frames.append(frame)
    numbers = np.repeat(np.arange(len(frames)), [len(f) for f in frames])
    whole = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    return whole, dict(about or {}), numbers


def make_job_folds(problem: Problem, job: Job) -> tuple[Fold, ...]:
    """Return the folds that the job's tables and options ask for."""
    table = problem.labels["meta_table"].to_numpy()
    if job.cross:
        return splits.across(problem, table)
    if job.table is None:
        return splits.between(problem, table == 1)
    o = job.options
    return splits.make_folds(problem, o.split, folds=o.folds, repeats=o.repeats, seed=o.seed)


def look_for_leaks(problem: Problem, options: Options, folds: Sequence[Fold] = ()) -> Audit:
    """Return the audit of the problem's prints, and of folds where they are given."""
    import pandas as pd

    from ridgefeat.audit.run import audit

    labels = problem.labels.drop(columns="meta_table", errors="ignore")
    frame = pd.concat([labels, problem.features], axis=1)
    return audit(
        frame,
        target=problem.target,
        group=problem.group,
        folds=[(f.train, f.test) for f in folds],
        images_root=options.images,
        jobs=options.jobs,
    )
