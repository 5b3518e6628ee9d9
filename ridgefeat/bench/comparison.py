"""One comparison from end to end: folds, fits, ensembles, the tables made of them, and what drives the result."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ridgefeat._version import __version__
from ridgefeat.audit.columns import check_results
from ridgefeat.audit.run import Audit
from ridgefeat.audit.table import AuditParams, make_table, not_checked
from ridgefeat.bench import diagnostics, metrics, splits, tables
from ridgefeat.bench.classifiers import ENSEMBLES, default_names, find
from ridgefeat.bench.ensemble import evaluate_ensemble
from ridgefeat.bench.evaluation import Outcome, evaluate, failure
from ridgefeat.bench.inputs import make_inputs
from ridgefeat.bench.options import Options, Progress
from ridgefeat.bench.pooling import PooledPredictions, fuse_predictions, pool_predictions
from ridgefeat.bench.results import Comparison, Fold, Problem, Reproduction, Run
from ridgefeat.errors import TableError


def compare(
    problem: Problem,
    options: Options | None = None,
    *,
    folds: Sequence[Fold] | None = None,
    audit: Audit | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare classifiers on a problem.

    Parameters
    ----------
    problem : Problem
    options : Options, optional
    folds : sequence of Fold, optional
        Instead of those that the options ask for.
    audit : Audit, optional
        What ridgefeat.audit.audit found; it is kept with the comparison.
    progress : callable, optional
        Called with (done, total, what).

    Returns
    -------
    Comparison

    Raises
    ------
    RidgefeatError
        If folds cannot be made, a classifier's name is unknown, or a label that is asked for is missing.
    """
    o = (options or Options()).complete(problem)
    if folds is None:
        folds = splits.make_folds(problem, o.split, folds=o.folds, repeats=o.repeats, seed=o.seed)
    known = {m.name: m for m in o.further}
    names = list(dict.fromkeys([*(o.classifiers or default_names(problem.kind)), *known]))
    methods = [known.get(n) or find(n) for n in names if n not in ENSEMBLES]
    inputs = make_inputs(problem, o, methods, progress)
    run = partial(evaluate, problem, options=o, inputs=inputs, progress=progress)
    pool = partial(pool_predictions, problem, balanced=o.imbalance != "none")
    by_method = run(methods, folds)
    inner: dict[str, PooledPredictions] = {}
    if training_folds := _fold_training_rows(problem, folds, o):
        # Networks that train in epochs stay uncalibrated, and outside ensembles, rather than be trained several times.
        found = run([m for m in methods if not m.in_epochs], training_folds)
        inner = {n: pool(outcomes) for n, outcomes in found.items() if not failure(outcomes)}
    pooled = {n: pool(found, inner=inner.get(n)) for n, found in by_method.items() if not failure(found)}
    members, learned = dict(pooled), {n: p for n, p in inner.items() if n in pooled}
    for name in ENSEMBLES:
        if name in names:
            try:
                by_method[name] = evaluate_ensemble(problem, name, members, learned or None)
                if learned:
                    inner[name] = pool(evaluate_ensemble(problem, name, learned))
                pooled[name] = pool(by_method[name], inner=inner.get(name))
            except ValueError as error:
                by_method[name] = [Outcome(name, f, None, None, reason=str(error)) for f in folds]
    by_method = {n: by_method[n] for n in names}
    pooled = {n: pooled[n] for n in names if n in pooled}
    meanings = {**ENSEMBLES, **{m.name: m.meaning for m in methods}}
    runs = []
    for n in names:
        reason = by_method[n][0].reason if n in ENSEMBLES else failure(by_method[n])
        seconds = sum(outcome.seconds for outcome in by_method[n])
        runs.append(Run(n, meanings[n], "failed" if reason else "ok", reason, seconds))
    samples = metrics.samples_for(len(problem), o.samples)
    weights = metrics.group_weights(len(np.unique(problem.groups.astype(str))), o.seed, samples)
    summary = tables.summarise(problem, runs, pooled, weights)
    by_class = tables.by_class(problem, pooled) if problem.kind != "regression" else (None, None, None)
    comparison = Comparison(
        problem=problem,
        folds=tuple(folds),
        leaks=any(f.shared_groups for f in folds),
        runs=tuple(runs),
        calibrated=bool(pooled) and all(p.calibrated for p in pooled.values()),
        reproduction=_reproduction(problem, options or Options(), len(folds)),
        audit=audit,
        results=tables.list_folds(problem, by_method, pooled),
        scores=tables.list_scores(problem, pooled),
        summary=summary,
        classes=by_class[0],
        confusion=by_class[1],
        calibration=by_class[2],
        pairs=tables.compare_pairs(problem, pooled, summary, weights),
        levels=tables.by_level(problem, pooled, weights),
        epochs=tables.list_epochs(by_method),
        selection=tables.list_selection(problem, by_method, o.select and o.select.reliability),
    )
    if o.fuse is not None and pooled:
        small, fused = fuse_predictions(problem, pooled, o.fuse, balanced=o.imbalance != "none", inner=inner)
        scores, summary = tables.list_scores(small, fused), tables.summarise(small, runs, fused, weights)
        comparison = replace(comparison, fuse=o.fuse, fused_scores=scores, fused_summary=summary)
    able = [m for m in methods if m.name in pooled] if o.diagnose else []
    if method := diagnostics.choose_method(comparison, able):
        # One repeat, with the settings as they come, is enough to see what drives a result.
        first, untuned = tuple(f for f in folds if f.repeat == 0), replace(o, tune=False)
        refitter = diagnostics.Refitter(problem, method, untuned, first, np.asarray(inputs[method.input]), weights)
        comparison = replace(comparison, **_diagnose(refitter, progress))
    return replace(comparison, audit=_audit_results(comparison))


