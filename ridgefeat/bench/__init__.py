"""A table -> classifiers compared: data, audit, splits, classifiers, evaluation, statistics, model.

from ridgefeat import bench
frame, about = bench.load("features.csv")
problem = bench.make_problem(frame, about, target="sex", group="subject")
bench.compare(problem, bench.Options(fuse="subject")).summary

Read in this order: `results` (the data that comes out), `options` (what is asked for), `data` and `splits` (a table
made ready), `job` (a whole comparison), `comparison` (its steps), `inputs`, `classifiers` and `estimators` (what is
fitted to what), `selection` (its columns chosen), `evaluation` (the fits), `pooling` (their predictions together,
calibrated), `ensemble`, `metrics` (figures and intervals), `tables`, `diagnostics` (what drives the result); then
`model`, a classifier that is kept (`novelty` finds prints unlike its own), and `backbone_entries`, those on a network's
embedding.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
