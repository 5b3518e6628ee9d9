"""NetworkHead: the studies' head on frozen features, trained in `ridgefeat.nn`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data

from ridgefeat.nn.classifier import NetworkClassifier
from ridgefeat.nn.dense import Dense, Dropout
from ridgefeat.nn.layer import Array
from ridgefeat.nn.model import Sequential
from ridgefeat.nn.optimisers import Adam
from ridgefeat.nn.threads import threads
from ridgefeat.nn.training import Training

Weights = Mapping[Any, float] | str | None
OnEpoch = Callable[[int, dict[str, float]], Any]


class NetworkHead(NetworkClassifier):
    """Dropout, one sigmoid unit (softmax above two classes) and Adam, on the embeddings of a frozen network.

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
        Called with the epoch's number, and its line of the history with the seconds that it took.

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

    def fit(self, X: Any, y: Any) -> Self:
        """Train.

        Parameters
        ----------
        X : array, shape (n, values)
        y : array, shape (n,)
        """
        X, y = validate_data(self, X, y, dtype=np.float32)
        truth, class_weight = self._encode(y)
        count = len(self.classes_)
        seed = int(check_random_state(self.random_state).randint(2**31))
        layers = [Dropout(self.dropout), Dense(1 if count == 2 else count)]
        self.model_ = Sequential(layers, X.shape[1:], loss="sigmoid" if count == 2 else "softmax", seed=seed)
        training = Training(self.model_, Adam(self.learning_rate), self.batch_size, class_weight)
        with threads(self.n_threads):
            self.history_ = training.run(X, truth, self.epochs, on_epoch=with_seconds(self.on_epoch))
        return self

    def predict_proba(self, X: Any) -> Array:
        """Return each print's probabilities, shape (n, classes), in the order of `classes_`."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float32, reset=False)
        with threads(self.n_threads):
            return self.model_.predict_proba(X)


def with_seconds(on_epoch: OnEpoch | None, epochs_before: int = 0) -> OnEpoch | None:
    """Return a callback that adds each epoch's seconds to its line, and continues the count of earlier epochs."""
    if on_epoch is None:
        return None
    started = time.perf_counter()

    def callback(epoch: int, line: dict[str, float]) -> None:
        nonlocal started
        now = time.perf_counter()
        on_epoch(epochs_before + epoch, line | {"seconds": now - started})
        started = now

    return callback
