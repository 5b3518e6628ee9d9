"""How classifiers learn, as figures: over the number of people, and epoch by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ridgefeat.bench.results import Comparison
from ridgefeat.report.bench_figures import MOST_CURVES, chance
from ridgefeat.report.bench_words import metric_name
from ridgefeat.report.curves import Curve, Figure, banded, curve_figure

if TYPE_CHECKING:
    import pandas as pd


def learning(comparison: Comparison) -> Figure | None:
    """Draw the main figure over the number of groups learnt from."""
    table = comparison.learning
    if table is None or table["groups"].nunique() < 2:
        return None
    lines = []
    for name in dict.fromkeys(map(str, table["classifier"])):
        own = table[table["classifier"] == name].sort_values("groups", kind="stable")
        step = own.groupby(["repeat", "fold"]).cumcount()
        x, y, low, high = banded(own["groups"], own["value"], step)
        lines.append(Curve(name, x, y, "", low, high, dots=True))
    group = comparison.problem.group
    return curve_figure(
        f"By number of {group}s",
        lines[:MOST_CURVES],
        f"{group}s learnt from",
        metric_name(comparison.problem.metric),
        reading="Band: lowest to highest fold of the first repeat. Where the line still rises (or an error still "
        "falls) at its end, more people would help; where it is level, other features or better labels would.",
        mark=chance(comparison),
        whole=True,
    )


def epochs(comparison: Comparison) -> list[Figure]:
    """Draw what was written down each epoch: a chart a classifier and figure, training beside validation."""
    table = comparison.epochs
    if table is None or table.empty:
        return []
    drawn = []
    for name, own in table.groupby("classifier", sort=False):
        for title, columns in _by_figure(own).items():
            lines = []
            for column, label in columns:
                x, y, low, high = banded(own["epoch"], own[column])
                lines.append(Curve(label, x, y, "", low, high))
            reading = (
                "Mean over folds; band: lowest to highest. Where training gets better and validation does not, "
                "the network learns by heart."
            )
            drawn.append(
                curve_figure(
                    f"{name}: {title}", lines, "epoch", title, reading=reading if len(lines) > 1 else "", whole=True
                )
            )
    return drawn


def _by_figure(own: pd.DataFrame) -> dict[str, list[tuple[str, str]]]:
    """Return an epoch table's numeric columns gathered by what they are: train_loss and valid_loss are both loss."""
    found: dict[str, list[tuple[str, str]]] = {}
    for column in own.columns:
        if column in ("classifier", "repeat", "fold", "epoch") or own[column].dtype.kind not in "fiu":
            continue
        # A rate that stays as it was is no curve.
        values = own[column].to_numpy(np.float64)
        if not np.isfinite(values).any() or (column == "learning_rate" and np.ptp(values) == 0):
            continue
        first, _, rest = str(column).partition("_")
        known = {"train": "training", "training": "training", "valid": "validation", "validation": "validation"}
        known |= {"val": "validation", "test": "test"}
        title, label = (rest, known[first]) if first in known and rest else (str(column), "training")
        found.setdefault(title.replace("_", " "), []).append((str(column), label))
    return found
