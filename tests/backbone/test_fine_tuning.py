"""The last layers of a module, trained further: they learn, the module stays, and the same seed gives the same."""

import pickle
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from ridgefeat.backbone import FineTunedNetwork
from ridgefeat.errors import ModelError, ParameterError
from tests.backbone.torch_examples import Residual, residual, torch

FAST = {"size": 16, "last_layers": 5, "head_epochs": 10, "epochs": 20, "learning_rate": 0.01, "random_state": 0}


def stripes(n=40, seed=0):
    """Images of upright ("female") and level stripes under noise."""
    rng = np.random.default_rng(seed)
    y = np.array(["female", "male"])[np.arange(n) % 2]
    wave = 60 * np.sin(np.arange(16) * 1.5 + rng.uniform(0, 6, (n, 1)))
    x = 128 + np.where((y == "female")[:, None, None], wave[:, None, :], wave[:, :, None])
    return np.clip(x + rng.normal(0, 20, x.shape), 0, 255).astype(np.uint8), y


def test_it_learns_what_the_frozen_network_does_not_show():
    x, y = stripes()
    lines = []
    network = FineTunedNetwork(residual(), on_epoch=lambda k, line: lines.append((k, line)), **FAST).fit(x, y)
    other, truth = stripes(seed=1)
    assert list(network.classes_) == ["female", "male"]
    assert network.score(other, truth) > 0.9
    loss = network.history_["loss"]
    assert len(loss) == 30 and loss[-1] < loss[10] / 2
    assert [k for k, _ in lines] == list(range(1, 31)) and {"loss", "accuracy", "seconds"} <= set(lines[-1][1])
    frozen = clone(network).set_params(epochs=0, on_epoch=None).fit(x, y)
    assert frozen.score(other, truth) < network.score(other, truth)
    np.testing.assert_allclose(network.predict_proba(other).sum(axis=1), 1, rtol=1e-6)


def test_only_the_last_layers_change_and_the_users_module_does_not():
    x, y = stripes(12)
    module = residual().train()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    network = FineTunedNetwork(module, **FAST).fit(x, y)
    assert module.training and all(torch.equal(before[key], value) for key, value in module.state_dict().items())
    trained = dict(network.layers_.state_dict())
    assert set(trained) == {key for key in before if key.startswith("blocks.1.")}
    for key, value in trained.items():
        # Batch normalisation keeps its running statistics; everything else is trained.
        assert torch.equal(before[key], value) == ("running" in key or "num_batches" in key), key


def test_the_same_seed_gives_the_same_bytes_whatever_the_generator_and_threads():
    x, y = stripes(20)
    network = FineTunedNetwork(residual(), **FAST)
    found, state = [], torch.get_rng_state()
    for seed, threads in ((1, 1), (2, 2)):
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        found.append(clone(network).fit(x, y).predict_proba(x))
        assert torch.get_num_threads() == threads
    np.testing.assert_array_equal(*found)
    assert (clone(network).set_params(random_state=1).fit(x, y).predict_proba(x) != found[0]).any()
    before = torch.get_rng_state()
    network.fit(x, y)
    assert torch.equal(torch.get_rng_state(), before)
    torch.set_rng_state(state)
    copied = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(copied.predict_proba(x), found[0])


def test_the_frozen_layers_once_for_many_fits():
    x, y = stripes()
    network = FineTunedNetwork(residual(), **FAST | {"epochs": 3})
    maps = network.frozen().transform(x)
    assert maps.shape == (40, 8 * 8 * 8)
    expected = clone(network).fit(x, y).predict_proba(x)
    np.testing.assert_array_equal(clone(network).fit(maps, y).predict_proba(maps), expected)
    assert cross_val_score(network, maps, y, cv=2, error_score="raise").shape == (2,)


def test_class_weights_and_three_classes():
    x, y = stripes(30)
    rare = np.r_[np.flatnonzero(y == "male"), np.flatnonzero(y == "female")[:3]]
    given = FAST | {"epochs": 0, "head_epochs": 200}
    plain, balanced = (
        FineTunedNetwork(residual(), class_weight=weight, **given).fit(x[rare], y[rare]).predict_proba(x)[:, 0].mean()
        for weight in (None, "balanced")
    )
    assert balanced > plain + 0.1
    three = np.where(np.arange(30) < 6, "other", y)
    network = FineTunedNetwork(residual(), **FAST | {"epochs": 2}).fit(x, three)
    assert network.predict_proba(x).shape == (30, 3) and network.head_.out_features == 3


def test_the_loss_of_the_last_layers_is_weighted_as_the_heads():
    x, y = stripes(8)
    given = FAST | {"head_epochs": 1, "epochs": 1, "dropout": 0.0, "batch_size": 8}
    plain = FineTunedNetwork(residual(), **given).fit(x, y).history_["loss"][1]
    twice = FineTunedNetwork(residual(), class_weight={"female": 2.0, "male": 2.0}, **given)
    # Adam's first step has the same length whatever the gradient's, so the head's weights agree.
    assert twice.fit(x, y).history_["loss"][1] == pytest.approx(2 * plain, rel=1e-3)


class NoWeights(Residual):
    def forward(self, x):
        return self.dense(self.relu(self.pool(self.stem(x))).flatten(1))


def test_messages(monkeypatch):
    x, y = stripes(8)
    for module, parameters, error, says in [
        (residual(), {"last_layers": 40}, ParameterError, "last_layers is 40"),
        (NoWeights(), {"last_layers": 1}, ParameterError, "have no weights; give more"),
        (residual(), {"learning_rate": 1e30}, ModelError, "give a smaller learning_rate"),
    ]:
        with pytest.raises(error, match=says):
            FineTunedNetwork(module, **FAST | parameters).fit(x, y)
    with pytest.raises(ValueError, match="one class"):
        FineTunedNetwork(residual(), **FAST).fit(x, np.zeros(8))
    with pytest.raises(ParameterError, match="X has 3 values per print"):
        FineTunedNetwork(residual(), **FAST).fit(np.zeros((8, 3), np.float32), y)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelError, match=r"need PyTorch: pip install 'ridgefeat\[torch\]'"):
        FineTunedNetwork("mine.py:net").fit(x, y)
