"""A classifier whose decision threshold is tuned on other folds' scores, by the methods of score thresholds.

It keeps the habits of scikit-learn's TunedThresholdClassifierCV: `estimator_`, `best_threshold_`, `best_score_`, cv,
refit.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted

from ridgefeat.errors import ScoreError
from ridgefeat.threshold.choices import Settings
from ridgefeat.threshold.methods import choose
from ridgefeat.threshold.rates import ErrorCurve
from ridgefeat.threshold.scores import Scores


def _estimator_has(name: str) -> Any:
    return lambda self: hasattr(getattr(self, "estimator_", self.estimator), name)


class ThresholdTuner(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]
    """Tune a binary classifier's threshold on out-of-fold scores; a score equal to the threshold is positive.

    Parameters
    ----------
    estimator : estimator
        A binary classifier with predict_proba or decision_function.
    method : str
        As in ridgefeat.threshold.choose: exact, far-frr, fmr=1%, min-cost, bayes, grid, mean-distance, zero-fmr.
    settings : Settings, optional
        What the method is told: objective, ratio, prior, costs.
    response_method : str
        "auto" (predict_proba where there is one), "predict_proba" or "decision_function".
    pos_label : optional
        The class whose errors are false non-matches; the last of `classes_` without.
    cv : int, splitter, iterable, "prefit" or None
        As scikit-learn's. Folds that hold a person on both sides tune on scores that are too good: give a group
        splitter, and `groups` to fit. "prefit" takes the estimator as it is, and X as data that it has not seen.
    refit : bool
        Fit `estimator_` on all rows in the end. False needs one fold alone, and keeps that fold's estimator.
    n_jobs : int, optional
        Folds fitted at the same time, as joblib counts; one without.

    Attributes
    ----------
    estimator_ : estimator
        The fitted classifier.
    classes_ : ndarray
        Its classes.
    best_threshold_ : float
        On the response of the positive class.
    best_score_ : float
        1 minus the objective's loss there, on the scores it was tuned on.
    curve_ : ErrorCurve
        Errors at every threshold, of the pooled out-of-fold scores.
    """

    def __init__(
        self,
        estimator: Any,
        *,
        method: str = "exact",
        settings: Settings | None = None,
        response_method: str = "auto",
        pos_label: Any = None,
        cv: Any = None,
        refit: bool = True,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.settings = settings
        self.response_method = response_method
        self.pos_label = pos_label
        self.cv = cv
        self.refit = refit
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: ArrayLike, groups: ArrayLike | None = None, **params: Any) -> Self:
        """Fit the classifier and tune its threshold.

        Parameters
        ----------
        X : array_like or frame, shape (rows, features)
            Rows.
        y : array_like, shape (rows,)
            Two classes.
        groups : array_like, shape (rows,), optional
            Whose the rows are, for the splitter.
        **params
            For the estimator's fit.

        Raises
        ------
        ScoreError
            If y has not two classes, or the scores carry no threshold.
        """
        labels = np.asarray(y)
        kind = type_of_target(labels, input_name="y")
        if kind != "binary" or len(np.unique(labels)) != 2:
            raise ScoreError(
                f"Only binary classification is supported: a threshold parts two classes, and y is {kind} "
                f"with {len(np.unique(labels))}"
            )
        scores, truth = self._held_out(X, labels, groups, params)
        made = Scores.make(scores, truth)
        self.curve_ = ErrorCurve.of(made)
        settings = self.settings or Settings()
        self.choice_ = choose(self.curve_, self.method, settings)
        self.best_threshold_ = self.choice_.threshold
        self.best_score_ = 1 - float(settings.loss(self.curve_)[self.curve_.index(self.best_threshold_)])
        self.classes_ = self.estimator_.classes_
        if hasattr(self.estimator_, "n_features_in_"):
            self.n_features_in_ = self.estimator_.n_features_in_
        if hasattr(self.estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.estimator_.feature_names_in_
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the class of each row, by the tuned threshold; shape (rows,)."""
        check_is_fitted(self, "best_threshold_")
        positive = _positive(self.classes_, self.pos_label)
        accepted = self._response(self.estimator_, X) >= self.best_threshold_
        return np.asarray(self.classes_)[np.where(accepted, positive, 1 - positive)]

    @available_if(_estimator_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the classifier's own probabilities, shape (rows, 2)."""
        check_is_fitted(self, "estimator_")
        return np.asarray(self.estimator_.predict_proba(X))

    @available_if(_estimator_has("decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return the classifier's own decision values, shape (rows,)."""
        check_is_fitted(self, "estimator_")
        return np.asarray(self.estimator_.decision_function(X))

    def _held_out(
        self, X: Any, y: NDArray[Any], groups: Any, params: dict[str, Any]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Fit `estimator_`; return scores of rows that their fold's estimator has not seen, and which are positive."""
        if isinstance(self.cv, str) and self.cv == "prefit":
            if self.refit:
                raise ValueError("cv='prefit' takes the estimator as it is: set refit=False")
            check_is_fitted(self.estimator)
            self.estimator_ = self.estimator
            positive = _positive(self.estimator_.classes_, self.pos_label)
            return self._response(self.estimator_, X), y == self.estimator_.classes_[positive]
        folds = list(check_cv(self.cv, y=y, classifier=True).split(X, y, groups))
        if not self.refit and len(folds) > 1:
            raise ValueError(f"refit=False keeps one fold's estimator, and cv has {len(folds)} folds: set refit=True")
        fits = Parallel(n_jobs=self.n_jobs)(delayed(_fold)(self, X, y, params, train, test) for train, test in folds)
        self.estimator_ = clone(self.estimator).fit(X, y, **params) if self.refit else fits[-1][0]
        positive = _positive(self.estimator_.classes_, self.pos_label)
        truth = y[np.concatenate([test for _, test in folds])] == self.estimator_.classes_[positive]
        return np.concatenate([scores for _, scores in fits]), truth

    def _response(self, fitted: Any, X: Any) -> NDArray[np.float64]:
        positive = _positive(fitted.classes_, self.pos_label)
        usual = ("predict_proba", "decision_function")
        for name in usual if self.response_method == "auto" else (self.response_method,):
            if name in usual and hasattr(fitted, name):
                got = np.asarray(getattr(fitted, name)(X), np.float64)
                return got[:, positive] if got.ndim == 2 else got if positive == 1 else -got
        raise ValueError(
            f"{type(fitted).__name__} has no {self.response_method!r} to put a threshold on; it needs predict_proba or "
            "decision_function"
        )


def _fold(
    tuner: ThresholdTuner,
    X: Any,
    y: NDArray[Any],
    params: dict[str, Any],
    train: NDArray[np.intp],
    test: NDArray[np.intp],
) -> tuple[Any, NDArray[np.float64]]:
    """Return a fold's classifier and its response to rows that it has not seen."""
    fitted = clone(tuner.estimator).fit(_safe_indexing(X, train), y[train], **_rows(params, train, len(y)))
    if len(fitted.classes_) != 2:
        raise ScoreError("a fold's training part holds one class alone; use fewer or stratified folds")
    return fitted, tuner._response(fitted, _safe_indexing(X, test))


def _positive(classes: NDArray[Any], pos_label: Any) -> int:
    if pos_label is None:
        return 1
    at = np.flatnonzero(classes == pos_label)
    if not len(at):
        raise ScoreError(f"pos_label {pos_label!r} is none of the classes {', '.join(map(str, classes))}")
    return int(at[0])


def _rows(params: dict[str, Any], rows: NDArray[np.intp], count: int) -> dict[str, Any]:
    """Return fit parameters, those of one value a row cut to a fold's rows."""
    return {
        name: _safe_indexing(value, rows) if hasattr(value, "__len__") and len(value) == count else value
        for name, value in params.items()
    }
