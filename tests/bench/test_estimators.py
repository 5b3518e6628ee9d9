import numpy as np
import pandas as pd
import pytest

from ridgefeat.bench import Options, estimators
from ridgefeat.bench.classifiers import find
from ridgefeat.bench.estimators import AdaptivePCA, GroupScaler, RbfClassifier, Resampler, Residualizer
from ridgefeat.bench.inputs import level_codes, level_names
from ridgefeat.errors import TableError


def rows(seed=0, n=200):
    rng = np.random.default_rng(seed)
    code = np.arange(n) % 2
    values = rng.normal(size=(n, 3)) * [1, 5, 2] + code[:, None] * [100, -7, 0]
    return np.c_[values, code].astype(np.float32)


def test_each_level_has_mean_0_and_deviation_1():
    X = rows()
    out = GroupScaler().fit(X).transform(X)
    assert out.shape == (200, 3) and out.dtype == np.float32
    for level in (0, 1):
        part = out[X[:, -1] == level]
        assert part.mean(axis=0) == pytest.approx(0, abs=1e-4) and part.std(axis=0) == pytest.approx(1, abs=1e-3)
    new = X[:1].copy()  # a row is measured by the training rows, one of an unknown level by all of them
    new[0, -1] = -1
    expected = (X[0, :3] - X[:, :3].mean(axis=0)) / X[:, :3].std(axis=0)
    assert GroupScaler().fit(X).transform(new)[0] == pytest.approx(expected, abs=1e-3)


def test_gaps_stay_and_constants_become_0_and_the_extreme_is_cut():
    X = rows()
    X[0, 0], X[:, 1], X[2, 2] = np.nan, 4, 1e6
    out = GroupScaler().fit(X).transform(X)
    assert np.isnan(out[0, 0]) and np.isfinite(out[1:]).all()
    assert (out[:, 1] == 0).all() and out[2, 2] == 8


def test_levels_go_by_name():
    labels = pd.DataFrame({"hand": ["left", "right", None], "finger": ["index", "index", "ring"]})
    names = level_names(labels, ["hand", "finger"])
    assert names.tolist() == ["left index", "right index", ""]
    assert level_codes(names, ["right index", "left index"]).tolist() == [1, 0, -1]
    with pytest.raises(TableError, match="no column 'side'"):
        level_names(labels, ["side"])


@pytest.mark.parametrize(("count", "own"), [(9, False), (10, True)])
def test_a_level_of_fewer_than_ten_rows_is_measured_by_the_whole(count, own):
    X = rows()
    X = np.concatenate([X[X[:, -1] == 0], X[X[:, -1] == 1][:count]])
    fitted = GroupScaler().fit(X)
    assert (abs(fitted.mean_[1, 0] - 100) < 2) == own
    assert np.array_equal(fitted.mean_[1], fitted.mean_[-1]) != own


def test_residuals_are_of_the_values_and_their_squares_within_three_deviations():
    known = np.linspace(-6, 6, 400)
    X = np.c_[np.clip(known, -3, 3) ** 2 + known, known]
    assert np.abs(Residualizer(1, alpha=1e-9).fit(X).transform(X)).max() < 1e-4


def test_a_kernel_for_many_rows_is_left_to_libsvm(monkeypatch):
    X, y = rows()[:, :3], np.arange(200) % 2
    whole = RbfClassifier().fit(X, y)
    assert (whole.svm_.kernel, estimators.MAX_KERNEL_ROWS) == ("precomputed", 12_000)
    monkeypatch.setattr(estimators, "MAX_KERNEL_ROWS", 100)
    large = RbfClassifier().fit(X, y)
    assert large.svm_.kernel == "rbf"
    np.testing.assert_allclose(large.decision_function(X), whole.decision_function(X), atol=1e-3)


def test_components_are_at_most_200_and_fewer_than_rows():
    assert AdaptivePCA(50).fit(rows()[:, :3]).transform(rows()[:, :3]).shape == (200, 3)
    assert AdaptivePCA(50).fit(rows(n=3)).transform(rows()).shape == (200, 2)
    assert find("pca-lda").classify(Options())[0].count == 200


