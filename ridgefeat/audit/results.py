"""A result that is too good: held-out figures that no honest table of prints gives, whatever the cause is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from scipy.stats import norm

from ridgefeat.audit.table import TOO_GOOD_AUC, Finding

MAX_AUC = 1 - 1e-6


def combined_auc(families: Mapping[str, float]) -> float:
    """Return the area under the ROC curve of families together, if each knows what no other does.

    With normal scores of equal variance the separation d' of independent scores adds in squares. Families that know the
    same have less together; a whole that has more reads something that no family holds.

    Examples
    --------
    >>> round(combined_auc({"ridge": 0.7, "texture": 0.7, "orient": 0.5}), 3)
    0.771
    """
    z = norm.ppf(np.clip(list(families.values()), 0.5, MAX_AUC))
    return float(norm.cdf(np.sqrt((z**2).sum())))


def check_results(
    target: str, auc: float, low: float, families: Mapping[str, float], *, can_be_too_good: bool
) -> Iterator[Finding]:
    """Yield alarms if the best classifier has too high an area under the ROC curve per print on held-out people.

    `low` is the lower end of its 95 % interval, `families` the areas of each family of columns alone, as far as known;
    `can_be_too_good` says whether the target is a label that should not be predictable from a print.
    """
    if can_be_too_good and auc > TOO_GOOD_AUC:
        message = (
            f"the best classifier has AUC {auc:.3f} per print on held-out groups (95 % interval from {low:.3f}), above "
            f"{TOO_GOOD_AUC:g}: too good for {target!r} if that is a label of people, not of ridges"
        )
        cost = (
            "find out what it reads before you believe it: another scanner, session or processing for each class, or "
            "people under several names"
        )
        yield Finding("too_good", "warning", message, cost=cost, count=1)
    if families and low > (together := combined_auc(families)):
        best = max(families, key=lambda name: families[name])
        message = (
            f"the best classifier has AUC {auc:.3f} (at least {low:.3f}); no family alone has more than "
            f"{families[best]:.3f} ({best}), and together they would have {together:.3f} if each knew what no other "
            "does"
        )
        cost = (
            "it reads differences between columns of several families, or the images, and no family of ridges "
            "holds what it reads; was a column chosen or shifted by the target?"
        )
        yield Finding("too_good", "warning", message, cost=cost, count=len(families))
