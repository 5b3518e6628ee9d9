"""Method and Settings: what a named classifier is, and what shapes every pipeline of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray

from ridgefeat.bench.results import Kind

Imbalance = Literal["none", "weights", "under", "over"]
FEATURES = "features"
"""The input of a method that reads the table alone."""
EPOCHS = 30
IMBALANCE: tuple[Imbalance, ...] = ("weights", "none", "under", "over")


@dataclass(frozen=True)
class Settings:
    """What shapes every pipeline of a run.

    Attributes
    ----------
    kind : "binary", "multiclass" or "regression"
    imbalance : "weights", "none", "under" or "over"
    seed : int
    within : bool
        Columns are standardised within the levels that the last one numbers.
    classes : int
    epochs : int
        Epochs of a network at most.
    threads : int
        Threads that a network may use; its result does not depend on them.
    on_epoch : callable, optional
        Told the epoch's number (from 1) and its figures, by methods that run in epochs.
    """

    kind: Kind
    imbalance: Imbalance = "weights"
    seed: int = 42
    within: bool = False
    classes: int = 2
    epochs: int = EPOCHS
    threads: int = 1
    on_epoch: Callable[[int, dict[str, float]], Any] | None = None

    @property
    def priors(self) -> list[float] | None:
        """Even priors for the methods that know no weights but priors."""
        return [1 / self.classes] * self.classes if self.imbalance == "weights" else None

    @property
    def weight(self) -> str | None:
        """scikit-learn's class_weight."""
        return "balanced" if self.imbalance == "weights" else None


@dataclass(frozen=True)
class Method:
    """A named way of telling.

    Attributes
    ----------
    name, meaning : str
    classify, regress : callable or None
        Given Settings return an estimator of scaled features without gaps; None where there is none of the kind.
    input : str
        Name of what it reads: "features", the table's columns, or another that `read` makes; one name, one input.
    read : callable or None
        Given the problem and the images' folder return that input, float32, shape (prints, values).
    tells : bool
        `read` takes a third argument, `progress`, and tells it how many prints are done, of how many, and of what.
    scaled : bool
        Columns are standardised and gaps filled before the estimator.
    epochs : bool
        It is trained epoch by epoch: fitted in this process on every thread, told of as it goes. Its fitted estimator
        has `history_`, a list of values an epoch for each figure.
    grid : mapping
        What --tune tries, by the estimator's own parameter names.
    cost : float
        Seconds of fitting beside the others', so that the slow ones start first.
    """

    name: str
    meaning: str
    classify: Callable[[Settings], Any] | None
    regress: Callable[[Settings], Any] | None = None
    input: str = FEATURES
    grid: Mapping[str, list[Any]] = field(default_factory=dict)
    cost: float = 1.0
    read: Callable[..., NDArray[Any]] | None = None
    tells: bool = False
    scaled: bool = True
    epochs: bool = False
