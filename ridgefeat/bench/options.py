"""What is asked for: Method, a named classifier, and Options, the settings of a whole comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from ridgefeat.bench.metrics import SAMPLES
from ridgefeat.bench.results import Kind, Problem
from ridgefeat.bench.splits import Split
from ridgefeat.errors import ParameterError
from ridgefeat.files import count_of
from ridgefeat.work.engine import count_workers

Imbalance = Literal["none", "weights", "under", "over"]
Progress = Callable[[int, int, str], None]
"""Called with how many are done, of how many, and the name of the last one."""
FEATURES = "features"
"""The input of a method that reads the table alone."""
EPOCHS = 30


@dataclass(frozen=True)
class Method:
    """A named classifier.

    Attributes
    ----------
    name, meaning : str
    classify, regress : callable or None
        Given Options return an estimator of scaled features without gaps; None where there is none of the kind.
    input : str
        Name of what it reads: "features", the table's columns, or another that `read` makes; one name, one input.
    read : callable or None
        Given the problem and the images' folder return that input, float32, shape (prints, values).
    reports_progress : bool
        `read` takes a third argument, `progress`.
    scaled : bool
        Columns are standardised and gaps filled before the estimator.
    in_epochs : bool
        It is trained epoch by epoch: fitted in this process, with the parameters `n_threads` and `on_epoch` set.
        Its fitted estimator has `history_`, a list of values per epoch for each figure.
    grid : mapping
        What --tune tries, by the estimator's own parameter names.
    cost : float
        Seconds of fitting relative to the others, so that the slow ones start first.
    """

    name: str
    meaning: str
    classify: Callable[[Options], Any] | None
    regress: Callable[[Options], Any] | None = None
    input: str = FEATURES
    grid: Mapping[str, list[Any]] = field(default_factory=dict)
    cost: float = 1.0
    read: Callable[..., NDArray[Any]] | None = None
    reports_progress: bool = False
    scaled: bool = True
    in_epochs: bool = False


@dataclass(frozen=True)
class Options:
    """The settings of a comparison.

    Attributes
    ----------
    classifiers : tuple of str
        Names as in ridgefeat.bench.classifiers; without any, the feature classifiers that fit the target.
    further : tuple of Method
        Classifiers in addition to the named ones.
    split, folds, repeats, seed
        As in ridgefeat.bench.splits.make_folds.
    within : tuple of str
        Labels within whose levels columns are standardised.
    harmonise : str or None
        Label whose levels' location and scale are taken off (ridgefeat.bench.Harmonizer).
    select : ColumnSelector or None
        Chooses columns inside each training fold; `complete` looks up their reliability.
    imbalance : "weights", "none", "under" or "over"
    tune : bool
        Search each classifier's grid in inner folds.
    fuse : str or None
        Also score the mean over prints that share this label.
    images : Path or None
        Root below which meta_source lies.
    diagnose : bool
        Learning curve, importances, families alone and left out, negative controls.
    jobs : int or None
        Worker processes; None for every core.
    samples : int
        Bootstrap samples.
    epochs : int
        Maximal number of epochs of a network.
    kind, n_classes
        Of the target; `complete` fills them in.
    """

    classifiers: tuple[str, ...] = ()
    further: tuple[Method, ...] = ()
    split: Split = "group"
    folds: int = 5
    repeats: int = 1
    seed: int = 42
    within: tuple[str, ...] = ()
    harmonise: str | None = None
    select: Any = None
    imbalance: Imbalance = "weights"
    tune: bool = False
    fuse: str | None = None
    images: Path | None = None
    diagnose: bool = True
    jobs: int | None = None
    samples: int = SAMPLES
    epochs: int = EPOCHS
    kind: Kind = "binary"
    n_classes: int = 2

    def complete(self, problem: Problem) -> Options:
        """Return the options with the kind and the number of classes of a problem's target, and columns' reliability.

        Raises ParameterError for fewer than 1 epoch, a number of workers that means none, or a reliability that no
        column has; TableError if the table of reliability cannot be read.
        """
        if self.epochs < 1:
            raise ParameterError(f"epochs must be 1 or more, got {self.epochs}")
        count_workers(self.jobs)
        select = self.select and self.select.for_columns(problem.features.columns, problem.kind == "regression")
        return replace(self, kind=problem.kind, n_classes=max(2, len(problem.classes)), select=select)

    @property
    def priors(self) -> list[float] | None:
        """Even priors for the methods that take no weights but priors."""
        return [1 / self.n_classes] * self.n_classes if self.imbalance == "weights" else None

    @property
    def class_weight(self) -> str | None:
        """scikit-learn's class_weight."""
        return "balanced" if self.imbalance == "weights" else None

    @property
    def resampling(self) -> bool:
        """Whether training rows are drawn so that every class is as frequent as the others."""
        return self.imbalance in ("under", "over") and self.kind != "regression"

    def describe_split(self, n_folds: int) -> str:
        """Return the protocol in words, of `n_folds` folds in all repeats, such as "group, 5 folds, 2 repeats"."""
        repeats = count_of(self.repeats, "repeat")
        if self.split == "holdout":
            return "holdout 80/20 by group" + f", {repeats}" * (self.repeats > 1)
        return f"{self.split}, {count_of(n_folds // self.repeats, 'fold')}, {repeats}"
