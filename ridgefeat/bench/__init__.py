"""A table -> classifiers compared: data, audit, splits, classifiers, evaluation, statistics, model.

from ridgefeat import bench
frame, about = bench.load("features.csv")
problem = bench.make_problem(frame, about, target="sex", group="subject")
bench.compare(problem, bench.Options(fuse="subject")).summary
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    "Audit": "auditing.Audit",
    "Comparison": "results.Comparison",
    "Context": "comparing.Context",
    "Job": "job.Job",
    "Model": "model.Model",
    "Options": "comparing.Options",
    "Problem": "results.Problem",
    "audit": "auditing.audit",
    "compare": "comparing.compare",
    "load": "data.load",
    "load_model": "model_file.load",
    "make_problem": "data.make_problem",
    "predict": "model.predict",
    "resolve": "duplicates.resolve",
    "run": "job.run",
    "save_model": "model_file.save",
    "train": "model.train",
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


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'ridgefeat.bench' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _HOME[name].split(".")
    return getattr(import_module(f"ridgefeat.bench.{module}"), attribute)


def __dir__() -> list[str]:
    return __all__
