"""The training loop: epochs of shuffled mini-batches, and what watches over them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ridgefeat.errors import ModelError, ParameterError
from ridgefeat.files import atomic_write, check_unpacked_size
from ridgefeat.nn.augment import Augmentation
from ridgefeat.nn.layer import Array
from ridgefeat.nn.model import Sequential
from ridgefeat.nn.optimisers import Optimiser
from ridgefeat.nn.threads import threads

History = dict[str, list[float]]
STATE = "state"
MAX_STATE_BYTES = 64 << 20


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when the watched loss has not improved for `patience` epochs, and go back to the best weights."""

    patience: int = 10
    min_delta: float = 0.0
    monitor: str = "val_loss"


@dataclass(frozen=True)
class ReduceLROnPlateau:
    """Multiply the learning rate by `factor` when the watched loss has not improved for `patience` epochs.

    Keras's defaults.
    """

    factor: float = 0.1
    patience: int = 10
    min_delta: float = 1e-4
    min_rate: float = 0.0
    monitor: str = "val_loss"


@dataclass
class _Watch:
    """The best value so far, and how many epochs have passed without a better one."""

    best: float = float("inf")
    waited: int = 0

    def better(self, value: float, min_delta: float) -> bool:
        if value < self.best - min_delta:
            self.best, self.waited = value, 0
            return True
        self.waited += 1
        return False


@dataclass
class Training:
    """One run of training, which can be left and taken up again.

    Parameters
    ----------
    model : Sequential
        Shuffling and augmentation draw from the model's generator, as dropout does.
    optimiser : Optimiser
    batch_size : int
    class_weight : mapping of int to float, optional
        Weight of each class in the loss; a class that is missing has weight 1.
    early_stopping : EarlyStopping, optional
    plateau : ReduceLROnPlateau, optional
    augmentation : Augmentation, optional
        Applied to training batches, never to validation.
    """

    model: Sequential
    optimiser: Optimiser
    batch_size: int = 32
    class_weight: Mapping[int, float] | None = None
    early_stopping: EarlyStopping | None = None
    plateau: ReduceLROnPlateau | None = None
    augmentation: Augmentation | None = None
    history: History = field(default_factory=dict)
    stopped: bool = False

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ParameterError(f"the batch size is {self.batch_size}; give 1 or more")
        self._stopping, self._plateau = _Watch(), _Watch()
        self._best: dict[str, Array] = {}

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return len(self.history.get("loss", []))

    def run(
        self,
        x: Array,
        y: Array,
        epochs: int,
        validation: tuple[Array, Array] | None = None,
        *,
        checkpoint: str | Path | None = None,
        on_epoch: Callable[[int, dict[str, float]], Any] | None = None,
    ) -> History:
        """Train until `epochs` epochs are done in all, or early stopping ends it.

        Parameters
        ----------
        x : ndarray, shape (n, rows, columns, channels)
        y : ndarray of int, shape (n,)
            Classes, from 0.
        epochs : int
        validation : pair of ndarray, optional
            Images and classes on which `val_loss` and `val_accuracy` are measured after each epoch.
        checkpoint : path, optional
            Where the state is written after each epoch, for `load`.
        on_epoch : callable, optional
            Called with the epoch's number (from 1) and its line of the history.

        Returns
        -------
        dict of str to list of float
            One value an epoch: loss, accuracy, learning_rate, and val_loss, val_accuracy. `loss` and `accuracy` are
            means over the epoch's batches, in training mode and each before its step.

        Raises
        ------
        ModelError
            Where the loss is no longer a number.
        """
        if len(x) != len(y) or len(x) == 0:
            counts = f"{len(x)} images and {len(y)} classes"
            raise ParameterError(f"{counts}; give one class for each image, and at least one")
        with threads():
            while self.epoch < epochs and not self.stopped:
                line = self._epoch(x, y)
                if validation is not None:
                    line["val_loss"], line["val_accuracy"] = self.evaluate(*validation)
                for key, value in line.items():
                    self.history.setdefault(key, []).append(value)
                self._watch(line)
                if checkpoint is not None:
                    self.save(checkpoint)
                if on_epoch is not None:
                    on_epoch(self.epoch, line)
        if self._best:
            self.model.set_weights(self._best)
        return self.history

    def evaluate(self, x: Array, y: Array) -> tuple[float, float]:
        """Return loss (with weights of classes and L2, as in training) and accuracy outside training.

        Keras leaves the weights out of its `val_loss`. Then a network that learns classes as if they were equally
        frequent is stopped, and its best weights chosen, by a loss in which they are not.
        """
        logits = self.model.predict_logits(x)
        loss, _ = self.model.loss(logits, y, self._weights(y))
        hits = self.model.loss.probabilities(logits).argmax(axis=1) == y
        return loss + self.model.penalty(), float(hits.mean())

    def _epoch(self, x: Array, y: Array) -> dict[str, float]:
        rng, rate = self.model.rng, self.optimiser.learning_rate
        order = rng.permutation(len(x))
        total = hits = 0.0
        for k in range(0, len(x), self.batch_size):
            batch = order[k : k + self.batch_size]
            images, truth = x[batch], y[batch]
            if self.augmentation is not None:
                images = self.augmentation(images, rng)
            loss, probabilities = self.model.train_step(images, truth, self.optimiser, self._weights(truth))
            if not np.isfinite(loss):
                raise ModelError(
                    f"the loss is {loss} in epoch {self.epoch + 1} at learning rate {rate:g}: training has diverged; "
                    "lower the learning rate, and check that the images hold finite numbers"
                )
            total += loss * len(batch)
            hits += float((probabilities.argmax(axis=1) == truth).sum())
        return {"loss": total / len(x), "accuracy": hits / len(x), "learning_rate": rate}

    def _weights(self, truth: Array) -> Array | None:
        if not self.class_weight:
            return None
        return np.array([self.class_weight.get(int(c), 1.0) for c in truth], self.model.dtype)

    def _watch(self, line: dict[str, float]) -> None:
        stopping, plateau = self.early_stopping, self.plateau
        if stopping is not None:
            if self._stopping.better(_watched(line, stopping.monitor), stopping.min_delta):
                self._best = {name: array.copy() for name, array in self.model.weights.items()}
            self.stopped = self._stopping.waited >= stopping.patience
        if plateau is not None:
            improved = self._plateau.better(_watched(line, plateau.monitor), plateau.min_delta)
            if not improved and self._plateau.waited >= plateau.patience:
                self.optimiser.learning_rate = max(self.optimiser.learning_rate * plateau.factor, plateau.min_rate)
                self._plateau.waited = 0

    # ---- leaving and coming back

    def save(self, path: str | Path) -> None:
        """Write all that decides how training goes on."""
        groups = {"weights": self.model.weights, "best": self._best, "memory": self.optimiser.memory}
        arrays = {f"{g}/{k}": array for g, group in groups.items() for k, array in group.items()}
        state = {
            "history": self.history,
            "stopped": self.stopped,
            "steps": self.optimiser.steps,
            "learning_rate": self.optimiser.learning_rate,
            "stopping": vars(self._stopping),
            "plateau": vars(self._plateau),
            "generator": self.model.rng.bit_generator.state,
        }
        # An .npz of arrays and a JSON text: unlike a pickle, it runs no code when it is read.
        text = np.frombuffer(json.dumps(state).encode(), np.uint8)
        with atomic_write(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **{STATE: text, **arrays})  # type: ignore[arg-type]

    def load(self, path: str | Path) -> None:
        """Take up a run where `save` left it; the next epochs give the same bytes as without the break.

        Raises ModelError where the file is not a checkpoint, or one of another network.
        """
        weights = self.model.weights
        slots = {f"{k}:{slot}": v for k, v in self.model.params.items() for slot in self.optimiser.slots}
        groups = {"weights": weights, "best": weights, "memory": slots}
        expected = {f"{g}/{k}": array for g, group in groups.items() for k, array in group.items()}
        arrays, state = _read_checkpoint(path, expected)
        found = {g: {k: arrays[f"{g}/{k}"] for k in group if f"{g}/{k}" in arrays} for g, group in groups.items()}
        try:
            self.model.set_weights(found["weights"])
            self._best, self.optimiser.memory = found["best"], found["memory"]
            self.history, self.stopped = state["history"], bool(state["stopped"])
            self.optimiser.steps, self.optimiser.learning_rate = state["steps"], state["learning_rate"]
            self._stopping, self._plateau = _Watch(**state["stopping"]), _Watch(**state["plateau"])
            self.model.rng.bit_generator.state = state["generator"]
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{path} is not a checkpoint of a training: {error!r}; start anew without it") from error


