"""Does `ridgefeat.nn` compute what PyTorch computes? Same weights, same batch: forward, gradients, ten Adam steps.

And does PyTorch compute what PyTorch computes? The same network is also evaluated by PyTorch in other, equally right
ways: on two threads, without oneDNN, with channels last. Run with PyTorch 2.13.0 installed (the extra `peers`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from _common import report, table

try:
    import torch
except ImportError as missing:
    raise SystemExit("PyTorch is not installed: pip install torch==2.13.0") from missing

import cv2
import numpy as np
from _torch_copy import loss_of, pairs, set_epsilon, torch_copy
from _torch_decisions import Decisions, decide, deciding, our_decisions, with_decisions

from ridgefeat.nn import build
from ridgefeat.nn.dense import Dropout
from ridgefeat.nn.model import Sequential
from ridgefeat.nn.optimisers import Adam
from ridgefeat.synth import make_subjects

SIDE, BATCH, STEPS, LIMIT = 128, 8, 10, 1e-4
NETWORKS, RATES, SEEDS = ("two-block", "three-block", "three-block-l2"), (1e-4, 1e-3), range(1, 6)
Batch = tuple[np.ndarray, np.ndarray]


def batches() -> Iterator[tuple[int, Batch]]:
    """Yield a seed for the weights, and images around 0 with their classes: five of noise, one of prints."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        yield seed, (rng.random((BATCH, SIDE, SIDE, 1), dtype=np.float32), rng.integers(0, 2, BATCH))
    made = list(make_subjects(BATCH, seed=1, fingers=1, impressions=1, shape=(256, 256)))
    images = [cv2.resize(m.print.image[:256, :256], (SIDE, SIDE), interpolation=cv2.INTER_AREA) for m in made]
    x = np.stack(images).astype(np.float32)[..., None]
    yield SEEDS[-1] + 1, ((x - x.mean()) / x.std(), np.array([int(m.sex == "male") for m in made]))


@dataclass
class Run:
    """What a run of steps left: of the first step logits and gradients, after the last the weights."""

    logits: np.ndarray
    gradients: list[np.ndarray]
    weights: np.ndarray
    decisions: list[Decisions]


def network(name: str, seed: int, dtype: type = np.float32) -> Sequential:
    """Build the network without dropout: two generators cannot drop the same values."""
    model: Sequential = build(name, (SIDE, SIDE, 1), seed=seed)
    same: Sequential = build(name, (SIDE, SIDE, 1), dtype=dtype)
    same.set_weights(model.weights)
    for layer in same.layers:
        if isinstance(layer, Dropout):
            layer.rate = 0.0
    return same


def ours(model: Sequential, batch: Batch, rate: float, given: list[Decisions] | None = None, steps: int = STEPS) -> Run:
    (x, y), optimiser = batch, Adam(rate)
    run = Run(np.zeros(0), [], np.zeros(0), [])
    like = torch_copy(model)
    for step in range(steps):
        logits = model.forward(x, training=True)
        run.decisions.append(our_decisions(model))
        if given:
            decide(model, given[step])
        model.backward(model.loss(logits, y)[1])
        if step == 0:
            run.logits = logits
            run.gradients = [a.copy() for _, a, _ in pairs(model, like, gradients=True)]
        optimiser.step(model.params, model.grads)
    run.weights = np.concatenate([a.ravel() for _, a, _ in pairs(model, like)])
    return run


