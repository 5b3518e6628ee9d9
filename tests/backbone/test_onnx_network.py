"""ONNX files: which layer is the embedding, and what is refused."""

import sys

import numpy as np
import pytest

pytest.importorskip("onnx", reason="networks for these tests are written with onnx (the extra onnx)")
pytest.importorskip("onnxruntime", reason="networks for these tests are run by onnxruntime (the extra onnx)")

from ridgefeat.backbone import Backbone, layers
from ridgefeat.backbone.onnx_network import OnnxNetwork, _libraries
from ridgefeat.errors import ModelError
from tests.backbone.onnx_examples import Maker, channels_last, mobile, onnx, residual, save


def test_layers_size_and_channels(tmp_path):
    network = OnnxNetwork(save(residual(), tmp_path))
    assert network.size == (16, 16) and network.channels == 3 and not network.channels_last
    assert layers(tmp_path / "net.onnx")[:2] == ["node_stem", "node_stem_relu"]
    assert network.find("node_sum2") == network.find("sum2") == "sum2"
    with pytest.raises(ModelError, match=r"no layer 'node_summ2'; the nearest are node_sum2"):
        network.find("node_summ2")
    assert OnnxNetwork(save(channels_last(), tmp_path)).channels_last


def test_without_a_dense_layer_it_is_the_output(tmp_path):
    m = Maker()
    m.conv("image", "only", 4, 3, 3)
    assert OnnxNetwork(save(m.model("only"), tmp_path)).embedding() == "only"


def test_only_what_a_layer_needs_is_run(tmp_path):
    network = OnnxNetwork(save(residual(), tmp_path))
    part = network._cut(["out1"])
    names = [node.output[0] for node in part.graph.node]
    assert names[-1] == "out1" and "a2" not in names and "logits" not in names


def test_tensors_that_an_inner_graph_takes_from_outside_are_kept(tmp_path):
    m = Maker()
    m.conv("image", "only", 4, 3, 3)
    branches = []
    for kind in ("Relu", "Abs"):
        out = onnx.helper.make_tensor_value_info(kind, onnx.TensorProto.FLOAT, None)
        branches.append(onnx.helper.make_graph([onnx.helper.make_node(kind, ["only"], [kind])], kind, [], [out]))
    m.weight("always", True, bool)
    m.node("If", ["always"], "chosen", then_branch=branches[0], else_branch=branches[1])
    images = np.random.default_rng(0).integers(0, 256, (1, 16, 16), dtype=np.uint8)
    found, plain_ = (
        Backbone(save(m.model("chosen"), tmp_path), layer=layer, pool=False).fit().transform(images)
        for layer in ("chosen", "only")
    )
    np.testing.assert_array_equal(found, np.maximum(plain_, 0))


VALUE = onnx.helper.make_tensor_value_info("other", 1, [1, 3, 4, 4])


def changed(change):
    model = residual()
    change(model.graph)
    return model.SerializeToString()


def external(graph):
    graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    entry = graph.initializer[0].external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def external_constant(graph):
    node = onnx.helper.make_node("Constant", [], ["c"], value=onnx.TensorProto())
    node.attribute[0].t.external_data.add(key="location", value="../secret")
    graph.node.append(node)


def claims_too_much(graph):
    graph.initializer[0].dims[0] = 1 << 30


def many_channels(graph):
    graph.input[0].type.tensor_type.shape.dim[1].dim_value = 7


def takes_text(graph):
    graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.STRING


def loop(graph):
    graph.node.append(onnx.helper.make_node("Loop", ["", ""], ["z"], body=onnx.GraphProto(), name="endless"))


def hidden_loop(graph):
    inner = onnx.GraphProto()
    loop(inner)
    graph.node.append(onnx.helper.make_node("If", ["x"], ["y"], then_branch=inner))


def cycle(graph):
    # sum1 waits for out2, and out2 for sum1.
    next(node for node in graph.node if node.output[0] == "sum1").input[1] = "out2"


