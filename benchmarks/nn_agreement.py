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


def compare(name: str, dtype: type) -> list[object]:
    rng = np.random.default_rng(1)
    model: Sequential = build(name, (SIDE, SIDE, 1), seed=1, dtype=dtype)
    # Two generators cannot drop the same values.
    for layer in model.walk():
        if isinstance(layer, Dropout):
            layer.rate = 0.0
    net = twin(model, dropout=False).to(torch.float64 if dtype is np.float64 else torch.float32).train()
    if dtype is np.float64:
        with torch.no_grad():
            for _, ours, theirs in pairs(model, net):
                theirs.copy_(torch.from_numpy(np.ascontiguousarray(ours)))
    x = rng.random((BATCH, SIDE, SIDE, 1)).astype(dtype)
    y = rng.integers(0, 2, BATCH)
    x_, y_ = torch.from_numpy(x.transpose(0, 3, 1, 2).copy()), torch.from_numpy(y)

    optimiser, other = Adam(), torch.optim.Adam(net.parameters(), lr=0.001)
    forward = gradient = 0.0
    losses = []
    for step in range(STEPS):
        logits = model.forward(x, training=True)
        loss, grad = model.loss(logits, y)
        model.backward(grad)
        other.zero_grad()
        logits_ = net(x_)
        loss_ = loss_of(model, net, logits_, y_)
        loss_.backward()
        if step == 0:
            forward = distance(logits, logits_)
            gradient = max(distance(a, b) for _, a, b in pairs(model, net, gradients=True))
        losses.append(abs(loss + model.penalty() - loss_.item()) / loss_.item())
        set_epsilon(other, optimiser)
        optimiser.step(model.params, model.grads)
        other.step()
    weights = max(distance(a, b) for _, a, b in pairs(model, net))
    every = np.concatenate([a.ravel() for _, a, _ in pairs(model, net)])
    every_ = torch.cat([b.detach().ravel() for _, _, b in pairs(model, net)])
    return [name, np.dtype(dtype).name, forward, gradient, max(losses), distance(every, every_), weights]


def main() -> None:
    torch.set_num_threads(1)
    rows = [
        compare(name, dtype)
        for name in ("three-block", "three-block-l2", "two-block")
        for dtype in (np.float32, np.float64)
    ]
    report(
        "nn_agreement",
        "nn beside PyTorch: the same numbers",
        [
            f"Same weights, same batch of {BATCH} random images of {SIDE} x {SIDE} px, no dropout, PyTorch "
            f"{torch.__version__}, its Adam with an epsilon that "
            "means the same. Each figure is a difference relative to PyTorch's: the length of the "
            f"difference of two arrays by the length of the array. Wanted: at most {LIMIT:g} in float32.",
            table(
                [
                    *("network", "type", "logits", "gradients, worst array", f"loss, worst of {STEPS} steps"),
                    *(f"all weights after {STEPS} steps", "worst array"),
                ],
                [[*r[:2], *(f"{v:.1e}" for v in r[2:])] for r in rows],
            ),
        ],
    )


if __name__ == "__main__":
    main()