def _audit_results(comparison: Comparison) -> Audit | None:
    """Return the comparison's audit with the alarms of too good a result; without an audit, one of these alone."""
    problem, row = comparison.problem, comparison.summary.iloc[0]
    known: Audit | None = comparison.audit
    if "roc_auc" not in row:
        return known and known.with_findings([not_checked("too good a result: the target has no ROC curve")])
    families: dict[str, float] = {}
    if comparison.ablation is not None and problem.metric == "roc_auc":
        alone = comparison.ablation[comparison.ablation["how"] == "alone"]
        families = dict(zip(alone["family"], alone["value"], strict=True))
    labels = pd.DataFrame({problem.target: problem.y_true, problem.group: problem.groups})
    people = make_table(labels, problem.target, problem.group, None, AuditParams(), ()).can_be_too_good
    found = list(check_results(problem.target, row["roc_auc"], row["roc_auc_low"], families, can_be_too_good=people))
    if known is None and found:
        known = Audit((not_checked("the table: no audit was run"),), problem.target, problem.group, len(problem))
    if not families:
        found.append(not_checked("a result better than all families together: they were not measured alone"))
    return known and known.with_findings(found)


def _fold_training_rows(problem: Problem, folds: Sequence[Fold], options: Options) -> Sequence[Fold]:
    """Return folds of the training rows, where no other fold shows what a calibration could learn from."""
    if len({f.repeat for f in folds}) < len(folds):
        return ()
    try:
        return splits.inner_folds(problem, folds, options.folds, options.seed)
    except TableError:  # too few groups: uncalibrated
        return ()


def _diagnose(refitter: diagnostics.Refitter, progress: Progress | None) -> dict[str, Any]:
    """Return learning curve, importances, families, confounds and controls, as far as can be."""
    steps: dict[str, Any] = {
        "learning": diagnostics.learning_curve,
        "ablation": diagnostics.ablation,
        "confounds": diagnostics.probe_confounds,
        "importances": diagnostics.permutation_importance,
        "controls": diagnostics.controls,
    }
    found = {}
    for i, (name, step) in enumerate(steps.items()):
        if progress:
            progress(i, len(steps), name)
        found[name] = step(refitter)
    if progress:
        progress(len(steps), len(steps), "")
    return found


def _reproduction(problem: Problem, options: Options, n_folds: int) -> Reproduction:
    libraries = ("numpy", "scipy", "scikit-learn", "pandas", "joblib")
    completed = ("seed", "jobs", "kind", "n_classes")
    asked = {k: v for k, v in vars(options).items() if k not in completed and v not in ((), None)}
    if options.select is not None:
        asked["select"] = options.select.describe()
    if options.further:
        asked["further"] = tuple(m.name for m in options.further)
    return Reproduction(
        command="",
        versions={"ridgefeat": __version__, "python": platform.python_version()} | {n: version(n) for n in libraries},
        digests={k: str(problem.about[k]) for k in ("schema_digest", "parameters_digest") if k in problem.about},
        seed=options.seed,
        split=options.describe_split(n_folds),
        options={k: str(v) if isinstance(v, Path) else v for k, v in asked.items()},
    )
