"""A network in the operations that OpenCV runs fastest; the same numbers but for rounding.

OpenCV 5 multiplies matrices with MLAS, which uses all of a processor's vector units; its convolutions use half of
AVX-512's, and a Clip or a Pad between two of them costs a change of layout before and after. So a convolution of 1 x 1
becomes a product, a Clip from 0 the ReLU6 that OpenCV merges into the convolution before it, and a Pad part of the
convolution after it. What comes out is tried beside the original before it is used (`ridgefeat.backbone.trial`).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from ridgefeat.backbone.constants import constant, settings, shape_of
from ridgefeat.backbone.onnx_file import Node, OnnxFile, parse_onnx, with_graph
from ridgefeat.backbone.wire import Field, encoded, fields, fixed_32, packed
from ridgefeat.errors import ModelError

LEAST_WEIGHTS = 4000
"""Weights of a convolution from which the product is faster, its changes of layout included."""

MOST_PADDING = 1024

_INT64 = 7
_AS_THEY_ARE = (b"", b"NOTSET", b"VALID")


@lru_cache(maxsize=1)
def products_are_faster() -> bool:
    """Whether this OpenCV multiplies matrices with MLAS; without, its convolutions are the faster ones."""
    return any("MLAS" in line and "YES" in line for line in cv2.getBuildInformation().splitlines())


def quicker(part: bytes) -> bytes | None:
    """Return an ONNX file that gives the same, to be run by OpenCV alone; None where there is nothing to gain.

    Parameters
    ----------
    part : bytes
        An ONNX file, as `OnnxFile.cut` returns it.

    Raises
    ------
    ModelError
        Where it cannot be read.
    """
    if not products_are_faster():
        return None
    file = parse_onnx(part)
    if any(node.nested for node in file.nodes):
        return None
    # OpenCV merges batch normalisation into a convolution, and into a product not.
    normed = {node.inputs[0] for node in file.nodes if node.kind == "BatchNormalization" and node.inputs}
    ours = [node for node in file.nodes if node.outputs and node.outputs[0] not in normed]
    found = {node.start: new for node in ours if (new := _instead(file, node))}
    if not found:
        return None
    start, stop = file.graph
    graph = [found.get(f.start) or part[f.begin : f.stop] for f in fields(part, start, stop)]
    # Cut again: what only replaced nodes took stays behind.
    return parse_onnx(with_graph(part, graph)).cut(*file.outputs)


def _instead(file: OnnxFile, node: Node) -> bytes:
    """Return the fields of a graph that stand for a node; none where it stays."""
    try:
        if node.kind == "Conv":
            return _convolution(file, node)
        if node.kind == "Clip":
            return _relu6(file, node)
    # A damaged node stays as it is: OpenCV refuses it in the trial.
    except (ModelError, ValueError, TypeError, IndexError, KeyError, AttributeError):
        pass
    return b""


def _convolution(file: OnnxFile, node: Node) -> bytes:
    """Return a convolution with the padding before it as its own; one of 1 x 1 as a product."""
    if len(node.inputs) < 2 or node.inputs[1] not in file.weights:
        return b""
    told = settings(file.data, node)
    before = file.makers.get(node.inputs[0])
    around = _padding(file, before) if before is not None and before.kind == "Pad" else None
    if told.get("auto_pad", b"") not in _AS_THEY_ARE:
        return b""
    if before is None or around is None:
        return _product(file, node, told)
    own = told.get("pads") or [0, 0, 0, 0]
    pads = [a + b for a, b in zip(own, around, strict=True)]
    kept = [
        file.data[f.begin : f.stop]
        for f in fields(file.data, node.start, node.stop)
        if not (f.number == 1 or (f.number == 5 and _attribute_name(file.data, f) in (b"pads", b"auto_pad")))
    ]
    taken = [before.inputs[0], *node.inputs[1:]]
    return packed(
        1, b"".join(packed(1, t.encode()) for t in taken) + b"".join(kept) + _attribute("pads", pads)
    )


def _padding(file: OnnxFile, node: Node) -> list[int] | None:
    """Return the zeros that a Pad puts around maps: top, left, bottom, right."""
    told = settings(file.data, node)
    amounts = constant(file, node.inputs[1]) if len(node.inputs) > 1 else np.array(told.get("pads", []))
    filled = constant(file, node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] else np.zeros(1)
    if len(node.inputs) > 3 or told.get("mode", b"constant") != b"constant" or told.get("value", 0):
        return None
    if filled is None or np.any(filled) or amounts is None or amounts.shape != (8,):
        return None
    if amounts.min() < 0 or amounts.max() > MOST_PADDING or amounts[[0, 1, 4, 5]].any():
        return None
    return [int(a) for a in amounts[[2, 3, 6, 7]]]


def _product(file: OnnxFile, node: Node, told: dict[str, Any]) -> bytes:
    """Return a convolution of 1 x 1 as a product of its weights with the maps, each map a row."""
    dims = shape_of(file, node.inputs[1])
    large = len(dims) == 4 and dims[2:] == [1, 1] and dims[0] * dims[1] >= LEAST_WEIGHTS
    if not large or told.get("group", 1) != 1 or any(told.get("pads", ())):
        return b""
    biased = len(node.inputs) > 2 and node.inputs[2] != ""
    if biased and node.inputs[2] not in file.weights:
        return b""
    taken, out = node.inputs[0], node.outputs[0]
    new = [
        f"{out}/ridgefeat/{name}" for name in ("every", "shape", "sides", "size", "rows", "product", "sum")
    ]
    every, shape, sides, size, rows, product, total = new
    made = []
    if any(s != 1 for s in told.get("strides", ())):
        steps = _attribute("strides", told["strides"]) + _attribute("kernel_shape", [1, 1])
        made.append(_node("MaxPool", [taken], every, steps))
        taken = every
    made += [
        *(_whole(f"{sides}/from", [2]), _whole(f"{sides}/to", [4]), _whole(f"{size}/kept", [0, 0])),
        *(_whole(f"{rows}/size", [0, 0, -1]), _weight(file, node.inputs[1], f"{product}/w", dims[:2])),
        _node("Shape", [taken], shape),
        _node("Slice", [shape, f"{sides}/from", f"{sides}/to"], sides),
        _node("Concat", [f"{size}/kept", sides], size, _attribute("axis", 0)),
        _node("Reshape", [taken, f"{rows}/size"], rows),
        _node("MatMul", [f"{product}/w", rows], product),
    ]
    if biased:
        made.append(_weight(file, node.inputs[2], f"{total}/b", [dims[0], 1]))
        made.append(_node("Add", [product, f"{total}/b"], total))
    made.append(_node("Reshape", [total if biased else product, size], out))
    return b"".join(made)


def _relu6(file: OnnxFile, node: Node) -> bytes:
    """Return a Clip from 0 to a number as OpenCV's own layer."""
    ends = {k: v for k, v in settings(file.data, node).items() if k in ("min", "max")}
    for name, tensor in zip(("min", "max"), node.inputs[1:3], strict=False):
        value = constant(file, tensor) if tensor else None
        if value is not None and value.size == 1:
            ends[name] = float(value.reshape(-1)[0])
        elif tensor:
            return b""
    low, high = ends.get("min"), ends.get("max", math.inf)
    if low != 0 or not 0 < high < math.inf:
        return b""
    sides = _attribute("min_value", 0.0) + _attribute("max_value", high)
    return _node("ReLU6", node.inputs[:1], node.outputs[0], sides)


