"""One comparison from end to end: problem, folds, fits, and the tables made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.bench import diagnostics, ensemble, splits, statistics, tables
from ridgefeat.bench.classifiers import TOGETHER, default_names, find
from ridgefeat.bench.estimators import level_codes, level_names
from ridgefeat.bench.evaluation import Outcome, Progress, evaluate, failed
from ridgefeat.bench.method import EPOCHS, FEATURES, Imbalance, Method, Settings
from ridgefeat.bench.results import Comparison, Fold, Problem, Reproduction, Run
from ridgefeat.bench.tables import compare_pairs
from ridgefeat.errors import ParameterError, RidgefeatError, TableError
from ridgefeat.files import atomic_write, os_errors_as
from ridgefeat.work.engine import count_workers
from ridgefeat.work.threads import opencv_threads

if TYPE_CHECKING:
    import pandas as pd

Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What a comparison does.

    Attributes
    ----------
    classifiers : tuple of str
        Names as in ridgefeat.bench.classifiers; the feature classifiers that fit the target without any.
    further : tuple of Method
        Classifiers beside the named ones.
    split, folds, repeats, seed
        As in ridgefeat.bench.splits.make_folds.
    within : tuple of str
        Labels within whose levels columns are standardised.
    imbalance : "weights", "none", "under" or "over"
    tune : bool
        Search each classifier's grid in inner folds.
    fuse : str or None
        Also score the mean over prints that share this label.
    images : Path or None
        Root below which meta_source lies.
    diagnose : bool
        Learning curve, importances, families alone and left out, negative controls.
    jobs : int or None
        Worker processes; None for every core.
    samples : int
        Bootstrap samples.
    epochs : int
        Epochs of a network at most.
    """

    classifiers: tuple[str, ...] = ()
    further: tuple[Method, ...] = ()
    split: splits.Split = "group"
    folds: int = 5
    repeats: int = 1
    seed: int = 42
    within: tuple[str, ...] = ()
    imbalance: Imbalance = "weights"
    tune: bool = False
    fuse: str | None = None
    images: Path | None = None
    diagnose: bool = True
    jobs: int | None = None
    samples: int = statistics.SAMPLES
    epochs: int = EPOCHS

    def words(self, count: int) -> str:
        """Return the protocol in words.

        Parameters
        ----------
        count : int
            Folds of all repeats.
        """
        if self.split == "holdout":
            return f"holdout 80/20 by group, {self.repeats} repeats" if self.repeats > 1 else "holdout 80/20 by group"
        return f"{self.split}, {count // self.repeats} folds, {self.repeats} repeat{'s' * (self.repeats > 1)}"


@dataclass(frozen=True, eq=False)
class Context:
    """What surrounds a comparison.

    Attributes
    ----------
    audit : Audit or None
        What ridgefeat.audit.audit found.
    command : str
        What was typed.
    digests : mapping of str to str
        Of each table, its sha256.
    say, progress : callable, optional
        Told what was found on the way, in lines, and (done, total, what).
    """

    audit: Any = None
    command: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    say: Say | None = None
    progress: Progress | None = None


def compare(
    problem: Problem,
    options: Options | None = None,
    context: Context | None = None,
    *,
    folds: Sequence[Fold] | None = None,
) -> Comparison:
    """Compare classifiers on a problem.

    Parameters
    ----------
    problem : Problem
    options : Options, optional
    context : Context, optional
    folds : sequence of Fold, optional
        Instead of those that the options ask for.

    Returns
    -------
    Comparison

    Raises
    ------
    RidgefeatError
        If folds cannot be made, a classifier's name is unknown, or a label that is asked for is missing.
    """
    options, context = options or Options(), context or Context()
    if folds is None:
        folds = splits.make_folds(
            problem, options.split, folds=options.folds, repeats=options.repeats, seed=options.seed
        )
    names = list(dict.fromkeys(options.classifiers or default_names(problem.kind)))
    known = {m.name: m for m in options.further}
    names += [n for n in known if n not in names]
    methods = [known.get(n) or find(n) for n in names if n not in TOGETHER]
    settings = settings_of(problem, options)
    inputs = make_inputs(problem, options, methods, context.progress)
    outcomes = evaluate(
        problem, methods, folds, settings, inputs, tune=options.tune, jobs=options.jobs, progress=context.progress
    )
    by_method: dict[str, Sequence[Outcome]] = {}
    for i, m in enumerate(methods):
        by_method[m.name] = outcomes[i * len(folds) : (i + 1) * len(folds)]
    reasons = failed(outcomes)
    told = {n: tables.tell(problem, o) for n, o in by_method.items() if n not in reasons}
    _add_together(problem, names, by_method, reasons, told, folds)
    by_method = {n: by_method[n] for n in names}
    meanings = {**TOGETHER, **{m.name: m.meaning for m in methods}}
    runs = tuple(_run(n, meanings[n], by_method[n], reasons.get(n, "")) for n in names)
    told = {r.name: told[r.name] for r in runs if r.status == "ok"}
    comparison = _assemble(problem, options, context, folds, by_method, (runs, told))
    if options.diagnose and comparison.best:
        fine = [m for m in methods if m.name not in reasons]
        comparison = diagnostics.diagnose(
            comparison, fine, settings, inputs, options.jobs, context.progress, options.samples
        )
    return comparison


