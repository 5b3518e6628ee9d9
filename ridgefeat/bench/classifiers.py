"""The classifiers by name, each a scikit-learn pipeline that imputes and scales inside, so inside the training fold.

METHODS says what `dummy`, `logistic` and so on are. `module:Class` is an estimator of the user's own. ENSEMBLES, `mean`
and `stack`, are built from the others' out-of-fold scores (ridgefeat.bench.ensemble).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ridgefeat.bench.inputs import SIDE, read_pixels
from ridgefeat.bench.options import FEATURES, Method, Options
from ridgefeat.bench.results import Kind, Problem
from ridgefeat.errors import ParameterError

MAX_COMPONENTS = 200
"""Maximal number of principal components that are kept."""
VALIDATION_SHARE = 0.2
"""Share of the training prints, by group, on which a network's epochs are compared."""
PATIENCE = 5
"""Epochs without a lower loss on them after which a network stops, and goes back to its best."""


def maker(path: str, *settings: str, **parameters: Any) -> Callable[[Options], Any]:
    """Return what makes an estimator, module:Class, which is imported when it is first needed.

    `settings` are those of its parameters that Options gives, `parameters` those that are fixed.
    """
    return partial(_make, path, settings, parameters)


def _make(path: str, settings: Sequence[str], parameters: Mapping[str, Any], o: Options) -> Any:
    asked: dict[str, Any] = {"class_weight": o.class_weight, "priors": o.priors, "random_state": o.seed}
    asked |= {"balanced": o.imbalance == "weights", "epochs": o.epochs}
    return _load(path)(**parameters, **{name: asked[name] for name in settings})


def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def _trees(path: str, **parameters: Any) -> tuple[Callable[[Options], Any], Callable[[Options], Any]]:
    """Return what makes the classifier, and the regressor, of scikit-learn's trees."""
    classifier = maker(f"{path}Classifier", "class_weight", "random_state", **parameters)
    return classifier, maker(f"{path}Regressor", "random_state", **parameters)


def _after_pca(last: Callable[[Options], Any], o: Options) -> Any:
    from ridgefeat.bench.estimators import AdaptivePCA

    return make_pipeline(AdaptivePCA(MAX_COMPONENTS, random_state=o.seed), last(o))


def _read_pixels(problem: Problem, root: Path) -> NDArray[Any]:
    labels = problem.labels
    flags = labels["meta_flags"].tolist() if "meta_flags" in labels else None
    return read_pixels(root, problem.sources.tolist(), labels["meta_layout"].tolist(), flags)


