"""A label compared over columns: who differs, by how much, how sure, and how well the column can be measured at all.

The tests are by permutation: the label is dealt anew among people, for all columns at once by matrix products. Two
groups are compared by Welch's t, which holds where their spreads differ (Janssen 1997, Statistics & Probability Letters
36); several by F; a number by Spearman's rank correlation. scipy.stats.permutation_test deals for one column after the
other: 40 times as slow here. Instead, a mixed model can be fitted to the prints, with people as a random and fingers as
a fixed effect.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ridgefeat.compare import effects
from ridgefeat.compare.effects import TAILS, Float, Interval, ranks
from ridgefeat.compare.people import MIN_PEOPLE, People
from ridgefeat.errors import ParameterError
from ridgefeat.files import first_line
from ridgefeat.reliability import OWN_SET, ErrorModel, load_reliability

ALPHA = 0.05
"""Share of false discoveries up to which a difference counts as found."""
EFFECTS = {"two": "hedges_g", "several": "eta_squared", "number": "rank_correlation"}
"""The standardised effect for each kind of label, as its column is named."""
MIN_PERMUTATIONS, PER_COLUMN = 9_999, 40
"""So many, and so many for each column: with q = p times columns, the smallest p must be far below 0.05 / columns."""
MAX_OPERATIONS = 2e11
"""Permutations times people times columns; with more, there are fewer permutations."""
ENOUGH = 100
"""As large or larger statistics after which a column's p value is known well enough (Besag and Clifford 1991)."""
AT_ONCE = 500
ROUNDING = 1e-9


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
    q[known] = stats.false_discovery_control(p[known]) if known.any() else []
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


def count_permutations(people: int, columns: int) -> int:
    """Return how many permutations are made for a table of so many people and columns."""
    wanted = max(MIN_PERMUTATIONS, PER_COLUMN * columns)
    return int(min(wanted, max(AT_ONCE, MAX_OPERATIONS / max(1, people * columns))))


def permutation_p(values: Float, label: NDArray[Any], levels: int, seed: int = 0) -> Float:
    """Return the two-sided p value of each column; float64, shape (columns,), NaN where a column is constant.

    `values` has shape (people, columns), NaN where missing; a person keeps what is missing when the label is dealt
    anew. `label`, shape (people,), holds indices of the `levels`, or numbers, of which there are 0 levels.
    """
    rng = np.random.default_rng(seed)
    if not levels:
        values, label = ranks(values), ranks(label[:, None].astype(np.float64))[:, 0]
    statistic = {0: _by_number, 2: _by_two}.get(levels, _by_several)
    there = np.isfinite(values).astype(np.float64)
    mean = _ratio(np.nan_to_num(values).sum(axis=0), there.sum(axis=0))
    rest = np.nan_to_num(values - mean)
    rest /= np.maximum(np.abs(rest).max(axis=0, initial=0), np.finfo(float).tiny)
    observed = statistic(label[None, :], rest, there)[0]
    reached, done = np.zeros(len(observed)), np.zeros(len(observed))
    going = np.flatnonzero(~np.isnan(observed))
    total = count_permutations(*values.shape)
    for start in range(0, total, AT_ONCE):
        if not len(going):
            break
        dealt = rng.permuted(np.tile(label, (min(AT_ONCE, total - start), 1)), axis=1)
        found = statistic(dealt, rest[:, going], there[:, going])
        reached[going] += (found >= observed[going] * (1 - ROUNDING)).sum(axis=0)
        done[going] += len(dealt)
        going = going[reached[going] < ENOUGH]
    return np.where(done > 0, (reached + 1) / (done + 1), np.nan)


def _by_two(dealt: NDArray[Any], rest: Float, there: Float) -> Float:
    """Return the square of Welch's t for each deal and column."""
    difference, variance = np.zeros((len(dealt), rest.shape[1])), np.zeros((len(dealt), rest.shape[1]))
    for k, sign in enumerate((1, -1)):
        member = (dealt == k).astype(np.float64)
        n, total, square = member @ there, member @ rest, member @ rest**2
        difference += sign * _ratio(total, n)
        variance += _ratio(square - _ratio(total**2, n), n * (n - 1))
    return _ratio(difference**2, variance)


def _by_several(dealt: NDArray[Any], rest: Float, there: Float) -> Float:
    """Return the share of the variance that lies between the groups, which orders as F does."""
    members = [(dealt == k).astype(np.float64) for k in range(int(dealt.max()) + 1)]
    between = sum(np.nan_to_num(_ratio((m @ rest) ** 2, m @ there)) for m in members)
    return _ratio(np.asarray(between), (rest**2).sum(axis=0))


def _by_number(dealt: NDArray[Any], rest: Float, there: Float) -> Float:
    """Return the square of the correlation with the number, times the column's variance."""
    return _ratio((dealt @ rest) ** 2, dealt**2 @ there - _ratio((dealt @ there) ** 2, there.sum(axis=0)))


def _ratio(a: Float, b: Float) -> Float:
    """Return a / b; infinite, or NaN for 0, where b is not positive."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(b > 0, a / b, np.where(a > 0, np.inf, np.nan))


def fit_mixed(people: People, wanted: Sequence[bool]) -> tuple[Float, tuple[Float, Interval] | None, list[str]]:
    """Return each column's p value (Wald), its difference with interval (None for several levels), and why it failed.

    Only the `wanted` columns are fitted; the others are NaN. Raises ParameterError if statsmodels is not installed.
    """
    try:
        from statsmodels.regression.mixed_linear_model import MixedLM
    except ImportError:
        raise ParameterError(
            "the mixed model needs statsmodels: pip install 'ridgefeat[mixed]'; or leave out --model mixed"
        ) from None
    label = people.label[people.person]
    count = max(1, len(people.levels) - 1)
    # The first level less the second, as everywhere: the second is what the others are compared with.
    others = [k for k in range(len(people.levels)) if k != 1]
    effect = np.stack([label == k for k in others], axis=1) if people.levels else label[:, None]
    fingers = np.arange(max(1, len(people.fingers)))
    fixed = np.concatenate([effect, people.finger[:, None] == fingers], axis=1).astype(np.float64)
    p, estimate, error = (np.full(len(people.columns), np.nan) for _ in range(3))
    notes = [""] * len(people.columns)
    for k in np.flatnonzero(wanted):
        y = people.prints[:, k].astype(np.float64)
        rows = np.isfinite(y)
        scale = y[rows].std()
        used = fixed[rows][:, fixed[rows].any(axis=0)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                fit = MixedLM((y[rows] - y[rows].mean()) / scale, used, groups=people.person[rows]).fit(reml=True)
            except (np.linalg.LinAlgError, ValueError) as failure:
                notes[k] = f"the mixed model could not be fitted: {first_line(failure)}"
                continue
        if not fit.converged:
            notes[k] = "the mixed model did not converge"
            continue
        beta, cov = fit.fe_params[:count], np.asarray(fit.cov_params())[:count, :count]
        p[k] = stats.chi2.sf(beta @ np.linalg.solve(cov, beta), count)
        estimate[k], error[k] = scale * beta[0], scale * np.sqrt(cov[0, 0])
    if len(people.levels) > 2:
        return p, None, notes
    reach = stats.norm.ppf(TAILS[0]) * error
    return p, (estimate, (estimate - reach, estimate + reach)), notes
