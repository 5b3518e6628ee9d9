"""Scores to decision thresholds: error rates, ways to choose, uncertainty.

import ridgefeat as rf
scores = rf.threshold.Scores.make(score, mated, subject_probe=a, subject_reference=b)
found = rf.threshold.analyse(scores)
found.thresholds(), found.figures(), found.curves(), found.remarks
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
