"""What every layer is: arrays to learn, a way forward, and the way back.

Batches are (n, rows, columns, channels), so that a pixel's channels lie together: windows are then copied in long
runs, and a product of windows and kernels is one matrix product.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]


class Layer:
    """One operation and its gradient.

    Attributes
    ----------
    params : dict of str to ndarray
        What is learned.
    grads : dict of str to ndarray
        The loss's gradient by each of `params`, after `backward`.
    state : dict of str to ndarray
        What is counted and not learned: batch normalisation's running statistics.
    l2 : float
        Weight of the sum of squares of the kernel in the loss.
    frozen : bool
        Whether batch normalisation and dropout act as outside training even in training: for gradients of a finished
        network.
    output_shape : tuple of int
        Without the batch; known once the layer is built.
    """

    kind = "layer"

    def __init__(self) -> None:
        self.name = self.kind
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}
        self.state: dict[str, Array] = {}
        self.l2 = 0.0
        self.frozen = False
        self.output_shape: Shape = ()
        self.rng: np.random.Generator | None = None
        self.forget()

    def forget(self) -> None:
        """Drop what `forward` kept for `backward`: the input, the output, and which pixel of a window won."""
        self._x: Array | None = None
        self._out: Array | None = None
        self._winner: Array | None = None

    def build(self, shape: Shape, rng: np.random.Generator, dtype: Any) -> Shape:
        """Make the parameters for inputs of a shape (without the batch) and return the output's shape."""
        return shape

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the layer's output; in training, keep what `backward` needs."""
        raise NotImplementedError

    def backward(self, grad: Array, need_input: bool = True) -> Array | None:
        """Take the loss's gradient by the output, fill `grads`, and return the gradient by the input.

        `grad` is the layer's to overwrite. Without `need_input`, a layer may save the work and return None.
        """
        raise NotImplementedError


def glorot_uniform(shape: Shape, fan_in: int, fan_out: int, rng: np.random.Generator, dtype: Any) -> Array:
    """Draw weights from the uniform distribution on +-sqrt(6 / (fan_in + fan_out)).

    Source: Glorot and Bengio 2010; Keras's default for kernels.
    """
    limit = np.sqrt(6.0 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, shape).astype(dtype)


def channel_sums(x: Array) -> Array:
    """Sum each channel of images, or of vectors; float64, shape (channels,).

    BLAS adds the rows of images to one, in their own type, and the pixels of that one are added in float64: a single
    float32 sum over an image would be wrong by a millionth, which batch normalisation hands on.
    """
    rows = x.reshape(-1, x.shape[2] * x.shape[3]) if x.ndim == 4 else x
    row = np.ones(len(rows), rows.dtype) @ rows
    return np.asarray(row.reshape(-1, x.shape[-1]).sum(axis=0, dtype=np.float64))