def settings_of(problem: Problem, options: Options) -> Settings:
    """Return what shapes every pipeline of a run.

    Raises
    ------
    ParameterError
        For fewer than 1 epoch, or a number of workers that means none.
    """
    if options.epochs < 1:
        raise ParameterError(f"epochs must be 1 or more, got {options.epochs}")
    count_workers(options.jobs)
    return Settings(
        problem.kind,
        options.imbalance,
        options.seed,
        bool(options.within),
        max(2, len(problem.classes)),
        options.epochs,
    )


def make_inputs(
    problem: Problem, options: Options, methods: Sequence[Method] = (), progress: Progress | None = None
) -> dict[str, NDArray[Any] | str]:
    """Return what each kind of classifier reads: float32 matrices, a row a print; or why one cannot be had.

    A matrix whose columns are standardised within levels ends with the number of the print's level.
    """
    codes = None
    if options.within:
        names = level_names(problem.labels, options.within)
        codes = level_codes(names, levels_of(names))[:, None]

    def leveled(X: NDArray[Any], scaled: bool) -> NDArray[Any]:
        return np.concatenate([X, codes], axis=1) if scaled and codes is not None else X

    inputs: dict[str, NDArray[Any] | str] = {FEATURES: leveled(problem.features.to_numpy(np.float32), scaled=True)}
    for m in methods:
        if m.read is None or m.input in inputs or options.images is None:
            continue
        try:
            further = {"progress": progress} if m.tells else {}
            # A network's images are computed on as many threads as there may be workers.
            with opencv_threads(min(count_workers(options.jobs), count_workers(None))):
                read = m.read(problem, options.images, **further)
            inputs[m.input] = leveled(read, m.scaled)
        # Only the classifiers that read it fail.
        except RidgefeatError as error:
            inputs[m.input] = str(error)
    return inputs


def levels_of(names: NDArray[Any]) -> list[str]:
    """Return the levels that occur, in sorted order."""
    return sorted({str(n) for n in names} - {""})


def _add_together(
    problem: Problem,
    names: Sequence[str],
    by_method: dict[str, Sequence[Outcome]],
    reasons: dict[str, str],
    told: dict[str, tables.Told],
    folds: Sequence[Fold],
) -> None:
    """Add "mean" and "stack" where they are asked for, or the reason why they cannot be."""
    members = {n: by_method[n] for n in told}
    gathered = {n: t.predictions for n, t in told.items()}
    for name in names:
        if name not in TOGETHER:
            continue
        try:
            by_method[name] = ensemble.together(problem, name, members, gathered)
            told[name] = tables.tell(problem, by_method[name])
        except ValueError as error:
            reasons[name] = str(error)
            by_method[name] = [Outcome(name, f, None, None, 0.0, str(error)) for f in folds]


