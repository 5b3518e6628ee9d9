"""A table -> classifiers compared: data, audit, splits, classifiers, evaluation, statistics, model.

from ridgefeat import bench
frame, about = bench.load("features.csv")
problem = bench.make_problem(frame, about, target="sex", group="subject")
bench.compare(problem, bench.Options(fuse="subject")).summary
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ridgefeat._lazy import lazily

if TYPE_CHECKING:
    from ridgefeat.bench.auditing import Audit, audit
    from ridgefeat.bench.comparing import Context, Options, compare
    from ridgefeat.bench.data import load, make_problem
    from ridgefeat.bench.duplicates import resolve
    from ridgefeat.bench.job import Job, run
    from ridgefeat.bench.model import Model, predict, train
    from ridgefeat.bench.model_file import load as load_model
    from ridgefeat.bench.model_file import save as save_model
    from ridgefeat.bench.results import Comparison, Problem

_HOME = {
    "Audit": "auditing",
    "Comparison": "results",
    "Context": "comparing",
    "Job": "job",
    "Model": "model",
    "Options": "comparing",
    "Problem": "results",
    "audit": "auditing",
    "compare": "comparing",
    "load": "data",
    "load_model": "model_file.load",
    "make_problem": "data",
    "predict": "model",
    "resolve": "duplicates",
    "run": "job",
    "save_model": "model_file.save",
    "train": "model",
}

__all__ = [
    "Audit",
    "Comparison",
    "Context",
    "Job",
    "Model",
    "Options",
    "Problem",
    "audit",
    "compare",
    "load",
    "load_model",
    "make_problem",
    "predict",
    "resolve",
    "run",
    "save_model",
    "train",
]

__getattr__ = lazily(__name__, _HOME)


def __dir__() -> list[str]:
    return __all__