@pytest.mark.parametrize(
    ("name", "parameter", "value"),
    [
        ("logistic", "C", 1e-3),
        ("ridge", "alpha", 1000),
        ("linear-svm", "dual", "auto"),
        ("random-forest", "n_estimators", 100),
        ("extra-trees", "n_estimators", 200),
        ("gradient-boosting", "max_iter", 100),
        ("knn", "n_neighbors", 25),
        ("naive-bayes", "var_smoothing", 1e-3),
        ("tree", "max_depth", 5),
        ("lda", "shrinkage", 0.3),
        ("pca-ridge", "ridge__alpha", 10),
        ("kmeans", "clusters", 16),
    ],
)
def test_classifiers_are_what_their_meaning_says(name, parameter, value):
    for make in filter(None, (find(name).classify, find(name).regress)):
        given = make(Options(seed=7)).get_params()
        assert given[parameter] == value and given.get("random_state") in (None, 7)
    if find(name).classify and name in ("logistic", "linear-svm", "random-forest", "extra-trees", "tree"):
        assert find(name).classify(Options()).class_weight == "balanced"


def test_clusters_take_the_class_that_is_over_represented_in_them():
    X, y = np.repeat([[0.0], [9.0]], [4, 6], axis=0), np.array([0, 0, 0, 1, 0, 0, 0, 0, 1, 1])
    even, plain = (estimators.NamedClusters(2, balanced=b).fit(X, y) for b in (True, False))
    assert even.predict(X[[0, -1]]).tolist() == [0, 1] and plain.predict(X[[0, -1]]).tolist() == [0, 0]
    assert plain.predict_proba(X[:1])[0] == pytest.approx([3.7 / 5, 1.3 / 5])  # with one print of the overall shares
    assert estimators.ClusterMeans(2).fit(X, y).predict(X[[0, -1]]) == pytest.approx([1 / 4, 2 / 6])


def test_what_is_regressed_out_is_gone_from_rows_not_seen():
    rng = np.random.default_rng(0)
    known = rng.normal(size=(2000, 2))
    own = rng.normal(size=(2000, 3))
    X = np.c_[own + known @ rng.normal(size=(2, 3)) + known[:, :1] ** 2, known]
    left = Residualizer(2, alpha=1e-6).fit(X[:1500]).transform(X[1500:])
    assert left.shape == (500, 3) and left.dtype == np.float32
    design = np.c_[np.ones(500), known[1500:], known[1500:] ** 2]
    explained = design @ np.linalg.lstsq(design, left, rcond=None)[0]
    assert (explained.var(axis=0) < 0.06 * left.var(axis=0)).all()
    assert (np.abs(left - own[1500:]).mean() < 0.4) and np.corrcoef(left[:, 0], own[1500:, 0])[0, 1] > 0.95
    assert Residualizer(1).fit(X[:, :2]).transform(X[:, :2]).shape == (2000, 1)


def test_resampling_hands_on_the_groups_of_the_rows_it_drew():
    class Asks:
        def get_params(self, deep=True):
            return {}

        def fit(self, X, y, groups=None):
            self.classes_ = np.unique(y)
            assert (groups == X[:, 0]).all()
            return self

    X = np.arange(12.0)[:, None]
    Resampler(Asks(), "over").fit(X, np.repeat([0, 1], [3, 9]), groups=np.arange(12.0))


def test_a_linear_machine_predicts_numbers_far_from_zero():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 5)).astype(np.float32)
    y = 1000 + 3 * X[:, 0]
    model = estimators.StandardisedLinearSVR(C=1e-3, loss="squared_epsilon_insensitive", dual="auto").fit(X, y)
    shifted = estimators.StandardisedLinearSVR(C=1e-3, loss="squared_epsilon_insensitive", dual="auto").fit(X, y - 990)
    assert model.score(X, y) > 0.2
    np.testing.assert_allclose(model.predict(X) - 990, shifted.predict(X), rtol=1e-4)
