"""What learns on top of a trained network: a head on frozen features, and the last block with its head."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data

from ridgefeat.backbone.block import read_block
from ridgefeat.backbone.transformer import OnnxBackbone
from ridgefeat.errors import ParameterError
from ridgefeat.nn.dense import Dense, Dropout
from ridgefeat.nn.layer import Array, Layer, Shape
from ridgefeat.nn.model import Sequential
from ridgefeat.nn.optimisers import Adam
from ridgefeat.nn.pooling import GlobalAveragePool
from ridgefeat.nn.threads import threads
from ridgefeat.nn.training import Training

Weights = Mapping[Any, float] | str | None
OnEpoch = Callable[[int, dict[str, float]], Any]


class _Trained(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """What both classifiers share: classes, their weights, probabilities."""

    def fit(self, X: Any, y: Any) -> Self:
        """Train.

        Parameters
        ----------
        X : array, shape (n, values)
        y : array, shape (n,)
        """
        X, y = validate_data(self, X, y, dtype=np.float32)
        check_classification_targets(y)
        self.classes_, truth = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"the classifier needs 2 classes; the data holds one class, {self.classes_[0]!r}")
        weights = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
        weight = None if self.class_weight is None else dict(enumerate(weights))
        seed = int(check_random_state(self.random_state).randint(2**31))
        with threads(self.n_threads):
            self._train(X, truth, weight, seed)
        return self

    def predict_proba(self, X: Any) -> Array:
        """Return each print's probabilities, shape (n, classes), in the order of `classes_`."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float32, reset=False)
        with threads(self.n_threads):
            probabilities: Array = self.model_.predict_proba(self._shaped(X))
        return probabilities

    def predict(self, X: Any) -> Array:
        """Return each print's most probable class."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def _shaped(self, X: Array) -> Array:
        return X

    def _train(self, X: Array, truth: Array, weight: dict[int, float] | None, seed: int) -> None:
        raise NotImplementedError


class NetworkHead(_Trained):
    """The studies' head on frozen features: dropout, one sigmoid unit (softmax above two classes), Adam.

    Parameters
    ----------
    dropout : float
    learning_rate : float
        Of Adam.
    epochs, batch_size : int
    class_weight : mapping, "balanced" or None
    random_state : int, RandomState or None
    n_threads : int, optional
        By default as many as BLAS may use. The result does not depend on it.
    on_epoch : callable, optional
        Called with the epoch's number and its line of the history, and the seconds that it took.

    Attributes
    ----------
    classes_ : ndarray
    history_ : dict of str to list of float
        Loss, accuracy and learning rate of each epoch.
    model_ : ridgefeat.nn.Sequential
    """

    def __init__(
        self,
        *,
        dropout: float = 0.5,
        learning_rate: float = 0.001,
        epochs: int = 30,
        batch_size: int = 32,
        class_weight: Weights = None,
        random_state: Any = None,
        n_threads: int | None = None,
        on_epoch: OnEpoch | None = None,
    ) -> None:
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.class_weight = class_weight
        self.random_state = random_state
        self.n_threads = n_threads
        self.on_epoch = on_epoch

    def _train(self, X: Array, truth: Array, weight: dict[int, float] | None, seed: int) -> None:
        layers = _head(self.dropout, len(self.classes_))
        self.model_ = Sequential(layers, X.shape[1:], loss=_loss(len(self.classes_)), seed=seed)
        training = Training(self.model_, Adam(self.learning_rate), self.batch_size, weight)
        self.history_ = training.run(X, truth, self.epochs, on_epoch=_timed(self.on_epoch))


class LastBlock(_Trained):
    """A network's last block, trained further together with a head, in `ridgefeat.nn`.

    First the head is trained on what the block gives with the file's weights; then block and head together, at a
    small rate. Batch normalisation keeps the file's statistics throughout.

    Parameters
    ----------
    path : path
        The ONNX file.
    start : str, optional
        The layer after which the block begins; the last residual block without (see `read_block`).
    shape : (int, int), optional
        Rows and columns of the maps that X holds; square without.
    dropout : float
    learning_rate, head_rate : float
        Of Adam: for block and head, and for the head before.
    epochs, head_epochs, batch_size : int
    class_weight : mapping, "balanced" or None
    random_state : int, RandomState or None
    n_threads : int, optional
    on_epoch : callable, optional
        Called with the epoch's number, the head's first, its line of the history, and the seconds that it took.

    Attributes
    ----------
    classes_ : ndarray
    history_ : dict of str to list of float
        Loss, accuracy and learning rate: of the head's epochs, then of the block's.
    model_ : ridgefeat.nn.Sequential

    Notes
    -----
    X holds the maps that go into the block, flattened with channels first, as `OnnxBackbone(path, layer=start,
    pool=False)` gives them; `fine_tuned` puts the two together.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        start: str | None = None,
        shape: tuple[int, int] | None = None,
        dropout: float = 0.5,
        learning_rate: float = 1e-5,
        head_rate: float = 0.001,
        epochs: int = 5,
        head_epochs: int = 30,
        batch_size: int = 32,
        class_weight: Weights = None,
        random_state: Any = None,
        n_threads: int | None = None,
        on_epoch: OnEpoch | None = None,
    ) -> None:
        self.path = path
        self.start = start
        self.shape = shape
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.head_rate = head_rate
        self.epochs = epochs
        self.head_epochs = head_epochs
        self.batch_size = batch_size
        self.class_weight = class_weight
        self.random_state = random_state
        self.n_threads = n_threads
        self.on_epoch = on_epoch

    def _train(self, X: Array, truth: Array, weight: dict[int, float] | None, seed: int) -> None:
        block = read_block(self.path, self.start)
        self.maps_ = _maps_shape(X.shape[1], block.channels, self.shape)
        count = len(self.classes_)
        rng = np.random.default_rng(seed)
        below = [ChannelsFirst(), *block.layers, GlobalAveragePool()]
        head = _head(self.dropout, count)
        self.model_ = Sequential([*below, *head], self.maps_, loss=_loss(count), seed=rng)
        block.load()
        maps = self._shaped(X)
        frozen = np.concatenate([_through(below, maps[k : k + 32]) for k in range(0, len(maps), 32)])
        alone = Sequential(_head(self.dropout, count), frozen.shape[1:], loss=_loss(count), seed=rng)
        first = Training(alone, Adam(self.head_rate), self.batch_size, weight)
        first.run(frozen, truth, self.head_epochs, on_epoch=_timed(self.on_epoch))
        for name, array in alone.layers[-1].params.items():
            head[-1].params[name][...] = array
        second = Training(self.model_, Adam(self.learning_rate), self.batch_size, weight)
        second.run(maps, truth, self.epochs, on_epoch=_timed(self.on_epoch, self.head_epochs))
        self.history_ = {k: first.history[k] + second.history.get(k, []) for k in first.history}

    def _shaped(self, X: Array) -> Array:
        return X.reshape(-1, *self.maps_)


