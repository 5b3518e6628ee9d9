"""The network as a scikit-learn classifier."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.utils.estimator_checks import parametrize_with_checks

from ridgefeat.errors import ParameterError
from ridgefeat.nn import Augmentation
from ridgefeat.nn.classifier import NumpyCNNClassifier

# An image's place in a batch changes how a product is summed, and with it the last digit of float32; the check allows
# 1e-7 of the value.
EXPECTED_FAILURES = {"check_methods_sample_order_invariance": "float32: sums differ in the last digit with the order"}


@parametrize_with_checks(
    [NumpyCNNClassifier(epochs=3, batch_size=16, learning_rate=0.01, random_state=0, n_threads=1)],
    expected_failed_checks=lambda _: EXPECTED_FAILURES,
)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def images(n=40, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.choice(["female", "male"], n, p=[0.3, 0.7])
    x = rng.normal(size=(n, 9, 8)) + np.where(y == "male", 1, -1)[:, None, None] * np.linspace(-1, 1, 8)
    return x, y


def test_order_changes_no_more_than_the_last_digits():
    x, y = images()
    model = NumpyCNNClassifier(epochs=2, random_state=0).fit(x, y)
    order = np.random.default_rng(0).permutation(len(x))
    np.testing.assert_allclose(model.predict_proba(x[order]), model.predict_proba(x)[order], rtol=1e-4, atol=1e-6)


def test_more_than_097_on_digits():
    x, y = load_digits(return_X_y=True)
    train, test, y_train, y_test = train_test_split(x, y, test_size=0.3, random_state=0, stratify=y)
    model = NumpyCNNClassifier(epochs=4, random_state=0).fit(train, y_train)
    assert model.score(test, y_test) > 0.97


def test_grid_search_clone_classes_and_history():
    x, y = images()
    search = GridSearchCV(NumpyCNNClassifier(epochs=2, random_state=3), {"learning_rate": [1e-5, 0.003]}, cv=2)
    search.fit(x, y)
    assert search.best_params_["learning_rate"] == 0.003
    best = search.best_estimator_
    assert list(best.classes_) == ["female", "male"] and len(best.history_["loss"]) == best.n_iter_ == 2
    again = clone(best).fit(x, y)
    np.testing.assert_array_equal(again.predict_proba(x), best.predict_proba(x))
    assert (clone(best).set_params(random_state=4).fit(x, y).predict_proba(x) != best.predict_proba(x)).any()
    flat = clone(best).set_params(image_shape=(9, 8)).fit(x.reshape(len(x), -1), y)
    np.testing.assert_array_equal(flat.predict_proba(x.reshape(len(x), -1)), best.predict_proba(x))


def test_balanced_weights_raise_the_rare_class():
    _, y = images(80)
    # Images without any information: what is learned is how frequent a class is.
    x = np.zeros((80, 9, 8))
    plain = NumpyCNNClassifier(epochs=12, learning_rate=0.01, random_state=0).fit(x, y).predict_proba(x)[:, 0].mean()
    balanced = NumpyCNNClassifier(epochs=12, learning_rate=0.01, random_state=0, class_weight="balanced").fit(x, y)
    assert balanced.predict_proba(x)[:, 0].mean() > plain + 0.05


def test_validation_is_of_other_people_and_never_augmented():
    x, y = images(60)
    groups = np.arange(60) // 6
    model = NumpyCNNClassifier(
        epochs=30, validation_fraction=0.3, patience=2, reduce_patience=1, random_state=0, augmentation=Augmentation(5)
    )
    inner, outer = model._split(x, y, groups, 0)
    assert len(outer) and not set(groups[inner]) & set(groups[outer])
    lines = []
    model.set_params(on_epoch=lambda epoch, line: lines.append(line)).fit(x, y, groups=groups)
    assert model.n_iter_ == len(lines) == len(model.history_["val_loss"])
    assert model.history_["val_accuracy"][-1] > 0.7


def test_validation_prints_by_group_are_of_both_classes():
    # Two women among twelve people: groups drawn blindly are often all men.
    groups = np.repeat(np.arange(12), 5)
    truth, images = (groups >= 2).astype(int), np.zeros((60, 4, 4, 1))
    model = NumpyCNNClassifier(validation_fraction=0.5)
    for seed in range(8):
        inner, outer = model._split(images, truth, groups, seed)
        assert not set(groups[inner]) & set(groups[outer])
        assert set(truth[inner]) == set(truth[outer]) == {0, 1} and len(outer) == 30


def test_messages():
    x, y = images(20)
    for parameters, says in [
        ({"network": "vgg"}, "no network 'vgg'"),
        ({"validation_fraction": 1.0}, "validation_fraction is 1.0"),
        ({"network": "three-block"}, "does not fit into images of"),
    ]:
        with pytest.raises(ParameterError, match=says):
            NumpyCNNClassifier(epochs=1, **parameters).fit(x, y)
    with pytest.raises(ParameterError, match="does not hold the 72 values"):
        NumpyCNNClassifier(image_shape=(5, 5)).fit(x.reshape(20, -1), y)
