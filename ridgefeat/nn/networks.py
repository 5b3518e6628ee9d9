"""The studies' networks, by name, and a small one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ridgefeat.errors import ParameterError
from ridgefeat.nn.convolution import Conv2D
from ridgefeat.nn.dense import Dense, Dropout, Flatten
from ridgefeat.nn.layer import Layer, Shape
from ridgefeat.nn.model import Sequential
from ridgefeat.nn.normalisation import BatchNorm
from ridgefeat.nn.pooling import MaxPool


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


def three_block_l2(shape: Shape = (128, 128, 1), classes: int = 2, **options: Any) -> Sequential:
    """Build `three_block` with 0.001 times the sum of squared kernel weights in the loss."""
    return three_block(shape, classes, **({"l2": 0.001} | options))


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
    "three-block-l2": three_block_l2,
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
