"""Gradients by central differences, and how far two arrays are apart."""

import numpy as np


def central_differences(function, array, step=1e-5):
    """Gradient of a scalar function by each value of an array, changed in place and back."""
    grad = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + step
        above = function()
        array[index] = kept - step
        grad[index] = (above - function()) / (2 * step)
        array[index] = kept
    return grad


def error(a, b):
    return np.linalg.norm(a - b) / max(np.linalg.norm(a), np.linalg.norm(b), 1e-12)