def torchs(
    model: Sequential,
    batch: Batch,
    rate: float,
    given: list[Decisions] | None = None,
    steps: int = STEPS,
    *,
    exact: bool = False,
    threads: int = 1,
    onednn: bool = True,
    last: bool = False,
) -> Run:
    kind, order = (torch.float64 if exact else torch.float32, torch.channels_last if last else torch.contiguous_format)
    net = with_decisions(torch_copy(model, dropout=False)).to(kind).to(memory_format=order).train()
    x = torch.from_numpy(batch[0].transpose(0, 3, 1, 2).copy()).to(kind).contiguous(memory_format=order)
    counter, optimiser = Adam(rate), torch.optim.Adam(net.parameters(), lr=rate)
    run = Run(np.zeros(0), [], np.zeros(0), [])
    torch.set_num_threads(threads)
    with torch.backends.mkldnn.flags(enabled=onednn):
        for step in range(steps):
            for k, layer in enumerate(deciding(net)):
                layer.given = given[step][k] if given else None
            optimiser.zero_grad()
            logits = net(x)
            loss_of(model, net, logits, torch.from_numpy(batch[1])).backward()
            run.decisions.append([layer.taken for layer in deciding(net)])
            if step == 0:
                run.logits = logits.detach().numpy()
                run.gradients = [p.grad.contiguous().numpy().copy() for p in net.parameters()]
            set_epsilon(optimiser, counter)
            counter.steps += 1
            optimiser.step()
    torch.set_num_threads(1)
    run.weights = torch.cat([p.detach().contiguous().ravel() for p in net.parameters()]).numpy()
    return run


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Length of the difference by the length of the second."""
    return float(np.linalg.norm(a.astype(np.float64) - b) / max(np.linalg.norm(b), 1e-30))


def worst(a: Run, b: Run) -> float:
    """Return the largest distance of an array of gradients."""
    return max(map(distance, a.gradients, b.gradients))


def unlike(a: Run, b: Run) -> int:
    """Count decisions of the first step that fell otherwise."""
    return sum(int((p != q).sum()) for p, q in zip(a.decisions[0], b.decisions[0], strict=True))


def decided(run: Run) -> int:
    return sum(each.numel() for each in run.decisions[0])


Figures = dict[tuple[str, ...], list[float]]


def compare(name: str, seed: int, batch: Batch, rate: float, found: Figures) -> None:
    """Add one batch's figures: first step and last, each side deciding by itself and with float64's decisions."""
    exact = torchs(network(name, seed), batch, rate, exact=True)
    for how, given in (("its own", None), ("float64's", exact.decisions)):
        mine = ours(network(name, seed), batch, rate, given)
        peer, other = (torchs(network(name, seed), batch, rate, given, onednn=on) for on in (True, False))
        sides = {"ours": (mine, peer), "itself": (other, peer), "ours 64": (mine, exact), "peer 64": (peer, exact)}
        for side, (a, b) in sides.items():
            found.setdefault((name, f"{rate:g}", how, side), []).append(distance(a.weights, b.weights))
        if rate != RATES[0]:
            continue
        sides |= {
            way: (torchs(network(name, seed), batch, rate, given, 1, **{way: value}), peer)
            for way, value in (("threads", 2), ("last", True))
        }
        for side, (a, b) in sides.items():
            found.setdefault((name, "first", how, side), []).append(worst(a, b))
            found.setdefault((name, "logits", how, side), []).append(distance(a.logits, b.logits))
        found.setdefault((name, "decided", how, "ours"), []).append(decided(mine))
        found.setdefault((name, "unlike", how, "ours"), []).append(unlike(mine, exact))
        found.setdefault((name, "unlike", how, "peer"), []).append(unlike(peer, exact))


def in_float64(name: str) -> list[object]:
    """Both in float64, on the first batch, at the higher rate."""
    seed, batch = next(batches())
    rate = RATES[-1]
    exact = torchs(network(name, seed), batch, rate, exact=True)
    mine = ours(network(name, seed, np.float64), (batch[0].astype(np.float64), batch[1]), rate)
    return [
        name,
        *(f"{v:.1e}" for v in (distance(mine.logits, exact.logits), worst(mine, exact))),
        f"{distance(mine.weights, exact.weights):.1e}",
    ]


def cell(values: list[float]) -> str:
    return f"{np.median(values):.1e} ({max(values):.1e})"


def main() -> None:
    torch.set_num_threads(1)
    found: Figures = {}
    for seed, batch in batches():
        for name in NETWORKS:
            for rate in RATES:
                compare(name, seed, batch, rate, found)
    hows = ("its own", "float64's")
    sides = ("ours", "itself", "threads", "last", "ours 64", "peer 64")
    first = [
        [
            *(name, how, cell(found[name, "logits", how, "ours"])),
            *(cell(found[name, "first", how, side]) for side in sides),
        ]
        for name in NETWORKS
        for how in hows
    ]
    ten = [
        [name, f"{rate:g}", how, *(cell(found[name, f"{rate:g}", how, s]) for s in (*sides[:2], *sides[4:]))]
        for name in NETWORKS
        for rate in RATES
        for how in hows
    ]
    otherwise = "; ".join(
        f"{name} {sum(found[name, 'unlike', hows[0], 'ours'])} and {sum(found[name, 'unlike', hows[0], 'peer'])} of "
        f"{sum(found[name, 'decided', hows[0], 'ours']) / 1e6:.1f} million"
        for name in NETWORKS[:2]
    )
    report("nn_agreement", "nn compared with PyTorch: the same numbers", paragraphs(first, ten, otherwise))


def paragraphs(first: list[list[object]], ten: list[list[object]], otherwise: str) -> list[str]:
    return [
        f"Same weights, same batch of {BATCH} images of {SIDE} x {SIDE} px, no dropout, PyTorch {torch.__version__}, "
        f"its Adam with an epsilon that means the same. {len(SEEDS)} batches of random images with random classes and "
        "one of synthetic prints, each with weights of its own. A figure is the length of the difference of two arrays "
        "by the length of the second: the median batch, and in brackets the worst. Wanted: at most "
        f"{LIMIT:g} in float32.",
        "The networks decide: ReLU, which values pass; pooling, which pixel of a window counts. Where two values are "
        "equal but for rounding, rounding decides, and the gradient jumps. So every comparison is made twice: each "
        "side with *its own* decisions; and with *float64's*, taken from PyTorch's run in float64 at each step, which "
        "leaves the arithmetic alone. Of all decisions in the first step of the six batches, these fell unlike "
        f"float64's, ours and PyTorch's: {otherwise}.",
        "What PyTorch makes of the same in another, equally right way is the floor for anybody: without oneDNN, on two "
        "threads instead of one, with channels last.",
        "## First step: logits and gradients (the worst array)",
        table(
            [
                *("network", "decisions", "logits, ours from PyTorch's", "gradients, ours from PyTorch's"),
                *("PyTorch's without oneDNN from PyTorch's", "on two threads", "channels last"),
                *("ours from float64's", "PyTorch's from float64's"),
            ],
            first,
        ),
        f"## All weights after {STEPS} steps of Adam",
        table(
            [
                *("network", "rate", "decisions", "ours from PyTorch's", "PyTorch's without oneDNN from PyTorch's"),
                *("ours from float64's", "PyTorch's from float64's"),
            ],
            ten,
        ),
        f"## Both in float64, first batch, {STEPS} steps at rate {RATES[-1]:g}",
        table(["network", "logits", "gradients", "weights"], [in_float64(name) for name in NETWORKS]),
    ]


if __name__ == "__main__":
    main()
