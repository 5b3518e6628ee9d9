"""The classifiers by name, each a scikit-learn pipeline that imputes and scales inside, so inside the training fold.

METHODS says what `dummy`, `logistic` and so on are. `module:Class` is an estimator of the user's own. ENSEMBLES, `mean`
and `stack`, are built from the others' out-of-fold scores (ridgefeat.bench.ensemble).
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

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


def _dummy(o: Options) -> Any:
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="prior")


def _dummy_number(o: Options) -> Any:
    from sklearn.dummy import DummyRegressor

    return DummyRegressor()


def _logistic(o: Options) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1e-3, class_weight=o.class_weight, max_iter=300)


def _ridge(o: Options) -> Any:
    from sklearn.linear_model import Ridge

    return Ridge(alpha=1000.0)


def _linear_svm(o: Options) -> Any:
    from sklearn.svm import LinearSVC

    return LinearSVC(C=1e-4, class_weight=o.class_weight, dual="auto", random_state=o.seed)


def _linear_svr(o: Options) -> Any:
    from sklearn.svm import LinearSVR

    return LinearSVR(C=1e-3, loss="squared_epsilon_insensitive", dual="auto", random_state=o.seed, max_iter=5000)


def _rbf_svm(o: Options) -> Any:
    from ridgefeat.bench.estimators import RbfClassifier

    return RbfClassifier(class_weight=o.class_weight)


def _rbf_svr(o: Options) -> Any:
    from ridgefeat.bench.estimators import RbfRegressor

    return RbfRegressor()


def _forest(o: Options) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        100, min_samples_leaf=5, max_samples=0.6, class_weight=o.class_weight, random_state=o.seed
    )


def _forest_number(o: Options) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(100, min_samples_leaf=5, max_samples=0.6, max_features="sqrt", random_state=o.seed)


def _extra(o: Options) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(200, min_samples_leaf=3, class_weight=o.class_weight, random_state=o.seed)


def _extra_number(o: Options) -> Any:
    from sklearn.ensemble import ExtraTreesRegressor

    return ExtraTreesRegressor(200, min_samples_leaf=3, max_features="sqrt", random_state=o.seed)


# No early stopping: it would set prints aside at random, so that people stand on both sides.
_BOOSTING: dict[str, Any] = {"max_iter": 100, "max_leaf_nodes": 15, "max_features": 0.1, "l2_regularization": 10.0}


def _boosting(o: Options) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    # No weights: scikit-learn then bins by weighted quantiles, which takes fifty times as long as the fit.
    return HistGradientBoostingClassifier(**_BOOSTING, early_stopping=False, random_state=o.seed)


def _boosting_number(o: Options) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(**_BOOSTING, early_stopping=False, random_state=o.seed)


def _knn(o: Options) -> Any:
    from ridgefeat.bench.estimators import NearestClasses

    return NearestClasses(25, weights="distance", algorithm="brute")


def _knn_number(o: Options) -> Any:
    from ridgefeat.bench.estimators import NearestNumbers

    return NearestNumbers(25, weights="distance", algorithm="brute")


def _bayes(o: Options) -> Any:
    from sklearn.naive_bayes import GaussianNB

    return GaussianNB(priors=o.priors, var_smoothing=1e-3)


def _tree(o: Options) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(max_depth=5, min_samples_leaf=20, class_weight=o.class_weight, random_state=o.seed)


def _tree_number(o: Options) -> Any:
    from sklearn.tree import DecisionTreeRegressor

    return DecisionTreeRegressor(max_depth=5, min_samples_leaf=20, random_state=o.seed)


def _components(o: Options) -> Any:
    from ridgefeat.bench.estimators import AdaptivePCA

    return AdaptivePCA(MAX_COMPONENTS, random_state=o.seed)


def _pca_lda(o: Options) -> Any:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.pipeline import make_pipeline

    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=o.priors)
    return make_pipeline(_components(o), lda)


def _lda(o: Options) -> Any:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3, priors=o.priors)


def _pca_ridge(o: Options) -> Any:
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline

    return make_pipeline(_components(o), Ridge(alpha=10.0))


def _clusters(o: Options) -> Any:
    from ridgefeat.bench.estimators import NamedClusters

    return NamedClusters(balanced=o.imbalance == "weights", random_state=o.seed)


def _cluster_means(o: Options) -> Any:
    from ridgefeat.bench.estimators import ClusterMeans

    return ClusterMeans(random_state=o.seed)


def _read_pixels(problem: Problem, root: Path) -> NDArray[Any]:
    return read_pixels(root, problem.sources.tolist(), problem.labels["meta_layout"].tolist())


def _pixel_svm(o: Options) -> Any:
    from ridgefeat.bench.estimators import RbfClassifier

    return RbfClassifier(C=1.0, spread=1.0, class_weight=o.class_weight)


def _cnn(network: str) -> Any:
    def make(o: Options) -> Any:
        from ridgefeat.nn.classifier import NumpyCNNClassifier

        return NumpyCNNClassifier(
            network,
            epochs=o.epochs,
            class_weight=o.class_weight,
            validation_fraction=VALIDATION_SHARE,
            patience=PATIENCE,
            random_state=o.seed,
        )

    return make


_PIXELS: dict[str, Any] = {"input": "pixels", "read": _read_pixels, "scaled": False}
_LEAF: dict[str, list[Any]] = {"min_samples_leaf": [2, 5, 10], "max_features": ["sqrt", 0.1]}
METHODS: dict[str, Method] = {
    m.name: m
    for m in (
        Method("dummy", "the commonest class, or the mean, whatever the print", _dummy, _dummy_number),
        Method("logistic", "logistic regression, L2", _logistic, None, grid={"C": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2]}),
        Method("ridge", "linear regression, L2", None, _ridge, grid={"alpha": [100.0, 1000.0, 10000.0]}),
        Method("linear-svm", "linear support vector machine", _linear_svm, _linear_svr, grid={"C": [1e-5, 1e-4, 1e-3]}),
        Method(
            "rbf-svm",
            "support vector machine with radial basis functions",
            _rbf_svm,
            _rbf_svr,
            grid={"C": [1.0, 3.0, 10.0], "spread": [0.1, 0.3, 1.0]},
            cost=2,
        ),
        Method("random-forest", "100 trees on bootstrap samples", _forest, _forest_number, grid=_LEAF, cost=3),
        Method("extra-trees", "200 trees with random cuts", _extra, _extra_number, grid=_LEAF, cost=3),
        Method(
            "gradient-boosting",
            "100 histogram-based boosted trees, unweighted",
            _boosting,
            _boosting_number,
            grid={"learning_rate": [0.03, 0.1], "max_leaf_nodes": [7, 15]},
            cost=4,
        ),
        Method("knn", "25 nearest neighbours, weighted", _knn, _knn_number, grid={"n_neighbors": [5, 25, 75]}),
        Method("naive-bayes", "Gaussian naive Bayes", _bayes, grid={"var_smoothing": [1e-6, 1e-3, 1e-1]}),
        Method("tree", "one decision tree of depth 5", _tree, _tree_number, grid={"max_depth": [3, 5, 8]}),
        Method("pca-lda", "200 principal components, shrunken linear discriminant", _pca_lda),
        Method("lda", "shrunken linear discriminant on all columns", _lda, grid={"shrinkage": [0.1, 0.3, 0.6, "auto"]}),
        Method("pca-ridge", "200 principal components, linear regression", None, _pca_ridge),
        Method("kmeans", "16 clusters, each named by its majority", _clusters, _cluster_means),
        Method("pixels-rbf-svm", f"RBF SVM on {SIDE} x {SIDE} pixels", _pixel_svm, cost=5, **_PIXELS),
        Method(
            "cnn-two-block",
            f"network of two convolutions on {SIDE} x {SIDE} pixels, stopped by groups of the training fold",
            _cnn("two-block"),
            cost=50,
            in_epochs=True,
            **_PIXELS,
        ),
        Method(
            "cnn-three-block",
            f"network of six convolutions with batch normalisation on {SIDE} x {SIDE} pixels, stopped likewise",
            _cnn("three-block"),
            cost=200,
            in_epochs=True,
            **_PIXELS,
        ),
    )
}
ENSEMBLES = {
    "mean": "mean of the best others' calibrated log-odds, the best chosen in other folds",
    "stack": "logistic regression on the others' calibrated log-odds, fitted in other folds",
}


def default_names(kind: Kind) -> list[str]:
    """Return the feature classifiers that fit the kind of target, in their order."""
    fits = [
        m.name for m in METHODS.values() if m.input == FEATURES and (m.regress if kind == "regression" else m.classify)
    ]
    return [*fits, *ENSEMBLES] if kind != "regression" else [*fits, "mean"]


def find(name: str) -> Method:
    """Return a method by name, or the user's own estimator by import path (module:Class).

    Raises
    ------
    ParameterError
        If there is no such name, or the path cannot be imported or is no estimator.

    Examples
    --------
    >>> find("logistic").meaning
    'logistic regression, L2'
    >>> find("sklearn.linear_model:Perceptron").name
    'sklearn.linear_model:Perceptron'
    """
    if name in METHODS:
        return METHODS[name]
    if ":" not in name:
        known = ", ".join([*METHODS, *ENSEMBLES])
        raise ParameterError(f"unknown classifier {name!r}; there are: {known}; or module:Class of your own")
    module, _, attribute = name.partition(":")
    try:
        made = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ParameterError(f"classifier {name!r} cannot be imported: {error}") from None
    if not callable(getattr(made, "fit", None)):
        raise ParameterError(f"classifier {name!r} has no method fit; name an estimator class or object")

    def make(o: Options) -> Any:
        return made() if isinstance(made, type) else made

    return Method(name, "an estimator of the user's own", make, make)


def build(method: Method, options: Options, **parameters: Any) -> Any:
    """Return an unfitted pipeline: (standardise, fill gaps,) then the estimator, named "model".

    Parameters
    ----------
    method : Method
    options : Options
    **parameters
        What is no setting of the comparison (the number of threads, say), for estimators that have such parameters.

    Raises
    ------
    ParameterError
        If the method is not for that kind of target.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    from ridgefeat.bench.estimators import GroupScaler, Resampler

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
    return Pipeline([("scale", scale), ("fill", fill), ("model", model)])


def grid_of(method: Method, options: Options) -> dict[str, list[Any]]:
    """Return what --tune tries, by the pipeline's parameter names; empty if there is nothing to tune."""
    inner = "model__estimator__" if options.resampling else "model__"
    return {inner + name: values for name, values in method.grid.items()}
