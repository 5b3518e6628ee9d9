"""One classifier on one set of folds, to be fitted again and again with something left out or changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.bench import tables
from ridgefeat.bench.evaluation import Outcome, evaluate, failed, gather
from ridgefeat.bench.method import Method, Settings
from ridgefeat.bench.metrics import Predictions, Weights
from ridgefeat.bench.results import Fold, Problem


@dataclass(frozen=True, eq=False)
class Study:
    """What every diagnostic needs."""

    problem: Problem
    method: Method
    settings: Settings
    folds: tuple[Fold, ...]
    X: NDArray[Any]
    weights: Weights
    jobs: int | None
    fuse: str | None = None

    @property
    def levels(self) -> NDArray[Any]:
        """The number of each print's level as a column, where columns are standardised within levels; else none."""
        return self.X[:, self.problem.features.shape[1] :]

    def fused(self, p: Predictions | None) -> Predictions | None:
        """Return the mean over the prints of each value of `fuse`; None where nothing is to be fused."""
        if self.fuse is None or p is None:
            return None
        rows = np.concatenate([f.test for f in self.folds])
        outcomes = [Outcome(self.method.name, f, None, None, 0.0) for f in self.folds]
        told = tables.Told(p, rows, outcomes, False)
        return tables.fused(self.problem, {self.method.name: told}, self.fuse)[1][self.method.name].predictions

    def predictions(self, problem: Problem, X: NDArray[Any], folds: Sequence[Fold]) -> Predictions | None:
        """Return out-of-fold predictions; None if any fit fails."""
        inputs = {self.method.input: X}
        outcomes = evaluate(problem, [self.method], folds, self.settings, inputs, jobs=self.jobs)
        return None if failed(outcomes) else gather(problem, outcomes)[0]
