"""Filters, feature maps, occlusion and gradient maps on networks whose answer is known."""

import numpy as np
import pytest

from ridgefeat.errors import ParameterError
from ridgefeat.nn import BatchNorm, Conv2D, Dense, Dropout, Flatten, Sequential
from ridgefeat.nn.explain import feature_maps, filters, gradient_map, occlusion_map
from tests.nn.helpers import central_differences


def looks_at_one_place(outputs=2):
    """A network whose log-odds of class 1 are 5 times pixel (3, 8), less 1."""
    layers = [Conv2D(1, 1), BatchNorm(), Dropout(0.5), Flatten(), Dense(outputs)]
    model = Sequential(layers, (12, 12, 1), loss="sigmoid" if outputs == 1 else "softmax", dtype=np.float64)
    model.layers[0].params["kernel"][...] = 1
    model.layers[-1].params["kernel"][...] = 0
    model.layers[-1].params["kernel"][3 * 12 + 8, -1] = 5
    model.layers[-1].params["bias"][-1] = -1
    return model


@pytest.mark.parametrize("outputs", [1, 2])
def test_maps_find_the_pixel_that_decides(outputs):
    model = looks_at_one_place(outputs)
    image = np.zeros((12, 12, 1))
    image[3, 8] = 1
    falls = occlusion_map(model, image, 1, window=3, step=1, fill=0.0)
    assert falls.dtype == np.float32
    assert np.unravel_index(falls.argmax(), falls.shape) == (3, 8)
    p = model.predict_proba(image[None])[0, 1]
    assert falls[3, 8] == pytest.approx(p - 1 / (1 + np.exp(1)), rel=1e-5)
    assert falls[9, 2] == 0 and occlusion_map(model, image, 0, window=3, step=1, fill=0.0)[3, 8] < 0
    slope = gradient_map(model, image, 1)
    assert slope[3, 8] == pytest.approx(5 / np.sqrt(1.001), rel=1e-9)
    assert np.count_nonzero(slope) == 1
    np.testing.assert_allclose(gradient_map(model, image, 0), slope)


def test_gradient_map_is_the_slope_of_the_log_odds_and_leaves_the_network_alone():
    layers = [Conv2D(4, 3, relu=True), BatchNorm(), Dropout(0.5), Flatten(), Dense(3)]
    model = Sequential(layers, (6, 6, 1), dtype=np.float64)
    image = np.random.default_rng(0).normal(size=(6, 6, 1))
    before = {k: v.copy() for k, v in model.weights.items()}
    slope = gradient_map(model, image, 2)

    def odds():
        p = model.predict_proba(image[None])[0, 2]
        return np.log(p / (1 - p))

    found = np.abs(central_differences(odds, image))[..., 0]
    np.testing.assert_allclose(slope, found, rtol=1e-4, atol=1e-12)
    assert all((before[k] == v).all() for k, v in model.weights.items())
    assert not any(layer.frozen for layer in model.layers)


def test_filters_and_feature_maps():
    model = looks_at_one_place()
    image = np.random.default_rng(0).normal(size=(12, 12, 1))
    assert filters(model).shape == (1, 1, 1, 1)
    np.testing.assert_allclose(feature_maps(model, image), image)
    np.testing.assert_allclose(feature_maps(model, image, "batch_norm_1"), image / np.sqrt(1.001))
    with pytest.raises(ParameterError, match="conv2d_1, batch_norm_1"):
        feature_maps(model, image, "conv2d_7")
    with pytest.raises(ParameterError, match="no image filters"):
        filters(model, "dense_1")
    with pytest.raises(ParameterError, match="window 20"):
        occlusion_map(model, image, 1, window=20)
