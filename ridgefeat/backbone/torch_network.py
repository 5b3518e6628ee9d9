"""A PyTorch module, traced by torch.fx and cut between its operations."""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ridgefeat.backbone.onnx_network import no_such_layer, one_line
from ridgefeat.errors import ModelError, ParameterError
from ridgefeat.structure import Float

UNCOUNTED = ("pool", "flatten", "view", "reshape", "squeeze", "mean", "dropout", "identity")
"""Parts of the names of operations that are not layers of their own when layers are counted."""


class TorchNetwork:
    """A copy of a torch.nn.Module in evaluation mode, on the CPU, in float32; it takes (n, channels, rows, columns).

    `name` is the module's class, for messages, and `digest` the SHA-256 of operations and weights. `size`, `channels`
    and `channels_last` are as of `OnnxNetwork`; a module takes any size, and as many channels as its first convolution.
    Raises ModelError if it is not a module, or torch.fx cannot trace it.
    """

    size = (None, None)
    channels_last = False

    def __init__(self, module: Any) -> None:
        torch = import_torch()
        self.name = type(module).__name__
        if not isinstance(module, torch.nn.Module):
            raise ModelError(f"a network is a path or a torch.nn.Module, not {self.name}; give one of the two")
        module = copy.deepcopy(module).to("cpu", torch.float32).eval()
        try:
            self._traced = torch.fx.symbolic_trace(module)
        except Exception as error:  # whatever the module's own code raises
            raise ModelError(
                f"torch.fx cannot trace {self.name} ({one_line(error)}); write its forward without "
                "branches on values, or export it to ONNX for frozen features"
            ) from None
        self._traced.graph.eliminate_dead_code()
        self._nodes = {node.name: node for node in self._traced.graph.nodes}
        self._input = next(node for node in self._nodes.values() if node.op == "placeholder")
        convolutions = (m for m in module.modules() if isinstance(m, torch.nn.Conv2d))
        self.channels = next((c.in_channels for c in convolutions), 3)
        digest = hashlib.sha256(self._traced.code.encode())
        for key, tensor in module.state_dict().items():
            digest.update(key.encode())
            digest.update(tensor.contiguous().numpy().tobytes())
        self.digest = digest.hexdigest()

    def layers(self) -> list[str]:
        """Return the names of the operations in order; `find` takes the names of modules too."""
        return [node.name for node in self._nodes.values() if node.op.startswith("call_")]

    def find(self, layer: str) -> str:
        """Return the operation that gives a layer's output, by its own name or the module's.

        Raises ModelError if there is none; the message names the nearest.
        """
        if layer in self._nodes and layer != "output":
            return layer
        # A module that is called twice is NAME, then NAME@1.
        stacks = {name: node.meta.get("nn_module_stack", {}) for name, node in self._nodes.items()}
        inside = [name for name, stack in stacks.items() if layer in (key.split("@")[0] for key in stack)]
        if not inside:
            modules = [name for name, _ in self._traced.named_modules() if name]
            raise no_such_layer(self.name, layer, [*modules, *self.layers()])
        return str(inside[-1])

    def embedding(self) -> str:
        """Return what the last linear layer takes; the module's output where there is no linear layer."""
        torch = import_torch()
        for node in reversed(self._nodes.values()):
            called = self._traced.get_submodule(node.target) if node.op == "call_module" else node.target
            if isinstance(called, torch.nn.Linear) or called is torch.nn.functional.linear:
                return str(node.args[0].name)
        output = self._nodes["output"].args[0]
        if not isinstance(output, torch.fx.Node):
            raise ModelError(f"{self.name} returns several values and has no linear layer; name a layer")
        return str(output.name)

    def open(self, tensors: Sequence[str]) -> Callable[[Float], list[Float]]:
        """Return a function from a batch of images to these operations' outputs."""
        torch = import_torch()
        part = self.part(self._input.name, tensors)

        def run(images: Float) -> list[Float]:
            try:
                with torch.inference_mode():
                    return [np.asarray(out.numpy(), np.float32) for out in part(torch.from_numpy(images))]
            except Exception as error:
                raise ModelError(
                    f"{self.name} cannot run on {len(images)} images of shape {images.shape[1:]}: "
                    f"{one_line(error)}; try another size or layer"
                ) from None

        return run

    def part(self, begin: str, ends: Sequence[str]) -> Any:
        """Return the operations after one tensor and up to others, as a module that returns the latter as a tuple.

        It shares its weights with this network and with other parts.
        """
        torch = import_torch()
        graph = torch.fx.Graph()
        copies: dict[Any, Any] = {}
        for node in self._needed(ends, begin):
            is_first = node.name == begin
            copies[node] = graph.placeholder("x") if is_first else graph.node_copy(node, copies.__getitem__)
        graph.output(tuple(copies[self._nodes[end]] for end in ends))
        return torch.fx.GraphModule(self._traced, graph).eval()

    def start_of_last(self, count: int) -> str:
        """Return the tensor after which the last `count` layers before the embedding begin.

        Layers are operations (convolution, normalisation, activation, sum), without those of `UNCOUNTED`. Where more
        than one tensor passes the border, as inside a residual block, it moves towards the input. Raises ParameterError
        if there are not as many.
        """
        needed = self._needed([self.embedding()], self._input.name)
        nodes = [node for node in needed if node.op.startswith("call_")]
        layers = [k for k, node in enumerate(nodes) if not self._is_uncounted(node)]
        if not 1 <= count <= len(layers):
            raise ParameterError(f"last_layers is {count}; {self.name} has {len(layers)}: give 1 to {len(layers)}")
        for k in range(layers[-count], -1, -1):
            later = set(nodes[k:])
            passing = {n for node in later for n in node.all_input_nodes if n not in later and n.op != "get_attr"}
            if len(passing) == 1:
                return str(passing.pop().name)
        raise ModelError(f"{self.name} cannot be cut before its last {count} layers; give other last_layers")

    def _needed(self, ends: Sequence[str], begin: str) -> list[Any]:
        """Return the nodes that are needed to get from one node to others, all of these included, in order."""
        found = {self._nodes[end] for end in ends}
        for node in reversed(self._nodes.values()):
            if node in found and node.name != begin:
                found.update(node.all_input_nodes)
        return [node for node in self._nodes.values() if node in found]

    def _is_uncounted(self, node: Any) -> bool:
        if node.op == "call_module":
            name = type(self._traced.get_submodule(node.target)).__name__
        else:
            name = getattr(node.target, "__name__", str(node.target))
        return any(part in name.lower() for part in UNCOUNTED)