def cycle_before_the_dense_layer(graph):
    graph.node.append(onnx.helper.make_node("Identity", ["b"], ["a"]))
    graph.node.append(onnx.helper.make_node("Identity", ["a"], ["b"]))
    next(node for node in graph.node if node.op_type == "Gemm").input[0] = "a"


def huge(graph):
    m = Maker()
    m.weight("shape", [1, 3, 30_000, 30_000], np.int64)
    m.node("Expand", [m.node("GlobalAveragePool", ["image"], "point"), "shape"], "huge")
    graph.initializer.extend(m.weights)
    graph.node.extend(m.nodes)
    next(node for node in graph.node if node.output[0] == "stem").input[0] = "huge"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "0 nodes"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not an ONNX network"),
        (b"\x3a\xff\xff\xff\xff\x7f", "not an ONNX network"),
        (residual().SerializeToString()[:-9], "not an ONNX network"),
        (changed(external), "other files, which are not read"),
        (changed(external_constant), "other files, which are not read"),
        (changed(claims_too_much), "onnxruntime cannot load"),
        (changed(lambda g: g.input.append(VALUE)), "one input of four dimensions.*other"),
        (changed(lambda g: g.input[0].type.tensor_type.shape.dim.pop()), "one input of four dimensions"),
        (changed(many_channels), "neither 1 nor 3 channels"),
        (changed(takes_text), "type 8, not floating-point"),
        (changed(lambda g: g.ClearField("node")), "0 nodes"),
        (changed(loop), r"contains a Loop \('endless'\)"),
        (changed(hidden_loop), r"contains a Loop \('endless'\)"),
        (changed(cycle), "nodes form a cycle"),
        (changed(cycle_before_the_dense_layer), "nodes form a cycle"),
        (changed(huge), "onnxruntime cannot run .* Available memory of 85"),
    ],
)
def test_what_is_not_a_network_of_images_is_refused(tmp_path, capfd, data, says):
    path = tmp_path / "bad.onnx"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=says) as refused:
        Backbone(path).fit()
    assert "bad.onnx" in str(refused.value)
    # Neither onnxruntime's nor protobuf's own log reaches the terminal.
    assert capfd.readouterr().err == ""


def test_missing_folder_and_too_large(tmp_path, monkeypatch):
    for path in (tmp_path / "none.onnx", tmp_path, "a\0b"):
        with pytest.raises(ModelError, match="no such file, or not a regular one"):
            OnnxNetwork(path)
    monkeypatch.setattr("ridgefeat.backbone.onnx_network.MAX_BYTES", 1000)
    with pytest.raises(ModelError, match="larger than 1,000 bytes"):
        OnnxNetwork(save(residual(), tmp_path))


def test_damaged_bytes_raise_nothing_but_the_named_error(tmp_path):
    path, image = tmp_path / "damaged.onnx", np.zeros((1, 16, 16), np.uint8)
    rng = np.random.default_rng(0)
    refused = 0
    for k in range(300):
        bad = bytearray((residual, mobile)[k % 2]().SerializeToString())
        for at in rng.integers(0, len(bad), rng.integers(1, 6)):
            bad[at] = rng.integers(256)
        if rng.random() < 0.3:
            del bad[rng.integers(len(bad)) :]
        path.write_bytes(bad)
        try:
            assert np.isfinite(Backbone(path).fit().transform(image)).all()
        except ModelError as error:
            assert "damaged.onnx" in str(error)
            refused += 1
    assert refused > 100


def test_an_operation_without_inputs_is_a_message(tmp_path):
    network = residual()
    del next(node for node in network.graph.node if node.op_type == "Flatten").input[:]
    with pytest.raises(ModelError, match="onnxruntime cannot load"):
        Backbone(save(network, tmp_path)).fit().transform(np.zeros((1, 16, 16), np.uint8))


def test_without_onnxruntime_the_message_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    _libraries.cache_clear()
    with pytest.raises(ModelError, match=r"pip install 'ridgefeat\[onnx\]'"):
        Backbone(save(residual(), tmp_path)).fit()
