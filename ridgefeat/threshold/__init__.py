"""Scores to decision thresholds: error rates, ways to choose, uncertainty.

import ridgefeat as rf
scores = rf.threshold.Scores.make(score, mated, subject_probe=a, subject_reference=b)
found = rf.threshold.analyse(scores)
found.thresholds(), found.figures(), found.curves(), found.remarks
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ridgefeat._lazy import lazily

if TYPE_CHECKING:
    from ridgefeat.threshold.analysis import analyse
    from ridgefeat.threshold.choices import Choice, Settings
    from ridgefeat.threshold.methods import METHODS, choose
    from ridgefeat.threshold.rates import ErrorCurve
    from ridgefeat.threshold.reading import read_scores
    from ridgefeat.threshold.results import Analysis
    from ridgefeat.threshold.scores import Scores
    from ridgefeat.threshold.splitting import split_scores

_HOME = {
    "Analysis": "results",
    "Choice": "choices",
    "ErrorCurve": "rates",
    "METHODS": "methods",
    "Scores": "scores",
    "Settings": "choices",
    "analyse": "analysis",
    "choose": "methods",
    "read_scores": "reading",
    "split_scores": "splitting",
}

__all__ = [
    "METHODS",
    "Analysis",
    "Choice",
    "ErrorCurve",
    "Scores",
    "Settings",
    "analyse",
    "choose",
    "read_scores",
    "split_scores",
]

__getattr__ = lazily(__name__, _HOME)


def __dir__() -> list[str]:
    return __all__