def import_torch() -> Any:
    """Return the package torch. Raises ModelError if it is not installed."""
    try:
        import torch  # type: ignore[import-not-found]
        import torch.fx  # type: ignore[import-not-found]
    except ImportError:
        raise ModelError("fine-tuning and PyTorch modules need PyTorch: pip install 'ridgefeat[torch]'") from None
    return torch


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Have PyTorch use so many threads in this thread, and in those that are started meanwhile."""
    torch = import_torch()
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def load_module(address: str) -> Any:
    """Return the module that `FILE.py:NAME` names: a torch.nn.Module, or a function without arguments that returns one.

    FILE.py is run as the user's own program. Raises ModelError if the file cannot be run, or has no such name.
    """
    import_torch()
    path, _, name = address.rpartition(":")
    try:
        changed = os.stat(path).st_mtime_ns  # noqa: PTH116
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}; give FILE.py:NAME") from None
    return _loaded(str(Path(path).resolve()), name, changed)


@lru_cache(maxsize=1)
def _loaded(path: str, name: str, changed: int) -> Any:
    torch = import_torch()
    found = importlib.util.spec_from_file_location(f"ridgefeat_network_{Path(path).stem}", path)
    assert found is not None and found.loader is not None
    program = importlib.util.module_from_spec(found)
    sys.path.insert(0, str(Path(path).parent))
    try:
        found.loader.exec_module(program)
        network = getattr(program, name, None)
        if callable(network) and not isinstance(network, torch.nn.Module):
            network = network()
    except Exception as error:  # whatever the user's program raises
        raise ModelError(f"{path}: {type(error).__name__}: {one_line(error)}") from error
    finally:
        sys.path.remove(str(Path(path).parent))
    if not isinstance(network, torch.nn.Module):
        raise ModelError(
            f"{path}: {name!r} is {type(network).__name__}; name a torch.nn.Module, or a function that returns one"
        )
    return network
