"""Layers in a row, forward through all and backward through all in reverse; and the studies' networks by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ridgefeat.errors import ModelError, ParameterError
from ridgefeat.nn.convolution import Conv2D
from ridgefeat.nn.dense import Dense, Dropout, Flatten
from ridgefeat.nn.layer import Array, Layer, Shape
from ridgefeat.nn.losses import Loss, SigmoidCrossEntropy, SoftmaxCrossEntropy
from ridgefeat.nn.normalisation import BatchNorm
from ridgefeat.nn.optimisers import Optimiser
from ridgefeat.nn.pooling import MaxPool
from ridgefeat.nn.threads import threads


class Sequential:
    """A network of layers, each taking the previous one's output; the last gives the logits of the loss.

    Parameters
    ----------
    layers : sequence of Layer
    shape : tuple of int
        An image's (rows, columns, channels), or a vector's (length,).
    loss : "softmax", "sigmoid"
        What turns logits into probabilities, with its cross entropy.
    seed : int or numpy.random.Generator
        For the first weights and for dropout.
    dtype : dtype
        float32, or float64 to check gradients.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        shape: Shape,
        *,
        loss: str = "softmax",
        seed: int | np.random.Generator = 0,
        dtype: Any = np.float32,
    ) -> None:
        self.layers, self.input_shape, self.dtype = list(layers), tuple(shape), np.dtype(dtype)
        self.loss: Loss = SigmoidCrossEntropy() if loss == "sigmoid" else SoftmaxCrossEntropy()
        self.rng = np.random.default_rng(seed)
        size: Shape = self.input_shape
        for layer in self.layers:
            size = layer.output_shape = layer.build(size, self.rng, self.dtype)
        self.output_shape = size
        seen: Counter[str] = Counter()
        for layer in self.layers:
            seen[layer.kind] += 1
            layer.name = f"{layer.kind}_{seen[layer.kind]}"
            layer.rng = self.rng

    # ---- forward and backward

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the logits of a batch, shape (n, outputs)."""
        if x.shape[1:] != self.input_shape:
            raise ModelError(
                f"the network takes images of shape {self.input_shape}, not {x.shape[1:]}; resize them, or build the "
                "network for that shape"
            )
        x = np.ascontiguousarray(x, self.dtype)
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def backward(self, grad: Array, need_input: bool = False) -> Array | None:
        """Take the gradient by the logits back through all layers; return the one by the images when asked for."""
        into: Array | None = grad
        for layer in reversed(self.layers):
            assert into is not None
            into = layer.backward(into, need_input or layer is not self.layers[0])
            layer.forget()
        return into

    def train_step(
        self, x: Array, truth: Array, optimiser: Optimiser, weight: Array | None = None
    ) -> tuple[float, Array]:
        """Forward, loss, backward, update. Return the loss (before the step) and the probabilities."""
        with threads():
            logits = self.forward(x, training=True)
            loss, grad = self.loss(logits, truth, weight)
            loss += self.penalty()
            self.backward(grad)
            optimiser.step(self.params, self.grads)
        return loss, self.loss.probabilities(logits)

    def predict_proba(self, x: Array) -> Array:
        """Return each image's probabilities, shape (n, classes)."""
        return self.loss.probabilities(self.predict_logits(x))

    def predict_logits(self, x: Array) -> Array:
        """Return each image's logits outside training, shape (n, outputs)."""
        with threads():
            return np.concatenate([self.forward(x[k : k + 32]) for k in range(0, len(x), 32)])

    def penalty(self) -> float:
        """Return the L2 part of the loss."""
        total = 0.0
        for layer in self.layers:
            if layer.l2:
                rows = layer.params["kernel"].reshape(-1, layer.output_shape[-1])
                total += layer.l2 * np.einsum("kf,kf->k", rows, rows).sum(dtype=np.float64)
        return float(total)

    # ---- what it holds

    @property
    def params(self) -> dict[str, Array]:
        """What is learned, by "layer/name"."""
        return {f"{a.name}/{k}": v for a in self.layers for k, v in a.params.items()}

    @property
    def grads(self) -> dict[str, Array]:
        """Gradients of the last backward pass, by the same names."""
        return {f"{a.name}/{k}": v for a in self.layers for k, v in a.grads.items()}

    @property
    def weights(self) -> dict[str, Array]:
        """What is learned and what is counted (running statistics)."""
        return self.params | {f"{a.name}/{k}": v for a in self.layers for k, v in a.state.items()}

    def set_weights(self, weights: dict[str, Array]) -> None:
        """Copy weights into the network, by the names of `weights`.

        Raises ModelError where names or shapes are not this network's.
        """
        own = self.weights
        if own.keys() != weights.keys():
            odd = sorted(own.keys() ^ weights.keys())
            raise ModelError(f"weights are of another network: {', '.join(odd[:4])} stand in one of the two alone")
        for name, array in own.items():
            if array.shape != weights[name].shape:
                raise ModelError(f"{name} has shape {weights[name].shape} where the network has {array.shape}")
        for name, array in own.items():
            array[...] = weights[name]

    def summary(self) -> str:
        """Return the table of layers: name, output shape, parameters."""
        rows = [("layer", "output", "parameters")]
        for layer in self.layers:
            count = sum(v.size for v in (*layer.params.values(), *layer.state.values()))
            rows.append((layer.name, " x ".join(map(str, layer.output_shape)), f"{count:,}"))
        wide = [max(len(r[k]) for r in rows) for k in range(3)]
        lines = [f"{a:<{wide[0]}}  {b:<{wide[1]}}  {c:>{wide[2]}}" for a, b, c in rows]
        lines.insert(1, "-" * len(lines[0]))
        learned, total = self.count()
        lines += [lines[1], f"{total:,} parameters, {learned:,} of them trainable"]
        return "\n".join(lines)

    def count(self) -> tuple[int, int]:
        """Return how many parameters are trainable, and how many there are."""
        return sum(v.size for v in self.params.values()), sum(v.size for v in self.weights.values())


