"""Decision thresholds from comparison scores: error rates, methods, intervals, and a report's figures.

import ridgefeat as rf
scores = rf.threshold.Scores.make(score, mated, subject_probe=a, subject_reference=b)
found = rf.threshold.analyse(scores)
found.thresholds(), found.figures(), found.curves(), found.remarks

Read in this order: `scores` (checked data, and its folds over subjects), `rates` (errors at every threshold), `methods`
(which threshold to choose), `intervals` and `uncertainty` (over subjects), `likelihood` (log likelihood ratios),
`analysis` (all of it, as a report). `reading`, with `files`, turns files into scores and can be read alone.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
