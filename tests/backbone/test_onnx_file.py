"""ONNX files read before OpenCV sees them: what is in them, and what is refused."""

import numpy as np
import pytest

from ridgefeat.backbone import OnnxBackbone, layers
from ridgefeat.backbone.onnx_file import parse_onnx, read_onnx
from ridgefeat.errors import ModelError
from tests.backbone.onnx_examples import Maker, channels_last, mobile, onnx, plain, residual, save


def test_what_a_file_holds(tmp_path):
    model = residual()
    file = read_onnx(save(model, tmp_path))
    assert [n.kind for n in file.nodes] == [n.op_type for n in model.graph.node]
    assert [n.inputs for n in file.nodes] == [tuple(n.input) for n in model.graph.node]
    assert set(file.weights) == {t.name for t in model.graph.initializer}
    assert (file.input_name, file.input_shape, file.size) == ("image", (None, 3, 16, 16), (16, 16))
    assert file.outputs == ("logits",) and not file.channels_last
    assert parse_onnx(channels_last().SerializeToString()).channels_last
    assert layers(tmp_path / "net.onnx")[:2] == ["node_stem", "node_stem_relu"]


@pytest.mark.parametrize("make", [residual, mobile, plain])
def test_the_embedding_is_what_the_last_dense_layer_takes_unflattened(make):
    assert parse_onnx(make().SerializeToString()).embedding() == "pooled"


def test_without_a_dense_layer_it_is_the_output():
    m = Maker()
    m.conv("image", "only", 4, 3, 3)
    assert parse_onnx(m.model("only").SerializeToString()).embedding() == "only"


def test_the_cut_part_is_a_valid_network_of_what_is_needed_alone():
    file = parse_onnx(residual().SerializeToString())
    part = onnx.load_from_string(file.cut("out1"))
    assert [n.output[0] for n in part.graph.node][-1] == "out1"
    assert "dense.w" not in {t.name for t in part.graph.initializer}
    assert [o.name for o in part.graph.output] == ["out1"] and part.opset_import[0].version == 17
    again = parse_onnx(file.cut("out1"))
    assert again.outputs == ("out1",) and len(again.nodes) == len(part.graph.node)


def test_layers_are_found_by_node_and_by_tensor_and_the_nearest_is_named():
    file = parse_onnx(residual().SerializeToString())
    assert file.find("node_sum2") == file.find("sum2") == "sum2"
    with pytest.raises(ModelError, match=r"no layer 'node_summ2'; near it: node_sum2"):
        file.find("node_summ2")


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


def claims_too_little(graph):
    graph.initializer[0].dims[0] -= 1


def negative(graph):
    graph.initializer[0].dims[0] = -8


def two_inputs(graph):
    graph.input.append(onnx.helper.make_tensor_value_info("other", 1, [1, 3, 4, 4]))


def vector_input(graph):
    graph.input[0].type.tensor_type.shape.dim.pop()


def many_channels(graph):
    graph.input[0].type.tensor_type.shape.dim[1].dim_value = 7


def takes_text(graph):
    graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.STRING


def nothing(graph):
    del graph.node[:]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "0 graphs"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "no ONNX network"),
        (b"this is a text, not a network\n" * 50, "no ONNX network"),
        (np.random.default_rng(0).bytes(5000), "no ONNX network"),
        (b"\xff" * 40, "does not end"),
        (b"\x3a\xff\xff\xff\xff\x7f", "runs over its end"),
        (residual().SerializeToString()[:-9], "runs over its end"),
        (changed(external), "other files, which are not read"),
        (changed(external_constant), "other files, which are not read"),
        (changed(claims_too_much), "holds .* values instead of"),
        (changed(claims_too_little), "holds .* values instead of"),
        (changed(negative), "impossible shape"),
        (changed(two_inputs), "one input of four dimensions.*other"),
        (changed(vector_input), "one input of four dimensions"),
        (changed(many_channels), "neither 1 nor 3 channels"),
        (changed(nothing), "0 nodes"),
        (changed(takes_text), "type 8: no images"),
    ],
)
def test_what_is_no_network_of_images_is_refused(tmp_path, data, says):
    path = tmp_path / "bad.onnx"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=says) as told:
        OnnxBackbone(path).fit()
    assert "bad.onnx" in str(told.value)


def test_missing_folder_and_too_large(tmp_path, monkeypatch):
    with pytest.raises(ModelError, match="no such file"):
        read_onnx(tmp_path / "none.onnx")
    with pytest.raises(ModelError, match="no such file"):
        read_onnx(tmp_path)
    monkeypatch.setattr("ridgefeat.backbone.onnx_file.MOST_BYTES", 1000)
    with pytest.raises(ModelError, match="larger than 1,000 bytes"):
        read_onnx(save(residual(), tmp_path))


def test_graphs_nested_without_end_are_refused():
    inner = onnx.GraphProto()
    for _ in range(15):
        outer = onnx.GraphProto()
        node = onnx.helper.make_node("If", ["x"], ["y"])
        node.attribute.append(onnx.helper.make_attribute("then_branch", inner))
        outer.node.append(node)
        inner = outer
    model = residual()
    model.graph.node.append(inner.node[0])
    with pytest.raises(ModelError, match="nested more than"):
        parse_onnx(model.SerializeToString())


def test_damaged_bytes_raise_nothing_but_the_named_error():
    data = residual().SerializeToString()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(400):
        bad = bytearray(data)
        for at in rng.integers(0, len(bad), rng.integers(1, 6)):
            bad[at] = rng.integers(256)
        if rng.random() < 0.3:
            del bad[rng.integers(len(bad)) :]
        try:
            file = parse_onnx(bytes(bad))
            file.cut(file.embedding())
        except ModelError:
            refused += 1
    assert refused > 50
