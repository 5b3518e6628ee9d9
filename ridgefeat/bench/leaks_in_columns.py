"""The target encoded in a feature: a column that tells it far better than columns do, or by where it has gaps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from ridgefeat.bench.audit_table import AuditTable
from ridgefeat.bench.column_readout import Readout
from ridgefeat.bench.finding import Finding

SHOWN = 5
LEAKING_AUC = 0.95
"""Area under the curve from which a column that stands out is called a leak rather than suspicious."""
CROWD = 0.02
"""Share of columns, the best, that are not counted as ordinary."""
SURE = 4.0
"""Deviations by chance from which a gap or trait is believed."""
LEAST_GAPS = 0.01
"""Share of missing values from which the gaps of a column are looked at, and up to which from the other end."""


def check_features(table: AuditTable, readout: Readout) -> Iterator[Finding]:
    """Yield features that hold the target, features that stand out suspiciously, and gaps that tell it."""
    names = table.feature_names()
    if not names:
        return
    values = table.frame[names].to_numpy(np.float32, na_value=np.nan)
    area = readout.of_numbers(values)
    ordinary = best_ordinary(area)
    limit = norm.cdf(norm.ppf(ordinary) * table.limits.crowd_factor)
    apart = (area >= max(limit, table.limits.suspect_auc)) & (area >= 0.5 + SURE * readout.deviation)
    leaks = (area >= table.limits.perfect_auc) | (apart & (area >= LEAKING_AUC))
    if leaks.any():
        yield _report(
            names,
            area,
            _where(leaks),
            "leak",
            f"hold the target {table.target!r}: it can be read from each alone",
            ordinary,
            "every classifier that is given one of them is as good as this column, whatever the ridges say",
        )
    if (suspect := apart & ~leaks).any():
        yield _report(
            names,
            area,
            _where(suspect),
            "warning",
            f"tell {table.target!r} far better than all other columns; look whether they were made from it",
            ordinary,
            "if they were, every score that uses them is too good",
        )
    yield from _gaps(table, readout, names, values)


def best_ordinary(area: NDArray[np.float64]) -> float:
    """Return the area under the curve of the best column when the few best are left out, at least 0.55."""
    left_out = max(1, int(np.ceil(CROWD * len(area))))
    rest = np.sort(area)[:-left_out]
    return float(min(max(0.55, rest[-1] if rest.size else 0.55), 0.999))


def believed(readout: Readout, table: AuditTable, area: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether areas are beyond what chance gives and what is worth a word."""
    return area >= max(table.limits.trait_auc, 0.5 + SURE * readout.deviation)


def _gaps(table: AuditTable, readout: Readout, names: Sequence[str], values: NDArray[np.float32]) -> Iterator[Finding]:
    missing = ~np.isfinite(values)
    share = missing.mean(axis=0)
    looked = np.flatnonzero((share >= LEAST_GAPS) & (share <= 1 - LEAST_GAPS))
    if not looked.size:
        return
    area = readout.of_codes(missing[:, looked].astype(np.int64))
    found = believed(readout, table, area)
    if found.any():
        worst = float(area[found].max())
        yield _report(
            [names[i] for i in looked.tolist()],
            area,
            _where(found),
            "leak" if worst >= LEAKING_AUC else "warning",
            f"tell {table.target!r} by where they have no value",
            0.5,
            "a classifier learns which prints could not be measured; imputation inside the fold does not hide it",
            kind="missing",
        )


def _where(marked: NDArray[np.bool_]) -> list[int]:
    return [int(i) for i in np.flatnonzero(marked)]


def _report(
    names: Sequence[str],
    area: NDArray[np.float64],
    which: list[int],
    severity: str,
    what: str,
    ordinary: float,
    cost: str,
    kind: str = "column",
) -> Finding:
    order = sorted(which, key=lambda i: -area[i])
    told = ", ".join(f"{names[i]} {area[i]:.3f}" for i in order[:SHOWN])
    more = f" and {len(order) - SHOWN} more" if len(order) > SHOWN else ""
    beside = f"; the best ordinary column has {ordinary:.3f}" if kind == "column" else ""
    return Finding(
        kind,
        "leak" if severity == "leak" else "warning",
        f"{len(order)} column{'s' if len(order) > 1 else ''} {what} (AUC on groups left out: {told}{more}{beside})",
        cost=cost,
        count=len(order),
        columns=tuple(names[i] for i in order),
    )
