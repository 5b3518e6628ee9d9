"""Whether it is the ridges or the way the prints were taken: each alone, and the ridges with the way taken out.

With a linear classifier throughout: what a regression leaves has no linear share in the circumstances, but another
classifier may find a bent one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.bench import statistics
from ridgefeat.bench.classifiers import find
from ridgefeat.bench.estimators import Regressed
from ridgefeat.bench.method import Settings
from ridgefeat.bench.tables import PLACE

if TYPE_CHECKING:
    import pandas as pd

    from ridgefeat.bench.diagnostics import Study
    from ridgefeat.bench.metrics import Predictions

ALL = "circumstances"


@dataclass(frozen=True, eq=False)
class Carrier:
    """Columns whose share in the result is asked for.

    Attributes
    ----------
    name, meaning : str
    columns : ndarray of float32, shape (prints, columns)
    out : ndarray of float32 or None, shape (prints, circumstances)
        What is regressed out of them.
    """

    name: str
    meaning: str
    columns: NDArray[Any]
    out: NDArray[Any] | None = None


def carriers(study: Study) -> pd.DataFrame | None:
    """Return what circumstances and ridges tell by themselves; see Comparison.carriers."""
    import pandas as pd

    asked = list_carriers(study)
    if not asked:
        return None
    study = replace(study, method=find("ridge" if study.problem.kind == "regression" else "logistic"))
    rows = []
    for carrier in asked:
        p = _predictions(study, carrier)
        if p is None:
            continue
        metric = study.problem.metric
        row: dict[str, Any] = {
            "classifier": study.method.name,
            "carrier": carrier.name,
            "meaning": carrier.meaning,
            "columns": carrier.columns.shape[1],
        }
        for prefix, answers in (("value", p), ("fused", study.fused(p))):
            got = (
                (np.nan,) * 3
                if answers is None
                else statistics.with_intervals(answers, study.weights, [metric]).values()
            )
            row |= dict(zip((prefix, f"{prefix}_low", f"{prefix}_high"), got, strict=True))
        rows.append(row)
    return pd.DataFrame(rows) if rows else None


def list_carriers(study: Study) -> list[Carrier]:
    """Return what is asked for: each kind of circumstance, all of them, the ridges, and the ridges without them."""
    problem = study.problem
    kinds = circumstances(problem.features.columns)
    if not kinds:
        return []
    values = problem.features.to_numpy(np.float32)
    at = {name: i for i, name in enumerate(problem.features.columns)}

    def take(names: Sequence[str]) -> NDArray[Any]:
        return values[:, [at[n] for n in names]]

    asked = [Carrier(kind, f"{kind} alone", take(names)) for kind, names in kinds.items()]
    taken = [n for names in kinds.values() for n in names]
    everything = take(taken)
    asked.append(Carrier(ALL, f"{', '.join(kinds)} together", everything))
    place = _place(study)
    if place is not None:
        asked.append(Carrier("finger", "which finger of which hand, without the print", place))
    by_family = {
        family: [n for n in names if n not in taken]
        for family, names in problem.families.items()
        if family not in ABOUT_IMAGES
    }
    by_family = {family: names for family, names in by_family.items() if names}
    if not by_family:
        return asked
    ridges = [n for names in by_family.values() for n in names]
    asked.append(Carrier("ridges", f"the columns of {', '.join(by_family)} without those", take(ridges)))
    outs = {**{kind: take(names) for kind, names in kinds.items()}, ALL: everything}
    asked += [
        Carrier(f"ridges less {kind}", f"the same with {kind} regressed out", take(ridges), out)
        for kind, out in outs.items()
    ]
    if len(by_family) > 1:
        asked += [
            Carrier(f"{f} less {ALL}", f"{f} alone with {ALL} regressed out", take(names), everything)
            for f, names in by_family.items()
        ]
    return asked


def _place(study: Study) -> NDArray[Any] | None:
    """Return which finger each print is of as columns of 0 and 1; None where it is the target or not known."""
    import pandas as pd

    labels = study.problem.labels
    known = [c for c in PLACE if c in labels and c != study.problem.target]
    if not known:
        return None
    made = pd.get_dummies(labels[known].astype(str).agg(" ".join, axis=1)).to_numpy(np.float32)
    return made if made.shape[1] > 1 else None


def _predictions(study: Study, carrier: Carrier) -> Predictions | None:
    parts = [carrier.columns] if carrier.out is None else [carrier.columns, carrier.out]
    method = study.method
    if carrier.out is not None:
        count = carrier.out.shape[1]
        method = replace(
            method, classify=_regressing(method.classify, count), regress=_regressing(method.regress, count)
        )
    X = np.concatenate([*parts, study.levels], axis=1)
    return replace(study, method=method).predictions(study.problem, X, study.folds)


def _regressing(make: Callable[[Settings], Any] | None, count: int) -> Callable[[Settings], Any] | None:
    if make is None:
        return None

    def made(s: Settings) -> Any:
        from sklearn.pipeline import make_pipeline

        return make_pipeline(Regressed(count), make(s))

    return made


CIRCUMSTANCES: dict[str, tuple[str, ...]] = {
    "pressure": (
        "ridge_thickness_ratio*",
        "ridge_white_share",
        "quality_rvu_*",
        "quality_dark_share",
        "quality_black_share",
        "quality_minutiae_mu",
    ),
    "contrast": (
        "quality_mu",
        "quality_mmb",
        "quality_sigma",
        "quality_roi_mean",
        "quality_grey_*",
        "quality_white_share",
        "quality_ridge_contrast",
        "quality_ridge_sharpness",
    ),
    "size": ("ridge_area", "ridge_width", "ridge_height", "quality_area_share"),
    "position": ("quality_area_cut", "orient_core_x", "orient_core_y"),
}
"""By what they measure: how hard and how wet the finger was pressed on, how dark and sharp the image is, how much of
the finger is on it, and which part of it. Names, or patterns with *."""
ABOUT_IMAGES = ("quality",)
"""Families that describe the image; none of their columns is one of the ridges'."""


def circumstances(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the columns of each kind of circumstance among some names, in their order; kinds without any left out."""
    names = list(names)
    found = {
        kind: [n for n in names if any(fnmatchcase(n, p) for p in patterns)] for kind, patterns in CIRCUMSTANCES.items()
    }
    return {kind: own for kind, own in found.items() if own}
