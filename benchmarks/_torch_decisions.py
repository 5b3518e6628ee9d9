"""A network's decisions: which values ReLU lets pass, and which pixel of a window pooling takes.

Between two decisions the network is a smooth function; where one falls otherwise, its gradient jumps. Here both sides
write their decisions down, and follow decisions that they are given.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from ridgefeat.nn.layer import Layer
from ridgefeat.nn.model import Sequential
from ridgefeat.nn.pooling import MaxPool

Decisions = list[torch.Tensor]


class Deciding(nn.Module):
    """A layer that makes its own decisions unless they are given."""

    given: torch.Tensor | None = None
    taken: torch.Tensor


class DecidingReLU(Deciding):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.taken = x.detach() > 0
        return torch.relu(x) if self.given is None else x * self.given


class DecidingPool(Deciding):
    """Decisions are numbers of pixels, row by row."""

    def __init__(self, pool: nn.MaxPool2d) -> None:
        super().__init__()
        self.pool = (pool.kernel_size, pool.stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        best, self.taken = nn.functional.max_pool2d(x, *self.pool, return_indices=True)
        return best if self.given is None else x.flatten(2).gather(2, self.given.flatten(2)).view_as(best)


def with_decisions(net: nn.Sequential) -> nn.Sequential:
    """Return the network with each ReLU and pooling layer as one that writes its decisions down."""
    kinds = {nn.ReLU: lambda _: DecidingReLU(), nn.MaxPool2d: DecidingPool}
    return nn.Sequential(*(kinds.get(type(module), lambda same: same)(module) for module in net))


def deciding(net: nn.Sequential) -> list[Deciding]:
    return [module for module in net if isinstance(module, Deciding)]


# ---- the same in ridgefeat.nn: its layers keep their decisions from forward for backward


def our_deciding(model: Sequential) -> list[Layer]:
    return [layer for layer in model.layers if isinstance(layer, MaxPool) or getattr(layer, "relu", False)]


def our_decisions(model: Sequential) -> Decisions:
    """Return what the last forward pass decided, as PyTorch's layers write it."""
    return [_as_pixels(a) if isinstance(a, MaxPool) else _moved(a._out > 0) for a in our_deciding(model)]


def decide(model: Sequential, given: Decisions) -> None:
    """Let the next backward pass follow these decisions."""
    for layer, each in zip(our_deciding(model), given, strict=True):
        decided = each.numpy().transpose(0, 2, 3, 1) if each.ndim == 4 else each.numpy()
        if not isinstance(layer, MaxPool):
            layer._out = decided.astype(np.float32)
            continue
        row, column = np.divmod(decided, layer._shape[2])
        places = row % layer.window[0] * layer.window[1] + column % layer.window[1]
        layer._winner = places.astype(np.uint8)


def _as_pixels(layer: MaxPool) -> torch.Tensor:
    """Return each window's winner as the number of its pixel in the image; for windows that do not overlap."""
    (kh, kw), place = layer.window, layer._winner.astype(np.int64)
    row = np.arange(place.shape[1])[:, None, None] * kh + place // kw
    column = np.arange(place.shape[2])[:, None] * kw + place % kw
    return _moved(row * layer._shape[2] + column)


def _moved(x: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2) if x.ndim == 4 else x))
