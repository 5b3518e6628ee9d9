"""The small layers: dense, flatten, ReLU and dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from ridgefeat.errors import ParameterError
from ridgefeat.nn.layer import Array, Layer, Shape, glorot_uniform
from ridgefeat.nn.threads import share


class Dense(Layer):
    """out = x @ kernel + bias, and max(0, out) with `relu`.

    Backwards: kernel's gradient is x.T @ grad, the bias's is the sum of grad, the input's is grad @ kernel.T.

    Parameters
    ----------
    units : int
        Length of the output.
    relu : bool
        Whether the output is max(0, out).
    l2 : float
        Weight of the sum of squared kernel weights in the loss.
    """

    kind = "dense"

    def __init__(self, units: int, *, relu: bool = False, l2: float = 0.0) -> None:
        super().__init__()
        self.units, self.relu, self.l2 = units, relu, l2

    def build(self, shape: Shape, rng: np.random.Generator, dtype: Any) -> Shape:
        """Draw the kernel (Glorot's uniform), with a bias of zeros."""
        if len(shape) != 1:
            raise ParameterError(f"a dense layer takes vectors, not shape {shape}; put Flatten before it")
        self.params["kernel"] = glorot_uniform((shape[0], self.units), shape[0], self.units, rng, dtype)
        self.params["bias"] = np.zeros(self.units, dtype)
        return (self.units,)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return (n, units)."""
        kernel = self.params["kernel"]
        # Each thread multiplies a part of a long sum; the parts are added in order.
        out = sum(share(lambda part: x[:, part] @ kernel[part], len(kernel), kernel.size))
        out = np.asarray(out + self.params["bias"])
        if self.relu:
            np.maximum(out, 0, out=out)
        if training:
            self._x, self._out = x, out if self.relu else None
        return out

    def backward(self, grad: Array, need_input: bool = True) -> Array | None:
        """Fill the gradients by kernel and bias; return the gradient by the input."""
        assert self._x is not None
        x, kernel = self._x, self.params["kernel"]
        if self._out is not None:
            grad *= self._out > 0
        self.grads["bias"] = grad.sum(axis=0)
        self.grads.pop("kernel", None)  # its memory is taken for the new one
        for_kernel = self.grads["kernel"] = np.empty_like(kernel)
        share(lambda part: np.matmul(x[:, part].T, grad, out=for_kernel[part]), len(kernel), kernel.size)
        if self.l2:
            for_kernel += 2 * self.l2 * kernel
        if not need_input:
            return None
        return np.concatenate(share(lambda part: grad @ kernel[part].T, len(kernel), kernel.size), axis=1)


class Flatten(Layer):
    """Each image as one vector, channels fastest."""

    kind = "flatten"

    def build(self, shape: Shape, rng: np.random.Generator, dtype: Any) -> Shape:
        """Return (rows * columns * channels,)."""
        return (int(np.prod(shape)),)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return (n, values)."""
        self._shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, grad: Array, need_input: bool = True) -> Array:
        """Return the gradient in the images' shape."""
        return grad.reshape(self._shape)


class ReLU(Layer):
    """max(0, x); the gradient passes where x is above 0."""

    kind = "relu"

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return max(0, x)."""
        self._out = np.maximum(x, 0)
        return self._out

    def backward(self, grad: Array, need_input: bool = True) -> Array:
        """Return the gradient where x was above 0, 0 elsewhere."""
        assert self._out is not None
        grad *= self._out > 0
        return grad


class Dropout(Layer):
    """In training, values are 0 with probability `rate`; the others grow by 1 / (1 - rate), so that the mean stays.

    Source: Srivastava et al. 2014, in the "inverted" form of Keras and PyTorch.
    """

    kind = "dropout"

    def __init__(self, rate: float) -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise ParameterError(f"dropout's rate is {rate}; give 0 (nothing) to below 1")
        self.rate = rate

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return `x` with some values dropped in training, and `x` itself otherwise."""
        self._kept: Array | None = None
        if training and not self.frozen and self.rate > 0:
            assert self.rng is not None
            self._kept = self.rng.random(x.shape, np.float32) >= self.rate
        return self._thinned(x)

    def backward(self, grad: Array, need_input: bool = True) -> Array:
        """Return the gradient of the values that were kept."""
        return self._thinned(grad)

    def _thinned(self, x: Array) -> Array:
        return x if self._kept is None else np.asarray(x * self._kept * x.dtype.type(1 / (1 - self.rate)))
