"""The parameters of every stage as records, for listings."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ridgefeat.params import Params


def parameter_records() -> list[dict[str, Any]]:
    """Return every stage parameter: name (stage.parameter), unit, low, high, default and meaning."""
    params = Params()
    return [
        {
            "name": f"{stage.name}.{f.name}",
            "unit": f.metadata.get("unit", ""),
            "low": f.metadata.get("low", ""),
            "high": f.metadata.get("high", ""),
            "default": f.default,
            "meaning": f.metadata.get("meaning", ""),
        }
        for stage in fields(params)
        for f in fields(getattr(params, stage.name))
    ]