def _watched(line: dict[str, float], monitor: str) -> float:
    if monitor not in line:
        raise ParameterError(f"there is no {monitor!r} to watch, only {', '.join(line)}; give validation images")
    return line[monitor]


def _read_checkpoint(path: str | Path, expected: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read the arrays and the state that `Training.save` wrote; shapes and types of `expected` bound what is read."""
    try:
        with zipfile.ZipFile(path) as archive:
            check_unpacked_size(archive)
            arrays = dict(_member(archive, info, expected) for info in archive.infolist())
        state = json.loads(arrays.pop(STATE).tobytes())
    except FileNotFoundError:
        raise ModelError(f"there is no checkpoint {path}; check the path, or train from the start") from None
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    except Exception as error:  # a damaged archive fails in many ways
        raise ModelError(f"{path} is not a checkpoint or is damaged ({error!r}); train from the start") from error
    if not isinstance(state, dict):
        raise ModelError(f"{path} is not a checkpoint: its state is a {type(state).__name__}; train from the start")
    return arrays, state


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, expected: Mapping[str, Array]) -> tuple[str, Array]:
    name = info.filename.removesuffix(".npy")
    with archive.open(info) as file:
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, _, dtype = read[np.lib.format.read_magic(file)](file)
    if name == STATE:
        fits = dtype == np.uint8 and len(shape) == 1 and shape[0] <= MAX_STATE_BYTES
    else:
        fits = name in expected and shape == expected[name].shape and dtype == expected[name].dtype
    if not fits:
        raise ModelError(
            f"{name[:80]!r} with shape {shape} and type {dtype} is not of this network; build the one that was saved"
        )
    with archive.open(info) as file:
        return name, np.lib.format.read_array(file, allow_pickle=False)
