"""What a fit would cost, told before it is begun: some classifiers cannot do with many rows."""

from __future__ import annotations

from ridgefeat.errors import ParameterError

LONGEST = 3600.0
"""Seconds of one fit beyond which it is not begun."""
_SQUARE = {"rbf-svm": 2.5e-10}
"""Seconds a training row, row and column of classifiers that compare every row with every other (libsvm, one core)."""


def refuse_too_large(name: str, rows: int, columns: int) -> None:
    """Raise ParameterError if a classifier would take longer than LONGEST to fit so many rows, by an estimate.

    Parameters
    ----------
    name : str
        A classifier's.
    rows, columns : int
        What it would be trained on.
    """
    seconds = _SQUARE.get(name, 0.0) * float(rows) ** 2 * columns
    if seconds > LONGEST:
        hours = f"{seconds / 3600:.1f}"
        raise ParameterError(
            f"not begun: {name} on {rows:,} rows x {columns} columns would take about {hours} hours a fit, for its "
            "time grows with the square of the rows; take a sample of the table, or another classifier"
        )
