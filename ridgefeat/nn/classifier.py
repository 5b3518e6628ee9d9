"""The network as a scikit-learn classifier, and what every classifier of this kind needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import StratifiedGroupKFold, StratifiedShuffleSplit
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data

from ridgefeat.errors import ParameterError
from ridgefeat.nn.augment import Augmentation
from ridgefeat.nn.layer import Array
from ridgefeat.nn.model import build
from ridgefeat.nn.optimisers import Adam
from ridgefeat.nn.threads import threads
from ridgefeat.nn.training import EarlyStopping, ReduceLROnPlateau, Training


class NetworkClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classes by number and weight, and the most probable one: what classifiers made of networks share."""

    def _encode(self, y: Any) -> tuple[Array, dict[int, float] | None]:
        """Set `classes_`; return each print's class from 0, and each class's weight where `class_weight` is given."""
        check_classification_targets(y)
        self.classes_, truth = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"the classifier needs 2 classes; the data holds one class, {self.classes_[0]!r}")
        if self.class_weight is None:
            return truth, None
        weights = compute_class_weight(self.class_weight, classes=self.classes_, y=y)
        return truth, dict(enumerate(weights))

    def predict(self, X: Any) -> Array:
        """Return each print's most probable class."""
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[probabilities.argmax(axis=1)])


@dataclass(eq=False, repr=False)
class NumpyCNNClassifier(NetworkClassifier):
    """A convolutional network that is fitted and used like any scikit-learn classifier.

    Parameters
    ----------
    network : str
        One of `ridgefeat.nn.NETWORKS`.
    image_shape : tuple of int, optional
        (rows, columns) or (rows, columns, channels) of the images that the rows of a two-dimensional X hold; by
        default a square where the number of values is one, otherwise a single line. Not needed where X holds images.
    learning_rate : float
        Of Adam.
    epochs, batch_size : int
    class_weight : mapping, "balanced" or None
        As everywhere in scikit-learn.
    validation_fraction : float
        Share of the prints set aside for `val_loss`, classes in proportion; by groups where `fit` is given them, and
        then the nearest 1 in 2, 1 in 3, ... of them; 0 for none.
    patience : int, optional
        Stop after so many epochs without a better loss (`val_loss` where there is one) and keep the best weights.
    reduce_patience : int, optional
        Divide the learning rate by 10 after so many epochs without a better loss.
    augmentation : Augmentation, optional
        For the training images alone.
    random_state : int, RandomState or None
    n_threads : int, optional
        By default as many as BLAS may use. The result does not depend on it.
    on_epoch : callable, optional
        Called with the epoch's number and its line of the history.

    Attributes
    ----------
    classes_ : ndarray
    history_ : dict of str to list of float
        See `Training.run`.
    model_ : Sequential
    n_iter_ : int
        Epochs that were run.
    """

    network: str = "small"
    _: KW_ONLY
    image_shape: tuple[int, ...] | None = None
    learning_rate: float = 0.001
    epochs: int = 30
    batch_size: int = 32
    class_weight: Mapping[Any, float] | str | None = None
    validation_fraction: float = 0.0
    patience: int | None = None
    reduce_patience: int | None = None
    augmentation: Augmentation | None = None
    random_state: Any = None
    n_threads: int | None = None
    on_epoch: Callable[[int, dict[str, float]], Any] | None = None

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array, shape (n, rows, columns), (n, rows, columns, channels) or (n, values)
            Images, in any one scale: mean and deviation of the training pixels are taken out.
        y : array, shape (n,)
        groups : array, shape (n,), optional
            The person of each print. The validation prints are then of other groups than the training prints.
        """
        X, y = validate_data(self, X, y, dtype=np.float32, allow_nd=True)
        truth, class_weight = self._encode(y)
        images = self._images(X)
        seed = int(check_random_state(self.random_state).randint(2**31))
        inner, outer = self._split(images, truth, groups, seed)
        self.mean_, self.deviation_ = (float(images[inner].mean(dtype=np.float64)), float(images[inner].std()) or 1.0)
        images = self._standardised(images)
        self.model_ = build(self.network, images.shape[1:], len(self.classes_), seed)
        monitor = "val_loss" if len(outer) else "loss"
        stopping = plateau = None
        if self.patience is not None:
            stopping = EarlyStopping(self.patience, monitor=monitor)
        if self.reduce_patience is not None:
            plateau = ReduceLROnPlateau(patience=self.reduce_patience, monitor=monitor)
        watched = class_weight, stopping, plateau, self.augmentation
        training = Training(self.model_, Adam(self.learning_rate), self.batch_size, *watched)
        held_out = (images[outer], truth[outer]) if len(outer) else None
        with threads(self.n_threads):
            self.history_ = training.run(images[inner], truth[inner], self.epochs, held_out, on_epoch=self.on_epoch)
        self.n_iter_ = training.epoch
        return self

    def predict_proba(self, X: Any) -> Array:
        """Return each print's probabilities, shape (n, classes), in the order of `classes_`."""
        check_is_fitted(self)
        images = self._images(validate_data(self, X, dtype=np.float32, allow_nd=True, reset=False))
        with threads(self.n_threads):
            return self.model_.predict_proba(self._standardised(images))

    def _standardised(self, images: Array) -> Array:
        return (images - np.float32(self.mean_)) / np.float32(self.deviation_)

    def _images(self, X: Array) -> Array:
        if X.ndim == 4:
            return X
        if X.ndim == 3:
            return X[..., None]
        values = X.shape[1]
        side = round(values**0.5)
        shape = self.image_shape or ((side, side) if side * side == values else (1, values))
        shape = (*shape, 1)[:3]
        if int(np.prod(shape)) != values:
            raise ParameterError(f"image_shape {self.image_shape} does not hold the {values} values of a row of X")
        return X.reshape(-1, *shape)

    def _split(self, images: Array, truth: Array, groups: Any, seed: int) -> tuple[Array, Array]:
        """Return the positions of training and of validation prints."""
        if not 0 <= self.validation_fraction < 1:
            raise ParameterError(f"validation_fraction is {self.validation_fraction}; give 0 to below 1")
        if self.validation_fraction == 0:
            return np.arange(len(images)), np.arange(0)
        if groups is None:
            splitter = StratifiedShuffleSplit(1, test_size=self.validation_fraction, random_state=seed)
        else:
            # Groups drawn regardless of classes may all be of one, and the loss then cannot rank epochs.
            parts = min(max(2, round(1 / self.validation_fraction)), len(np.unique(groups)))
            splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
        inner, outer = next(splitter.split(images, truth, groups))
        return inner, outer
