"""Short reprs of results that hold arrays and tables, and tables of them for notebooks."""

from __future__ import annotations

from dataclasses import fields
from html import escape
from typing import Any

import numpy as np

MAX_LENGTH = 200
MAX_TEXT = 40


class Brief:
    """Base of data classes whose repr says how large their fields are, not what they hold.

    A subclass is declared with `@dataclass(repr=False)`. In a notebook it is a table of its fields, or the table that
    `_frame` returns.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(repr=False)
    ... class Found(Brief):
    ...     name: str
    ...     score: float
    ...     at: np.ndarray
    ...     note: str | None = None
    >>> Found("left", 0.123456, np.zeros((3, 2)))
    <Found name='left', score=0.1235, at: 3x2>
    """

    def __repr__(self) -> str:
        words = ", ".join(f"{name}{': ' if is_size else '='}{text}" for name, text, is_size in self._brief_fields())
        return f"<{type(self).__name__} {words}"[: MAX_LENGTH - 1] + ">"

    def _repr_html_(self) -> str:
        if (frame := self._frame()) is not None:
            return f"<p>{escape(repr(self))}</p>{frame.to_html(max_rows=20, float_format='%.4g')}"
        cells = [(escape(name), escape(text)) for name, text, _ in self._brief_fields()]
        rows = "".join(f"<tr><th>{name}</th><td>{text}</td></tr>" for name, text in cells)
        return f"<table><caption>{escape(type(self).__name__)}</caption>{rows}</table>"

    def _frame(self) -> Any:
        """Return the pandas.DataFrame that a notebook shows instead of the fields."""
        return None

    def _brief_fields(self) -> list[tuple[str, str, bool]]:
        """Return each field's name, its value or size in words, and whether it is the size; fields of None left out."""
        values = [(f.name, getattr(self, f.name)) for f in fields(self)]  # type: ignore[arg-type]
        return [(name, *_in_brief(value)) for name, value in values if value is not None]


def _in_brief(value: Any) -> tuple[str, bool]:
    if isinstance(value, str):
        return repr(value if len(value) <= MAX_TEXT else value[: MAX_TEXT - 1] + "…"), False
    if isinstance(value, (bool, int, float, np.floating)):
        return f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value), False
    if hasattr(value, "shape"):
        return "x".join(map(str, value.shape)), True
    if hasattr(value, "__len__"):
        return str(len(value)), True
    return type(value).__name__, False
