"""The ridges or the way the prints were taken, in words that a court could read, as a chart and as a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from ridgefeat.bench.carriers import ALL
from ridgefeat.bench.results import LESS_IS_BETTER, Comparison
from ridgefeat.report.bench_figures import chance, interval_display
from ridgefeat.report.bench_words import between, figure, listed, metric_name
from ridgefeat.report.plots import Interval

RIDGES, REST = "ridges", f"ridges less {ALL}"


def carriers(comparison: Comparison) -> dict[str, Any] | None:
    """Return words, figure and rows; None where nothing was measured."""
    table = comparison.carriers
    if table is None or table.empty:
        return None
    rows = {str(r["carrier"]): r for r in table.to_dict("records")}
    metric = metric_name(comparison.problem.metric)
    fused = bool(np.isfinite(table["fused"].to_numpy(np.float64)).any())
    told = str(table["classifier"].iloc[0])
    values = [Interval(name, r["value"], r["value_low"], r["value_high"]) for name, r in rows.items()]
    shown = f"What circumstances and ridges tell, {told}; the dashed line is guessing"
    reading, mark = "Dashed: guessing.", chance(comparison)
    said = words(comparison, rows)
    return {
        "words": said,
        # What the circumstances tell by themselves, and whether anything is left of the ridges without them.
        "short": " ".join(w for w in (said[0], _verdict(comparison, rows, mark)) if w),
        "figure": interval_display(
            "confounds", f"A print: {told}", values, metric, shown, reading, mark=mark, tall=True
        ),
        "metric": metric,
        "fused": fused,
        "rows": [_row(comparison, r, fused) for r in rows.values()],
    }


def words(comparison: Comparison, rows: dict[str, dict[Any, Any]]) -> list[str]:
    """Return what the figures mean, in sentences that claim no more than they show."""
    it = comparison.problem
    guess = chance(comparison)
    told = []
    kinds = [k for k in rows if k not in (ALL, "finger") and not k.startswith(RIDGES) and " less " not in k]
    if ALL in rows:
        names = listed(kinds)
        told.append(
            f"{names[0].upper()}{names[1:]} together, without any column of the ridges, tell “{it.target}” with "
            f"{metric_name(it.metric)} {_value(it.kind, rows[ALL])} a print"
            + (f"; guessing gives {figure(guess, it.kind)}." if guess is not None else ".")
        )
    if RIDGES in rows and REST in rows:
        told.append(
            f"The ridges’ own columns tell it with {_value(it.kind, rows[RIDGES])}. With {listed(kinds)} regressed out "
            f"of them, as learned from the training {it.group}s alone, they tell it with {_value(it.kind, rows[REST])}."
        )
        told.append(_verdict(comparison, rows, guess))
    told.append(
        "What no column measures is not taken out: operator, device, place and day, moisture, or the order of capture. "
        f"And how large a finger is or how hard it is pressed may go with “{it.target}” by nature: this table cannot "
        "part the body’s share from the capture’s."
    )
    told.append(
        "For a court: these figures must not be given as a property of ridges alone, unless the "
        f"{it.group}s that differ in “{it.target}” were recorded alike, which only whoever recorded them can say."
    )
    return told


def _verdict(comparison: Comparison, rows: dict[str, dict[Any, Any]], guess: float | None) -> str:
    """Return what is left, and whether it is more than nothing."""
    it = comparison.problem
    if guess is None or RIDGES not in rows or REST not in rows:
        return ""
    whole, rest = rows[RIDGES], rows[REST]
    down = it.metric in LESS_IS_BETTER
    more = rest["value_high"] < guess if down else rest["value_low"] > guess
    if not more:
        return (
            "What is left cannot be told from guessing: these prints do not show that the ridges tell anything beyond "
            "the way they were taken."
        )
    range_ = whole["value"] - guess
    share = (whole["value"] - rest["value"]) / range_ if range_ else 0.0
    part = "hardly any" if share < 0.1 else f"about {round(100 * share, -1):.0f} %"
    return (
        "What is left is more than guessing, so the ridges carry something that these circumstances, as far as they "
        f"are measured here and to second order, do not explain; but {part} of what the ridges tell beyond guessing "
        "goes with the circumstances."
    )


def _value(kind: str, row: dict[Any, Any]) -> str:
    interval = between(row["value_low"], row["value_high"], kind)
    return figure(row["value"], kind) + (f" (95 % interval {interval})" if interval else "")


def _row(comparison: Comparison, row: dict[Any, Any], fused: bool) -> dict[str, Any]:
    kind = comparison.problem.kind
    names = ("value", "fused") if fused else ("value",)
    cells = [
        {"value": figure(row[n], kind), "interval": between(row[f"{n}_low"], row[f"{n}_high"], kind)} for n in names
    ]
    return {"name": row["carrier"], "meaning": row["meaning"], "columns": f"{row['columns']:,}", "cells": cells}
