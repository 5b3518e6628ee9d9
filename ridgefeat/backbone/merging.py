"""Batch normalisation merged into the convolution before it, with the statistics that the file keeps.

OpenCV does so itself; but only a convolution that stands alone can become a product (`ridgefeat.backbone.products`).
"""

from __future__ import annotations

from collections import Counter
from math import prod

import numpy as np

from ridgefeat.backbone.constants import settings, shape_of
from ridgefeat.backbone.onnx_file import Node, OnnxFile, with_graph
from ridgefeat.backbone.wire import fields, number, packed
from ridgefeat.backbone.writing import floats
from ridgefeat.errors import ModelError
from ridgefeat.structure import Float

_FLOAT32 = 1
_MOST_NAMES = 8


def without_norms(file: OnnxFile) -> bytes:
    """Return the file with each batch normalisation merged that alone takes what a convolution gives."""
    taken = Counter(tensor for node in file.nodes for tensor in node.inputs)
    taken.update(file.outputs)
    instead: dict[int, bytes] = {}
    # A weight that many convolutions share becomes a weight for each: no more of them than the file is large.
    left = len(file.data)
    for norm in file.nodes:
        conv = file.makers.get(norm.inputs[0]) if norm.inputs else None
        if norm.kind != "BatchNormalization" or conv is None or conv.kind != "Conv" or len(conv.inputs) < 2:
            continue
        alone = taken[norm.inputs[0]] == 1 and len(conv.outputs) == len(norm.outputs) == 1
        if not alone or conv.inputs[1] not in file.weights or conv.start in instead:
            continue
        size = 4 * prod(shape_of(file, conv.inputs[1]))
        if size <= left and (new := _merged(file, conv, norm)):
            left -= size
            instead |= {conv.start: new, norm.start: b""}
    if not instead:
        return file.data
    start, stop = file.graph
    kept = ((f.start, file.data[f.begin : f.stop]) for f in fields(file.data, start, stop))
    return with_graph(file.data, [instead.get(at, content) for at, content in kept])


def _merged(file: OnnxFile, conv: Node, norm: Node) -> bytes:
    """Return the fields of a graph that stand for both; none where they stay."""
    try:
        told = settings(file.data, norm)
        # Ancient files normalise each value of a map by itself, or by the images that come.
        if len(norm.inputs) != 5 or told.get("spatial", 1) != 1 or told.get("training_mode", 0):
            return b""
        kernel = _values(file, conv.inputs[1])
        bias = [t for t in conv.inputs[2:3] if t]
        shift = _values(file, bias[0]) if bias else np.zeros(len(kernel), np.float32)
        scale, offset, mean, variance = (_values(file, t).astype(np.float64) for t in norm.inputs[1:])
        if any(v.shape != (len(kernel),) for v in (shift, scale, offset, mean, variance)):
            return b""
        with np.errstate(all="ignore"):
            factor = scale / np.sqrt(variance + float(told.get("epsilon", 1e-5)))
            kernel = (kernel * factor.reshape(-1, *[1] * (kernel.ndim - 1))).astype(np.float32)
            shift = ((shift - mean) * factor + offset).astype(np.float32)
    # A damaged node stays as it is: OpenCV refuses it in the trial.
    except (ModelError, ValueError, TypeError, KeyError, IndexError):
        return b""
    if not (np.isfinite(kernel).all() and np.isfinite(shift).all()):
        return b""
    out = norm.outputs[0]
    names = f"{out}/ridgefeat/kernel", f"{out}/ridgefeat/shift"
    inputs = b"".join(packed(1, t.encode()) for t in (conv.inputs[0], *names))
    kept = b"".join(
        file.data[f.begin : f.stop] for f in fields(file.data, conv.start, conv.stop) if f.number not in (1, 2)
    )
    node = packed(1, inputs + packed(2, out.encode()) + kept)
    return node + floats(names[0], kernel) + floats(names[1], shift)


def _values(file: OnnxFile, weight: str) -> Float:
    """Return a weight of float32; `parse_onnx` has seen that it holds what its shape says."""
    # Exporters keep one of several equal weights, and name it again.
    for _ in range(_MOST_NAMES):
        if weight in file.weights or file.makers[weight].kind != "Identity":
            break
        weight = file.makers[weight].inputs[0]
    kind, raw, stored = 0, None, b""
    for f in fields(file.data, *file.weights[weight]):
        if f.number == 2:
            kind = number(f)
        elif f.number == 4:
            stored += file.data[f.start : f.stop]
        elif f.number == 9:
            raw = file.data[f.start : f.stop]
    if kind != _FLOAT32:
        raise ModelError(f"weight {weight!r} is no float32")
    return np.frombuffer(stored if raw is None else raw, "<f4").reshape(shape_of(file, weight))
