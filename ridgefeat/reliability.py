"""How well a second impression of a finger repeats a value: intraclass correlation, smallest detectable change, and
the standard error of one print's values."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgefeat.errors import TableError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

OWN_SET = "FCJ2020"
"""Of the sets in the package's table, the one that is used unless another is asked for: it names people."""
DATA = "reliability.json"
"""The package's table, by set, which benchmarks/repeatability.py writes."""
ERROR_DATA = "measurement_error.json"
"""The package's model of standard errors, which benchmarks/errors.py writes."""
ERROR_SUFFIX = "_se"
"""Ends the name of the column that holds a column's standard errors."""
ERROR_NEEDS = ("quality_score", "ridge_area")
"""Columns on which a print's standard errors depend."""
UNKNOWN_SENSOR = "unknown sensor"
SAMPLES = 1000
MIN_FINGERS = 5
"""Fingers with two or more values below which a column has no coefficient."""
DETECTABLE = 1.96 * 2**0.5
"""Standard deviations within a finger that 95 % of the differences between two impressions do not exceed."""


def measure_reliability(
    values: pd.DataFrame,
    fingers: ArrayLike,
    people: ArrayLike | None = None,
    *,
    within: ArrayLike | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Return how well repeated impressions of a finger agree in every column.

    The coefficient is ICC(1,1), one-way random (Shrout and Fleiss, Psychological Bulletin 1979): the share of the
    variance between prints that lies between fingers. Its 95 % interval is of a bootstrap over people.

    Parameters
    ----------
    values : pandas.DataFrame, shape (prints, columns)
        NaN where missing.
    fingers : array-like, shape (prints,)
        Which finger each print is of.
    people : array-like, shape (prints,), optional
        Whose finger it is; without them the bootstrap is over fingers.
    within : array-like, shape (prints,), optional
        Levels, of a sensor say, whose means are taken off first.
    seed : int
        Of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        A row per column: column, icc, icc_low, icc_high, within_sd (standard deviation between impressions of a finger,
        in the column's unit), mdc (minimal detectable change, 2.77 within_sd), and how many prints, fingers and people
        have two or more values of a finger. NaN below 5 fingers.

    Raises
    ------
    TableError
        If no finger has two prints.

    Examples
    --------
    >>> import pandas as pd
    >>> repeated = pd.DataFrame({"a": [1.0, 1, 2, 2, 3, 3, 4, 4, 5, 5], "b": [1.0, 2, 2, 1, 1, 2, 2, 1, 1, 2]})
    >>> measure_reliability(repeated, np.repeat(range(5), 2))[["column", "icc", "within_sd", "fingers"]]
      column  icc  within_sd  fingers
    0      a  1.0   0.000000        5
    1      b -1.0   0.707107        5
    """
    import pandas as pd

    names, first, code = np.unique(np.asarray(fingers).astype(str), return_index=True, return_inverse=True)
    if len(names) == len(code):
        raise TableError(f"none of {len(names)} fingers has two prints; reliability needs repeated impressions")
    owner = np.arange(len(names))
    if people is not None:
        owner = np.unique(np.asarray(people).astype(str), return_inverse=True)[1][first]
    n_people = int(owner.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(n_people, np.full(n_people, 1 / n_people), SAMPLES)[:, owner]
    numbers = values.astype(np.float64)
    numbers = numbers - (numbers.mean() if within is None else numbers.groupby(np.asarray(within)).transform("mean"))
    by_finger = numbers.groupby(code)
    count, total = by_finger.count().to_numpy(np.float64), by_finger.sum().to_numpy()
    square = (numbers**2).groupby(code).sum().to_numpy()
    used = (count > 1).astype(np.float64)
    sums = [used, used * count, used * count**2, used * total, used * square, used * total**2 / np.maximum(count, 1)]
    icc, variance, prints, n_fingers = (a[0] for a in _coefficient(sums, np.ones((1, len(used)))))
    samples = _coefficient(sums, drawn.astype(np.float64))[0]
    samples = np.where(np.isnan(samples).all(axis=0), 0, samples)  # numpy would warn of a column without any
    with np.errstate(all="ignore"):
        low, high = np.nanpercentile(samples, [2.5, 97.5], axis=0)
    undefined = ~np.isfinite(icc)
    deviation = np.where(undefined, np.nan, np.sqrt(np.maximum(variance, 0)))
    return pd.DataFrame(
        {
            "column": [str(name) for name in values.columns],
            "icc": icc,
            "icc_low": np.where(undefined, np.nan, np.fmin(low, icc)),
            "icc_high": np.where(undefined, np.nan, np.fmax(high, icc)),
            "within_sd": deviation,
            "mdc": DETECTABLE * deviation,
            "prints": prints.astype(int),
            "fingers": n_fingers.astype(int),
            "people": pd.DataFrame(used).groupby(owner).any().sum().to_numpy(),
        }
    )


def _coefficient(sums: list[NDArray[np.float64]], times: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return ICC(1,1), variance within fingers, prints and fingers, each finger counted as often as `times` says.

    `sums` are per finger and column, `times` per sample and finger; the results are per sample and column.
    """
    fingers, prints, squares, total, square, between_square = (times @ a for a in sums)
    with np.errstate(all="ignore"):
        between = (between_square - total**2 / prints) / (fingers - 1)
        within = (square - between_square) / (prints - fingers)
        k = (prints - squares / prints) / (fingers - 1)
        result = (between - within) / (between + (k - 1) * within)
    return np.where((fingers >= MIN_FINGERS) & (between + within > 0), result, np.nan), within, prints, fingers


def load_reliability(source: str | Path = OWN_SET) -> pd.DataFrame:
    """Return a table of reliability.

    Parameters
    ----------
    source : str or Path
        A set of the package's table, "FCJ2020" or "FVC2002"; or a table that `ridgefeat reliability` wrote.

    Returns
    -------
    pandas.DataFrame
        As measure_reliability returns it.

    Raises
    ------
    TableError
        If there is no such table, or it lacks the columns `column` and `icc`, or lists a column twice.
    """
    import pandas as pd

    own = json.loads(files("ridgefeat").joinpath(DATA).read_text("utf-8"))
    if source in own:
        return pd.DataFrame(own[source])
    from ridgefeat.tabular import open_text_table

    path, where = Path(source), f"table of reliability {source}"
    if not path.exists():
        raise TableError(f"{where}: no such file; `ridgefeat reliability` makes one, or name {' or '.join(own)}")
    table = open_text_table(path, TableError, where, advice="give the CSV that `ridgefeat reliability` writes")
    if lacking := [n for n in ("column", "icc") if n not in table.names]:
        raise TableError(f"{where} has no column {lacking[0]!r}; `ridgefeat reliability` writes one that has")
    frame = next(table.frames([n for n in table.names if n not in ("column", "unit")]))
    if (twice := frame["column"][frame["column"].duplicated()]).size:
        raise TableError(f"{where} lists {twice.iloc[0]!r} twice; keep one row per column")
    return frame


@dataclass(frozen=True)
class ErrorModel:
    """Standard errors of a print's values.

    se = deviation x exp(a (quality - q0) + b ln(area / a0)): the deviation of a column, two exponents of its family.

    Attributes
    ----------
    source : str
        Whose deviations they are: "unknown sensor" (the package's, widened), or the name of a table of reliability.
    deviations : tuple of (str, float)
        The columns whose standard error is known, and that of a print of quality q0 and area a0, in the column's unit.
    """

    source: str
    deviations: tuple[tuple[str, float], ...]

    @classmethod
    def make(cls, source: str | Path | None = None) -> ErrorModel:
        """Return the model for an unknown sensor; or for that of a table which `ridgefeat reliability` wrote.

        Raises TableError if the table cannot be read, or has no column `within_sd`.
        """
        if source is None:
            fitted = _fitted()
            wider = {name: d * fitted["widening"][_family(name)] for name, d in fitted["deviations"].items()}
            return cls(UNKNOWN_SENSOR, tuple(wider.items()))
        found = load_reliability(source)
        if "within_sd" not in found:
            raise TableError(f"table of reliability {source} has no column 'within_sd'; `ridgefeat reliability` has it")
        known = found[found["within_sd"].notna()]
        return cls(Path(source).name, tuple(zip(known["column"], known["within_sd"].astype(float), strict=True)))

    def of(self, names: Sequence[str], values: ArrayLike) -> NDArray[np.float32]:
        """Return the standard errors of values.

        Parameters
        ----------
        names : sequence of str
            Columns, ERROR_NEEDS among them.
        values : array-like, shape (columns,) or (prints, columns)

        Returns
        -------
        ndarray of float32, shape of the values
            NaN where a value is missing, or its column's deviation is not known.

        Examples
        --------
        >>> names = ["ridge_period_mean", "quality_score", "ridge_area"]
        >>> model = ErrorModel("ours", (("ridge_period_mean", 0.01),))
        >>> good, poor = model.of(names, [[0.45, 90, 2.5], [0.45, 40, 1.0]])[:, 0]
        >>> bool(good < 0.01 < poor)
        True
        """
        x, known, fitted = np.asarray(values, np.float64), dict(self.deviations), _fitted()
        quality, area = (x[..., list(names).index(name), None] for name in ERROR_NEEDS)
        none = (0.0, 0.0)  # of a user's own family
        a, b = np.array([fitted["exponents"].get(_family(name), none) for name in names], float).T
        deviation = np.array([known.get(name, np.nan) for name in names], float)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            se = deviation * np.exp(a * (quality - fitted["quality"]) + b * np.log(area / fitted["area"]))
        return np.where(np.isfinite(x + se), se, np.nan).astype(np.float32)


def _family(name: str) -> str:
    return name.partition("_")[0]


@cache
def _fitted() -> Mapping[str, Any]:
    """Return what was fitted: quality, area (where deviations hold), exponents, widening by family, deviations."""
    held: Mapping[str, Any] = json.loads(files("ridgefeat").joinpath(ERROR_DATA).read_text("utf-8"))
    return held


def is_error_of(name: str, columns: Container[str]) -> bool:
    """Whether a column holds the standard errors of one of some columns, as ridge_area_se does of ridge_area."""
    return name.endswith(ERROR_SUFFIX) and name.removesuffix(ERROR_SUFFIX) in columns
