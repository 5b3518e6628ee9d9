"""One ONNX node as one layer of `ridgefeat.nn`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ridgefeat.backbone.onnx_values import Graph
from ridgefeat.errors import ModelError
from ridgefeat.nn.convolution import Conv2D, Pads
from ridgefeat.nn.dense import ReLU
from ridgefeat.nn.grouped import GroupedConv2D
from ridgefeat.nn.layer import Array, Layer
from ridgefeat.nn.normalisation import BatchNorm


@dataclass(frozen=True)
class Part:
    """A layer with its weights, or a residual sum with the parts inside it; `channels` is what a convolution takes."""

    layer: Layer
    weights: dict[str, Array] = field(default_factory=dict)
    channels: int = 0
    inner: tuple[Part, ...] = ()


def read_layer(graph: Graph, node: Any, pad: Any = None) -> Part | None:
    """Return a node as a layer; None for one that does nothing outside training.

    Parameters
    ----------
    graph : Graph
    node : NodeProto
        Conv, BatchNormalization, Relu, Clip, Identity or Dropout.
    pad : NodeProto, optional
        The Pad before a convolution.

    Raises
    ------
    ModelError
        Where a setting is one that the layer has not.
    """
    if node.op_type == "Conv":
        return _convolution(graph, node, _padding(graph, pad) if pad is not None else (0, 0, 0, 0))
    if node.op_type == "BatchNormalization":
        return _batch_norm(graph, node)
    if node.op_type == "Relu":
        return Part(ReLU())
    if node.op_type == "Clip":
        return Part(ReLU(_upper_end(graph, node)))
    return None


def _convolution(graph: Graph, node: Any, around: tuple[int, int, int, int]) -> Part:
    settings = graph.attributes(node)
    weights = graph.value(node.input[1]).astype(np.float32)
    if weights.ndim != 4 or any(d != 1 for d in settings.get("dilations", [1])):
        raise _cannot(graph, node, f"kernels of shape {weights.shape}, dilations {settings.get('dilations')}")
    if settings.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise _cannot(graph, node, f"auto_pad {settings['auto_pad']!r}")
    filters, inside, rows, columns = weights.shape
    groups = int(settings.get("group", 1))
    # ONNX counts (top, left, bottom, right).
    own = [*settings.get("pads", [0, 0, 0, 0])]
    top, left, bottom, right = (int(a) + b for a, b in zip(own, around, strict=True))
    pads: Pads = (top, bottom), (left, right)
    stride = tuple(int(s) for s in settings.get("strides", [1, 1]))
    bias = graph.value(node.input[2]).astype(np.float32) if len(node.input) > 2 else np.zeros(filters, np.float32)
    kernel = weights.transpose(2, 3, 1, 0)
    sizes: dict[str, Any] = {"stride": stride, "padding": pads}
    if groups == 1:
        layer: Layer = Conv2D(filters, (rows, columns), **sizes)
    else:
        layer = GroupedConv2D(filters, (rows, columns), groups=groups, **sizes)
        kernel = kernel.reshape(rows, columns, inside, groups, -1).transpose(0, 1, 3, 2, 4)
    return Part(layer, {"kernel": kernel, "bias": bias}, channels=inside * groups)


def _batch_norm(graph: Graph, node: Any) -> Part:
    layer = BatchNorm(epsilon=float(graph.attributes(node).get("epsilon", 1e-5)))
    layer.frozen = True
    names = ("gamma", "beta", "mean", "variance")
    values = [graph.value(t).astype(np.float32) for t in node.input[1:5]]
    return Part(layer, dict(zip(names, values, strict=True)))


def _upper_end(graph: Graph, node: Any) -> float:
    """Return where a Clip from 0 ends; its ends are settings in old files and inputs in new ones."""
    ends = {k: v for k, v in graph.attributes(node).items() if k in ("min", "max")}
    for name, tensor in zip(("min", "max"), node.input[1:3], strict=False):
        if tensor:
            ends[name] = float(graph.value(tensor).reshape(-1)[0])
    if ends.get("min") != 0 or not 0 < ends.get("max", np.inf) < np.inf:
        raise _cannot(graph, node, f"ends {ends.get('min')} and {ends.get('max')}")
    return float(ends["max"])


def _padding(graph: Graph, node: Any) -> tuple[int, int, int, int]:
    """Return (top, left, bottom, right) zeros that a Pad puts around maps."""
    settings = graph.attributes(node)
    amounts = graph.value(node.input[1]).tolist() if len(node.input) > 1 else list(settings.get("pads", []))
    filled = graph.value(node.input[2]) if len(node.input) > 2 and node.input[2] else np.zeros(1)
    plain = settings.get("mode", b"constant") == b"constant" and not np.any(filled)
    if not plain or len(amounts) != 8 or any(amounts[k] for k in (0, 1, 4, 5)) or min(amounts) < 0:
        raise _cannot(graph, node, f"amounts {amounts}")
    return amounts[2], amounts[3], amounts[6], amounts[7]


def _cannot(graph: Graph, node: Any, what: str) -> ModelError:
    return ModelError(
        f"{graph.name}: {node.op_type} {node.name} has {what}, which ridgefeat.nn does not train; use frozen features"
    )
