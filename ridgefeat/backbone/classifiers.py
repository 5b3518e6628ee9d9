"""The studies' head on frozen features (NetworkHead), and last layers trained with it (FineTunedNetwork)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, Self

import numpy as np
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data

from ridgefeat.backbone.torch_network import TorchNetwork, import_torch, torch_threads
from ridgefeat.backbone.transformer import IMAGENET_MEAN, IMAGENET_STD, Backbone, open_network
from ridgefeat.errors import ModelError, ParameterError
from ridgefeat.nn.classifier import NetworkClassifier
from ridgefeat.nn.dense import Dense, Dropout
from ridgefeat.nn.layer import Array
from ridgefeat.nn.model import Sequential
from ridgefeat.nn.optimisers import Adam
from ridgefeat.nn.threads import threads
from ridgefeat.nn.training import Training
from ridgefeat.structure import Float

EVALUATION_BATCH = 32
Weights = Mapping[Any, float] | str | None
OnEpoch = Callable[[int, dict[str, float]], Any]


@dataclass(kw_only=True, eq=False, repr=False)
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

    dropout: float = 0.5
    learning_rate: float = 0.001
    epochs: int = 30
    batch_size: int = 32
    class_weight: Weights = None
    random_state: Any = None
    n_threads: int | None = None
    on_epoch: OnEpoch | None = None

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
            self.history_ = training.run(X, truth, self.epochs, on_epoch=_with_seconds(self.on_epoch))
        return self

    def predict_proba(self, X: Any) -> Array:
        """Return each print's probabilities, shape (n, classes), in the order of `classes_`."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float32, reset=False)
        with threads(self.n_threads):
            return self.model_.predict_proba(X)


