"""Columns chosen inside the training fold: by reliability, by redundancy and by relevance to the target."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import false_discovery_control
from sklearn.base import BaseEstimator, clone
from sklearn.feature_selection import SelectorMixin, f_classif, f_regression
from sklearn.utils.validation import check_is_fitted, validate_data

from ridgefeat.bench.metrics import Floats
from ridgefeat.errors import ParameterError
from ridgefeat.reliability import OWN_SET, load_reliability
from ridgefeat.tabular import is_number

CRITERIA = {"min_icc": 0.6, "redundancy": 0.9, "fdr": 0.05}
"""Criteria by name, each with a usual value."""
MIN_PAIRS = 3
"""Rows with both values below which two columns have no correlation."""
MIN_VARIANCE = 1e-9
"""Variance of ranks at which a column is constant but for rounding in the rows that another has."""


@dataclass(eq=False, repr=False)
class ColumnSelector(SelectorMixin, BaseEstimator):  # type: ignore[misc]
    """Choose columns by reliability, then redundancy, then relevance; each criterion is optional.

    Parameters
    ----------
    min_icc : float, optional
        Minimum intraclass correlation. A column whose reliability is not known is left out.
    redundancy : float, optional
        Of columns that correlate more strongly than this (Spearman, absolute value, over rows with both) the most
        reliable is kept: from the most reliable on, each column leads a cluster unless it belongs to that of an
        earlier one. No two of the columns that are kept correlate more strongly, and each that is not has such a
        leader.
    fdr : float, optional
        Maximum expected share of irrelevant columns among those chosen (Benjamini and Hochberg 1995). A column's p
        value is of the F test of its means per group and target, so that ten prints of one person count once. If
        nothing is significant, the column with the lowest p value is kept.
    reliability : str, path, mapping or array, default="FCJ2020"
        As in ridgefeat.reliability.load_reliability; or a number for each column, by its name or in their order. By
        names X must be a DataFrame. Without min_icc it only decides which column of a cluster is kept.
    regression : bool
        Whether the target is a number.

    Attributes
    ----------
    support_ : ndarray of bool, shape (columns,)
    icc_ : ndarray, shape (columns,)
        The reliability that was used; NaN where it is not known.

    Examples
    --------
    >>> X = np.array([[0.0, 0, 3], [1, 1, 1], [2, 2, 4], [3, 3, 1], [4, 4, 5], [5, 5, 9]])
    >>> ColumnSelector(redundancy=0.9, reliability=[0.5, 0.8, 0.1]).fit(X).get_support()
    array([False,  True,  True])
    """

    min_icc: float | None = None
    redundancy: float | None = None
    fdr: float | None = None
    reliability: Any = OWN_SET
    regression: bool = False

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> ColumnSelector:
        """Choose columns of X, shape (rows, columns), NaN where missing; y is needed for `fdr`, groups are people."""
        given = {} if y is None else {"y": y}
        checked = validate_data(self, X, **given, ensure_all_finite="allow-nan", dtype=np.float64, ensure_min_samples=2)
        values, target = checked if given else (checked, None)
        self.icc_ = self._known_reliability()
        keep = np.ones(values.shape[1], bool)
        if self.min_icc is not None:
            keep = np.nan_to_num(self.icc_, nan=-np.inf) >= self.min_icc
            if not keep.any():
                raise ValueError(f"no column has a known ICC of {self.min_icc:g} or more")
        if self.redundancy is not None:
            own = np.flatnonzero(keep)
            alike = np.abs(correlate_ranks(rank_scores(values[:, own]))) > self.redundancy
            free = np.ones(len(own), bool)
            # From the most reliable on; those of equal reliability in their order.
            for i in np.argsort(-np.nan_to_num(self.icc_[own], nan=-np.inf), kind="stable"):
                keep[own[i]] = free[i]
                if free[i]:
                    free &= ~alike[i]
        if self.fdr is not None:
            if target is None:
                raise ValueError("ColumnSelector with fdr requires y to be passed, but the target y is None")
            own = np.flatnonzero(keep)
            p = _relevance(values[:, own], target, groups, self.regression)
            chosen = false_discovery_control(p) <= self.fdr
            chosen[np.argmin(p)] = True
            keep[own] = chosen
        self.support_ = keep
        return self

    def for_columns(self, names: Iterable[str], regression: bool) -> ColumnSelector:
        """Return a selector of an array whose columns have these `names`; `regression` as above.

        Raises ParameterError if none of them is as reliable as `min_icc`.
        """
        icc = reliability_of(names, self.reliability)
        if self.min_icc is not None and not (icc >= self.min_icc).any():
            raise ParameterError(
                f"none of {len(icc)} columns has an ICC of {self.min_icc:g} or more in {self.reliability} (it has "
                f"{int(np.isfinite(icc).sum())} of them); `ridgefeat reliability` measures that of your own columns"
            )
        found: ColumnSelector = clone(self).set_params(reliability=icc, regression=regression)
        return found

    def describe(self) -> str:
        """Return the criteria in words, such as "ICC at least 0.6 (FCJ2020), false discovery rate 0.05"."""
        source = self.reliability if isinstance(self.reliability, str) else "given"
        words = {
            "min_icc": f"ICC at least {self.min_icc} ({source})",
            "redundancy": f"|Spearman| at most {self.redundancy}",
            "fdr": f"false discovery rate {self.fdr}",
        }
        return ", ".join(text for name, text in words.items() if getattr(self, name) is not None)

    def of(self, columns: NDArray[np.bool_]) -> ColumnSelector:
        """Return a selector of some of the columns whose reliability is given in their order."""
        found: ColumnSelector = clone(self).set_params(reliability=np.asarray(self.reliability)[columns])
        return found

    def _known_reliability(self) -> Floats:
        """Return the reliability of each column of X."""
        by_name = self.reliability is None or isinstance(self.reliability, (str, Path, Mapping))
        if not by_name or hasattr(self, "feature_names_in_"):
            return reliability_of(getattr(self, "feature_names_in_", range(self.n_features_in_)), self.reliability)
        if self.min_icc is not None:
            raise ValueError("min_icc needs the reliability of each column: give X as a DataFrame, or an array of ICC")
        return np.full(self.n_features_in_, np.nan)

    def _get_support_mask(self) -> NDArray[np.bool_]:
        check_is_fitted(self)
        return self.support_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.required = self.fdr is not None
        return tags


def read_criteria(text: str, reliability: str = OWN_SET) -> ColumnSelector:
    """Return the selector that criteria in one line ask for.

    Parameters
    ----------
    text : str
        Name and value of each, separated by commas: "min_icc=0.6,redundancy=0.9,fdr=0.05".
    reliability : str
        As in ridgefeat.reliability.load_reliability.

    Raises
    ------
    ParameterError
        If a name is unknown or a value is not a number from 0 to 1.

    Examples
    --------
    >>> read_criteria("redundancy=0.9, fdr=5%").fdr
    0.05
    """
    found: dict[str, Any] = {}
    for part in text.replace(",", " ").split():
        name, _, value = part.partition("=")
        if name not in CRITERIA:
            raise ParameterError(f"selection has no criterion {name!r}; there are: {', '.join(CRITERIA)}")
        number = value.removesuffix("%")
        found[name] = float(number) / (1 if number == value else 100) if is_number(number) else -1
        if not 0 <= found[name] <= 1:
            raise ParameterError(f"criterion {part!r} needs a number from 0 to 1, such as {name}={CRITERIA[name]}")
    if not found:
        raise ParameterError("selection names no criterion; give some, such as min_icc=0.6,redundancy=0.9,fdr=0.05")
    return ColumnSelector(**found, reliability=reliability)


def reliability_of(names: Iterable[Any], source: Any) -> Floats:
    """Return each column's ICC, NaN where it is not known; `source` is as ColumnSelector's `reliability`."""
    names, known = list(names), {} if source is None else source
    if isinstance(source, (str, Path)):
        frame = load_reliability(source)
        known = dict(zip(frame["column"], frame["icc"], strict=True))
    if isinstance(known, Mapping):
        return np.array([known.get(name, np.nan) for name in names], np.float64)
    if len(known) != len(names):
        raise ValueError(f"reliability has {len(known)} values for {len(names)} columns")
    return np.asarray(known, np.float64)


def rank_scores(values: NDArray[Any]) -> Floats:
    """Return each column's ranks among its known values, mean 0 and deviation 1; NaN where missing or constant."""
    ranks = pd.DataFrame(values).rank().to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        count = np.maximum(np.isfinite(ranks).sum(0), 1)
        centred = ranks - np.nansum(ranks, 0) / count
        spread = np.sqrt(np.nansum(centred**2, 0) / count)
        return np.where(spread > 0, centred / spread, np.nan)