_OWN = "ridgefeat.bench.estimators:"
# The classifier, and the regressor where there is one.
_DUMMY = maker("sklearn.dummy:DummyClassifier", strategy="prior"), maker("sklearn.dummy:DummyRegressor")
_LOGISTIC = maker("sklearn.linear_model:LogisticRegression", "class_weight", C=1e-3, max_iter=300)
_RIDGE = partial(maker, "sklearn.linear_model:Ridge")
_SVR: dict[str, Any] = {"C": 1e-3, "loss": "squared_epsilon_insensitive", "dual": "auto", "max_iter": 5000}
_LINEAR_SVM = (
    maker("sklearn.svm:LinearSVC", "class_weight", "random_state", C=1e-4, dual="auto"),
    maker(_OWN + "StandardisedLinearSVR", "random_state", **_SVR),
)
_RBF_SVM = maker(_OWN + "RbfClassifier", "class_weight"), maker(_OWN + "RbfRegressor")
_FOREST = _trees(
    "sklearn.ensemble:RandomForest", n_estimators=100, min_samples_leaf=5, max_samples=0.6, max_features="sqrt"
)
_EXTRA = _trees("sklearn.ensemble:ExtraTrees", n_estimators=200, min_samples_leaf=3, max_features="sqrt")
_TREE = _trees("sklearn.tree:DecisionTree", max_depth=5, min_samples_leaf=20)
# No early stopping: it would set prints aside at random, so that people stand on both sides. No weights: scikit-learn
# then bins by weighted quantiles, which takes fifty times as long as the fit.
_SETTINGS: dict[str, Any] = {"max_iter": 100, "max_leaf_nodes": 15, "max_features": 0.1, "l2_regularization": 10.0}
_BOOSTING = (
    maker("sklearn.ensemble:HistGradientBoostingClassifier", "random_state", **_SETTINGS, early_stopping=False),
    maker("sklearn.ensemble:HistGradientBoostingRegressor", "random_state", **_SETTINGS, early_stopping=False),
)
_NEAREST: dict[str, Any] = {"n_neighbors": 25, "weights": "distance", "algorithm": "brute"}
_KNN = maker(_OWN + "NearestClasses", **_NEAREST), maker(_OWN + "NearestNumbers", **_NEAREST)
_BAYES = maker("sklearn.naive_bayes:GaussianNB", "priors", var_smoothing=1e-3)
_LDA = partial(maker, "sklearn.discriminant_analysis:LinearDiscriminantAnalysis", "priors", solver="lsqr")
_PCA_LDA, _PCA_RIDGE = partial(_after_pca, _LDA(shrinkage="auto")), partial(_after_pca, _RIDGE(alpha=10.0))
_KMEANS = maker(_OWN + "NamedClusters", "balanced", "random_state"), maker(_OWN + "ClusterMeans", "random_state")
_PIXEL_SVM = maker(_OWN + "RbfClassifier", "class_weight", C=1.0, spread=1.0)
_STOPPED: dict[str, Any] = {"validation_fraction": VALIDATION_SHARE, "patience": PATIENCE}
_CNN = partial(
    maker, "ridgefeat.nn.classifier:NumpyCNNClassifier", "epochs", "class_weight", "random_state", **_STOPPED
)
_PIXELS: dict[str, Any] = {"input": "pixels", "read": _read_pixels, "scaled": False}
_ON_PIXELS = f"on {SIDE} x {SIDE} pixels"
_TWO = f"network of two convolutions {_ON_PIXELS}, stopped by groups of the training fold"
_SIX = f"network of six convolutions with batch normalisation {_ON_PIXELS}, stopped likewise"
# What --tune tries.
_BY_LEAF: dict[str, Any] = {"grid": {"min_samples_leaf": [2, 5, 10], "max_features": ["sqrt", 0.1]}}
_BY_RATE: dict[str, Any] = {"grid": {"learning_rate": [0.03, 0.1], "max_leaf_nodes": [7, 15]}}
_BY_WIDTH: dict[str, Any] = {"grid": {"C": [1.0, 3.0, 10.0], "spread": [0.1, 0.3, 1.0]}}
_BY_SHRINKAGE: dict[str, Any] = {"grid": {"shrinkage": [0.1, 0.3, 0.6, "auto"]}}
_EVERY = (
    Method("dummy", "the most frequent class, or the mean; ignores the print", *_DUMMY),
    Method("logistic", "logistic regression, L2", _LOGISTIC, grid={"C": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2]}),
    Method("ridge", "linear regression, L2", None, _RIDGE(alpha=1000.0), grid={"alpha": [100.0, 1000.0, 10000.0]}),
    Method("linear-svm", "linear support vector machine", *_LINEAR_SVM, grid={"C": [1e-5, 1e-4, 1e-3]}, cost=3),
    Method("rbf-svm", "support vector machine with radial basis functions", *_RBF_SVM, **_BY_WIDTH, cost=5),
    Method("random-forest", "100 trees on bootstrap samples", *_FOREST, **_BY_LEAF, cost=17),
    Method("extra-trees", "200 trees with random cuts", *_EXTRA, **_BY_LEAF, cost=18),
    Method("gradient-boosting", "100 histogram-based boosted trees, unweighted", *_BOOSTING, **_BY_RATE, cost=17),
    Method("knn", "25 nearest neighbours, weighted", *_KNN, grid={"n_neighbors": [5, 25, 75]}),
    Method("naive-bayes", "Gaussian naive Bayes", _BAYES, grid={"var_smoothing": [1e-6, 1e-3, 1e-1]}),
    Method("tree", "one decision tree of depth 5", *_TREE, grid={"max_depth": [3, 5, 8]}, cost=8),
    Method("pca-lda", "200 principal components, shrunken linear discriminant", _PCA_LDA, cost=2),
    Method("lda", "shrunken linear discriminant on all columns", _LDA(shrinkage=0.3), **_BY_SHRINKAGE, cost=3),
    Method("pca-ridge", "200 principal components, linear regression", None, _PCA_RIDGE, cost=2),
    Method("kmeans", "16 clusters, each named by its majority", *_KMEANS, cost=3),
    Method("pixels-rbf-svm", f"RBF SVM {_ON_PIXELS}", _PIXEL_SVM, cost=25, **_PIXELS),
    Method("cnn-two-block", _TWO, _CNN(network="two-block"), cost=250, in_epochs=True, **_PIXELS),
    Method("cnn-three-block", _SIX, _CNN(network="three-block"), cost=1000, in_epochs=True, **_PIXELS),
)
METHODS: dict[str, Method] = {m.name: m for m in _EVERY}
ENSEMBLES = {
    "mean": "mean of the best others' calibrated log-odds, the best chosen in other folds",
    "stack": "logistic regression on the others' calibrated log-odds, fitted in other folds",
}


