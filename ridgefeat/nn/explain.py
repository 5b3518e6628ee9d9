"""Looking into a network: filters, feature maps, and which pixels moved the answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ridgefeat.errors import ParameterError
from ridgefeat.nn.layer import Array, Layer
from ridgefeat.nn.model import Sequential
from ridgefeat.nn.threads import threads


def filters(model: Sequential, layer: str = "conv2d_1") -> Array:
    """Return a convolution's kernels, shape (filters, kh, kw, channels)."""
    found = _layer(model, layer)
    if found.params.get("kernel", np.zeros(0)).ndim != 4:
        raise ParameterError(f"{layer} has no image filters; name a convolution, as `model.summary()` lists them")
    return np.moveaxis(found.params["kernel"], 3, 0)


def feature_maps(model: Sequential, image: Array, layer: str = "conv2d_1") -> Array:
    """Return a layer's output for one image, shape (rows, columns, channels)."""
    target = _layer(model, layer)
    x = np.ascontiguousarray(image[None], model.dtype)
    for step in model.layers[: model.layers.index(target) + 1]:
        x = step.forward(x)
    return np.asarray(x[0])


def occlusion_map(
    model: Sequential, image: Array, label: int, window: int = 16, step: int = 8, fill: float | None = None
) -> Array:
    """Cover the image with a grey square at each place, and see how far the probability of a class falls.

    Parameters
    ----------
    image : ndarray, shape (rows, columns, channels)
    label : int
        The class.
    window, step : int
        Side of the square and distance of its places, px.
    fill : float, optional
        Grey value of the square; the image's mean by default.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        Fall of the probability when a pixel is covered: the mean over all squares that cover it. Positive where the
        pixel spoke for the class.

    Source: Zeiler and Fergus 2014.
    """
    rows, columns, _ = image.shape
    if not (1 <= window <= min(rows, columns) and step >= 1):
        raise ParameterError(f"window {window} and step {step} px on an image of {rows} x {columns}; give smaller ones")
    fill = float(image.mean()) if fill is None else fill
    places = [(y, x) for y in _starts(rows, window, step) for x in _starts(columns, window, step)]
    covered = np.repeat(image[None].astype(model.dtype), len(places), axis=0)
    for k, (y, x) in enumerate(places):
        covered[k, y : y + window, x : x + window] = fill
    whole = model.predict_proba(image[None])[0, label]
    falls = whole - model.predict_proba(covered)[:, label]
    total, count = np.zeros((rows, columns)), np.zeros((rows, columns))
    for fall, (y, x) in zip(falls, places, strict=True):
        total[y : y + window, x : x + window] += fall
        count[y : y + window, x : x + window] += 1
    return (total / np.maximum(count, 1)).astype(np.float32)


def gradient_map(model: Sequential, image: Array, label: int) -> Array:
    """Return how strongly the log-odds of a class depend on each pixel: the absolute slope, summed over channels.

    Shape (rows, columns). The network is as outside training: running statistics, no dropout.

    Source: Simonyan, Vedaldi and Zisserman 2013.
    """
    with _frozen(model), threads():
        logits = model.forward(image[None], training=True)
        seed = np.zeros_like(logits)
        if logits.shape[1] == 1:
            seed[0, 0] = 1 if label else -1
        else:
            # log p[label] - log(1 - p[label]): the other logits by their share of the rest.
            rest = model.loss.probabilities(logits).copy()
            rest[0, label] = 0
            seed[0] = -rest[0] / max(float(rest.sum()), 1e-30)
            seed[0, label] = 1
        slope = model.backward(seed, need_input=True)
    assert slope is not None
    return np.asarray(np.abs(slope[0]).sum(axis=2))


def _starts(length: int, window: int, step: int) -> list[int]:
    """Places of a window, the last at the border."""
    return sorted({*range(0, length - window + 1, step), length - window})


def _layer(model: Sequential, name: str) -> Layer:
    for layer in model.layers:
        if layer.name == name:
            return layer
    raise ParameterError(f"there is no layer {name!r}; there are {', '.join(a.name for a in model.layers)}")


@contextmanager
def _frozen(model: Sequential) -> Iterator[None]:
    before = {layer: layer.frozen for layer in model.layers}
    for layer in before:
        layer.frozen = True
    try:
        yield
    finally:
        for layer, frozen in before.items():
            layer.frozen = frozen
