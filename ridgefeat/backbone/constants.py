"""Values in an ONNX file that do not depend on the image: single numbers, and the amounts of padding.

Read and computed without a further library, and only what is small: nothing here becomes large memory.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.backbone.onnx_file import Node, OnnxFile
from ridgefeat.backbone.wire import BYTES, FIXED_32, FIXED_64, VARINT, Field, fields, number, numbers
from ridgefeat.errors import ModelError

MOST_BYTES = 1024
"""Of a constant's message."""
MOST_DEPTH = 64
_DAMAGED = (ValueError, IndexError, TypeError, KeyError, AttributeError, OverflowError, MemoryError)
_KINDS: dict[int, type[np.generic]] = {1: np.float32, 6: np.int32, 7: np.int64}
_ARITHMETIC: dict[str, np.ufunc] = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply}
_Values = NDArray[Any]


def constant(file: OnnxFile, tensor: str) -> _Values | None:
    """Return a small constant's value; None where a tensor is large, depends on the image, or is made otherwise."""
    return _value(file, tensor, {}, 0)


def _value(file: OnnxFile, tensor: str, known: dict[str, _Values | None], depth: int) -> _Values | None:
    # Each tensor once: where every node takes the one before twice, the ways through them double each time.
    if tensor not in known:
        known[tensor] = None
        known[tensor] = _found(file, tensor, known, depth)
    return known[tensor]


def _found(file: OnnxFile, tensor: str, known: dict[str, _Values | None], depth: int) -> _Values | None:
    if tensor in file.weights:
        return _tensor(file.data, *file.weights[tensor])
    node = file.makers.get(tensor)
    if node is None or node.nested or depth > MOST_DEPTH:
        return None
    given: list[_Values | None] = []
    for name in node.inputs:
        given.append(_value(file, name, known, depth + 1) if name else None)
        if name and given[-1] is None:
            return None
    try:
        return _made(node.kind, given, settings(file.data, node))
    except _DAMAGED:
        return None


def settings(data: bytes, node: Node) -> dict[str, Any]:
    """Return a node's attributes: a float, a whole number, whole numbers, a text's bytes, or a small tensor."""
    found: dict[str, Any] = {}
    for outer in fields(data, node.start, node.stop):
        if outer.number != 5 or outer.kind != BYTES:
            continue
        name, many = b"", []
        value: Any = None
        for f in fields(data, outer.start, outer.stop):
            if f.number == 1:
                name = data[f.start : f.stop]
            elif f.number == 2 and f.kind == FIXED_32:
                value = _floats(data, f)[0]
            elif f.number == 3:
                value = number(f)
            elif f.number == 4:
                value = data[f.start : f.stop]
            elif f.number == 5 and f.kind == BYTES:
                value = _tensor(data, f.start, f.stop)
            elif f.number == 8:
                many += numbers(data, f, 64)
        found[name.decode("utf-8", "replace")] = many if value is None else value
    return found


def shape_of(file: OnnxFile, weight: str) -> list[int]:
    """Return a weight's shape."""
    data = file.data
    return [d for f in fields(data, *file.weights[weight]) if f.number == 1 for d in numbers(data, f, 64)]


def _tensor(data: bytes, start: int, stop: int) -> _Values | None:
    """Return a small tensor of floats or whole numbers."""
    if stop - start > MOST_BYTES:
        return None
    dims: list[int] = []
    kind, stored, raw = 0, [], b""
    for f in fields(data, start, stop):
        if f.number == 1:
            dims += numbers(data, f, 64)
        elif f.number == 2:
            kind = number(f)
        elif f.number == 4:
            stored += _floats(data, f)
        elif f.number in (5, 7) and f.kind in (VARINT, BYTES):
            stored += numbers(data, f, MOST_BYTES)
        elif f.number == 9:
            raw = data[f.start : f.stop]
    if kind not in _KINDS:
        return None
    dtype = np.dtype(_KINDS[kind]).newbyteorder("<")
    try:
        values = np.frombuffer(raw, dtype) if raw else np.array(stored, dtype)
        return values.reshape(dims).astype(_KINDS[kind])
    except (ValueError, OverflowError):
        return None


def _floats(data: bytes, f: Field) -> list[float]:
    if f.kind == FIXED_64 or (f.stop - f.start) % 4:
        raise ModelError(f"the field at byte {f.begin} should be floats")
    return list(struct.unpack(f"<{(f.stop - f.start) // 4}f", data[f.start : f.stop]))


def _made(kind: str, given: list[_Values | None], told: dict[str, Any]) -> _Values | None:
    """Return what an operation makes of small constants."""
    if kind == "Constant":
        return told.get("value")
    x = given[0]
    if x is None:
        return None
    if kind == "ConstantOfShape":
        filled = told.get("value", np.zeros(1, np.float32))
        return np.full(x.tolist(), filled[0]) if np.prod(x.astype(float)) <= MOST_BYTES else None
    if kind == "Concat":
        parts = [g for g in given if g is not None]
        return np.concatenate(parts, told["axis"]) if sum(p.size for p in parts) <= MOST_BYTES else None
    if kind in _ARITHMETIC and given[1] is not None:
        # Each may be broadcast over the other.
        return _ARITHMETIC[kind](x, given[1]) if x.size * given[1].size <= MOST_BYTES else None
    if kind == "Identity":
        return x
    if kind == "Shape":
        return np.array(x.shape, np.int64)
    if kind == "Gather" and given[1] is not None and x.size * given[1].size <= MOST_BYTES:
        return np.take(x, given[1], axis=told.get("axis", 0))
    if kind == "Cast":
        return x.astype(_KINDS[told["to"]])
    if kind == "Transpose":
        return x.transpose(told["perm"])
    if kind == "Reshape" and given[1] is not None and 0 not in given[1]:
        return x.reshape(given[1].tolist())
    if kind == "Slice":
        return _sliced(x, [g.tolist() for g in given[1:] if g is not None])
    return None


def _sliced(x: _Values, told: list[list[int]]) -> _Values:
    """Return a slice as ONNX has it: starts, stops, axes, steps."""
    starts, stops = told[:2]
    axes = told[2] if len(told) > 2 else list(range(len(starts)))
    steps = told[3] if len(told) > 3 else [1] * len(starts)
    where: list[slice] = [slice(None)] * x.ndim
    for start, stop, axis, step in zip(starts, stops, axes, steps, strict=True):
        size = x.shape[axis]
        # Backwards past the first value, Python wants None where ONNX has a very negative number.
        past = step < 0 and stop < -size
        where[axis] = slice(start, None if past else stop, step)
    return x[tuple(where)]