@dataclass(eq=False, repr=False)
class FineTunedNetwork(NetworkClassifier):
    """A trained network whose last layers are trained further on prints.

    First a new head is trained on the frozen network's embeddings (dropout 0.5, one sigmoid unit, Adam at 0.001); then
    the last layers and the head together, at a small rate (1e-5). This is how the first study used ResNet50, of which
    it trained the last ten layers. The layers before them never change, so each print goes through them once, and the
    epochs run the last layers alone.

    Parameters
    ----------
    network : torch.nn.Module or "FILE.py:NAME"
        As of `Backbone`. It is copied, and never changed.
    last_layers : int
        How many operations before the embedding are trained: convolutions, normalisations, activations and sums
        count one each; pooling, flattening and dropout are not counted. A residual block is trained as a whole.
    dropout : float
    learning_rate, head_rate : float
        Of Adam: for the last layers and the head, and for the head before.
    epochs, head_epochs, batch_size : int
    class_weight : mapping, "balanced" or None
    size, mean, std, channel_order, cache, layout
        As of `Backbone`.
    random_state : int, RandomState or None
    n_threads : int
        PyTorch's threads; another number may change the last digits.
    on_epoch : callable, optional
        Called with the epoch's number (the head's come first), and its line of the history with the seconds
        that it took.

    Attributes
    ----------
    classes_ : ndarray
    history_ : dict of str to list of float
        Loss, accuracy and learning rate: of the head's epochs, then of the last layers'.
    layers_ : torch.nn.Module
        The trained last layers.
    head_ : torch.nn.Linear

    Notes
    -----
    Batch normalisation keeps the running mean and variance that it came with, in training too; its scale and
    shift are trained. Statistics of small batches of prints would replace those that the weights belong to.

    The same prints, parameters, seed and versions give the same result.

    Examples
    --------
    >>> network = FineTunedNetwork("mine.py:resnet50", class_weight="balanced", random_state=1)  # doctest: +SKIP
    >>> network.fit(paths, sex).predict_proba(other_paths)  # doctest: +SKIP

    Many fits on the same prints need the frozen layers only once:

    >>> maps = network.frozen().transform(paths)  # doctest: +SKIP
    >>> cross_val_score(network, maps, sex, groups=subject, cv=GroupKFold())  # doctest: +SKIP
    """

    network: Any
    _: KW_ONLY
    last_layers: int = 10
    dropout: float = 0.5
    learning_rate: float = 1e-5
    head_rate: float = 0.001
    epochs: int = 5
    head_epochs: int = 30
    batch_size: int = 32
    class_weight: Weights = None
    size: int | tuple[int, int] | None = None
    mean: Iterable[float] = IMAGENET_MEAN
    std: Iterable[float] = IMAGENET_STD
    channel_order: Literal["rgb", "bgr"] = "rgb"
    cache: str | os.PathLike[str] | None = None
    layout: str = "auto"
    random_state: Any = None
    n_threads: int = 1
    on_epoch: OnEpoch | None = None

    def frozen(self) -> Backbone:
        """Return the frozen layers as a transformer from prints to maps, which `fit` takes too."""
        layer = self._opened().start_of_last(self.last_layers)
        same = {name: getattr(self, name) for name in ("size", "mean", "std", "channel_order", "cache", "layout")}
        return Backbone(self.network, layer=layer, pool=False, **same).fit()

    def fit(self, X: Any, y: Any) -> Self:
        """Train the head, then the last layers with the head.

        Parameters
        ----------
        X : sequence of paths or of uint8 images; or ndarray of float32, shape (prints, values)
            Prints, as `Backbone.transform` takes them; or what `frozen().transform` returned for them.
        y : array, shape (prints,)

        Raises
        ------
        ModelError
            If the network is not a PyTorch module, or cannot be run.
        ParameterError
            If it has fewer than `last_layers` layers, or these have no weights.
        """
        network = self._opened()
        self.start_ = network.start_of_last(self.last_layers)
        self._frozen = self.frozen()
        maps, y = self._maps(X), np.asarray(y)
        self.layers_ = network.part(self.start_, [network.embedding()])
        if not any(True for _ in self.layers_.parameters()):
            raise ParameterError(f"the last {self.last_layers} layers of {network.name} have no weights; give more")
        seed = int(check_random_state(self.random_state).randint(2**31))
        same = {
            name: getattr(self, name) for name in ("dropout", "batch_size", "class_weight", "n_threads", "on_epoch")
        }
        with torch_threads(self.n_threads):
            head = NetworkHead(learning_rate=self.head_rate, epochs=self.head_epochs, random_state=seed, **same)
            head.fit(self._embedded(maps), y)
            self.classes_, self.history_ = head.classes_, head.history_
            self.head_ = _as_linear(head)
            self._train(maps, y, seed)
        return self

    def predict_proba(self, X: Any) -> Array:
        """Return each print's probabilities, shape (prints, classes), in the order of `classes_`."""
        check_is_fitted(self, "head_")
        torch = import_torch()
        with torch_threads(self.n_threads), torch.inference_mode():
            embedded = torch.from_numpy(self._embedded(self._maps(X)))
            return np.asarray(torch.softmax(_logits(self.head_, embedded), 1).numpy())

    def _opened(self) -> TorchNetwork:
        network = open_network(self.network)
        if not isinstance(network, TorchNetwork):
            raise ModelError(
                f"{network.name} is an ONNX file, whose layers cannot be trained; give FILE.py:NAME or a "
                "torch.nn.Module, or use the frozen features (Backbone)"
            )
        return network

    def _maps(self, X: Any) -> Float:
        """Return the frozen layers' output in the module's own shape, (prints, channels, rows, columns)."""
        given = isinstance(X, np.ndarray) and X.dtype == np.float32 and X.ndim == 2
        flat = X if given else self._frozen.transform(X)
        shape = self._frozen.shape_
        if flat.shape[1] != np.prod(shape):
            raise ParameterError(f"X has {flat.shape[1]} values per print; frozen().transform gives {np.prod(shape)}")
        return np.asarray(flat.reshape(-1, *shape))

    def _embedded(self, maps: Float) -> Float:
        """Return the last layers' output for all prints, shape (prints, values)."""
        torch = import_torch()
        with torch.inference_mode():
            parts = [self._forward(maps[k : k + EVALUATION_BATCH]) for k in range(0, len(maps), EVALUATION_BATCH)]
            return np.asarray(torch.cat(parts).numpy())

    def _forward(self, maps: Float) -> Any:
        # A copy, because the first of the layers may work in place.
        (out,) = self.layers_(import_torch().tensor(maps))
        return out.mean((2, 3)) if out.ndim == 4 else out.mean(1) if out.ndim == 3 else out

    def _train(self, maps: Float, y: Array, seed: int) -> None:
        torch = import_torch()
        weights = torch.tensor(compute_class_weight(self.class_weight, classes=self.classes_, y=y), dtype=torch.float32)
        truth = torch.from_numpy(np.searchsorted(self.classes_, y))
        generator = torch.Generator().manual_seed(seed)
        trained = [*self.layers_.requires_grad_().parameters(), *self.head_.parameters()]
        optimiser = torch.optim.Adam(trained, lr=self.learning_rate)
        on_epoch = _with_seconds(self.on_epoch, self.head_epochs)
        for epoch in range(1, self.epochs + 1):
            loss_sum = hits = 0.0
            for batch in torch.randperm(len(maps), generator=generator).split(self.batch_size):
                embedded = self._forward(maps[batch.numpy()])
                kept = torch.rand(embedded.shape, generator=generator) >= self.dropout
                logits = _logits(self.head_, embedded * kept / (1 - self.dropout))
                each = torch.nn.functional.cross_entropy(logits, truth[batch], reduction="none")
                loss = (each * weights[truth[batch]]).mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                loss_sum += float(loss.detach()) * len(batch)
                hits += float((logits.argmax(1) == truth[batch]).sum())
            line = {"loss": loss_sum / len(maps), "accuracy": hits / len(maps), "learning_rate": self.learning_rate}
            if not np.isfinite(line["loss"]):
                raise ModelError(f"the loss is {line['loss']} in epoch {epoch}; give a smaller learning_rate")
            for key, value in line.items():
                self.history_[key].append(value)
            if on_epoch is not None:
                on_epoch(epoch, line)


def _as_linear(head: NetworkHead) -> Any:
    """Return a head's dense layer as one of PyTorch."""
    torch = import_torch()
    kernel, bias = (head.model_.layers[-1].params[name] for name in ("kernel", "bias"))
    linear = torch.nn.utils.skip_init(torch.nn.Linear, *kernel.shape)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(kernel.T.copy()))
        linear.bias.copy_(torch.from_numpy(bias))
    return linear


def _logits(head: Any, embedded: Any) -> Any:
    """Return one logit per class; a single sigmoid unit is a softmax of 0 and its logit."""
    logits = head(embedded)
    return import_torch().nn.functional.pad(logits, (1, 0)) if logits.shape[1] == 1 else logits


def _with_seconds(on_epoch: OnEpoch | None, epochs_before: int = 0) -> OnEpoch | None:
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
