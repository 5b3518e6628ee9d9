"""What is made small: cross entropy after softmax or sigmoid, with a weight for each print."""

from __future__ import annotations

import numpy as np

from ridgefeat.nn.layer import Array


def softmax(logits: Array) -> Array:
    """Return exp(z) / sum(exp(z)) of each row, with the row's largest value taken off first: no overflow."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def sigmoid(logits: Array) -> Array:
    """Return 1 / (1 + exp(-z)), without overflow on either side."""
    e = np.exp(-np.abs(logits))
    return np.asarray(np.where(logits >= 0, 1, e) / (1 + e))


def _precise(logits: Array, weight: Array | None) -> tuple[int, Array, Array]:
    """Return the batch's size, and logits and weights in float64.

    Of a print that is known by heart, probability - 1 is small and float32 keeps few of its digits; the whole backward
    pass starts from it. A batch has few logits, so that more digits cost nothing.
    """
    n = len(logits)
    return n, logits.astype(np.float64), np.ones(n) if weight is None else weight.astype(np.float64)


class SoftmaxCrossEntropy:
    """-log of the true class's softmax probability, weighted, divided by the batch's size.

    Taken from the logits z in one piece: log(sum(exp(z))) - z[true]. The gradient by z is then simply
    (probabilities - one-hot truth) * weight / n.
    """

    activation = "softmax"

    def probabilities(self, logits: Array) -> Array:
        """Return (n, classes)."""
        return softmax(logits)

    def __call__(self, logits: Array, truth: Array, weight: Array | None = None) -> tuple[float, Array]:
        """Return the loss, and its gradient by the logits.

        Parameters
        ----------
        logits : ndarray, shape (n, classes)
        truth : ndarray of int, shape (n,)
            Each print's class, from 0.
        weight : ndarray, shape (n,), optional
            Each print's weight.
        """
        n, z, weight = _precise(logits, weight)
        shifted = z - z.max(axis=1, keepdims=True)
        each = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(n), truth]
        grad = softmax(z)
        grad[np.arange(n), truth] -= 1
        grad *= weight[:, None] / n
        return float((each * weight).sum() / n), grad.astype(logits.dtype)


class SigmoidCrossEntropy:
    """Binary cross entropy of one logit: log(1 + exp(z)) - z * truth, weighted, divided by the batch's size.

    The gradient by z is (sigmoid(z) - truth) * weight / n.
    """

    activation = "sigmoid"

    def probabilities(self, logits: Array) -> Array:
        """Return (n, 2): of class 0 and class 1."""
        p = sigmoid(logits[:, 0])
        return np.stack([1 - p, p], axis=1)

    def __call__(self, logits: Array, truth: Array, weight: Array | None = None) -> tuple[float, Array]:
        """Return the loss, and its gradient by the logits of shape (n, 1); `truth` holds 0 or 1."""
        n, z, weight = _precise(logits[:, 0], weight)
        each = np.maximum(z, 0) - z * truth + np.log1p(np.exp(-np.abs(z)))
        grad = (sigmoid(z) - truth) * weight / n
        return float((each * weight).sum() / n), grad[:, None].astype(logits.dtype)


Loss = SoftmaxCrossEntropy | SigmoidCrossEntropy
