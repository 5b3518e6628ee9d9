import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from ridgefeat.bench import Harmonizer, Options
from ridgefeat.bench.classifiers import build, find
from ridgefeat.errors import TableError
from tests.bench.helpers import make_frame, problem_of, quick, write_frame
from tests.cli.running import run


@parametrize_with_checks([Harmonizer()])
def test_it_is_an_estimator(estimator, check):
    check(estimator)


def made(people=40, prints=4, columns=60, sites=3, seed=0):
    """Return columns with a signal of the target in ten of them and effects of sites, then site, person and target."""
    rng = np.random.default_rng(seed)
    n = people * sites
    person = np.repeat(np.arange(n), prints)
    site, y = person % sites, (person // sites) % 2
    signal = rng.normal(size=(n, columns))[person] + 0.5 * rng.normal(size=(len(person), columns))
    signal[:, :10] += 0.8 * y[:, None]
    location, scale = rng.normal(size=(sites, columns)) * 2, np.exp(rng.normal(size=(sites, columns)) * 0.4)
    return np.c_[signal * scale[site] + location[site], site], signal, site, person, y


def accuracy_of(train, test, label, fitting, judged):
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)).fit(train, label[fitting])
    return model.score(test, label[judged])


def test_the_site_is_no_longer_recognised_and_the_target_is():
    X, _, site, person, y = made()
    fit, rest = (person // 6) % 2 == 0, (person // 6) % 2 == 1  # both with every site and target
    fitted = Harmonizer().fit(X[fit])
    train, test = fitted.transform(X[fit]), fitted.transform(X[rest])
    assert accuracy_of(X[fit, :-1], X[rest, :-1], site, fit, rest) > 0.99
    assert accuracy_of(train, test, site, fit, rest) < 0.42  # chance is a third
    before, after = accuracy_of(X[fit, :-1], X[rest, :-1], y, fit, rest), accuracy_of(train, test, y, fit, rest)
    assert after > 0.75 and after > before - 0.02


def test_location_and_scale_are_taken_off_people_not_seen():
    X, signal, site, person, _ = made(people=200)
    fit, rest = (person // 6) % 2 == 0, (person // 6) % 2 == 1
    out = Harmonizer().fit(X[fit]).transform(X[rest])
    apart, still = (_apart(values, site[rest]) for values in (X[rest, :-1], out))
    assert np.median(apart) > 1.5 and np.median(still) < 0.25
    deviations = pd.DataFrame(out).groupby(site[rest]).std()
    assert (deviations.max() / deviations.min()).median() < 1.15
    # What people differ in is kept: the same up to one location and scale per column.
    r = [np.corrcoef(out[:, k], signal[rest, k])[0, 1] for k in range(out.shape[1])]
    assert min(r) > 0.97


def _apart(values, site):
    """Return the distance between sites' means in deviations within them, by column."""
    by_site = pd.DataFrame(values).groupby(site)
    return np.ptp(by_site.mean().to_numpy(), axis=0) / by_site.std().mean().to_numpy()


def test_a_new_site_gives_its_own_effects():
    X, signal, site, _, _ = made(people=100)
    old, new = site < 2, site == 2
    fitted = Harmonizer().fit(X[old])
    out = fitted.transform(X[new])
    assert np.abs(out.mean(axis=0) - fitted.mean_).max() / fitted.deviation_.max() < 0.2
    assert np.corrcoef(out[:, 3], signal[new, 3])[0, 1] > 0.99
    lone = fitted.transform(X[new][:1])
    assert lone.shape == (1, 60) and np.isfinite(lone).all()


def test_effects_are_shrunk_to_what_columns_have_in_common():
    """What differs by chance is halved, what does not is left as it is."""
    rng = np.random.default_rng(0)
    X = np.c_[rng.normal(size=(800, 200)), np.repeat([0, 1], 400)]
    own = X[400:, :-1].mean(axis=0) - X[:, :-1].mean(axis=0)
    assert np.abs(Harmonizer().fit(X).effects_[1].location).mean() < 0.6 * np.abs(own).mean()
    X[400:, :100] += 3
    found = Harmonizer().fit(X).effects_[1].location
    assert found[:100] == pytest.approx(1.5, abs=0.3) and found[100:200] == pytest.approx(0, abs=0.15)


def test_gaps_constants_and_columns_behind():
    X, _, site, _, _ = made()
    X[:, 0], X[:, 1] = 7 + site, np.where(site == 1, np.nan, X[:, 1])
    X[5, 2] = np.nan
    level = np.arange(len(X)) % 2
    out = Harmonizer(site=-2).fit_transform(np.c_[X, level])
    assert np.array_equal(out[:, -1], level) and out.shape == X.shape
    assert (
        np.ptp(out[:, 0]) == pytest.approx(0) and np.isnan(out[5, 2]) and np.isnan(out[:, 1]).sum() == (site == 1).sum()
    )
    names = Harmonizer(site=1).fit(pd.DataFrame(X[:, [0, -1, 2]], columns=["a", "site", "b"])).get_feature_names_out()
    assert names.tolist() == ["a", "b"]


def test_no_target_is_used():
    X, _, _, _, y = made()
    plain = Harmonizer().fit(X).transform(X)
    assert np.array_equal(plain, Harmonizer().fit(X, y).transform(X))


def test_a_comparison_harmonises_in_its_folds():
    frame = make_frame(people=60, effect=2.0)
    site = np.array(["a", "b"], object)[frame["subject"] // 2 % 2]
    names = [c for c in frame if frame[c].dtype == np.float32]
    frame[names] += (20 * (site == "b")[:, None] * np.arange(1, 7)).astype(np.float32)
    problem = problem_of(frame.assign(sensor=site))
    plain, better = (quick(problem, "naive-bayes", harmonise=h, within=("finger",)) for h in (None, "sensor"))
    by_name = [c.summary.set_index("classifier")["roc_auc"] for c in (plain, better)]
    assert (
        by_name[1]["naive-bayes"] > by_name[0]["naive-bayes"] + 0.1
        and better.reproduction.options["harmonise"] == "sensor"
    )
    sensor = problem_of(frame.assign(sensor=site), target="sensor")
    assert quick(sensor, "logistic").summary["roc_auc"][0] > 0.99
    assert quick(sensor, "logistic", harmonise="sensor").summary["roc_auc"][0] < 0.6
    steps = [name for name, _ in build(find("lda"), Options(harmonise="sensor", within=("finger",))).steps]
    assert steps == ["harmonise", "scale", "fill", "model"]
    with pytest.raises(TableError, match="no column 'lab' to harmonise by"):
        quick(problem, "dummy", harmonise="lab")


def test_a_sensor_that_training_lacks(tmp_path):
    for name, shift in (("a", 0), ("b", 30)):
        frame = make_frame(people=40, effect=5.0, seed=shift)
        names = [c for c in frame if frame[c].dtype == np.float32]
        frame[names] = frame[names] * 2 + shift if shift else frame[names]
        write_frame(
            frame.assign(
                sensor=name,
                meta_source=[f"{name}/{s}" for s in frame["meta_source"]],
                meta_sha256=[f"{name}{s[1:]}" for s in frame["meta_sha256"]],
                subject=frame["subject"] + shift * 10,
            ),
            tmp_path / f"{name}.csv",
        )
    how = ["bench", "--train", tmp_path / "a.csv", "--test", tmp_path / "b.csv", "--target", "sex", "--fast", "-j", 1]
    how += ["--classifiers", "logistic", "-q"]
    accuracy = []
    for more in ([], ["--harmonise", "sensor"]):
        run(*how, *more, "-o", tmp_path / f"out{len(more)}")
        accuracy.append(pd.read_csv(tmp_path / f"out{len(more)}" / "summary.csv")["balanced_accuracy"][0])
    assert accuracy[0] < 0.6 and accuracy[1] > 0.8
