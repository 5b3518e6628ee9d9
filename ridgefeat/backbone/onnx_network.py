"""An ONNX file, checked before use and run by onnxruntime up to the layers that are wanted."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import numpy as np

from ridgefeat.errors import ModelError
from ridgefeat.files import read_bounded
from ridgefeat.structure import Float

MAX_BYTES = 1 << 30
"""Size of the largest file that is read; a ResNet-152 has 240 MB."""
MAX_MEMORY_BYTES = 8 << 30
"""Memory that onnxruntime may take for the values of all networks of this process."""
INPUT_TYPES = {1: np.float32, 10: np.float16, 11: np.float64}
"""The types of input (TensorProto.DataType) that an image can be converted to."""
RESHAPING = ("Flatten", "Reshape", "Squeeze", "Dropout", "Identity")
"""Operations that change nothing but a vector's shape."""
LOOPS = ("Loop", "Scan")
"""Operations that may run without end."""


class OnnxNetwork:
    """The image network in the ONNX file at `path`.

    `name` is the file's path, for messages, and `digest` its SHA-256. `size` holds rows and columns of its input, None
    for any; `channels` is 1 or 3, and with `channels_last` images go in as (rows, columns, channels), as in files
    exported from Keras. Raises ModelError if the file cannot be read, is not a network with one input of images, refers
    to other files, or contains a loop; or if the extra `onnx` is not installed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = os.fspath(path)
        onnx, _ = _libraries()
        data = read_bounded(Path(path), MAX_BYTES, ModelError, "network")
        self.digest = hashlib.sha256(data).hexdigest()
        try:
            self._model = onnx.load_model_from_string(data)
        except Exception as error:  # the kind depends on the version of protobuf
            hint = "give an .onnx file, or FILE.py:NAME for a PyTorch module"
            raise ModelError(f"{self.name} is not an ONNX network ({one_line(error)}); {hint}") from None
        self._refuse_unsafe(onnx)
        self._graph = self._model.graph
        self._makers = {out: node for node in self._graph.node for out in node.output if out}
        self._weights = {tensor.name for tensor in self._graph.initializer}
        self._read_input()

    def _refuse_unsafe(self, onnx: Any) -> None:
        for message in _messages(self._model):
            if isinstance(message, onnx.TensorProto):
                if message.external_data or message.data_location == onnx.TensorProto.EXTERNAL:
                    raise ModelError(
                        f"{self.name} keeps weights in other files, which are not read; save it as one file"
                    )
            elif isinstance(message, onnx.NodeProto) and message.op_type in LOOPS:
                loop = f"{self.name} contains a {message.op_type} ({message.name!r}), which may run without end"
                raise ModelError(f"{loop}; export the network without loops")
            elif isinstance(message, onnx.GraphProto):
                made_by = {out: i for i, node in enumerate(message.node) for out in node.output if out}
                needs = {i: {made_by[t] for t in n.input if t in made_by} for i, n in enumerate(message.node)}
                try:
                    TopologicalSorter(needs).prepare()
                except CycleError as error:
                    cycle = f"its nodes form a cycle (output {message.node[error.args[1][0]].output[0][:80]!r})"
                    raise ModelError(f"{self.name}: {cycle}; export the network again") from None

    def _read_input(self) -> None:
        inputs = [value for value in self._graph.input if value.name not in self._weights]
        shapes = [
            tuple(d.dim_value if 0 < d.dim_value < 1 << 20 else None for d in value.type.tensor_type.shape.dim)
            for value in inputs
        ]
        if not self._graph.node or not self._graph.output:
            counts = f"{len(self._graph.node)} nodes and {len(self._graph.output)} outputs"
            raise ModelError(f"{self.name} is not an ONNX network: it has {counts}")
        if len(inputs) != 1 or len(shapes[0]) != 4:
            found = "; ".join(f"{i.name} {s}" for i, s in zip(inputs[:4], shapes, strict=False)) or "none"
            raise ModelError(f"{self.name}: an image network has one input of four dimensions; its inputs: {found}")
        shape, kind = shapes[0], inputs[0].type.tensor_type.elem_type
        if kind not in INPUT_TYPES:
            raise ModelError(f"{self.name}: its input has type {kind}, not floating-point numbers; images do not fit")
        if not {1, 3, None}.intersection((shape[1], shape[3])):
            raise ModelError(f"{self.name}: its input has shape {shape}, with neither 1 nor 3 channels")
        self.channels_last = shape[1] not in (1, 3) and shape[3] in (1, 3)
        rows, columns, channels = shape[1:] if self.channels_last else (*shape[2:], shape[1])
        self.size, self.channels = (rows, columns), channels or 3
        self._input, self._dtype = inputs[0].name, INPUT_TYPES[kind]

    def layers(self) -> list[str]:
        """Return the layers' names in order: the node's name, or its first output's where it has none."""
        return [n.name or n.output[0] for n in self._graph.node if n.output and n.op_type != "Constant"]

    def find(self, layer: str) -> str:
        """Return the tensor that a layer gives, by the name of the node or of the tensor itself.

        Raises ModelError if there is none; the message names the nearest.
        """
        if layer in self._makers:
            return layer
        for node in self._graph.node:
            if node.name == layer and node.output:
                return str(node.output[0])
        raise no_such_layer(self.name, layer, self.layers())

    def embedding(self) -> str:
        """Return the tensor that the last dense layer takes, before it was flattened.

        The network's first output where there is no dense layer.
        """
        output = tensor = str(self._graph.output[0].name)
        while tensor in self._makers:
            node = self._makers[tensor]
            inner = [t for t in node.input if t and t not in self._weights]
            if not inner:
                break
            if node.op_type in ("Gemm", "MatMul"):
                return self._unflattened(inner[0])
            tensor = inner[0]
        return output

    def _unflattened(self, tensor: str) -> str:
        while tensor in self._makers and self._makers[tensor].op_type in RESHAPING:
            before = next(iter(self._makers[tensor].input), "")
            if before not in self._makers:
                break
            tensor = before
        return tensor

    def open(self, tensors: Sequence[str]) -> Callable[[Float], list[Float]]:
        """Return a function from a batch of images to these tensors, computed on the calling thread alone.

        Raises ModelError if onnxruntime cannot load the network; the function, if it cannot run it.
        """
        _, runtime = _libraries()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        options.add_session_config_entry("session.use_env_allocators", "1")
        _limit_memory()
        try:
            data = self._cut(tensors).SerializeToString()
            session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has a dozen kinds, without a common one
            raise ModelError(f"onnxruntime cannot load {self.name}: {one_line(error)}; export it again") from None

        def run(images: Float) -> list[Float]:
            try:
                out = session.run(list(tensors), {self._input: images.astype(self._dtype, copy=False)})
                return [np.asarray(values, np.float32) for values in out]
            except Exception as error:
                raise ModelError(
                    f"onnxruntime cannot run {self.name} on {len(images)} images of shape {images.shape[1:]}: "
                    f"{one_line(error)}; try another size, layer or batch_size"
                ) from None

        return run

    def _cut(self, tensors: Sequence[str]) -> Any:
        """Return the network that ends at some tensors, for onnxruntime computes every node; its input has any size."""
        onnx, _ = _libraries()
        part = onnx.ModelProto()
        part.CopyFrom(self._model)
        needed, unseen = set(), list(tensors)
        while unseen:
            node = self._makers.get(unseen.pop())
            if node is not None and node.output[0] not in needed:
                needed.update(node.output)
                # An inner graph (If) may take tensors of the outer one by name.
                unseen += [t for m in _messages(node) if isinstance(m, onnx.NodeProto) for t in m.input]
        kept = [node for node in self._graph.node if needed.intersection(node.output)]
        del part.graph.node[:], part.graph.output[:], part.graph.value_info[:]
        part.graph.node.extend(kept)
        part.graph.output.extend(onnx.ValueInfoProto(name=tensor) for tensor in tensors)
        # Exporters write down the size that they were run with; most networks take others, and several images at once.
        for value in (v for v in part.graph.input if v.name == self._input):
            for dimension in value.type.tensor_type.shape.dim:
                dimension.Clear()
        return part


