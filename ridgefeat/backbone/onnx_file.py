"""What an ONNX file holds, read from its bytes before OpenCV sees them; and the part of it that ends at one tensor.

ONNX is a protobuf message. Four of its parts matter here (nodes, inputs, outputs, weights), and these are read without
a further library, each length checked against what is there: a claimed size never becomes memory.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from math import prod
from pathlib import Path

from ridgefeat.backbone.wire import Field, fields, header, number, numbers, packed, text
from ridgefeat.errors import ModelError
from ridgefeat.files import read_bounded

MOST_BYTES = 1 << 30
"""Largest file that is read; a ResNet-152 has 240 MB."""
MOST_NODES = 100_000
MOST_DEPTH = 8

# TensorProto.DataType: bytes of a value as raw data.
_ITEM_BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
# Of these, those of 16, 32 and 64 bits with a fraction.
_FLOATS = {1, 10, 11, 16}
_EXTERNAL = 1
# What only changes the shape of a vector.
_RESHAPING = {"Flatten", "Reshape", "Squeeze", "Dropout", "Identity"}
_PRODUCTS = {"Gemm", "MatMul"}


@dataclass(frozen=True)
class Node:
    """One operation: its name, kind, and the tensors that it takes and gives."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    start: int
    stop: int
    nested: bool


@dataclass(frozen=True)
class OnnxFile:
    """An image network.

    Attributes
    ----------
    name : str
        Of the file, for messages.
    data : bytes
    nodes : tuple of Node
    weights : mapping of str to (start, stop)
        Where each weight tensor lies in `data`.
    input_name : str
    input_shape : tuple of int or None
        (n, channels, rows, columns), or (n, rows, columns, channels); None where any size is taken.
    outputs : tuple of str
    """

    name: str
    data: bytes = field(repr=False)
    nodes: tuple[Node, ...] = field(repr=False)
    weights: dict[str, tuple[int, int]] = field(repr=False)
    input_name: str
    input_shape: tuple[int | None, ...]
    outputs: tuple[str, ...]
    graph: tuple[int, int]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def makers(self) -> dict[str, Node]:
        """The node that gives each tensor."""
        return {out: node for node in self.nodes for out in node.outputs if out}

    @property
    def channels_last(self) -> bool:
        """Whether images go in as (rows, columns, channels), as in files that come from Keras."""
        return self.input_shape[1] not in (1, 3) and self.input_shape[3] in (1, 3)

    @property
    def channels(self) -> int:
        """How many channels an image has."""
        found = self.input_shape[3 if self.channels_last else 1]
        return 3 if found is None else found

    @property
    def size(self) -> tuple[int | None, int | None]:
        """Rows and columns that the network takes; None for any."""
        rows, columns = self.input_shape[1:3] if self.channels_last else self.input_shape[2:4]
        return rows, columns

    # ---- tensors by name

    def find(self, layer: str) -> str:
        """Return the tensor that a layer gives, by the name of the node or of the tensor itself.

        Raises
        ------
        ModelError
            Where there is none; the message names the nearest.
        """
        if layer in self.makers:
            return layer
        for node in self.nodes:
            if node.name == layer and node.outputs:
                return node.outputs[0]
        known = self.layers()
        near = get_close_matches(layer, known, 3, 0.3) or known[-3:]
        raise ModelError(
            f"{self.name} has no layer {layer!r}; near it: {', '.join(near)} "
            f"(ridgefeat.backbone.layers lists all {len(known)})"
        )

    def layers(self) -> list[str]:
        """Return the layers' names in order: the node's name, or its first tensor's where it has none."""
        return [node.name or node.outputs[0] for node in self.nodes if node.outputs and node.kind != "Constant"]

    def embedding(self) -> str:
        """Return the tensor that the last dense layer takes, before it was flattened: what a classifier stands on.

        The network's first output where there is no dense layer.
        """
        tensor = self.outputs[0]
        seen = set()
        while tensor in self.makers and tensor not in seen:
            seen.add(tensor)
            node = self.makers[tensor]
            inner = [t for t in node.inputs if t not in self.weights and t]
            if not inner:
                break
            if node.kind in _PRODUCTS:
                return self.unflattened(inner[0])
            tensor = inner[0]
        return self.outputs[0]

    def unflattened(self, tensor: str) -> str:
        """Return the tensor before reshaping and dropout."""
        while tensor in self.makers and self.makers[tensor].kind in _RESHAPING:
            before = self.makers[tensor].inputs[0]
            if before not in self.makers:
                break
            tensor = before
        return tensor

    def ancestors(self, tensor: str) -> set[str]:
        """Return the tensors that a tensor is made of, itself included."""
        found, open_ = set(), [tensor]
        while open_:
            name = open_.pop()
            if name in found:
                continue
            found.add(name)
            if name in self.makers:
                open_ += self.makers[name].inputs
        return found

    def cut(self, *tensors: str) -> bytes:
        """Return an ONNX file of the part that ends at some tensors."""
        needed = set().union(*map(self.ancestors, tensors))
        if any(node.nested for node in self.nodes):  # a nested graph takes tensors that are not listed
            needed |= {*self.weights, *self.makers}
        parts = []
        start, stop = self.graph
        for f in fields(self.data, start, stop):
            if f.number == 12 or f.number == 13:
                continue
            if f.number == 1 and not needed.intersection(_names(self.data, f, 2)):
                continue
            if f.number == 5 and not needed.intersection(_names(self.data, f, 8)):
                continue
            parts.append(self.data[f.begin : f.stop])
        # A ValueInfoProto: the tensor's name, float32, of whatever shape.
        shape = packed(2, b"")
        kind = packed(2, packed(1, b"\x08\x01" + shape))
        outputs = [packed(12, packed(1, tensor.encode()) + kind) for tensor in tensors]
        return with_graph(self.data, [*parts, *outputs])