def correlate_ranks(ranks: Floats) -> Floats:
    """Return the correlations of all pairs of columns over the rows with both; 0 where undefined or fewer than three.

    The ranks, of shape (rows, columns), are those of `rank_scores`. pandas' corr ranks every pair anew, and takes
    minutes for a thousand columns with gaps.
    """
    known = np.isfinite(ranks).astype(np.float64)
    x = np.nan_to_num(ranks)
    n, sums, squares, products = known.T @ known, x.T @ known, (x**2).T @ known, x.T @ x
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = squares - sums**2 / n
        r = (products - sums * sums.T / n) / np.sqrt(variance * variance.T)
    fine = (n >= MIN_PAIRS) & (np.minimum(variance, variance.T) > MIN_VARIANCE * n) & np.isfinite(r)
    return np.clip(np.where(fine, r, 0), -1, 1)


def _relevance(X: Floats, y: NDArray[Any], groups: NDArray[Any] | None, regression: bool) -> Floats:
    """Return the p value of each column, from a row per group and target; 1 where the test is not defined."""
    if groups is not None:
        means = pd.DataFrame(X).groupby([np.asarray(groups).astype(str), np.asarray(y)]).mean()
        X, y = means.to_numpy(), means.index.get_level_values(1).to_numpy()
    known = np.isfinite(X)
    mean = np.where(known, X, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):  # on constant columns
        p = (f_regression if regression else f_classif)(np.where(known, X, mean), y)[1]
    return np.asarray(np.nan_to_num(p, nan=1.0))
