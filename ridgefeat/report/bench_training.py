"""How classifiers learn, as figures: over the number of people, and epoch by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ridgefeat.bench.results import Comparison
from ridgefeat.report.bench_figures import MOST_CURVES, chance, curve_display
from ridgefeat.report.bench_words import metric_name
from ridgefeat.report.display import Display
from ridgefeat.report.plots import Curve

if TYPE_CHECKING:
    import pandas as pd


def learning(comparison: Comparison) -> Display | None:
    """Show the main figure over the number of groups learnt from."""
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
    return curve_display(
        "learning",
        f"By number of {group}s",
        lines[:MOST_CURVES],
        f"{group}s learnt from",
        metric_name(comparison.problem.metric),
        reading="Band: lowest to highest fold of the first repeat. Where the line still rises (or an error still "
        "falls) at its end, more people would help; where it is level, other features or better labels would.",
        mark=chance(comparison),
        whole=True,
    )


def epochs(comparison: Comparison) -> list[Display]:
    """Show what was recorded in each epoch, one chart per classifier and figure: training and validation."""
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
            reading = reading if len(lines) > 1 else ""
            names = f"training-{title}-{name}", f"{name}: {title}"
            drawn.append(curve_display(*names, lines, "epoch", title, reading, whole=True))
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


def banded(x: ArrayLike, y: ArrayLike, step: ArrayLike | None = None) -> tuple[NDArray[np.float64], ...]:
    """Return the mean x of each step in order, and the mean, lowest and highest y there.

    Without steps, equal x are one: folds may differ by one in how many people they learn from.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    step = x if step is None else np.asarray(step, np.float64)
    known = np.isfinite(x) & np.isfinite(y)
    rows = [known & (step == s) for s in np.unique(step[known])]
    return (
        np.array([x[r].mean() for r in rows]),
        np.array([y[r].mean() for r in rows]),
        np.array([y[r].min() for r in rows]),
        np.array([y[r].max() for r in rows]),
    )
