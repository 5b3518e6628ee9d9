"""Params: every stage's own parameters gathered, loaded from JSON or key=value, digested."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ridgefeat.errors import ParameterError
from ridgefeat.files import read_bounded
from ridgefeat.schema import check_schema
from ridgefeat.stages.enhancement import EnhancementParams
from ridgefeat.stages.flags import FlagParams
from ridgefeat.stages.gabor import GaborParams
from ridgefeat.stages.minutiae import MinutiaeParams
from ridgefeat.stages.normalisation import NormalisationParams
from ridgefeat.stages.orientation import OrientationParams
from ridgefeat.stages.pattern import PatternParams
from ridgefeat.stages.period import PeriodParams
from ridgefeat.stages.segmentation import SegmentationParams
from ridgefeat.stages.singular_points import SingularPointParams
from ridgefeat.stages.skeleton import SkeletonParams

_RENAMED = [
    "normalisation.min_deviation",
    "minutiae.min_quality",
    "minutiae.min_count",
    "singular_points.min_coherence",
]
_RENAMED += ["flags.min_area", "flags.min_contrast"]
_RENAMED += [f"segmentation.min_{what}" for what in ("share", "contrast", "area", "piece")]
RENAMED_PARAMETERS = {name.replace(".min_", ".least_"): name for name in _RENAMED}
"""Names of version 0.1, and what they are called since 0.2."""


@dataclass(frozen=True, kw_only=True)
class Params:
    """The parameters of every stage; each field is that stage's own frozen dataclass.

    Parameters
    ----------
    normalisation, segmentation, orientation, period, enhancement, gabor, skeleton, minutiae
        Parameters of these stages, each with unit, range and default in its own docstring.
    singular_points, pattern, flags
        Those of the last three; `ridgefeat params` lists them all.
    """

    normalisation: NormalisationParams = field(default_factory=NormalisationParams)
    segmentation: SegmentationParams = field(default_factory=SegmentationParams)
    orientation: OrientationParams = field(default_factory=OrientationParams)
    period: PeriodParams = field(default_factory=PeriodParams)
    enhancement: EnhancementParams = field(default_factory=EnhancementParams)
    gabor: GaborParams = field(default_factory=GaborParams)
    skeleton: SkeletonParams = field(default_factory=SkeletonParams)
    minutiae: MinutiaeParams = field(default_factory=MinutiaeParams)
    singular_points: SingularPointParams = field(default_factory=SingularPointParams)
    pattern: PatternParams = field(default_factory=PatternParams)
    flags: FlagParams = field(default_factory=FlagParams)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return the parameters as nested plain dictionaries, as JSON holds them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], where: str = "parameters") -> Params:
        """Return the Params of `values`, nested mappings stage -> parameter -> value; others keep their defaults.

        An error names `where` as the place. Raises ParameterError for an unknown stage or parameter (the nearest is
        named), or a value of the wrong type or range.
        """
        check_schema(values, dict[str, dict[str, Any]], where, ParameterError)
        stages = {f.name: f.default_factory for f in fields(cls)}
        made = {}
        for stage, given in values.items():
            if stage not in stages:
                raise ParameterError(f"{where}: unknown stage {stage!r}{_nearest(stage, stages)}")
            kind: Any = stages[stage]
            names = [f.name for f in fields(kind)]
            for name in given:
                if name not in names:
                    raise ParameterError(f"{where}: {_unknown(f'{stage}.{name}', _nearest(name, names, stage))}")
            try:
                made[stage] = kind(**given)
            except ParameterError as error:
                raise ParameterError(f"{where}: {error}") from None
        return cls(**made)

    @classmethod
    def load(cls, path: str | Path) -> Params:
        """Return the Params of the JSON file at `path`: an object of stages, each an object of parameters.

        Raises ParameterError if the file cannot be read, is not JSON, or holds what from_dict refuses.
        """
        raw = read_bounded(path, 1 << 20, ParameterError, "parameter file")
        try:
            return cls.from_dict(json.loads(raw), str(path))
        except (ValueError, RecursionError) as error:
            raise ParameterError(f"parameter file {path} is not JSON: {error}") from None

    def updated(self, assignments: Iterable[str]) -> Params:
        """Return a copy with assignments of the form stage.name=value applied.

        Raises ParameterError for an assignment of another form, an unknown name (the nearest is named) or a bad value.

        Examples
        --------
        >>> Params().updated(["minutiae.min_quality=50"]).minutiae.min_quality
        50.0
        """
        values = self.to_dict()
        known = [f"{stage}.{name}" for stage, given in values.items() for name in given]
        for text in assignments:
            key, equals, value = text.partition("=")
            key = key.strip()
            if not equals:
                raise ParameterError(f"parameter {text!r} must read stage.name=value")
            if key not in known:
                raise ParameterError(_unknown(key, _nearest(key, known)))
            stage, _, name = key.partition(".")
            try:
                values[stage][name] = json.loads(value)
            except (ValueError, RecursionError):
                raise ParameterError(f"parameter {key}: {value!r:.60} is not a number") from None
        return self.from_dict(values)

    @property
    def digest(self) -> str:
        """A short digest of all values; tables with different digests were made differently."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def parameter_records() -> list[dict[str, Any]]:
    """Return every stage parameter: name (stage.parameter), unit, low, high, default and meaning."""
    return [
        {"name": f"{stage.name}.{f.name}", **{key: f.metadata[key] for key in ("unit", "low", "high")}}
        | {"default": f.default, "meaning": f.metadata["meaning"]}
        for stage in fields(Params)
        for f in fields(stage.default_factory)  # type: ignore[arg-type]
    ]


def _unknown(name: str, nearest: str) -> str:
    """Return the message for a parameter (stage.name) that does not exist."""
    if name in RENAMED_PARAMETERS:
        return f"no parameter {name!r}; it is called {RENAMED_PARAMETERS[name]} since 0.2"
    return f"unknown parameter {name!r}{nearest}"


def _nearest(name: str, known: Iterable[str], stage: str = "") -> str:
    known = list(known)
    near = difflib.get_close_matches(name, known, 1, 0.5)
    return f"; did you mean {f'{stage}.' * bool(stage)}{near[0]}?" if near else f"; there are: {', '.join(known)}"
