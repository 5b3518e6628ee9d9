"""An ONNX graph's nodes and the values of its constants, by the package `onnx`."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ridgefeat.backbone.onnx_file import OnnxFile
from ridgefeat.errors import ModelError
from ridgefeat.nn.layer import Array

# What exporters compute amounts of padding with.
_ARITHMETIC = frozenset(("Add", "Div", "Mul", "Sub"))
_FOLDED = _ARITHMETIC | frozenset(
    ("Cast", "Concat", "Constant", "ConstantOfShape", "Gather", "Identity", "Reshape", "Shape", "Slice", "Squeeze")
    + ("Transpose", "Unsqueeze")
)
_MOST_VALUES = 10_000


class Graph:
    """The graph of an ONNX file that `read_onnx` has accepted.

    Raises
    ------
    ModelError
        Where the package is missing, or cannot read the file.
    """

    def __init__(self, file: OnnxFile) -> None:
        try:
            import onnx
        except ImportError:
            raise ModelError(
                "training a network's last block reads its weights with the package onnx, which is not installed; "
                "pip install 'ridgefeat[onnx]', or use frozen features"
            ) from None
        self.name = file.name
        try:
            self._model = onnx.load_from_string(file.data)
        except Exception as error:  # of protobuf, which has several
            raise ModelError(f"{file.name} cannot be read: {error}") from None
        nodes = self._model.graph.node
        self.makers: dict[str, Any] = {out: node for node in nodes for out in node.output if out}
        self.order = {out: k for k, node in enumerate(nodes) for out in node.output if out}
        self._weights = {tensor.name: tensor for tensor in self._model.graph.initializer}
        self._folded: dict[str, Array] = {}
        self._constant: dict[str, bool] = {}

    @cached_property
    def opset(self) -> int:
        """Version of the operators."""
        return max((o.version for o in self._model.opset_import if o.domain in ("", "ai.onnx")), default=1)

    def is_constant(self, tensor: str, depth: int = 0) -> bool:
        """Whether a tensor's value does not depend on the image."""
        # Each tensor once: where every node takes the one before twice, the ways through them double each time.
        if tensor not in self._constant:
            self._constant[tensor] = False
            self._constant[tensor] = self._is_constant(tensor, depth)
        return self._constant[tensor]

    def _is_constant(self, tensor: str, depth: int) -> bool:
        if tensor in self._weights:
            return True
        node = self.makers.get(tensor)
        if node is None or node.op_type not in _FOLDED or depth > 64:
            return False
        return all(self.is_constant(t, depth + 1) for t in node.input if t)

    def flowing(self, node: Any) -> list[str]:
        """Return the node's inputs that depend on the image."""
        return [t for t in node.input if t and not self.is_constant(t)]

    def value(self, tensor: str) -> Array:
        """Return a constant's value.

        Raises
        ------
        ModelError
            Where the tensor depends on the image, or is too large to be a setting.
        """
        from onnx import numpy_helper

        if tensor in self._weights:
            return np.asarray(numpy_helper.to_array(self._weights[tensor]))
        if not self.is_constant(tensor):
            raise ModelError(f"{self.name}: {tensor} depends on the image where a constant is needed")
        if tensor not in self._folded:
            self._folded[tensor] = self._fold(self.makers[tensor])
        return self._folded[tensor]

    def _fold(self, node: Any) -> Array:
        from onnx.reference import ReferenceEvaluator

        given = {t: self.value(t) for t in node.input if t}
        size = max((v.size for v in given.values()), default=0)
        if node.op_type in _ARITHMETIC:  # each may be broadcast over the other
            size = int(np.prod([float(v.size) for v in given.values()]))
        elif node.op_type == "ConstantOfShape":
            size = int(np.prod(next(iter(given.values())).astype(np.float64)))
        if size > _MOST_VALUES:
            raise ModelError(f"{self.name}: {node.op_type} makes a constant of {size:,} values, too many for a setting")
        try:
            return np.asarray(ReferenceEvaluator(node, opsets={"": self.opset}).run(None, given)[0])  # type: ignore[index]
        except Exception as error:  # whatever a damaged node makes the evaluator raise
            raise ModelError(f"{self.name}: {node.op_type} {node.name} cannot be computed: {error}") from None

    def attributes(self, node: Any) -> dict[str, Any]:
        """Return a node's settings."""
        from onnx.helper import get_attribute_value

        return {a.name: get_attribute_value(a) for a in node.attribute}
