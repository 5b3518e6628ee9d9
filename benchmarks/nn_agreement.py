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
            gradient = max(distance(a, b) for _, a, b in pairs(model, net.net, gradients=True))
        losses.append(abs(loss + model.penalty() - loss_) / loss_)
        for other in (net, exact):
            set_epsilon(other.optimiser, optimiser)
            other.optimiser.step()
        optimiser.step(model.params, model.grads)
    ours = np.concatenate([a.ravel() for _, a, _ in pairs(model, net.net)])
    return [
        *(name, np.dtype(dtype).name, f"{rate:g}", forward, gradient, max(losses)),
        *(distance(ours, net.weights()), distance(net.weights().numpy(), exact.weights())),
    ]


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
    names = ("three-block", "three-block-l2", "two-block")
    rows = [compare(name, dtype, rate) for name in names for dtype, rate in cases]
    report(
        "nn_agreement",
        "nn beside PyTorch: the same numbers",
        [
            f"Same weights, same batch of {BATCH} random images of {SIDE} x {SIDE} px, no dropout, PyTorch "
            f"{torch.__version__}, its Adam with an epsilon that means the same. Each figure is a difference relative to "
            "PyTorch's: the length of the difference of two arrays by the length of the array. Wanted: at most "
            f"{LIMIT:g} in float32. The last column is for scale: how far PyTorch in this type of number comes, in the "
            "same steps, from PyTorch in float64. A batch this small is soon known by heart; its gradients are then "
            "rounding alone, which Adam enlarges to steps of full length.",
            table(
                [
                    *(
                        "network",
                        "type",
                        "rate",
                        "logits",
                        "gradients, worst array",
                        f"loss, worst of {STEPS} steps",
                    ),
                    *(f"all weights after {STEPS} steps", "PyTorch from its float64"),
                ],
                [[*r[:3], *(f"{v:.1e}" for v in r[3:])] for r in rows],
            ),
        ],
    )


if __name__ == "__main__":
    main()