def no_such_layer(name: str, layer: str, known: Sequence[str]) -> ModelError:
    """Return the error that names the layers nearest to one that does not exist."""
    near = get_close_matches(layer, known, 3, 0.3) or known[-3:]
    return ModelError(
        f"{name} has no layer {layer!r}; the nearest are {', '.join(near)} "
        f"(ridgefeat.backbone.layers lists all {len(known)})"
    )


def _messages(message: Any) -> Iterator[Any]:
    """Yield a protobuf message and all messages inside it."""
    yield message
    for _, value in message.ListFields():
        for inner in [value] if hasattr(value, "ListFields") else value if hasattr(value, "add") else ():
            yield from _messages(inner)


@cache
def _libraries() -> tuple[Any, Any]:
    try:
        import onnx
        import onnxruntime  # type: ignore[import-untyped]
    except ImportError:
        raise ModelError("ONNX networks need onnx and onnxruntime: pip install 'ridgefeat[onnx]'") from None
    return onnx, onnxruntime


@cache
def _limit_memory() -> None:
    """Have all sessions of this process share memory of bounded size: a small file may ask for any amount."""
    _, runtime = _libraries()
    place = runtime.OrtMemoryInfo("Cpu", runtime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, runtime.OrtMemType.DEFAULT)
    runtime.create_and_register_allocator(place, runtime.OrtArenaCfg({"max_mem": MAX_MEMORY_BYTES}))


def one_line(error: BaseException) -> str:
    """Return an error's message without line breaks, or its type where there is none."""
    return " ".join(str(error).split())[:300] or type(error).__name__
