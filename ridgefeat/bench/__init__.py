"""A table -> classifiers compared: data, audit, splits, classifiers, evaluation, statistics, model.

from ridgefeat import bench
frame, about = bench.load("features.csv")
problem = bench.make_problem(frame, about, target="sex", group="subject")
bench.compare(problem, bench.Options(fuse="subject")).summary
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
