'''How a stage declares its parameters: a frozen dataclass with unit, range and meaning at each field.

>>> @parameters
... class PeriodParams:
...     """Parameters of the period."""
...
...     window: float = parameter(32.0, "px", 16, 128, "side of the window")
>>> PeriodParams(window=200)
Traceback (most recent call last):
ridgefeat.errors.ParameterError: PeriodParams.window must lie between 16 and 128 px, got 200

The docstring's list of parameters and the check of values are made from the fields, so a knob is written once.
'''

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

from ridgefeat.errors import ParameterError

T = TypeVar("T")


def parameter(default: Any, unit: str, low: float, high: float, meaning: str) -> Any:
    """Declare a numeric field with its default, unit ("" for none), inclusive range and meaning."""
    return field(default=default, metadata={"unit": unit, "low": low, "high": high, "meaning": meaning})


@dataclass_transform(frozen_default=True, kw_only_default=True)
def parameters(cls: type[T]) -> type[T]:
    """Make a frozen keyword-only dataclass that checks each value's type and range, and documents its fields."""
    cls.__post_init__ = _check  # type: ignore[attr-defined]
    made = dataclass(frozen=True, kw_only=True)(cls)
    lines = [f"{(cls.__doc__ or '').strip()}", "", "    Parameters", "    ----------"]
    for f in fields(made):  # type: ignore[arg-type]
        m = f.metadata
        unit = f" {m['unit']}" if m["unit"] else ""
        lines += [
            f"    {f.name} : {type(f.default).__name__}, {m['low']:g} to {m['high']:g}{unit}, default {f.default:g}",
            f"        {m['meaning']}.",
        ]
    made.__doc__ = "\n".join(lines)
    return made


def _check(self: Any) -> None:
    for f in fields(self):
        value, m = getattr(self, f.name), f.metadata
        wanted = type(f.default)
        whole = wanted is float and type(value) is int
        where = f"{type(self).__name__}.{f.name}"
        if type(value) is not wanted and not whole:
            raise ParameterError(f"{where} must be of type {wanted.__name__}, got {value!r:.60}")
        if not m["low"] <= value <= m["high"]:
            unit = f" {m['unit']}" if m["unit"] else ""
            raise ParameterError(f"{where} must lie between {m['low']:g} and {m['high']:g}{unit}, got {value!r:.60}")
        if whole:
            object.__setattr__(self, f.name, float(value))