def three_block(
    shape: Shape = (128, 128, 1), classes: int = 2, *, l2: float = 0.0, dropout: float = 0.25, **options: Any
) -> Sequential:
    """Six convolutions in three blocks, each with batch normalisation, pooling and dropout.

    Blocks of 32, 64 and 128 filters of 3 x 3 without padding, dense layers of 512 and 256, softmax. For 128 x 128 x 1
    and two classes: 9,860,834 parameters, 9,858,402 of them trainable.
    """
    layers: list[Layer] = []
    for filters in (32, 64, 128):
        for _ in range(2):
            layers += [Conv2D(filters, relu=True, l2=l2), BatchNorm()]
        layers += [MaxPool(2), Dropout(dropout)]
    layers.append(Flatten())
    for units in (512, 256):
        layers += [Dense(units, relu=True, l2=l2), BatchNorm(), Dropout(2 * dropout)]
    layers.append(Dense(classes, l2=l2))
    return Sequential(layers, shape, **options)


def two_block(shape: Shape = (128, 128, 1), classes: int = 2, **options: Any) -> Sequential:
    """Two convolutions of 32 and 64 filters with pooling, dense 128; one sigmoid output (softmax above two classes)."""
    layers = [
        *(Conv2D(32, relu=True), MaxPool(2), Conv2D(64, relu=True), MaxPool(2)),
        *(Flatten(), Dense(128, relu=True), Dense(1 if classes == 2 else classes)),
    ]
    return Sequential(layers, shape, **({"loss": "sigmoid" if classes == 2 else "softmax"} | options))


def small(shape: Shape = (8, 8, 1), classes: int = 2, *, filters: int = 32, **options: Any) -> Sequential:
    """Two convolutions with batch normalisation that fit images of any size: for digits, thumbnails and tests."""
    layers: list[Layer] = []
    rows, columns = shape[0], shape[1]
    for width in (filters, 2 * filters):
        layers += [Conv2D(width, (min(3, rows), min(3, columns)), padding="same", relu=True), BatchNorm(0.9)]
        if min(rows, columns) >= 4:
            layers.append(MaxPool(2))
            rows, columns = rows // 2, columns // 2
    layers += [Flatten(), Dense(2 * filters, relu=True), Dense(classes)]
    return Sequential(layers, shape, **options)


NETWORKS: dict[str, Callable[..., Sequential]] = {
    "three-block": three_block,
    "three-block-l2": partial(three_block, l2=0.001),
    "two-block": two_block,
    "small": small,
}


def build(
    name: str, shape: Shape = (128, 128, 1), classes: int = 2, seed: int | np.random.Generator = 0, **options: Any
) -> Sequential:
    """Build a network by name: one of `NETWORKS`."""
    if name not in NETWORKS:
        raise ParameterError(f"there is no network {name!r}; there are {', '.join(NETWORKS)}")
    return NETWORKS[name](shape, classes, seed=seed, **options)
