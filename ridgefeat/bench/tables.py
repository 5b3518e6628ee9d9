"""Outcomes as the tables of a comparison: by fold, by print, by classifier, by class, by level, in pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ridgefeat.bench import metrics
from ridgefeat.bench.evaluation import Outcome
from ridgefeat.bench.inputs import FINGER, level_names
from ridgefeat.bench.metrics import Weights
from ridgefeat.bench.pooling import PooledPredictions, reliability_bins
from ridgefeat.bench.results import LESS_IS_BETTER, METRICS, Problem, Run

MAX_LEVELS = 25
"""Levels of a label beyond which it does not group prints but names them."""
LEVEL_SAMPLES = 200
"""Maximal number of bootstrap samples of a level's intervals: there are many levels, read by their first digits."""
MIN_LEVEL_GROUPS = 5
"""Groups of a level below which it has no row."""

Pooled = Mapping[str, PooledPredictions]


def list_folds(problem: Problem, by_method: Mapping[str, Sequence[Outcome]], pooled: Pooled) -> pd.DataFrame:
    """Return a row per classifier, repeat and fold; see Comparison.results."""
    names = METRICS[problem.kind]
    rows = []
    for name, outcomes in by_method.items():
        for i, o in enumerate(outcomes):
            row: dict[str, Any] = {
                "classifier": name,
                "repeat": o.fold.repeat,
                "fold": o.fold.number,
                "status": "failed" if o.reason else "ok",
                "reason": o.reason,
                "train_prints": len(o.fold.train),
                "test_prints": len(o.fold.test),
                "train_groups": len(set(problem.groups[o.fold.train])),
                "test_groups": len(set(problem.groups[o.fold.test])),
                "shared_groups": len(o.fold.shared_groups),
                "seconds": round(o.seconds, 4),
                "chosen": ", ".join(f"{k.split('__')[-1]}={v}" for k, v in (o.chosen or {}).items()),
                **({} if o.selected is None else {"columns": int(o.selected.sum())}),
                **dict.fromkeys(names, np.nan),
            }
            if name in pooled:
                p = pooled[name]
                figures = metrics.figures(p.select(p.fold == i))
                row |= {metric: float(figures[metric][0]) for metric in names}
            rows.append(row)
    return pd.DataFrame(rows)


def list_scores(problem: Problem, pooled: Pooled) -> pd.DataFrame:
    """Return a row per print, classifier and repeat; see Comparison.scores."""
    parts = []
    for name, p in pooled.items():
        rows = p.rows
        if p.kind == "regression":
            predicted = score = p.predicted
        else:
            predicted = np.array(problem.classes, object)[p.predicted]
            score = p.score[:, p.positive] if p.kind == "binary" else p.score.max(axis=1)
        repeat, fold = np.array([(f.repeat, f.number) for f in p.folds])[p.fold].T
        columns: dict[str, Any] = {"source": problem.sources[rows], "group": problem.groups[rows]}
        columns |= {"y_true": problem.y_true[rows], "classifier": name, "repeat": repeat, "fold": fold}
        columns |= {"y_pred": predicted, "score": score}
        columns |= {f"p_{label}": p.probability[:, k] for k, label in enumerate(problem.classes)}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def summarise(problem: Problem, runs: Sequence[Run], pooled: Pooled, weights: Weights) -> pd.DataFrame:
    """Return a row per classifier, best first; see Comparison.summary."""
    rows = []
    for run in runs:
        row: dict[str, Any] = {"classifier": run.name, "status": run.status, "reason": run.reason}
        row["seconds"] = round(run.seconds, 3)
        for metric in METRICS[problem.kind]:
            row |= {metric + end: np.nan for end in ("", "_low", "_high", "_sd")}
        if run.name in pooled:
            p = pooled[run.name]
            row |= metrics.with_intervals(p, weights, METRICS[problem.kind])
            folds = [metrics.figures(p.select(p.fold == i)) for i in np.unique(p.fold)]
            if len(folds) > 1:
                row |= {f"{m}_sd": float(np.std([f[m][0] for f in folds], ddof=1)) for m in METRICS[problem.kind]}
        rows.append(row)
    frame = pd.DataFrame(rows)
    up = problem.metric in LESS_IS_BETTER
    return frame.sort_values(problem.metric, ascending=up, na_position="last", kind="stable", ignore_index=True)


