"""PyTorch modules as backbones: the same numbers as the module's own, and as its ONNX file's."""

import sys
from pathlib import Path

import numpy as np
import pytest

from ridgefeat.backbone import Backbone, layers
from ridgefeat.backbone.torch_network import TorchNetwork
from ridgefeat.errors import ModelError, ParameterError
from tests.backbone.torch_examples import Branching, Residual, nn, residual, torch

EXAMPLES = Path(__file__).with_name("torch_examples.py")


def prints(n=6, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 16, 16), dtype=np.uint8)


def embedded(module, backbone, images):
    """Return the input of the module's dense layer, by a hook."""
    seen = []
    hook = module.dense.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.no_grad():
        module.eval()(torch.from_numpy(np.stack([backbone.preprocessing_(image) for image in images])))
    hook.remove()
    return seen[0].numpy()


def test_the_embedding_is_the_input_of_the_last_linear_layer():
    module, images = residual(), prints()
    backbone = Backbone(module, size=16).fit()
    expected = embedded(module, backbone, images)
    assert backbone.shape_ == (8,) and np.ptp(expected) > 0.1
    np.testing.assert_allclose(backbone.transform(images), expected, rtol=1e-5, atol=1e-6)
    for name in ("residual", "network", "Residual"):
        again = Backbone(f"{EXAMPLES}:{name}", size=16).fit().transform(images)
        np.testing.assert_array_equal(again, backbone.transform(images))


def test_a_layer_by_module_or_operation():
    module, images = residual().eval(), prints()
    backbone = Backbone(module, size=16, layer="stem", pool=False).fit()
    assert backbone.shape_ == (8, 8, 8) and backbone.layer_ == "stem_1"
    given = torch.from_numpy(np.stack([backbone.preprocessing_(image) for image in images]))
    expected = module.stem(given).detach().numpy().reshape(6, -1)
    np.testing.assert_allclose(backbone.transform(images), expected, rtol=1e-5, atol=1e-6)
    pooled = Backbone(module, size=16, layer=("stem", "relu_1")).fit()
    assert pooled.n_features_out_ == 16 and "relu_1" in layers(module)
    # The operation after the last sum, which works in place, does not change what was taken before it.
    before = Backbone(module, size=16, layer="blocks.1.1", pool=False).fit().transform(images)
    assert before.min() < 0


def test_other_weights_are_another_entry_of_the_cache(tmp_path):
    module, images = residual(), prints()
    first = Backbone(module, size=16, cache=tmp_path).fit().transform(images)
    with torch.no_grad():
        module.stem[0].weight *= 2
    assert np.abs(Backbone(module, size=16, cache=tmp_path).fit().transform(images) - first).max() > 1e-3


class Averaging(Residual):
    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = self.relu(block(x) + x)
        return self.dense(x.mean((2, 3)))


def test_where_the_last_layers_begin():
    network = TorchNetwork(residual())
    # Convolution, normalisation, activation, sum, activation: the whole of the last block from three layers on.
    starts = [network.start_of_last(count) for count in (1, 2, 3, 5, 6, 10)]
    assert starts == ["add_1", "relu", "relu", "relu", "add", "stem_1"]
    assert network.start_of_last(12) == "x"
    kinds = [name for name, _ in network.part("relu", ["relu_1"]).named_parameters()]
    assert kinds == ["blocks.1.0.weight", "blocks.1.1.weight", "blocks.1.1.bias"]
    for count in (0, 13):
        with pytest.raises(ParameterError, match=f"last_layers is {count}; Residual has 12"):
            network.start_of_last(count)
    with pytest.raises(ParameterError, match="Averaging has 12"):
        TorchNetwork(Averaging()).start_of_last(13)


class TwoHeads(Residual):
    def forward(self, x):
        x = self.stem(x)
        return x, self.relu(x)


def test_messages(tmp_path):
    file = tmp_path / "mine.py"
    for text, name, says in [
        ("1 / 0", "net", "ZeroDivisionError: division by zero"),
        ("net = 3", "net", "'net' is int; name a torch.nn.Module"),
        ("net = 3", "other", "'other' is NoneType"),
        ("def net(): raise OSError('no weights')", "net", "OSError: no weights"),
        ("import torch\nnet = torch.nn.LazyLinear", "net", "TypeError"),
    ]:
        file.write_text(text)
        with pytest.raises(ModelError, match=says):
            Backbone(f"{file}:{name}").fit()
        file.unlink()
    with pytest.raises(ModelError, match=r"mine\.py cannot be read: No such file"):
        Backbone(f"{file}:net").fit()
    for module, parameters, says in [
        (3, {}, "not int"),
        (Branching(), {}, "torch.fx cannot trace Branching"),
        (TwoHeads(), {}, "returns several values"),
        (residual(), {"layer": "steam"}, "no layer 'steam'; the nearest are stem"),
    ]:
        with pytest.raises(ModelError, match=says):
            Backbone(module, **parameters).fit()
    with pytest.raises(ModelError, match=r"Sequential cannot run on 1 images of shape \(3, 4, 4\)"):
        Backbone(nn.Sequential(nn.AvgPool2d(8), residual()), size=4).fit()


def test_without_pytorch_the_message_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelError, match=r"pip install 'ridgefeat\[torch\]'"):
        Backbone(f"{EXAMPLES}:residual").fit()