def fine_tuned(path: str | os.PathLike[str], *, size: int | tuple[int, int] | None = None, **given: Any) -> Pipeline:
    """Return a classifier of prints: the network up to its last block by OpenCV, that block and a head trained.

    Parameters
    ----------
    path : path
        The ONNX file.
    size : int or (int, int), optional
        As in `OnnxBackbone`.
    **given
        `mean`, `std`, `channel_order`, `cache` and `layout` of `OnnxBackbone`, and any parameter of `LastBlock`.

    Raises
    ------
    ModelError
        Where the file's last block cannot be trained.
    """
    ours = {k: given.pop(k) for k in ("mean", "std", "channel_order", "cache", "layout") if k in given}
    start = read_block(path, given.pop("start", None)).start
    maps = OnnxBackbone(path, layer=start, size=size, pool=False, **ours).fit()
    return Pipeline([("maps", maps), ("block", LastBlock(path, start=start, shape=maps.shape_[1:], **given))])


class ChannelsFirst(Layer):
    """From (channels, rows, columns), as files and OpenCV have it, to (rows, columns, channels)."""

    kind = "channels_first"

    def build(self, shape: Shape, rng: np.random.Generator, dtype: Any) -> Shape:
        """Return (rows, columns, channels)."""
        return (*shape[1:], shape[0])

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the maps with channels last."""
        return np.ascontiguousarray(x.transpose(0, 2, 3, 1))

    def backward(self, grad: Array, need_input: bool = True) -> Array:
        """Return the gradient with channels first."""
        return np.ascontiguousarray(grad.transpose(0, 3, 1, 2))


def _timed(on_epoch: OnEpoch | None, before: int = 0) -> OnEpoch | None:
    """Return what tells each epoch's seconds too, and counts on from the epochs before."""
    if on_epoch is None:
        return None
    started = time.perf_counter()

    def told(epoch: int, line: dict[str, float]) -> None:
        nonlocal started
        now = time.perf_counter()
        on_epoch(before + epoch, line | {"seconds": now - started})
        started = now

    return told


def _head(dropout: float, classes: int) -> list[Layer]:
    return [Dropout(dropout), Dense(1 if classes == 2 else classes)]


def _loss(classes: int) -> str:
    return "sigmoid" if classes == 2 else "softmax"


def _through(layers: list[Layer], x: Array) -> Array:
    for layer in layers:
        x = layer.forward(x)
    return x


def _maps_shape(values: int, channels: int, shape: tuple[int, int] | None) -> Shape:
    """Return (channels, rows, columns) of the maps that a row of X holds."""
    side = round((values / channels) ** 0.5)
    rows, columns = (side, side) if shape is None else shape
    if channels * rows * columns != values:
        raise ParameterError(
            f"a row of {values} values does not hold {channels} maps of {rows} x {columns}; give what "
            "OnnxBackbone(layer=start, pool=False) returns, and `shape` where its maps are not square"
        )
    return channels, rows, columns
