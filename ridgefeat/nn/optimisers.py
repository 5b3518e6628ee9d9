"""From gradients to steps: gradient descent with momentum, and Adam."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ridgefeat.errors import ParameterError
from ridgefeat.nn.layer import Array
from ridgefeat.nn.threads import share


class Optimiser:
    """What both have: a learning rate, a count of steps, and arrays for each parameter."""

    slots: tuple[str, ...] = ()

    def __init__(self, learning_rate: float) -> None:
        if not learning_rate > 0:
            raise ParameterError(f"the learning rate is {learning_rate}; give a number above 0")
        self.learning_rate = learning_rate
        self.steps = 0
        self.memory: dict[str, Array] = {}

    def step(self, params: Mapping[str, Array], grads: Mapping[str, Array]) -> None:
        """Change each parameter in place."""
        self.steps += 1
        for name, param in params.items():
            kept = [self.memory.setdefault(f"{name}:{slot}", np.zeros_like(param)) for slot in self.slots]
            flat = [array.reshape(-1) for array in (param, grads[name], *kept)]

            def update(part: slice, flat: list[Array] = flat) -> None:
                self._update(*(array[part] for array in flat))

            share(update, param.size, param.size)

    def _update(self, param: Array, grad: Array, *kept: Array) -> None:
        raise NotImplementedError


class SGD(Optimiser):
    """velocity = momentum * velocity - learning rate * gradient; parameter += velocity.

    The form and the defaults are Keras's.
    """

    slots = ("velocity",)

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.0) -> None:
        super().__init__(learning_rate)
        self.momentum = momentum

    def _update(self, param: Array, grad: Array, *kept: Array) -> None:
        (velocity,) = kept
        velocity *= self.momentum
        velocity -= grad * param.dtype.type(self.learning_rate)
        param += velocity


class Adam(Optimiser):
    """Steps of about the learning rate, whatever the gradient's size.

    m = beta1 * m + (1 - beta1) * gradient
    v = beta2 * v + (1 - beta2) * gradient^2
    parameter -= rate * m / (sqrt(v) + epsilon), with rate = learning rate * sqrt(1 - beta2^t) / (1 - beta1^t)

    Source: Kingma and Ba 2015, the form at the end of their section 2, which is Keras's, as the defaults are. PyTorch
    adds epsilon after it has corrected v: the same as an epsilon here that is multiplied by sqrt(1 - beta2^t).
    """

    slots = ("m", "v")

    def __init__(
        self, learning_rate: float = 0.001, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-7
    ) -> None:
        super().__init__(learning_rate)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon

    def _update(self, param: Array, grad: Array, *kept: Array) -> None:
        m, v = kept
        kind = param.dtype.type
        rate = self.learning_rate * np.sqrt(1 - self.beta2**self.steps) / (1 - self.beta1**self.steps)
        # m + (1 - beta) * (gradient - m) is the formula with one product less.
        m += kind(1 - self.beta1) * (grad - m)
        v += kind(1 - self.beta2) * (grad * grad - v)
        param -= kind(rate) * (m / (np.sqrt(v) + kind(self.epsilon)))