def with_graph(data: bytes, graph: list[bytes]) -> bytes:
    """Return an ONNX file with the fields of another graph."""
    parts = []
    for f in fields(data, 0, len(data)):
        parts += [header(7, sum(map(len, graph))), *graph] if f.number == 7 else [data[f.begin : f.stop]]
    return b"".join(parts)


def read_onnx(path: str | os.PathLike[str]) -> OnnxFile:
    """Read an ONNX file.

    Raises
    ------
    ModelError
        Where it is missing, too large, no ONNX network, damaged, no network of images, or keeps weights in other files.
    """
    path = Path(path)
    return parse_onnx(read_bounded(path, MOST_BYTES, ModelError, "network"), str(path))


def parse_onnx(data: bytes, name: str = "the network") -> OnnxFile:
    """Read the bytes of an ONNX file; see `read_onnx`."""
    try:
        return _parse(data, name)
    except ModelError as error:
        raise ModelError(f"{name} is no ONNX network that can be used: {error}") from None


def _parse(data: bytes, name: str) -> OnnxFile:
    graphs = [f for f in fields(data, 0, len(data)) if f.number == 7 and f.kind == 2]
    if len(graphs) != 1:
        raise ModelError(f"it holds {len(graphs)} graphs where one should be")
    graph = graphs[0]
    nodes: list[Node] = []
    weights: dict[str, tuple[int, int]] = {}
    inputs, outputs = [], []
    kinds: dict[str, int] = {}
    for f in fields(data, graph.start, graph.stop):
        if f.kind != 2:
            continue
        if f.number == 1:
            nodes.append(_node(data, f))
            if len(nodes) > MOST_NODES:
                raise ModelError(f"it has more than {MOST_NODES:,} nodes")
        elif f.number == 5:
            weights[_check_tensor(data, f)] = f.start, f.stop
        elif f.number == 15:
            raise ModelError("its weights are sparse, which OpenCV does not read")
        elif f.number == 11:
            inputs.append(_value(data, f))
            kinds[inputs[-1][0]] = _value_kind(data, f)
        elif f.number == 12:
            outputs.append(_value(data, f)[0])
    fed = [(n, shape) for n, shape in inputs if n not in weights]
    if not nodes or not outputs:
        raise ModelError(f"it has {len(nodes)} nodes and {len(outputs)} outputs")
    if len(fed) != 1 or len(fed[0][1]) != 4:
        told = "; ".join(f"{n} {shape}" for n, shape in fed[:4]) or "none"
        raise ModelError(f"an image network has one input of four dimensions; this one's: {told}")
    shape = fed[0][1]
    if kinds[fed[0][0]] not in _FLOATS:
        raise ModelError(f"its input takes no numbers with a fraction, but type {kinds[fed[0][0]]}: no images")
    if not {1, 3, None}.intersection((shape[1], shape[3])):
        raise ModelError(f"its input has shape {shape}: neither 1 nor 3 channels")
    return OnnxFile(name, data, tuple(nodes), weights, fed[0][0], shape, tuple(outputs), (graph.start, graph.stop))


