"""Worked values of functions that other modules rest on."""

import numpy as np
import pandas as pd

from ridgefeat.audit.columns import combined_auc, filled_by_class, sometimes_equal
from ridgefeat.audit.duplicates import connect
from ridgefeat.audit.inputs import _side, make_folds
from ridgefeat.audit.near import similar_groups
from ridgefeat.audit.table import count_images, is_quantity


def test_sometimes_equal():
    one = np.arange(8, dtype=np.float32)
    assert sometimes_equal(np.stack([one, np.where(one < 4, one, -one), one + 9], axis=1)).tolist() == [[0, 1]]


def test_filled_by_class():
    rng = np.random.default_rng(0)
    classes = np.repeat([0, 1], 100)
    values = np.float32(rng.normal(size=(200, 3)))
    values[::5, 0], values[::5, 1] = classes[::5], 1
    assert filled_by_class(values, classes, np.arange(200)).tolist() == [0]


def test_combined_auc():
    assert (round(combined_auc({"ridge": 0.7, "texture": 0.7, "orient": 0.5}), 3)) == 0.771


def test_connect():
    assert (connect([(0, 2), (2, 5), (3, 4)], 6)) == [[0, 2, 5], [3, 4]]


def test_side():
    assert (_side("Training"), _side("val"), _side("prints")) == ("train", "test", "")


def test_make_folds():
    assert ([(train.tolist(), test.tolist()) for train, test in make_folds(["train", "test", "", "train"])]) == [
        ([0, 3], [1])
    ]
    assert ([(train.tolist(), test.tolist()) for train, test in make_folds(["1", "2", "1"])]) == [
        ([1], [0, 2]),
        ([0, 2], [1]),
    ]


def test_similar_groups():
    assert (similar_groups(np.float32([[1, 0], [0, 1], [0.8, 0.6], [-1, 0]]), np.arange(4), np.full(4, -1), 1)) == (
        [(0, 2)],
        6,
    )


def test_is_quantity():
    assert (is_quantity(pd.Series([1, 2, 3])), is_quantity(pd.Series([20.5, 31.0, 47.0]))) == (False, True)


def test_count_images():
    assert (count_images(1), count_images(2, "nearly the same by their features,")) == (
        "1 image is",
        "2 images, nearly the same by their features, are",
    )
