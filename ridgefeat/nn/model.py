"""Layers in a row: forward through all, backward through all in reverse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from ridgefeat.errors import ModelError
from ridgefeat.nn.layer import Array, Layer, Shape
from ridgefeat.nn.losses import Loss, SigmoidCrossEntropy, SoftmaxCrossEntropy
from ridgefeat.nn.optimisers import Optimiser
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
        x = self._checked(x)
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def backward(self, grad: Array, need_input: bool = False) -> Array | None:
        """Take the gradient by the logits back through all layers; return the one by the images when asked for."""
        into: Array | None = grad
        for k in range(len(self.layers) - 1, -1, -1):
            assert into is not None
            into = self.layers[k].backward(into, need_input or k > 0)
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

    def predict_proba(self, x: Array, batch_size: int = 32) -> Array:
        """Return each image's probabilities, shape (n, classes)."""
        with threads():
            parts = [self.forward(x[k : k + batch_size]) for k in range(0, len(x), batch_size)]
        return self.loss.probabilities(np.concatenate(parts))

    def penalty(self) -> float:
        """Return the L2 part of the loss."""
        total = 0.0
        for layer in self.layers:
            if layer.l2:
                rows = layer.params["kernel"].reshape(-1, layer.params["kernel"].shape[-1])
                total += layer.l2 * np.einsum("kf,kf->k", rows, rows).sum(dtype=np.float64)
        return float(total)

    def _checked(self, x: Array) -> Array:
        if x.shape[1:] != self.input_shape:
            raise ModelError(
                f"the network takes images of shape {self.input_shape}, not {x.shape[1:]}; resize them, or build the "
                "network for that shape"
            )
        return np.ascontiguousarray(x, self.dtype)

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

        Raises
        ------
        ModelError
            Where names or shapes are not this network's.
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
