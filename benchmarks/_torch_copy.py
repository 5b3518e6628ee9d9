"""The same network in PyTorch, with the same weights: what the benchmarks of `nn` compare with."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from ridgefeat.nn.convolution import Conv2D
from ridgefeat.nn.dense import Dense, Dropout, Flatten
from ridgefeat.nn.model import Sequential
from ridgefeat.nn.normalisation import BatchNorm
from ridgefeat.nn.optimisers import Adam
from ridgefeat.nn.pooling import MaxPool


class ChannelsLast(nn.Module):
    """Flatten as `ridgefeat.nn` does, channels fastest, so that the dense kernels are the same numbers."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)


def torch_copy(model: Sequential, *, dropout: bool = True, plain_flatten: bool = False) -> nn.Sequential:
    """Build the PyTorch network; with `plain_flatten` as a PyTorch user would write it (weights then differ)."""
    layers: list[nn.Module] = []
    shape = model.input_shape
    for layer in model.layers:
        before, shape = shape, layer.output_shape
        if isinstance(layer, Conv2D):
            layers.append(nn.Conv2d(before[2], layer.filters, layer.kernel_size))
        elif isinstance(layer, Dense):
            layers.append(nn.Linear(before[0], layer.units))
        elif isinstance(layer, BatchNorm):
            kind = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
            layers.append(kind(shape[-1], eps=layer.epsilon, momentum=1 - layer.momentum))
        elif isinstance(layer, MaxPool):
            layers.append(nn.MaxPool2d(layer.window, layer.stride))
        elif isinstance(layer, Dropout):
            layers.append(nn.Dropout(layer.rate if dropout else 0.0))
        elif isinstance(layer, Flatten):
            layers.append(nn.Flatten() if plain_flatten else ChannelsLast())
        if getattr(layer, "relu", False):
            layers.append(nn.ReLU(inplace=True))
    net = nn.Sequential(*layers)
    with torch.no_grad():
        for _, ours, theirs in pairs(model, net):
            theirs.copy_(torch.from_numpy(np.ascontiguousarray(ours)))
    return net


def pairs(
    model: Sequential, net: nn.Sequential, gradients: bool = False
) -> Iterator[tuple[str, np.ndarray, torch.Tensor]]:
    """Yield name, our array in PyTorch's order of axes, and PyTorch's tensor, for each parameter (or its gradient)."""
    ours = model.grads if gradients else model.params
    theirs = [p.grad if gradients else p for p in net.parameters()]
    for (name, _), tensor in zip(model.params.items(), theirs, strict=True):
        array = ours[name]
        if array.ndim == 4:
            array = array.transpose(3, 2, 0, 1)
        elif array.ndim == 2:
            array = array.T
        yield name, array, tensor


def loss_of(model: Sequential, net: nn.Sequential, logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Cross entropy of softmax or sigmoid, with the L2 part."""
    if model.loss.activation == "sigmoid":
        loss = nn.functional.binary_cross_entropy_with_logits(logits[:, 0], y.to(logits.dtype))
    else:
        loss = nn.functional.cross_entropy(logits, y)
    for layer, module in zip(
        [a for a in model.layers if isinstance(a, Conv2D | Dense)],
        [m for m in net if isinstance(m, nn.Conv2d | nn.Linear)],
        strict=True,
    ):
        if layer.l2:
            loss = loss + layer.l2 * (module.weight**2).sum()
    return loss


def set_epsilon(optimiser: torch.optim.Adam, ours: Adam) -> None:
    """Give PyTorch's Adam the epsilon that means the same as ours at its next step (see `Adam`)."""
    for group in optimiser.param_groups:
        group["eps"] = ours.epsilon / math.sqrt(1 - ours.beta2 ** (ours.steps + 1))