def _attribute_name(data: bytes, attribute: Field) -> bytes:
    found = [data[f.start : f.stop] for f in fields(data, attribute.start, attribute.stop) if f.number == 1]
    return found[0] if found else b""


def _weight(file: OnnxFile, weight: str, name: str, dims: Iterable[int]) -> bytes:
    """Return a weight under another name and in another shape."""
    kept = [
        file.data[f.begin : f.stop]
        for f in fields(file.data, *file.weights[weight])
        if f.number not in (1, 8)
    ]
    shape = b"".join(encoded(1, d) for d in dims)
    return packed(5, shape + packed(8, name.encode()) + b"".join(kept))


def _whole(name: str, values: list[int]) -> bytes:
    """Return whole numbers as a weight."""
    raw = struct.pack(f"<{len(values)}q", *values)
    return packed(5, encoded(1, len(values)) + encoded(2, _INT64) + packed(8, name.encode()) + packed(9, raw))


def _node(kind: str, inputs: Iterable[str], output: str, attributes: bytes = b"") -> bytes:
    taken = b"".join(packed(1, t.encode()) for t in inputs)
    told = packed(2, output.encode()) + packed(3, output.encode()) + packed(4, kind.encode())
    return packed(1, taken + told + attributes)


def _attribute(name: str, value: float | list[int]) -> bytes:
    """Return an attribute: a float, a whole number, or whole numbers."""
    if isinstance(value, list):
        content = b"".join(encoded(8, v) for v in value) + encoded(20, 7)
    elif isinstance(value, int):
        content = encoded(3, value) + encoded(20, 2)
    else:
        content = fixed_32(2, struct.pack("<f", value)) + encoded(20, 1)
    return packed(5, packed(1, name.encode()) + content)
