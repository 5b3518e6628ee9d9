"""Numbers of a CSV file read to the last digit, whichever pandas is there."""

from __future__ import annotations

from typing import Any


def exactly(pandas_version: str) -> Any:
    """Return read_csv's option by which it reads numbers exactly; from 3.1 on it does so unasked and warns of it."""
    major, minor = (int(n) for n in pandas_version.split(".")[:2])
    return {} if (major, minor) >= (3, 1) else {"float_precision": "round_trip"}
