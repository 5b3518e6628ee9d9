"""What a fit would cost, told before it is begun: some classifiers cannot do with many rows."""

from __future__ import annotations

from ridgefeat.errors import ParameterError

LONGEST = 1200.0
"""Seconds of one fit beyond which it is not begun."""
MOST_BYTES = 5e9
"""Bytes of a fitted classifier beyond which it is not begun."""
_SQUARE = {"rbf-svm": 2.5e-10}
"""Seconds a training row, row and column of classifiers that compare every row with every other (libsvm, one core)."""
_PAIRS = {"knn": (2.5e-9, 5e-11)}
"""Seconds a training and tested row, and those a column of it, of classifiers that compare each with each."""
_HELD = {"extra-trees": 8000.0, "random-forest": 1100.0}
"""Bytes a training row of all the trees of classifiers that grow them down to a few rows."""


def refuse_too_large(name: str, rows: int, columns: int, tested: int = 0) -> None:
    """Raise ParameterError if a classifier would take longer than LONGEST or hold more than MOST_BYTES, by estimate.

    Parameters
    ----------
    name : str
        A classifier's.
    rows, columns : int
        What it would be trained on.
    tested : int
        Rows that it would be asked about.
    """
    held = _HELD.get(name, 0.0) * rows
    if held > MOST_BYTES:
        raise ParameterError(
            f"not begun: {name} on {rows:,} rows would hold about {held / 1e9:.1f} GB of trees; take a sample of the "
            "table, or another classifier"
        )
    a_pair, a_column = _PAIRS.get(name, (0.0, 0.0))
    seconds = _SQUARE.get(name, 0.0) * float(rows) ** 2 * columns
    seconds += float(rows) * tested * (a_pair + a_column * columns)
    if seconds > LONGEST:
        hours = f"{seconds / 3600:.1f}"
        asked = f", asked about {tested:,}," if name in _PAIRS else ""
        raise ParameterError(
            f"not begun: {name} on {rows:,} rows x {columns} columns{asked} would take about {hours} hours a fit, for "
            "its time grows with the square of the rows; take a sample of the table, or another classifier"
        )
