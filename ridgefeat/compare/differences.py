"""A label compared over columns: who differs, by how much, how sure, and how well the column can be measured at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from ridgefeat.compare import effects
from ridgefeat.compare.effects import Float, Interval
from ridgefeat.compare.mixed import fit_mixed
from ridgefeat.compare.people import MIN_PEOPLE, People
from ridgefeat.compare.permutation import count_permutations, permutation_p
from ridgefeat.reliability import OWN_SET, ErrorModel, load_reliability

ALPHA = 0.05
"""Share of false discoveries up to which a difference counts as found."""
EFFECTS = {"two": "hedges_g", "several": "eta_squared", "number": "rank_correlation"}
"""The standardised effect for each kind of label, as its column is named."""


@dataclass(frozen=True, eq=False)
class Differences:
    """What was compared and found.

    Attributes
    ----------
    people : People
    frame : pandas.DataFrame
        A row per column, in the table's order: `column`, `unit`, `people`, `prints`; people_<level>, mean_<level> and
        sd_<level> per level (of all people where the label is a number); `difference` (first level less second, or the
        change per unit of the number), the standardised effect (`hedges_g` and `cliffs_delta`, `eta_squared`, or
        `rank_correlation`), each with its interval <name>_low, <name>_high; `p`, `q`; `smallest_effect`, which this
        many people show with a power of 80 %; `icc`, `icc_low`, `icc_high`, `icc_set`; `error` (standard error of one
        print's value of usual quality and area, for an unknown sensor); `note`.
    kind : "two", "several" or "number"
        Of the label.
    model : "permutation" or "mixed"
    permutations : int
        At most, per column.
    seed : int
    """

    people: People
    frame: pd.DataFrame
    kind: str
    model: str
    permutations: int
    seed: int

    @property
    def effect(self) -> str:
        """The column of the standardised effect."""
        return EFFECTS[self.kind]

    @property
    def found(self) -> pd.DataFrame:
        """The rows of the columns that differ (q < 0.05), the largest effect first."""
        rows = self.frame[self.frame["q"] < ALPHA]
        return rows.sort_values(self.effect, key=abs, ascending=False, kind="stable")


def compare_people(people: People, *, model: str = "permutation", seed: int = 0) -> Differences:
    """Compare people by their label, column by column.

    Parameters
    ----------
    people : People
    model : "permutation" or "mixed"
        Where p and the difference come from: permutations of the label over people, or a linear mixed model of the
        prints with people as a random and fingers as a fixed effect (needs statsmodels).
    seed : int
        Of the permutations.

    Returns
    -------
    Differences

    Raises
    ------
    ParameterError
        If statsmodels is needed and not installed.

    Examples
    --------
    >>> from ridgefeat.compare import make_people
    >>> sex = np.repeat(["female", "male"], 8)
    >>> frame = pd.DataFrame({"subject": range(16), "sex": sex, "ridge_period_mean": [*range(8), *range(9, 17)]})
    >>> about = {"columns": [{"name": "ridge_period_mean", "unit": "mm"}]}
    >>> people = make_people(frame, about, by="sex", columns=["ridge_period_mean"])
    >>> row = compare_people(people).frame.iloc[0]
    >>> row[["difference", "hedges_g", "cliffs_delta", "p"]].astype(float).round(3).tolist()
    [-9.0, -3.473, -1.0, 0.0]
    """
    values, notes = _comparable(people)
    kind = {0: "number", 2: "two"}.get(len(people.levels), "several")
    frame = _describe(people)
    table: dict[str, Any] = {}
    if kind == "two":
        groups = [values[people.label == k] for k in (0, 1)]
        _set(table, "difference", effects.welch(*groups))
        _set(table, "hedges_g", effects.hedges_g(*groups))
        table["cliffs_delta"] = effects.cliffs_delta(*groups)
        smallest = effects.smallest_effect(*(effects.moments(g)[0] for g in groups))
    elif kind == "number":
        _set(table, "difference", effects.slope(values, people.label))
        _set(table, "rank_correlation", effects.rank_correlation(values, people.label))
        smallest = effects.smallest_correlation(effects.moments(values)[0])
    else:
        _set(table, "eta_squared", effects.eta_squared(values, people.label))
        smallest = effects.smallest_share(effects.moments(values)[0], len(people.levels))
    if model == "mixed":
        p, difference, failures = fit_mixed(people, [not n for n in notes])
        notes = [a or b for a, b in zip(notes, failures, strict=True)]
        if difference is not None:
            _set(table, "difference", difference)
    else:
        p = permutation_p(values, people.label, len(people.levels), seed)
    known = np.isfinite(p)
    q = np.full(len(p), np.nan)
    q[known] = false_discovery_control(p[known]) if known.any() else []
    table |= {"p": p, "q": q, "smallest_effect": np.where(np.isfinite(p), smallest, np.nan)}
    measured = load_reliability(OWN_SET).set_index("column").reindex(people.columns)
    table |= {name: measured[name].to_numpy() for name in ("icc", "icc_low", "icc_high")}
    error = dict(ErrorModel.make().deviations)
    table["icc_set"] = np.where(measured["icc"].notna(), OWN_SET, "")
    table |= {"error": [error.get(name, np.nan) for name in people.columns], "note": notes}
    frame = pd.concat([frame, pd.DataFrame(table)], axis=1)
    return Differences(people, frame, kind, model, count_permutations(*values.shape), seed)


def _set(table: dict[str, Any], name: str, estimate: tuple[Float, Interval]) -> None:
    value, (low, high) = estimate
    table |= {name: value, f"{name}_low": low, f"{name}_high": high}


def _comparable(people: People) -> tuple[Float, list[str]]:
    """Return the values, empty where a column cannot be compared, and the reason for each column, or ""."""
    values = people.values.copy()
    with np.errstate(invalid="ignore"):
        known = np.isfinite(values)
        spread = np.where(known, values, -np.inf).max(axis=0) - np.where(known, values, np.inf).min(axis=0)
        size = np.abs(np.where(known, values, 0)).max(axis=0)
    parts = {level: known[people.label == k].sum(axis=0) for k, level in enumerate(people.levels)}
    parts = parts or {"people": known.sum(axis=0)}
    notes = []
    for k in range(values.shape[1]):
        few = [f"{level} {n[k]}" for level, n in parts.items() if n[k] < MIN_PEOPLE * (1 if people.levels else 2)]
        if few:
            notes.append(f"too few people with a value: {', '.join(few)}")
        else:
            notes.append("the same in all people" if spread[k] <= 1e-9 * size[k] else "")
    values[:, [bool(note) for note in notes]] = np.nan
    return values, notes


def _describe(people: People) -> pd.DataFrame:
    known = np.isfinite(people.prints).sum(axis=0)
    everyone = np.isfinite(people.values).sum(axis=0)
    frame: dict[str, Any] = {"column": people.columns, "unit": people.units, "people": everyone, "prints": known}
    groups = {f"_{level}": people.values[people.label == k] for k, level in enumerate(people.levels)}
    for end, values in (groups or {"": people.values}).items():
        n, mean, sd = effects.moments(values)
        frame |= {f"people{end}": n.astype(int), f"mean{end}": mean, f"sd{end}": sd}
    return pd.DataFrame(frame)
