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
            f"Per print: {classifier}",
            [Interval(name, r["value"], r["value_low"], r["value_high"]) for name, r in rows.items()],
            metric,
            f"Metric of acquisition conditions and of ridges, {classifier}; the dashed line is chance level",
            "Dashed: chance level.",
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
        guess = f"; chance level is {format_value(chance, it.kind)}" if chance is not None else ""
        sentences.append(
            f"{names[0].upper()}{names[1:]} alone, without any ridge column, predict “{it.target}” with "
            f"{metric_name(it.metric)} {_value(it.kind, rows[ALL])} per print{guess}."
        )
    if RIDGES in rows and REST in rows:
        sentences.append(
            f"The ridge columns reach {_value(it.kind, rows[RIDGES])}. After {names} are regressed out of them "
            f"(fitted on training {it.group}s only), they reach {_value(it.kind, rows[REST])}."
        )
        sentences.append(verdict)
    return [
        *sentences,
        "Conditions that no column measures are not removed: operator, device, place, day, moisture and order of "
        f"capture. Finger size and pressure may also be related to “{it.target}” itself; this analysis cannot separate "
        "the two effects.",
        "Do not report these values as a property of the ridges alone unless "
        f"{it.group}s that differ in “{it.target}” were recorded under the same conditions.",
    ]


def _verdict(comparison: Comparison, rows: Rows, chance: float | None) -> str:
    """Return whether the ridges keep more than nothing, and which fraction the conditions explain."""
    if chance is None or RIDGES not in rows or REST not in rows:
        return ""
    whole, rest = rows[RIDGES], rows[REST]
    better = rest["value_high"] < chance if comparison.problem.metric in LESS_IS_BETTER else rest["value_low"] > chance
    after = "After these conditions are regressed out, the ridge columns"
    if not better:
        return (
            f"{after} do not differ significantly from chance: these prints do not show that the ridges carry "
            "information beyond the acquisition conditions."
        )
    span = whole["value"] - chance
    fraction = (whole["value"] - rest["value"]) / span if span else 0.0
    part = "hardly any of" if fraction < 0.1 else f"about {round(100 * fraction, -1):.0f} % of"
    return (
        f"{after} are above chance: they carry information that the measured conditions do not explain (to second "
        f"order). The conditions account for {part} the ridges’ advantage over chance."
    )


def _value(kind: str, row: dict[Any, Any]) -> str:
    interval = format_interval(row["value_low"], row["value_high"], kind)
    return format_value(row["value"], kind) + (f" (95 % interval {interval})" if interval else "")
