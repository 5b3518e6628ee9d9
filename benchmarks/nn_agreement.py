"""Does `ridgefeat.nn` compute what PyTorch computes? Same weights, same batch: forward, gradients, ten Adam steps.

Run with PyTorch 2.13.0 installed (the extra `peers`).
"""

from __future__ import annotations

from _common import report, table

try:
    import torch
except ImportError as missing:
    raise SystemExit("PyTorch is not installed: pip install torch==2.13.0") from missing

import numpy as np
from _torch_twin import loss_of, pairs, set_epsilon, twin

from ridgefeat.nn.dense import Dropout
from ridgefeat.nn.model import Sequential
from ridgefeat.nn.networks import build
from ridgefeat.nn.optimisers import Adam

SIDE, BATCH, STEPS, LIMIT = 128, 8, 10, 1e-4


def distance(ours: np.ndarray, theirs: torch.Tensor) -> float:
    """Length of the difference by the length of PyTorch's array."""
    other = theirs.detach().numpy()
    return float(np.linalg.norm(ours - other) / max(np.linalg.norm(other), 1e-30))


def compare(name: str, dtype: type, rate: float) -> list[object]:
    rng = np.random.default_rng(1)
    model: Sequential = build(name, (SIDE, SIDE, 1), seed=1, dtype=dtype)
    # Two generators cannot drop the same values.
    for layer in model.walk():
        if isinstance(layer, Dropout):
            layer.rate = 0.0
    x = rng.random((BATCH, SIDE, SIDE, 1)).astype(dtype)
    y = rng.integers(0, 2, BATCH)
    net, exact = Torch(model, x, y, rate, dtype), Torch(model, x, y, rate, np.float64)

    optimiser = Adam(rate)
    forward = gradient = 0.0
    losses = []
    for step in range(STEPS):
        logits = model.forward(x, training=True)
        loss, grad = model.loss(logits, y)
        model.backward(grad)
        logits_, loss_ = net.backward()
        exact.backward()
        if step == 0:
            forward = distance(logits, logits_)
            gradient = worst(model, net)
            rounding = worst_rounding(net, exact)
        losses.append(abs(loss + model.penalty() - loss_) / loss_)
        for other in (net, exact):
            set_epsilon(other.optimiser, optimiser)
            other.optimiser.step()
        optimiser.step(model.params, model.grads)
    ours = np.concatenate([a.ravel() for _, a, _ in pairs(model, net.net)])
    exact_ = exact.weights()
    return [
        *(name, np.dtype(dtype).name, f"{rate:g}", forward, gradient, rounding, max(losses)),
        *(distance(ours, net.weights()), distance(net.weights().numpy(), exact_), distance(ours, exact_)),
    ]


def worst(model: Sequential, net: Torch) -> float:
    """Return the largest distance of a gradient from PyTorch's."""
    return max(distance(a, b) for _, a, b in pairs(model, net.net, gradients=True))


def worst_rounding(net: Torch, exact: Torch) -> float:
    """Return the largest distance of PyTorch's gradients from its own in float64."""
    both = zip(net.net.parameters(), exact.net.parameters(), strict=True)
    return max(distance(a.grad.numpy(), b.grad) for a, b in both)


class Torch:
    """PyTorch's side: the same network, weights and batch, in one type of number."""

    def __init__(self, model: Sequential, x: np.ndarray, y: np.ndarray, rate: float, dtype: type) -> None:
        kind = torch.float64 if dtype is np.float64 else torch.float32
        self.model, self.net = model, twin(model, dropout=False).to(kind).train()
        with torch.no_grad():
            for _, ours, theirs in pairs(model, self.net):
                theirs.copy_(torch.from_numpy(np.ascontiguousarray(ours)))
        self.x, self.y = torch.from_numpy(x.transpose(0, 3, 1, 2).copy()).to(kind), torch.from_numpy(y)
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=rate)

    def backward(self) -> tuple[torch.Tensor, float]:
        """Forward and backward; return the logits and the loss."""
        self.optimiser.zero_grad()
        logits = self.net(self.x)
        loss = loss_of(self.model, self.net, logits, self.y)
        loss.backward()
        return logits, loss.item()

    def weights(self) -> torch.Tensor:
        """Return all weights as one vector."""
        return torch.cat([p.detach().ravel() for p in self.net.parameters()])


def main() -> None:
    torch.set_num_threads(1)
    cases = [(np.float32, 1e-4), (np.float32, 1e-3), (np.float64, 1e-3)]
    names = ("two-block", "three-block", "three-block-l2")
    rows = [compare(name, dtype, rate) for name in names for dtype, rate in cases]
    report(
        "nn_agreement",
        "nn beside PyTorch: the same numbers",
        [
            f"Same weights, same batch of {BATCH} random images of {SIDE} x {SIDE} px, no dropout, PyTorch "
            f"{torch.__version__}, its Adam with an epsilon that means the same. Each figure is a difference of two "
            "arrays by the length of the second. Wanted: at most "
            f"{LIMIT:g} in float32. Gradients: the worst array of the first step. Weights: all of them as one vector.",
            table(
                [
                    *("network", "type", "rate", "logits", "gradients", "PyTorch's, from its float64"),
                    *(f"loss, worst of {STEPS} steps", f"weights after {STEPS} steps"),
                    *("PyTorch's, from its float64", "ours, from PyTorch's float64"),
                ],
                [[*r[:3], *(f"{v:.1e}" for v in r[3:])] for r in rows],
            ),
            "The columns 'from its float64' are the scale: what rounding to float32 alone does to PyTorch's own "
            "numbers. Two things enlarge rounding. Where two values of a pooling window are equal to the last digit, "
            "rounding decides which of them gets the gradient; and a batch this small is soon known by heart, after "
            "which gradients are rounding alone, which Adam makes steps of full length of. In float64 nothing of "
            "this is left: the algorithm is the same.",
        ],
    )


if __name__ == "__main__":
    main()
