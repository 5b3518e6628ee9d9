"""Tiny networks as ONNX files, made with the package `onnx`; weights are drawn, so that each test knows them."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="networks for these tests are written with onnx (the extra onnx)")
pytest.importorskip("onnxruntime", reason="networks for these tests are run by onnxruntime (the extra onnx)")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

CHANNELS_FIRST = ("n", 3, 16, 16)


class Maker:
    """Nodes and weights of a graph, one after the other."""

    def __init__(self, seed=0):
        self.rng, self.nodes, self.weights = np.random.default_rng(seed), [], []

    def weight(self, name, array, kind=np.float32):
        self.weights.append(numpy_helper.from_array(np.asarray(array, kind), name))
        return name

    def node(self, kind, inputs, output, **settings):
        self.nodes.append(helper.make_node(kind, inputs, [output], name=f"node_{output}", **settings))
        return output

    def conv(self, x, output, filters, inside, size, group=1, bias=True, **settings):
        scale = (inside * size * size) ** -0.5
        kernel = self.weight(f"{output}.w", self.rng.normal(0, scale, (filters, inside, size, size)))
        shift = [self.weight(f"{output}.b", self.rng.normal(0, 0.1, filters))] if bias else []
        shape = [size, size]
        return self.node("Conv", [x, kernel, *shift], output, group=group, kernel_shape=shape, **settings)

    def norm(self, x, output, channels):
        values = {
            "scale": self.rng.uniform(0.5, 1.5, channels),
            "shift": self.rng.normal(0, 0.2, channels),
            "mean": self.rng.normal(0, 0.3, channels),
            "variance": self.rng.uniform(0.5, 2, channels),
        }
        names = [self.weight(f"{output}.{k}", v) for k, v in values.items()]
        return self.node("BatchNormalization", [x, *names], output, epsilon=1e-3)

    def clip(self, x, output, most=6.0):
        low, high = self.weight(f"{output}.low", 0.0), self.weight(f"{output}.high", most)
        return self.node("Clip", [x, low, high], output)

    def classifier(self, x, channels, flatten="Flatten"):
        pooled = self.node("GlobalAveragePool", [x], "pooled")
        if flatten == "Flatten":
            vector = self.node("Flatten", [pooled], "vector")
        else:
            shape = self.weight("vector.shape", [-1, channels], np.int64)
            vector = self.node("Reshape", [pooled, shape], "vector")
        kernel = self.weight("dense.w", self.rng.normal(0, 1, (5, channels)))
        bias = self.weight("dense.b", np.zeros(5))
        return self.node("Gemm", [vector, kernel, bias], "logits", transB=1)

    def model(self, output="logits", shape=CHANNELS_FIRST):
        graph = helper.make_graph(
            self.nodes,
            "tiny",
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
            self.weights,
        )
        graph.output[0].type.tensor_type.shape.SetInParent()
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def residual():
    """A stem and two residual blocks with batch normalisation, the second right before the pooling."""
    m = Maker()
    x = m.node("Relu", [m.conv("image", "stem", 8, 3, 3, strides=[2, 2], pads=[1, 1, 1, 1])], "stem_relu")
    for k in (1, 2):
        y = m.norm(m.conv(x, f"a{k}", 4, 8, 1, bias=False), f"a{k}_norm", 4)
        y = m.node("Relu", [y], f"a{k}_relu")
        y = m.norm(m.conv(y, f"b{k}", 8, 4, 3, bias=False, pads=[1, 1, 1, 1]), f"b{k}_norm", 8)
        x = m.node("Relu", [m.node("Add", [y, x], f"sum{k}")], f"out{k}")
    m.classifier(x, 8)
    return m.model()


def mobile():
    """A residual sum, then expansion, padded depthwise convolution, projection and a head, all with ReLU6."""
    m = Maker(1)
    stem = m.clip(m.conv("image", "stem", 6, 3, 3, strides=[2, 2]), "stem_clip")
    x = m.node("Add", [m.conv(stem, "inner", 6, 6, 1), stem], "sum")
    x = m.clip(m.conv(x, "expand", 12, 6, 1), "expand_clip", 0.5)
    # Amounts that are computed, as exporters write them.
    half = m.weight("half", [0, 0, 0, 1], np.int64)
    other = m.node("Add", [half, m.weight("one", [0, 0, 1, 0], np.int64)], "other")
    amounts = m.node("Concat", [half, other], "amounts", axis=0)
    x = m.node("Pad", [x, amounts], "padded", mode="constant")
    x = m.clip(m.conv(x, "depthwise", 12, 1, 3, group=12), "depthwise_clip")
    x = m.conv(x, "project", 7, 12, 1)
    x = m.clip(m.conv(x, "head", 10, 7, 1), "head_clip")
    m.classifier(x, 10, "Reshape")
    return m.model()


def channels_last():
    """A network as it comes from Keras: images of (rows, columns, channels)."""
    m = Maker(3)
    x = m.node("Transpose", ["image"], "turned", perm=[0, 3, 1, 2])
    m.classifier(m.node("Relu", [m.conv(x, "c", 6, 3, 3)], "r"), 6)
    return m.model(shape=("n", 16, 16, 3))


def save(model, folder, name="net.onnx"):
    path = folder / name
    path.write_bytes(model.SerializeToString())
    return path


def reference(model, tensor, images):
    """Return a tensor by onnx's own evaluator in NumPy."""
    part = onnx.ModelProto()
    part.CopyFrom(model)
    del part.graph.output[:]
    part.graph.output.append(helper.make_tensor_value_info(tensor, TensorProto.FLOAT, None))
    return ReferenceEvaluator(part).run(None, {"image": images})[0]