def by_class(problem: Problem, pooled: Pooled) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return precision and recall by class, confusion counts, and calibration; see Comparison."""
    per_class, confused, reliable = [], [], []
    for name, p in pooled.items():
        for label, figures in zip(problem.classes, metrics.by_class(p), strict=True):
            per_class.append({"classifier": name, "class": label, **figures})
        for true, counts in zip(problem.classes, metrics.confusion(p).tolist(), strict=True):
            row = {"classifier": name, "y_true": true}
            for predicted, count in zip(problem.classes, counts, strict=True):
                share = count / sum(counts) if any(counts) else np.nan
                confused.append({**row, "y_pred": predicted, "count": count, "share": share})
        for k in [p.positive] if p.kind == "binary" else range(len(problem.classes)):
            for bin_ in reliability_bins(p.probability[:, k], p.y == k):
                reliable.append({"classifier": name, "class": problem.classes[k], **bin_})
    return pd.DataFrame(per_class), pd.DataFrame(confused), pd.DataFrame(reliable)


def by_level(problem: Problem, pooled: Pooled, weights: Weights) -> pd.DataFrame:
    """Return results within each level of each label that groups prints; see Comparison.levels."""
    rows = []
    weights = weights[:LEVEL_SAMPLES]
    names = [m for m in METRICS[problem.kind] if m != "average_precision"]
    found = {name: problem.labels[name] for name in level_columns(problem)}
    if set(FINGER) <= set(found) and problem.target not in FINGER:
        both = pd.Series(level_names(problem.labels, FINGER), problem.labels.index, object)
        found["+".join(FINGER)] = both.where(both != "")
    for column, values in found.items():
        for level in sorted(values.dropna().unique(), key=str):
            inside = (values == level).fillna(False).to_numpy(bool)
            groups = len(set(problem.groups[inside]))
            if groups < MIN_LEVEL_GROUPS:
                continue
            row = {"column": column, "level": str(level), "prints": int(inside.sum()), "groups": groups}
            for name, whole in pooled.items():
                p = whole.select(inside[whole.rows])
                if len(p.y):
                    rows.append({"classifier": name} | row | metrics.with_intervals(p, weights, names))
    return pd.DataFrame(rows)


def level_columns(problem: Problem) -> list[str]:
    """Return the labels that group prints: not the group itself, nor names and notes of files."""
    left_out = [problem.group, *([problem.target] if problem.kind == "regression" else [])]
    names = [c for c in problem.labels.columns if c not in left_out and not c.startswith("meta_")]
    return [str(c) for c in names if 2 <= problem.labels[c].nunique() <= MAX_LEVELS]


def list_epochs(by_method: Mapping[str, Sequence[Outcome]]) -> pd.DataFrame | None:
    """Return a row per epoch of each network and fold; see Comparison.epochs."""
    rows = [
        {"classifier": name, "repeat": o.fold.repeat, "fold": o.fold.number, "epoch": i, **dict(figures)}
        for name, outcomes in by_method.items()
        for o in outcomes
        for i, figures in enumerate(o.epochs or (), 1)
    ]
    return pd.DataFrame(rows) if rows else None


def list_selection(
    problem: Problem, by_method: Mapping[str, Sequence[Outcome]], icc: NDArray[np.float64] | None
) -> pd.DataFrame | None:
    """Return a row per column, those chosen most often first; see Comparison.selection. None without a selection.

    The choice looks at the training prints alone, so that it is the same for every classifier.
    """
    selected = ([o.selected for o in found if o.selected is not None] for found in by_method.values())
    chosen = max(selected, key=len, default=[])
    if not chosen:
        return None
    family_of = {name: family for family, names in problem.families.items() for name in names}
    names = [str(name) for name in problem.features.columns]
    frame = pd.DataFrame({"column": names, "family": [family_of[n] for n in names], "icc": icc})
    frame["folds"], frame["of"] = np.sum(chosen, axis=0), len(chosen)
    return frame.sort_values("folds", ascending=False, kind="stable", ignore_index=True)


def compare_pairs(problem: Problem, pooled: Pooled, summary: pd.DataFrame, weights: Weights) -> pd.DataFrame | None:
    """Return each classifier's difference to the best and to dummy; see Comparison.pairs. None with one alone."""
    ranked = [n for n in summary["classifier"] if n in pooled]
    references = {"best": ranked[0], "dummy": "dummy"} if ranked else {}
    metric, frames = problem.metric, []
    for role, reference in references.items():
        others = [n for n in ranked if n != reference]
        if reference not in pooled or not others:
            continue
        rows = []
        ratio = float(np.mean([len(f.test) / len(f.train) for f in pooled[reference].folds]))
        for name in others:
            a, b = pooled[name], pooled[reference]
            by_fold = [
                metrics.figure(a.select(a.fold == i), metric) - metrics.figure(b.select(b.fold == i), metric)
                for i in np.unique(a.fold)
            ]
            row: dict[str, Any] = {"reference": role, "classifier": name, "against": reference, "metric": metric}
            row |= metrics.with_ends("difference", metrics.difference(a, b, weights, metric))
            rows.append(row | {"p": metrics.corrected_t(np.array(by_fold), ratio)})
        frame = pd.DataFrame(rows)
        frames.append(frame.assign(p_holm=metrics.holm(frame["p"].tolist())))
    return pd.concat(frames, ignore_index=True) if frames else None
