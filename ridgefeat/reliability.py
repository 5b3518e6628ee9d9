"""How well a second impression of a finger repeats a value: intraclass correlation and smallest detectable change."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ridgefeat.errors import TableError
from ridgefeat.files import os_errors_as

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

OWN_SET = "FCJ2020"
"""Of the sets in the package's table, the one that is used unless another is asked for: it names people."""
DATA = "reliability.json"
"""The package's table, by set, which benchmarks/repeatability.py writes."""
SAMPLES = 1000
MIN_FINGERS = 5
"""Fingers with two or more values below which a column has no coefficient."""
DETECTABLE = 1.96 * 2**0.5
"""Standard deviations within a finger that 95 % of the differences between two impressions do not exceed."""
COLUMNS_AT_ONCE = 128
MAX_TABLE_BYTES = 64 << 20


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

    names, code = np.unique(np.asarray(fingers).astype(str), return_inverse=True)
    order = np.argsort(code, kind="stable")
    starts = np.searchsorted(code[order], np.arange(len(names)))
    if len(names) == len(code):
        raise TableError(f"none of {len(names)} fingers has two prints; reliability needs repeated impressions")
    owner = np.arange(len(names))
    if people is not None:
        owner = np.unique(np.asarray(people).astype(str), return_inverse=True)[1][order[starts]]
    n_people = int(owner.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(n_people, np.full(n_people, 1 / n_people), SAMPLES)[:, owner]
    numbers = values.astype(np.float64)
    numbers = numbers - (numbers.mean() if within is None else numbers.groupby(np.asarray(within)).transform("mean"))
    x, parts = numbers.to_numpy()[order], []
    for start in range(0, x.shape[1], COLUMNS_AT_ONCE):
        parts.append(_measure(x[:, start : start + COLUMNS_AT_ONCE], starts, owner, drawn.astype(np.float64)))
    found = pd.DataFrame({k: np.concatenate([p[k] for p in parts]) for k in parts[0]})
    found.insert(0, "column", [str(name) for name in values.columns])
    return found


def _measure(
    x: NDArray[np.float64], starts: NDArray[Any], owner: NDArray[Any], drawn: NDArray[np.float64]
) -> dict[str, NDArray[Any]]:
    """Return the figures of some columns, whose rows are in the order of their fingers."""
    known = np.isfinite(x)
    x = np.where(known, x, 0)
    count, total, square = (np.add.reduceat(a, starts, axis=0) for a in (known.astype(np.float64), x, x**2))
    used = (count > 1).astype(np.float64)
    sums = [used, used * count, used * count**2, used * total, used * square, used * total**2 / np.maximum(count, 1)]
    icc, within, prints, n_fingers = (a[0] for a in _coefficient(sums, np.ones((1, len(used)))))
    with np.errstate(all="ignore"):
        low, high = np.nanpercentile(_known(_coefficient(sums, drawn)[0]), [2.5, 97.5], axis=0)
    undefined = ~np.isfinite(icc)
    deviation = np.where(undefined, np.nan, np.sqrt(np.maximum(within, 0)))
    by_person = np.argsort(owner, kind="stable")
    first = np.unique(owner[by_person], return_index=True)[1]
    return {
        "icc": icc,
        "icc_low": np.where(undefined, np.nan, np.fmin(low, icc)),
        "icc_high": np.where(undefined, np.nan, np.fmax(high, icc)),
        "within_sd": deviation,
        "mdc": DETECTABLE * deviation,
        "prints": prints.astype(int),
        "fingers": n_fingers.astype(int),
        "people": (np.add.reduceat(used[by_person], first, axis=0) > 0).sum(axis=0),
    }


def _known(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the samples, with 0 for a column that is undefined in all of them, of which numpy would warn."""
    return np.where(np.isnan(drawn).all(axis=0), 0, drawn)


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
    from ridgefeat.tabular import log_dialect, open_table

    path, where = Path(source), f"table of reliability {source}"
    with os_errors_as(TableError, f"{where} cannot be read"):
        if not path.exists():
            raise TableError(f"{where}: no such file; `ridgefeat reliability` makes one, or name {' or '.join(own)}")
        table = open_table(path, TableError, where, max_bytes=MAX_TABLE_BYTES)
        if table is None:
            raise TableError(f"{where} is Parquet; give the CSV that `ridgefeat reliability` writes")
        log_dialect(table)
        if lacking := [n for n in ("column", "icc") if n not in table.names]:
            raise TableError(f"{where} has no column {lacking[0]!r}; `ridgefeat reliability` writes one that has")
        frame = next(table.frames([n for n in table.names if n not in ("column", "unit")]))
    if (twice := frame["column"][frame["column"].duplicated()]).size:
        raise TableError(f"{where} lists {twice.iloc[0]!r} twice; keep one row per column")
    return frame