def _assemble(
    problem: Problem,
    options: Options,
    context: Context,
    folds: Sequence[Fold],
    by_method: Mapping[str, Sequence[Outcome]],
    found: tuple[tuple[Run, ...], Mapping[str, tables.Told]],
) -> Comparison:
    runs, told = found
    samples = statistics.samples_for(len(problem), options.samples)
    weights = statistics.group_weights(len(np.unique(problem.groups.astype(str))), options.seed, samples)
    per_class = tables.by_class(problem, told) if problem.kind != "regression" else (None, None, None)
    summary = tables.summary(problem, runs, told, weights)
    comparison = Comparison(
        problem=problem,
        folds=tuple(folds),
        leaks=any(f.shared_groups for f in folds),
        runs=runs,
        results=tables.results(problem, by_method, told),
        scores=tables.scores(problem, told),
        calibrated=bool(told) and all(t.calibrated for t in told.values()),
        summary=summary,
        reproduction=reproduction(problem, options, context, len(folds)),
        classes=per_class[0],
        confusion=per_class[1],
        calibration=per_class[2],
        pairs=compare_pairs(problem, told, summary, weights, folds),
        levels=tables.levels(problem, told, weights),
        epochs=_epochs(by_method),
        audit=context.audit,
    )
    return _with_fused(comparison, told, runs, weights, options.fuse)


def _with_fused(
    comparison: Comparison,
    told: Mapping[str, tables.Told],
    runs: Sequence[Run],
    weights: NDArray[np.float64],
    column: str | None,
) -> Comparison:
    if column is None or not told:
        return comparison
    small, fused = tables.fused(comparison.problem, told, column)
    return replace(
        comparison,
        fuse=column,
        fused_scores=tables.scores(small, fused),
        fused_summary=tables.summary(small, runs, fused, weights),
    )


def _run(name: str, meaning: str, outcomes: Sequence[Outcome], reason: str) -> Run:
    return Run(name, meaning, "failed" if reason else "ok", reason, sum(o.seconds for o in outcomes))


def _epochs(by_method: Mapping[str, Sequence[Outcome]]) -> pd.DataFrame | None:
    import pandas as pd

    rows = [
        {"classifier": name, "repeat": o.fold.repeat, "fold": o.fold.number, "epoch": i, **dict(figures)}
        for name, outcomes in by_method.items()
        for o in outcomes
        for i, figures in enumerate(o.epochs or (), 1)
    ]
    return pd.DataFrame(rows) if rows else None


def reproduction(problem: Problem, options: Options, context: Context, folds: int) -> Reproduction:
    """Return what is needed to make the same again."""
    import platform
    from importlib.metadata import version

    from ridgefeat._version import __version__

    libraries = ("numpy", "scipy", "scikit-learn", "pandas", "joblib")
    known = {k: str(problem.about[k]) for k in ("schema_digest", "parameters_digest") if k in problem.about}
    asked = {k: v for k, v in vars(options).items() if k not in ("seed", "jobs") and v not in ((), None)}
    if options.further:
        asked["further"] = tuple(m.name for m in options.further)
    return Reproduction(
        command=context.command,
        versions={"ridgefeat": __version__, "python": platform.python_version()} | {n: version(n) for n in libraries},
        digests={**context.digests, **known},
        seed=options.seed,
        split=options.words(folds),
        options={k: str(v) if isinstance(v, Path) else v for k, v in asked.items()},
    )


ALWAYS = ("results", "scores", "summary")
FURTHER = (
    "classes",
    "fused_scores",
    "fused_summary",
    "pairs",
    "learning",
    "importances",
    "ablation",
    "carriers",
    "levels",
    "controls",
    "epochs",
)


def make_folder(folder: str | Path) -> Path:
    """Return the folder, made where it is not there.

    Raises
    ------
    TableError
        If it cannot be made.
    """
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TableError(f"output folder {path} cannot be made: {error.strerror}") from None
    return path


def write_comparison(comparison: Comparison, folder: str | Path) -> list[Path]:
    """Write a comparison's tables as CSV, each under a temporary name first.

    Parameters
    ----------
    comparison : Comparison
    folder : str or Path
        Made where it is not there.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    TableError
        If the folder or a file cannot be written.
    """
    path = make_folder(folder)
    written = []
    for name in (*ALWAYS, *FURTHER):
        frame = getattr(comparison, name)
        if frame is None:
            continue
        target = path / f"{name}.csv"
        with os_errors_as(TableError, f"{target} cannot be written"), atomic_write(target) as temporary:
            frame.to_csv(temporary, index=False, lineterminator="\n")
        written.append(target)
    return written