def _names(data: bytes, message: Field, wanted: int) -> Iterable[str]:
    return [text(data, f) for f in fields(data, message.start, message.stop) if f.number == wanted and f.kind == 2]


def _node(data: bytes, message: Field, depth: int = 0) -> Node:
    inputs, outputs, name, kind, nested = [], [], "", "", False
    for f in fields(data, message.start, message.stop):
        if f.kind != 2:
            continue
        if f.number == 1:
            inputs.append(text(data, f))
        elif f.number == 2:
            outputs.append(text(data, f))
        elif f.number == 3:
            name = text(data, f)
        elif f.number == 4:
            kind = text(data, f)
        elif f.number == 5:
            nested |= _check_attribute(data, f, depth)
    return Node(name, kind, tuple(inputs), tuple(outputs), message.start, message.stop, nested)


def _check_attribute(data: bytes, message: Field, depth: int) -> bool:
    """Check the tensors in a node's attribute; return whether it holds a graph."""
    nested = False
    for f in fields(data, message.start, message.stop):
        if f.kind == 2 and f.number in (5, 10):
            _check_tensor(data, f)
        elif f.kind == 2 and f.number in (6, 11):
            nested = True
            if depth == MOST_DEPTH:
                raise ModelError(f"its graphs are nested more than {MOST_DEPTH} deep")
            for inner in fields(data, f.start, f.stop):
                if inner.kind == 2 and inner.number == 1:
                    _node(data, inner, depth + 1)
                elif inner.kind == 2 and inner.number == 5:
                    _check_tensor(data, inner)
    return nested


def _check_tensor(data: bytes, message: Field) -> str:
    """Return a tensor's name; refuse one whose values are elsewhere, or not as many as its shape says."""
    name, kind, dims, raw, stored = "", 0, [], None, 0
    for f in fields(data, message.start, message.stop):
        if f.number == 1:
            dims += numbers(data, f, 64)
        elif f.number == 2:
            kind = number(f)
        elif f.number == 8:
            name = text(data, f)
        elif f.number == 9:
            raw = f.stop - f.start
        elif f.number == 13 or (f.number == 14 and number(f) == _EXTERNAL):
            raise ModelError("its weights lie in other files, which are not read; save it as one file")
        elif f.number == 4 or f.number == 10:  # float_data, double_data: of fixed size
            stored += (f.stop - f.start) // (4 if f.number == 4 else 8)
        elif f.number in (5, 7, 11):  # int32_data, int64_data, uint64_data: each ends with a byte below 128
            stored += 1 if f.kind == 0 else sum(b < 128 for b in data[f.start : f.stop])
    if kind not in _ITEM_BYTES:
        raise ModelError(f"weight {name[:80]!r} has the unknown type {kind}")
    if any(d < 0 or d >= 1 << 31 for d in dims):
        raise ModelError(f"weight {name[:80]!r} has the impossible shape {dims}")
    count = prod(dims)
    found = stored if raw is None else raw / _ITEM_BYTES[kind]
    if count != found:
        raise ModelError(f"weight {name[:80]!r} of shape {dims} holds {found:g} values instead of {count}")
    return name


def _value(data: bytes, message: Field) -> tuple[str, tuple[int | None, ...]]:
    """Return name and shape of an input or output (ValueInfoProto)."""
    name, shape = "", []
    for f in fields(data, message.start, message.stop):
        if f.number == 1 and f.kind == 2:
            name = text(data, f)
        elif f.number == 2 and f.kind == 2:
            for dim in _inside(data, f, 1, 2, 1):
                sizes = [number(g) for g in fields(data, dim.start, dim.stop) if g.number == 1]
                shape.append(sizes[0] if sizes and 0 < sizes[0] < 1 << 20 else None)
    return name, tuple(shape)


def _value_kind(data: bytes, message: Field) -> int:
    """Return the type of an input's values, as `_FLOATS`; that of floats where none is told."""
    told = [
        number(f) for kind in _inside(data, message, 2, 1) for f in fields(data, kind.start, kind.stop) if f.number == 1
    ]
    return told[0] if told else 1


def _inside(data: bytes, message: Field, *path: int) -> list[Field]:
    """Return the messages that lie at a path of field numbers."""
    found = [message]
    for wanted in path:
        found = [f for m in found for f in fields(data, m.start, m.stop) if f.number == wanted and f.kind == 2]
    return found
