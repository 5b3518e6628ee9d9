"""The training loop: what it minimises, what watches over it, and that it can be left and taken up again."""

import json

import numpy as np
import pytest

from ridgefeat.errors import ModelError, ParameterError
from ridgefeat.nn import SGD, Adam, Augmentation, EarlyStopping, ReduceLROnPlateau, Training, build
from ridgefeat.nn.dense import Dense, Dropout
from ridgefeat.nn.model import Sequential


def stripes(n=48, side=12, seed=0):
    """Images of upright (0) and level (1) stripes under noise."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    phase = rng.uniform(0, 6, n)
    wave = np.sin(np.arange(side)[None] * 1.5 + phase[:, None])
    x = np.where(y[:, None, None] == 0, wave[:, None, :], wave[:, :, None]) + rng.normal(0, 0.3, (n, side, side))
    return x[..., None].astype(np.float32), y


def network(seed=0, side=12):
    return build("small", (side, side, 1), 2, seed, filters=8)


def test_it_learns_stripes_and_says_how():
    x, y = stripes()
    other = stripes(seed=1)
    lines = []
    history = Training(network(), Adam(0.003), 16).run(x, y, 8, other, on_epoch=lambda k, line: lines.append((k, line)))
    assert history["accuracy"][-1] > 0.95 and history["val_accuracy"][-1] > 0.9
    assert history["loss"][-1] < history["loss"][0] / 2
    assert [k for k, _ in lines] == list(range(1, 9))
    assert set(lines[0][1]) == {"loss", "accuracy", "learning_rate", "val_loss", "val_accuracy"}


@pytest.mark.parametrize("make", [lambda: Adam(0.003), lambda: SGD(0.01, 0.9)])
def test_a_resumed_run_gives_the_same_bytes(tmp_path, make):
    x, y = stripes(30)
    extras = {
        "early_stopping": EarlyStopping(5),
        "plateau": ReduceLROnPlateau(patience=1, min_delta=10.0),
        "augmentation": Augmentation(rotation=10, flip=True),
    }

    def training(seed):
        layers = [*network().layers[:-1], Dropout(0.3), Dense(2)]
        return Training(Sequential(layers, (12, 12, 1), seed=seed), make(), 8, **extras)

    whole, broken, resumed = tmp_path / "whole.npz", tmp_path / "broken.npz", tmp_path / "resumed.npz"
    training(1).run(x, y, 5, (x, y), checkpoint=whole)
    training(1).run(x, y, 3, (x, y), checkpoint=broken)
    again = training(2)
    again.load(broken)
    assert again.epoch == 3
    again.run(x, y, 5, (x, y), checkpoint=resumed)
    assert whole.read_bytes() == resumed.read_bytes()
    assert not list(tmp_path.glob("*.tmp"))


def test_early_stopping_goes_back_to_the_best_weights():
    x, y = stripes(16)
    model = network()
    training = Training(model, SGD(0.5, 0.9), 8, early_stopping=EarlyStopping(patience=2))
    wrong = (x, 1 - y)
    history = training.run(x, y, 40, wrong)
    assert training.stopped and len(history["loss"]) < 40
    best = int(np.argmin(history["val_loss"]))
    assert len(history["loss"]) == best + 3
    assert training.evaluate(*wrong)[0] == pytest.approx(history["val_loss"][best], rel=1e-5)


def test_plateau_divides_the_learning_rate():
    x, y = stripes(8)
    plateau = ReduceLROnPlateau(factor=0.5, patience=2, min_delta=100.0, min_rate=0.02, monitor="loss")
    history = Training(network(), SGD(0.1), 8, plateau=plateau).run(x, y, 9)
    # The first epoch is better than nothing; then every second one waits in vain.
    np.testing.assert_allclose(history["learning_rate"], [0.1] * 3 + [0.05] * 2 + [0.025] * 2 + [0.02] * 2)


def test_class_weights_scale_the_loss():
    x, y = stripes(8)
    plain, twice, alone, other = (
        Training(network(), SGD(1e-9), 8, class_weight=weight).run(x, y, 1)["loss"][0]
        for weight in (None, {0: 2.0, 1: 2.0}, {0: 0.0, 1: 1.0}, {0: 1.0, 1: 0.0})
    )
    assert twice == pytest.approx(2 * plain, rel=1e-5) and alone + other == pytest.approx(plain, rel=1e-5)


def test_validation_weighs_classes_and_weights_as_training_does():
    x, y = stripes(8)
    model = Sequential([*network().layers[:-1], Dense(2, l2=0.1)], (12, 12, 1))
    assert model.penalty() > 0.01
    for weights, chosen in (({0: 3.0, 1: 0.0}, y == 0), ({0: 0.0, 1: 3.0}, y == 1)):
        weighted = Training(model, SGD(), class_weight=weights).evaluate(x, y)[0]
        own, _ = model.loss(model.forward(x[chosen]), y[chosen])
        assert weighted == pytest.approx(3 * own * chosen.mean() + model.penalty(), rel=1e-6)


def test_augmentation():
    x = np.random.default_rng(0).random((3, 9, 7, 2)).astype(np.float32)
    rng = np.random.default_rng(0)
    np.testing.assert_allclose(Augmentation()(x, rng), x, atol=1e-6)
    many = np.repeat(x[:1], 40, axis=0)
    flipped = Augmentation(flip=True)(many, rng)
    same = np.array([np.allclose(a, x[0], atol=1e-6) for a in flipped])
    mirrored = np.array([np.allclose(a, x[0, :, ::-1], atol=1e-6) for a in flipped])
    assert (same ^ mirrored).all() and 8 < mirrored.sum() < 32
    ramp = np.broadcast_to(np.arange(21.0, dtype=np.float32)[None, :, None, None], (30, 21, 21, 1))
    moved = Augmentation(shift=0.1)(ramp, rng)[:, 10, 10, 0]
    assert np.abs(moved - 10).max() <= 2.1 and np.abs(moved - 10).max() > 1
    turned = Augmentation(rotation=30)(ramp, rng)
    slope = turned[:, 10, 11, 0] - turned[:, 10, 9, 0]
    assert np.abs(slope).max() == pytest.approx(2 * np.sin(np.radians(30)), abs=0.1)
    zoomed = Augmentation(zoom=0.2)(ramp, rng)
    slope = (zoomed[:, 12, 10, 0] - zoomed[:, 8, 10, 0]) / 4
    assert 1 / 1.21 < slope.min() < 0.95 and 1.05 < slope.max() < 1 / 0.79
    sheared = Augmentation(shear=20)(ramp.transpose(0, 2, 1, 3).copy(), rng)
    slope = (sheared[:, 12, 10, 0] - sheared[:, 8, 10, 0]) / 4
    assert 0.2 < np.abs(slope).max() <= np.tan(np.radians(20)) + 1e-3
    with pytest.raises(ParameterError, match="zoom below 1"):
        Augmentation(zoom=1.0)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_messages(tmp_path):
    x, y = stripes(8)
    with pytest.raises(ModelError, match=r"loss is (nan|inf) in epoch \d+ at learning rate 1e\+20"):
        Training(network(), SGD(1e20), 4).run(x, y, 5)
    with pytest.raises(ParameterError, match="no 'val_loss' to watch"):
        Training(network(), SGD(), early_stopping=EarlyStopping()).run(x, y, 1)
    with pytest.raises(ParameterError, match="8 images and 3 classes"):
        Training(network(), SGD()).run(x, y[:3], 1)
    training = Training(network(), Adam())
    with pytest.raises(ModelError, match="there is no checkpoint"):
        training.load(tmp_path / "none.npz")
    good = tmp_path / "good.npz"
    training.save(good)
    with pytest.raises(ModelError, match="not of this network"):
        Training(network(side=16), Adam()).load(good)


def test_hostile_checkpoints_are_refused(tmp_path, monkeypatch):
    training = Training(network(), Adam())
    good = tmp_path / "good.npz"
    training.save(good)
    data = good.read_bytes()
    bad = tmp_path / "bad.npz"
    for cut in (0, 10, len(data) // 2, len(data) - 5):
        bad.write_bytes(data[:cut])
        with pytest.raises(ModelError, match="damaged"):
            training.load(bad)
    state = np.frombuffer(json.dumps({"history": {}}).encode(), np.uint8)
    weights = {f"weights/{k}": v for k, v in training.model.weights.items()}
    for arrays in ({"state": state, **weights}, {"state": np.frombuffer(b"[]", np.uint8)}, {"state": np.array([None])}):
        np.savez(bad, **arrays)
        with pytest.raises(ModelError):
            training.load(bad)
    np.savez(bad, state=state, **{"weights/other": np.zeros(3)})
    with pytest.raises(ModelError, match="not of this network"):
        training.load(bad)
    monkeypatch.setattr("ridgefeat.nn.training.MAX_STATE_BYTES", 10)
    with pytest.raises(ModelError, match="'state' with shape"):
        training.load(good)
