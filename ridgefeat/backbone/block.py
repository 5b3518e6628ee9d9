"""The last block of an ONNX network as layers of `ridgefeat.nn`, with the file's weights: to be trained further."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from ridgefeat.backbone.layer_reader import Part, read_layer
from ridgefeat.backbone.onnx_file import OnnxFile, read_onnx
from ridgefeat.backbone.onnx_values import Graph
from ridgefeat.errors import ModelError
from ridgefeat.nn.dense import Residual
from ridgefeat.nn.layer import Layer

CONVOLUTIONS = 3
"""Convolutions of the last block of a network without residual sums."""
_POOLS = ("GlobalAveragePool", "ReduceMean")
_ACTIVATIONS = ("Relu", "Clip", "Identity", "Dropout")
_WALKED = (*_ACTIVATIONS, "Conv", "Pad", "BatchNormalization")


@dataclass(frozen=True)
class Block:
    """A network's last block, between two of its tensors.

    Attributes
    ----------
    start : str
        Tensor that goes in: maps of (channels, rows, columns) in the file.
    stop : str
        Tensor that comes out and is pooled.
    channels : int
        Of what goes in.
    parts : tuple of (Layer, dict of str to ndarray)
        Layers in order, each with its weights; a Residual holds those of its inner parts.
    """

    start: str
    stop: str
    channels: int
    parts: tuple[Part, ...]

    @property
    def layers(self) -> list[Layer]:
        """The layers, for a `ridgefeat.nn.Sequential`, which builds them; `load` then gives them their weights."""
        return [part.layer for part in self.parts]

    def load(self) -> None:
        """Copy the file's weights into the layers.

        Raises
        ------
        ModelError
            Where the layers were built for maps of other channels.
        """
        for part in _flat(self.parts):
            for name, array in part.weights.items():
                own = part.layer.params if name in part.layer.params else part.layer.state
                if own[name].shape != array.shape:
                    raise ModelError(
                        f"{part.layer.name} takes {name} of shape {own[name].shape}, the file has {array.shape}"
                    )
                own[name][...] = array


def read_block(path: str | os.PathLike[str], start: str | None = None) -> Block:
    """Read the last block of a network.

    Without `start` it is the last residual block: what the last sum adds up, where the sum stands right before the
    global average pooling; otherwise all that comes after the last sum. In a network without sums it is the last
    three convolutions.

    Batch normalisation keeps the file's mean and variance in training too, and only its scale and shift are learned.
    Many exporters have merged it into the convolutions; then there is nothing to keep.

    Parameters
    ----------
    path : path
    start : str, optional
        The layer after which the block begins, instead.

    Returns
    -------
    Block

    Raises
    ------
    ModelError
        Where the file cannot be used, the package `onnx` is missing, or the block holds what `ridgefeat.nn` has not.
    """
    file = read_onnx(path)
    stop = _before_pooling(file)
    walk = _Walk(file, Graph(file))
    begin = walk.last_block(stop) if start is None else file.find(start)
    parts = walk.parts(begin, stop)
    first = next((p for p in _flat(parts) if p.channels), None)
    if first is None:
        raise ModelError(f"{file.name} has no convolution between {begin} and its pooling; name an earlier layer")
    return Block(begin, stop, first.channels, tuple(parts))


def _before_pooling(file: OnnxFile) -> str:
    """Return the tensor that the global average pooling takes."""
    tensor = file.embedding()
    node = file.makers.get(tensor)
    if node is None or node.kind not in _POOLS:
        raise ModelError(
            f"{file.name} has no global average pooling before its last dense layer ({tensor!r} comes from "
            f"{node.kind if node else 'nothing'}): its last block cannot be trained, frozen features can be used"
        )
    return node.inputs[0]


@dataclass
class _Walk:
    """Goes through a graph from a tensor back towards the image."""

    file: OnnxFile
    graph: Graph

    def last_block(self, stop: str) -> str:
        """Return the tensor that the last block takes."""
        sums = [t for t in self.file.ancestors(stop) if t in self.graph.makers and self._is_sum(t)]
        tensor = border = stop
        convolutions = 0
        while tensor in self.graph.makers:
            node = self.graph.makers[tensor]
            if self._is_sum(tensor):
                return border if convolutions else self.fork(*self.graph.flowing(node))
            done = not sums and convolutions == CONVOLUTIONS and node.op_type == "Conv"
            if done or node.op_type not in _WALKED:
                break
            tensor = node.input[0]
            convolutions += node.op_type == "Conv"
            # An activation right after the part before belongs to it.
            border = border if node.op_type in _ACTIVATIONS else tensor
        if not convolutions:
            raise self._unknown(tensor)
        return border

    def parts(self, begin: str, stop: str) -> list[Part]:
        """Return the layers between two tensors, in order.

        Raises
        ------
        ModelError
            Where there is another operation, or another way around.
        """
        found: list[Part] = []
        tensor = stop
        while tensor != begin:
            node = self.graph.makers.get(tensor)
            if node is None:
                raise ModelError(f"{self.file.name}: {begin} does not lie before {stop}; name another layer")
            if self._is_sum(tensor):
                one, other = self.graph.flowing(node)
                tensor = self.fork(one, other)
                ways = sorted((self.parts(tensor, one), self.parts(tensor, other)), key=len)
                layer = Residual([p.layer for p in ways[1]], [p.layer for p in ways[0]])
                found.insert(0, Part(layer, inner=(*ways[1], *ways[0])))
            elif node.op_type == "Pad":
                raise ModelError(f"{self.file.name}: {node.name} pads what is no convolution's; name another layer")
            elif node.op_type in _WALKED:
                before = self.graph.makers.get(node.input[0])
                pad = before if before is not None and before.op_type == "Pad" and node.op_type == "Conv" else None
                part = read_layer(self.graph, node, pad)
                found[:0] = [part] if part else []
                tensor = (pad or node).input[0]
            else:
                raise self._unknown(tensor)
        return found

    def fork(self, one: str, other: str) -> str:
        """Return the last tensor from which both ways start."""
        common = self.file.ancestors(one) & self.file.ancestors(other)
        flowing = [t for t in common if t == self.file.input_name or t in self.graph.makers]
        flowing = [t for t in flowing if not self.graph.is_constant(t)]
        if not flowing:
            raise ModelError(f"{self.file.name}: {one} and {other} do not come from one tensor")
        return max(flowing, key=lambda t: self.graph.order.get(t, -1))

    def _is_sum(self, tensor: str) -> bool:
        node = self.graph.makers[tensor]
        return node.op_type == "Add" and len(self.graph.flowing(node)) == 2

    def _unknown(self, tensor: str) -> ModelError:
        node = self.graph.makers.get(tensor)
        kind = node.op_type if node is not None else "the image"
        return ModelError(
            f"the last block of {self.file.name} holds {kind} ({tensor}), which ridgefeat.nn does not train; name a "
            "later layer to begin after, or use frozen features"
        )


def _flat(parts: tuple[Part, ...] | list[Part]) -> Iterator[Part]:
    for part in parts:
        yield part
        yield from _flat(part.inner)
