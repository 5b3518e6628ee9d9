"""Fields of an ONNX graph as bytes: nodes, their attributes, and weights."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np

from ridgefeat.backbone.onnx_file import OnnxFile
from ridgefeat.backbone.wire import encoded, fields, fixed_32, packed
from ridgefeat.structure import Float

_FLOAT32, _INT64 = 1, 7


def weight(file: OnnxFile, old: str, name: str, dims: Iterable[int]) -> bytes:
    """Return a weight under another name and in another shape."""
    kept = [file.data[f.begin : f.stop] for f in fields(file.data, *file.weights[old]) if f.number not in (1, 8)]
    shape = b"".join(encoded(1, d) for d in dims)
    return packed(5, shape + packed(8, name.encode()) + b"".join(kept))


def floats(name: str, values: Float) -> bytes:
    """Return numbers of float32 as a weight."""
    return _numbers(name, _FLOAT32, values.shape, np.ascontiguousarray(values, "<f4").tobytes())


def whole(name: str, values: list[int]) -> bytes:
    """Return whole numbers as a weight."""
    return _numbers(name, _INT64, [len(values)], struct.pack(f"<{len(values)}q", *values))


def _numbers(name: str, kind: int, dims: Iterable[int], raw: bytes) -> bytes:
    shape = b"".join(encoded(1, d) for d in dims)
    return packed(5, shape + encoded(2, kind) + packed(8, name.encode()) + packed(9, raw))


def node(kind: str, inputs: Iterable[str], output: str, attributes: bytes = b"") -> bytes:
    """Return an operation, named as what it gives."""
    taken = b"".join(packed(1, t.encode()) for t in inputs)
    told = packed(2, output.encode()) + packed(3, output.encode()) + packed(4, kind.encode())
    return packed(1, taken + told + attributes)


def attribute(name: str, value: float | list[int]) -> bytes:
    """Return an attribute: a float, a whole number, or whole numbers."""
    if isinstance(value, list):
        content = b"".join(encoded(8, v) for v in value) + encoded(20, 7)
    elif isinstance(value, int):
        content = encoded(3, value) + encoded(20, 2)
    else:
        content = fixed_32(2, struct.pack("<f", value)) + encoded(20, 1)
    return packed(5, packed(1, name.encode()) + content)
