"""A network in the operations that OpenCV runs fastest; the same numbers but for rounding.

OpenCV 5 multiplies matrices with MLAS, which uses all of a processor's vector units; its convolutions use half of
AVX-512's, and a Clip or a Pad between two of them costs a change of layout before and after. So batch normalisation
becomes part of the convolution before it (`ridgefeat.backbone.merging`), a convolution a product where that pays
(`ridgefeat.backbone.products`), a Clip from 0 the ReLU6 that OpenCV merges into the convolution before it, and a Pad
part of the convolution after it. What comes out is tried beside the original before it is used
(`ridgefeat.backbone.trial`).
"""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np

from ridgefeat.backbone.constants import constant, settings
from ridgefeat.backbone.merging import without_norms
from ridgefeat.backbone.onnx_file import Node, OnnxFile, parse_onnx, with_graph
from ridgefeat.backbone.products import MOST_PADDING, as_product
from ridgefeat.backbone.wire import Field, fields, packed
from ridgefeat.backbone.writing import attribute, node
from ridgefeat.errors import ModelError

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
    if any(n.nested for n in file.nodes):
        return None
    part = without_norms(file)
    file = parse_onnx(part)
    # What batch normalisation is left OpenCV may merge into a convolution, and into a product not.
    normed = {n.inputs[0] for n in file.nodes if n.kind == "BatchNormalization" and n.inputs}
    ours = [n for n in file.nodes if n.outputs and n.outputs[0] not in normed]
    found = {n.start: new for n in ours if (new := _instead(file, n))}
    if not found:
        return None
    start, stop = file.graph
    graph = [found.get(f.start) or part[f.begin : f.stop] for f in fields(part, start, stop)]
    # Cut again: what only replaced nodes took stays behind.
    return parse_onnx(with_graph(part, graph)).cut(*file.outputs)


def _instead(file: OnnxFile, old: Node) -> bytes:
    """Return the fields of a graph that stand for a node; none where it stays."""
    try:
        if old.kind == "Conv":
            return _convolution(file, old)
        if old.kind == "Clip":
            return _relu6(file, old)
    # A damaged node stays as it is: OpenCV refuses it in the trial.
    except (ModelError, ValueError, TypeError, IndexError, KeyError, AttributeError):
        pass
    return b""


def _convolution(file: OnnxFile, conv: Node) -> bytes:
    """Return a convolution as a product where that is faster, else with the padding before it as its own."""
    if len(conv.inputs) < 2 or conv.inputs[1] not in file.weights:
        return b""
    told = settings(file.data, conv)
    if told.get("auto_pad", b"") not in _AS_THEY_ARE:
        return b""
    before = file.makers.get(conv.inputs[0])
    around = _padding(file, before) if before is not None and before.kind == "Pad" else None
    if before is None or around is None:
        return as_product(file, conv, told)
    own = told.get("pads") or [0, 0, 0, 0]
    pads = [a + b for a, b in zip(own, around, strict=True)]
    taken = before.inputs[0]
    return as_product(file, conv, told, taken, pads) or _padded(file, conv, taken, pads)


def _padded(file: OnnxFile, conv: Node, taken: str, pads: list[int]) -> bytes:
    """Return a convolution of another tensor, with this padding."""
    kept = [
        file.data[f.begin : f.stop]
        for f in fields(file.data, conv.start, conv.stop)
        if not (f.number == 1 or (f.number == 5 and _attribute_name(file.data, f) in (b"pads", b"auto_pad")))
    ]
    inputs = b"".join(packed(1, tensor.encode()) for tensor in (taken, *conv.inputs[1:]))
    return packed(1, inputs + b"".join(kept) + attribute("pads", pads))


def _padding(file: OnnxFile, pad: Node) -> list[int] | None:
    """Return the zeros that a Pad puts around maps: top, left, bottom, right."""
    told = settings(file.data, pad)
    amounts = constant(file, pad.inputs[1]) if len(pad.inputs) > 1 else np.array(told.get("pads", []))
    filled = constant(file, pad.inputs[2]) if len(pad.inputs) > 2 and pad.inputs[2] else np.zeros(1)
    if len(pad.inputs) > 3 or told.get("mode", b"constant") != b"constant" or told.get("value", 0):
        return None
    if filled is None or np.any(filled) or amounts is None or amounts.shape != (8,):
        return None
    if amounts.min() < 0 or amounts.max() > MOST_PADDING or amounts[[0, 1, 4, 5]].any():
        return None
    return [int(a) for a in amounts[[2, 3, 6, 7]]]


def _relu6(file: OnnxFile, clip: Node) -> bytes:
    """Return a Clip from 0 to a number as OpenCV's own layer."""
    ends = {k: v for k, v in settings(file.data, clip).items() if k in ("min", "max")}
    for name, tensor in zip(("min", "max"), clip.inputs[1:3], strict=False):
        value = constant(file, tensor) if tensor else None
        if value is not None and value.size == 1:
            ends[name] = float(value.reshape(-1)[0])
        elif tensor:
            return b""
    low, high = ends.get("min"), ends.get("max", math.inf)
    if low != 0 or not 0 < high < math.inf:
        return b""
    sides = attribute("min_value", 0.0) + attribute("max_value", high)
    return node("ReLU6", clip.inputs[:1], clip.outputs[0], sides)


def _attribute_name(data: bytes, attribute: Field) -> bytes:
    found = [data[f.start : f.stop] for f in fields(data, attribute.start, attribute.stop) if f.number == 1]
    return found[0] if found else b""
