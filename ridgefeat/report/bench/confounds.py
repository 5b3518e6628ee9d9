"""The section on confounds: how much the acquisition conditions explain, and what the ridges keep without them."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

import numpy as np

from ridgefeat.bench.confounds import ALL
from ridgefeat.bench.results import LESS_IS_BETTER, Comparison
from ridgefeat.report.bench.figures import interval_display
from ridgefeat.report.bench.words import format_interval, format_value, join_names, metric_name
from ridgefeat.report.plots import Interval

RIDGES, REST = "ridges", f"ridges, {ALL} removed"

Rows = dict[str, dict[Any, Any]]


def read_confounds(comparison: Comparison) -> Rows:
    """Return the table's rows by name; empty where nothing was measured."""
    table = comparison.confounds
    return {} if table is None else {str(r["confound"]): r for r in table.to_dict("records")}


def describe_confounds(comparison: Comparison, chance: float | None) -> dict[str, Any] | None:
    """Return the section's sentences, figure and rows; None where nothing was measured."""
    rows = read_confounds(comparison)
    if not rows:
        return None
    kind, metric = comparison.problem.kind, metric_name(comparison.problem.metric)
    first = next(iter(rows.values()))
    classifier = str(first["classifier"])
    fused = any(np.isfinite(r["fused"]) for r in rows.values())
    verdict = _verdict(comparison, rows, chance)
    sentences = _sentences(comparison, rows, chance, verdict)
    columns = ("value", "fused") if fused else ("value",)
    return {
        "sentences": sentences,
        # What the conditions explain by themselves, and whether the ridges keep anything without them.
        "short": " ".join(w for w in (sentences[0], verdict) if w),
        "figure": interval_display(
            "confounds",
            f"A print: {classifier}",
            [Interval(name, r["value"], r["value_low"], r["value_high"]) for name, r in rows.items()],
            metric,
            f"What circumstances and ridges tell, {classifier}; the dashed line is guessing",
            "Dashed: guessing.",
            mark=chance,
            tall=True,
        ),
        "metric": metric,
        "fused": fused,
        "rows": [
            {
                "name": name,
                "meaning": r["meaning"],
                "columns": f"{r['columns']:,}",
                "cells": [
                    {
                        "value": format_value(r[c], kind),
                        "interval": format_interval(r[f"{c}_low"], r[f"{c}_high"], kind),
                    }
                    for c in columns
                ],
            }
            for name, r in rows.items()
        ],
    }


def _sentences(comparison: Comparison, rows: Rows, chance: float | None, verdict: str) -> list[str]:
    """Return what the values mean, in sentences that claim no more than they show."""
    it = comparison.problem
    sentences = []
    names = join_names(list(takewhile(lambda name: name != ALL, rows)))
    if ALL in rows:
        guess = f"; guessing gives {format_value(chance, it.kind)}" if chance is not None else ""
        sentences.append(
            f"{names[0].upper()}{names[1:]} together, without any column of the ridges, tell “{it.target}” with "
            f"{metric_name(it.metric)} {_value(it.kind, rows[ALL])} a print{guess}."
        )
    if RIDGES in rows and REST in rows:
        sentences.append(
            f"The ridges’ own columns tell it with {_value(it.kind, rows[RIDGES])}. With {names} regressed out "
            f"of them, as learned from the training {it.group}s alone, they tell it with {_value(it.kind, rows[REST])}."
        )
        sentences.append(verdict)
    return [
        *sentences,
        "What no column measures is not taken out: operator, device, place and day, moisture, or the order of capture. "
        f"And how large a finger is or how hard it is pressed may go with “{it.target}” by nature: this table cannot "
        "part the body’s share from the capture’s.",
        "For a court: these figures must not be given as a property of ridges alone, unless the "
        f"{it.group}s that differ in “{it.target}” were recorded alike, which only whoever recorded them can say.",
    ]


def _verdict(comparison: Comparison, rows: Rows, chance: float | None) -> str:
    """Return whether the ridges keep more than nothing, and which fraction the conditions explain."""
    if chance is None or RIDGES not in rows or REST not in rows:
        return ""
    whole, rest = rows[RIDGES], rows[REST]
    better = rest["value_high"] < chance if comparison.problem.metric in LESS_IS_BETTER else rest["value_low"] > chance
    if not better:
        return (
            "What is left cannot be told from guessing: these prints do not show that the ridges tell anything beyond "
            "the way they were taken."
        )
    span = whole["value"] - chance
    fraction = (whole["value"] - rest["value"]) / span if span else 0.0
    part = "hardly any" if fraction < 0.1 else f"about {round(100 * fraction, -1):.0f} %"
    return (
        "What is left is more than guessing, so the ridges carry something that these circumstances, as far as they "
        f"are measured here and to second order, do not explain; but {part} of what the ridges tell beyond guessing "
        "goes with the circumstances."
    )


def _value(kind: str, row: dict[Any, Any]) -> str:
    interval = format_interval(row["value_low"], row["value_high"], kind)
    return format_value(row["value"], kind) + (f" (95 % interval {interval})" if interval else "")
