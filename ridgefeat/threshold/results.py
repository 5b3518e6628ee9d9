"""What a threshold report holds: rates with intervals, parts, figures, and tables of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ridgefeat.threshold.choices import Choice, Settings
from ridgefeat.threshold.rates import ErrorCurve
from ridgefeat.threshold.scores import Scores
from ridgefeat.threshold.splitting import Split
from ridgefeat.threshold.uncertainty import Replicates

if TYPE_CHECKING:
    import pandas as pd

MOST_CUTS = 2000


@dataclass(frozen=True)
class Rate:
    """A rate (0 to 1) with its 95 % interval, and the errors that it rests on, of how many."""

    value: float
    low: float
    high: float
    errors: int
    count: int


@dataclass(frozen=True)
class Operation:
    """What a threshold does on one part."""

    fmr: Rate
    fnmr: Rate
    far: Rate
    frr: Rate
    hter: Rate
    accuracy: Rate
    cost: float


@dataclass(frozen=True)
class Figure:
    """A figure of a part that no single method owns, with its interval and, where it has one, its threshold."""

    name: str
    value: float
    low: float
    high: float
    threshold: float


@dataclass(frozen=True, eq=False)
class Part:
    """One part's scores, curve, replicates, figures, and what each method's threshold does on it."""

    name: str
    scores: Scores
    curve: ErrorCurve
    replicates: Replicates
    figures: tuple[Figure, ...]
    operations: tuple[Operation, ...]


@dataclass(frozen=True, eq=False)
class Analysis:
    """A threshold report's figures.

    Attributes
    ----------
    choices : tuple of Choice
        A method each: its threshold, chosen on development.
    parts : tuple of Part
        Development, then evaluation where there is one. Their `operations` stand in the order of `choices`.
    split : Split
        How the parts were made.
    settings : Settings
        What the methods were told.
    remarks : tuple of str
        What a reader must know: rates that too few errors carry, parts that share people, and the like.
    """

    choices: tuple[Choice, ...]
    parts: tuple[Part, ...]
    split: Split
    settings: Settings
    remarks: tuple[str, ...]

    @property
    def reported(self) -> Part:
        """The part to report: evaluation, or development where that is all there is."""
        return self.parts[-1]

    def thresholds(self) -> pd.DataFrame:
        """Return a row per method and part: threshold, evaluations, then every rate with interval, errors and count."""
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for part in self.parts:
            for choice, operation in zip(self.choices, part.operations, strict=True):
                row: dict[str, Any] = {
                    "method": choice.method,
                    "part": part.name,
                    "threshold": choice.threshold,
                    "evaluations": choice.evaluations,
                }
                for name in ("fmr", "fnmr", "far", "frr", "hter", "accuracy"):
                    rate: Rate = getattr(operation, name)
                    row |= {
                        name: rate.value,
                        f"{name}_low": rate.low,
                        f"{name}_high": rate.high,
                        f"{name}_errors": rate.errors,
                        f"{name}_count": rate.count,
                    }
                rows.append(row | {"cost": operation.cost})
        return pd.DataFrame(rows)

    def figures(self) -> pd.DataFrame:
        """Return a row per part and figure: EER, FMR100, FMR1000, ZeroFMR, AUC, d'."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "part": p.name,
                    "figure": f.name,
                    "value": f.value,
                    "low": f.low,
                    "high": f.high,
                    "threshold": f.threshold,
                }
                for p in self.parts
                for f in p.figures
            ]
        )

    def curves(self) -> pd.DataFrame:
        """Return a row per part and threshold, at most about 2,000 a part: FMR, FNMR, FAR, FRR and counts of errors."""
        import pandas as pd

        frames = []
        for part in self.parts:
            c = part.curve
            at = c.spread(MOST_CUTS)
            frames.append(
                pd.DataFrame(
                    {
                        "part": part.name,
                        "threshold": [c.shown(v) for v in c.cut[at]],
                        "fmr": c.fmr[at],
                        "fnmr": c.fnmr[at],
                        "far": c.far[at],
                        "frr": c.frr[at],
                        "false_matches": c.false_matches[at],
                        "false_nonmatches": c.false_nonmatches[at],
                    }
                )
            )
        return pd.concat(frames, ignore_index=True)
