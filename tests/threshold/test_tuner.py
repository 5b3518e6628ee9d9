"""The tuner keeps scikit-learn's habits, tunes on rows that its fold has not seen, and holds its target."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GroupKFold, KFold, TunedThresholdClassifierCV, cross_val_predict, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from ridgefeat.errors import ScoreError
from ridgefeat.threshold import Settings, ThresholdTuner

X, Y = make_classification(1200, 6, n_informative=4, weights=[0.85], flip_y=0.05, random_state=0)
NAMES = np.where(Y == 1, "male", "female")


def test_it_predicts_by_the_threshold_of_out_of_fold_scores():
    tuner = ThresholdTuner(LogisticRegression(), cv=4).fit(X, NAMES)
    out = cross_val_predict(LogisticRegression(), X, NAMES, cv=4, method="predict_proba")[:, 1]
    best = max(balanced_accuracy_score(Y, out >= t) for t in np.unique(out))
    assert tuner.best_score_ == pytest.approx(best)
    assert balanced_accuracy_score(Y, out >= tuner.best_threshold_) == pytest.approx(best)
    want = np.where(tuner.predict_proba(X)[:, 1] >= tuner.best_threshold_, "male", "female")
    assert (tuner.predict(X) == want).all() and tuner.classes_.tolist() == ["female", "male"]
    assert tuner.n_features_in_ == 6


def test_it_reaches_what_scikit_learn_reaches():
    ours = ThresholdTuner(LogisticRegression(), cv=5).fit(X, Y)
    theirs = TunedThresholdClassifierCV(LogisticRegression(), cv=5, thresholds=500).fit(X, Y)
    assert ours.best_threshold_ == pytest.approx(theirs.best_threshold_, abs=0.03)
    assert ours.best_score_ >= theirs.best_score_ - 0.005
    assert (ours.predict(X) == theirs.predict(X)).mean() > 0.97


@pytest.mark.parametrize(
    ("estimator", "response"),
    [(LinearSVC(), "auto"), (GaussianNB(), "auto"), (LogisticRegression(), "decision_function")],
)
@pytest.mark.parametrize("positive", ["female", "male"])
def test_a_target_is_held_for_either_class(estimator, response, positive):
    tuner = ThresholdTuner(estimator, method="fmr=5%", response_method=response, pos_label=positive, cv=3)
    predicted = tuner.fit(X, NAMES).predict(X)
    k = tuner.curve_.index(tuner.best_threshold_)
    assert tuner.curve_.fmr[k] <= 0.05 and tuner.curve_.mated == (positive == NAMES).sum()
    assert np.mean(predicted[positive != NAMES] == positive) < 0.08


def test_groups_keep_people_apart():
    # Rows stand eight times: a tree knows them by heart unless the folds keep copies together.
    rng = np.random.default_rng(0)
    people, x, y = (
        np.repeat(np.arange(60), 8),
        np.repeat(rng.normal(size=(60, 5)), 8, axis=0),
        np.repeat(np.arange(60) % 2, 8),
    )
    tree = DecisionTreeClassifier(random_state=0)
    leaking = ThresholdTuner(tree, cv=KFold(4, shuffle=True, random_state=0)).fit(x, y)
    honest = ThresholdTuner(tree, cv=GroupKFold(4)).fit(x, y, groups=people)
    assert leaking.best_score_ > 0.95 and honest.best_score_ < 0.8


def test_prefit_and_single_folds():
    fitted = LogisticRegression().fit(X[:600], Y[:600])
    tuner = ThresholdTuner(fitted, cv="prefit", refit=False).fit(X[600:], Y[600:])
    assert tuner.estimator_ is fitted
    fold = [(np.arange(800), np.arange(800, 1200))]
    kept = ThresholdTuner(LogisticRegression(), cv=fold, refit=False).fit(X, Y)
    assert np.allclose(kept.estimator_.coef_, LogisticRegression().fit(X[:800], Y[:800]).coef_)
    with pytest.raises(ValueError, match="refit=False"):
        ThresholdTuner(fitted, cv="prefit").fit(X, Y)
    with pytest.raises(ValueError, match="has 5 folds"):
        ThresholdTuner(fitted, refit=False).fit(X, Y)


def test_sample_weights_go_to_their_fold():
    weights = np.where(Y == 1, 50.0, 1.0)
    plain = ThresholdTuner(LogisticRegression(), cv=3).fit(X, Y)
    heavy = ThresholdTuner(LogisticRegression(), cv=3).fit(X, Y, sample_weight=weights)
    assert heavy.best_threshold_ > plain.best_threshold_ + 0.2


def test_it_is_cloned_with_its_settings():
    tuner = ThresholdTuner(LogisticRegression(), method="far-frr", settings=Settings(ratio=0.2))
    assert clone(tuner).settings == Settings(ratio=0.2)
    assert tuner.set_params(estimator__C=0.1).estimator.C == 0.1
    assert not hasattr(ThresholdTuner(LinearSVC()), "predict_proba")


def test_what_has_no_threshold_is_refused():
    with pytest.raises(ScoreError, match="Only binary"):
        ThresholdTuner(LogisticRegression()).fit(X, np.arange(len(X)) % 3)
    with pytest.raises(ScoreError, match="none of the classes female, male"):
        ThresholdTuner(LogisticRegression(), pos_label="m").fit(X, NAMES)
    with pytest.raises(ValueError, match="has no 'predict_proba'"):
        ThresholdTuner(LinearSVC(), response_method="predict_proba").fit(X, Y)


def test_workers_change_nothing():
    alone = ThresholdTuner(LogisticRegression(), cv=3).fit(X, Y)
    two = ThresholdTuner(LogisticRegression(), cv=3, n_jobs=2).fit(X, Y)
    assert two.best_threshold_ == alone.best_threshold_ and (two.curve_.cut == alone.curve_.cut).all()


def test_groups_are_routed_by_scikit_learn():
    people = np.arange(len(Y)) // 4
    with config_context(enable_metadata_routing=True):
        tuner = ThresholdTuner(LogisticRegression(), cv=GroupKFold(3)).set_fit_request(groups=True)
        routed = cross_validate(
            tuner, X, Y, cv=GroupKFold(2), params={"groups": people}, return_estimator=True, error_score="raise"
        )
    first = next(iter(GroupKFold(2).split(X, Y, people)))[0]
    by_hand = ThresholdTuner(LogisticRegression(), cv=GroupKFold(3)).fit(X[first], Y[first], groups=people[first])
    assert routed["estimator"][0].best_threshold_ == by_hand.best_threshold_
