"""Each classifier beside the best and beside dummy, with what testing many of them on the same folds costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ridgefeat.bench import metrics, statistics
from ridgefeat.bench.metrics import Predictions, Weights
from ridgefeat.bench.results import Fold, Problem
from ridgefeat.bench.tables import Told

if TYPE_CHECKING:
    import pandas as pd


def compare_pairs(
    problem: Problem, told: Mapping[str, Told], summary: pd.DataFrame, weights: Weights, folds: Sequence[Fold]
) -> pd.DataFrame | None:
    """Return each classifier's difference to the best and to dummy; see Comparison.pairs. None with one alone."""
    import pandas as pd

    ranked = [n for n in summary["classifier"] if n in told]
    references = {"best": ranked[0], "dummy": "dummy"} if ranked else {}
    ratio = float(np.mean([len(f.test) / len(f.train) for f in folds]))
    frames = []
    for role, reference in references.items():
        others = [n for n in ranked if n != reference]
        if reference not in told or not others:
            continue
        rows = [
            {"reference": role, "classifier": n, "against": reference, "metric": problem.metric}
            | _difference(told[n].predictions, told[reference].predictions, weights, problem.metric, ratio)
            for n in others
        ]
        frame = pd.DataFrame(rows)
        frames.append(frame.assign(p_holm=statistics.holm(frame["p"].tolist())))
    return pd.concat(frames, ignore_index=True) if frames else None


def _difference(a: Predictions, b: Predictions, weights: Weights, metric: str, ratio: float) -> dict[str, float]:
    point, low, high = statistics.difference(a, b, weights, metric)
    by_fold = [
        metrics.figure(a.select(a.fold == i), metric) - metrics.figure(b.select(b.fold == i), metric)
        for i in np.unique(a.fold)
    ]
    p = statistics.corrected_t(np.array(by_fold), ratio)
    return {"difference": point, "difference_low": low, "difference_high": high, "p": p}