def default_names(kind: Kind) -> list[str]:
    """Return the feature classifiers that fit the kind of target, in their order."""
    make = "regress" if kind == "regression" else "classify"
    fits = [m.name for m in METHODS.values() if m.input == FEATURES and getattr(m, make)]
    return [*fits, *ENSEMBLES] if kind != "regression" else [*fits, "mean"]


def find(name: str) -> Method:
    """Return a method by name, or the user's own estimator by import path (module:Class); else raise ParameterError."""
    if name in METHODS:
        return METHODS[name]
    if ":" not in name:
        known = ", ".join([*METHODS, *ENSEMBLES])
        raise ParameterError(f"unknown classifier {name!r}; there are: {known}; or module:Class of your own")
    try:
        made = _load(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ParameterError(f"classifier {name!r} cannot be imported: {error}") from None
    if not callable(getattr(made, "fit", None)):
        raise ParameterError(f"classifier {name!r} has no method fit; name an estimator class or object")

    def make(o: Options) -> Any:
        return made() if isinstance(made, type) else made

    return Method(name, "an estimator of the user's own", make, make)


def build(method: Method, options: Options, **parameters: Any) -> Any:
    """Return an unfitted pipeline: ("harmonise",) ("scale", "fill",) ("select",) then the estimator, "model".

    `parameters` are not settings of the comparison (the number of threads, say); estimators that have them get them.
    Raises ParameterError if the method is not for that kind of target.
    """
    from ridgefeat.bench.estimators import GroupScaler, Harmonizer, Resampler

    make = method.regress if options.kind == "regression" else method.classify
    if make is None:
        raise ParameterError(f"{method.name} does not predict a {options.kind} target")
    model = make(options)
    if parameters:
        model.set_params(**{k: v for k, v in parameters.items() if k in model.get_params(deep=False)})
    if options.resampling and method.name != "dummy":
        model = Resampler(model, options.imbalance, options.seed)
    if not method.scaled:
        return Pipeline([("model", model)])
    # Scaled first, so that a gap filled with 0 is one filled with the mean.
    scale = GroupScaler() if options.within else StandardScaler()
    fill = SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)
    steps = [("scale", scale), ("fill", fill), ("model", model)]
    if options.harmonise is not None:
        steps.insert(0, ("harmonise", Harmonizer(site=-2 if options.within else -1)))
    if options.select is not None and method.input == FEATURES:
        steps.insert(-1, ("select", clone(options.select)))
    return Pipeline(steps)


def grid_of(method: Method, options: Options) -> dict[str, list[Any]]:
    """Return what --tune tries, by the pipeline's parameter names; empty if there is nothing to tune."""
    inner = "model__estimator__" if options.resampling else "model__"
    return {inner + name: values for name, values in method.grid.items()}
