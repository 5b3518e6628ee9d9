import json
import zipfile
from copy import deepcopy
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from skops import io

from ridgefeat.bench import Options, classifiers, compare, model
from ridgefeat.bench.classifiers import default_names
from ridgefeat.bench.splits import make_folds
from ridgefeat.errors import ModelError, ParameterError, TableError
from tests.bench.helpers import Sulky, make_about, make_frame, problem_of

QUICK = Options(within=("finger",), folds=2, jobs=1)


@pytest.fixture(autouse=True, scope="module")
def few_trees():
    with pytest.MonkeyPatch.context() as patch:
        for name, knob in (
            ("random-forest", "n_estimators"),
            ("extra-trees", "n_estimators"),
            ("gradient-boosting", "max_iter"),
        ):
            method = classifiers.METHODS[name]
            small = replace(method, classify=lambda o, make=method.classify, knob=knob: make(o).set_params(**{knob: 5}))
            patch.setitem(classifiers.METHODS, name, small)
        yield


def restored(fitted, folder):
    """Return a model written to a file and read back."""
    return model.load_model(model.save_model(fitted, folder / "m.skops"))


def stored(pipeline, about="{}"):
    """Return the bytes of a model file of these contents."""
    return io.dumps({"pipeline": pipeline, "calibrator": None, "about": about})


def predictions(fitted, frame):
    return model.predict(fitted, frame, make_about(frame))


def quality_frame(**given):
    frame = make_frame(people=30, effect=3.0, **given)
    return frame.rename(columns={f"texture_made_{i}": f"quality_made_{i}" for i in (1, 3, 5)})


def trained(name="pca-lda", target="sex"):
    return model.train(problem_of(quality_frame(), target), name, QUICK)


@pytest.fixture(scope="module")
def fitted():
    return trained()


def test_classes_go_by_name_and_each_has_a_probability(fitted, tmp_path):
    new = quality_frame(seed=5)
    predicted = predictions(restored(fitted, tmp_path), new)
    assert list(predicted) == ["source", "predicted", "p_female", "p_male", "no_answer"]
    answered = predicted[predicted["no_answer"] == ""]
    assert len(answered) > 100 and np.allclose(answered["p_female"] + answered["p_male"], 1)
    assert (answered["predicted"] == new["sex"][answered.index]).mean() > 0.75
    assert ((answered["p_male"] > fitted.about["shares"][1]) == (answered["predicted"] == "male")).all()
    assert json.loads((tmp_path / "m.json").read_text())["classes"] == ["female", "male"]


def test_levels_go_by_name(fitted):
    new = quality_frame(seed=5)
    alone = new[new["finger"] == "little"]
    whole = predictions(fitted, new)["p_male"][alone.index]
    assert predictions(fitted, alone)["p_male"].tolist() == pytest.approx(whole.tolist(), nan_ok=True)


def test_a_strange_print_gets_no_answer(fitted, tmp_path):
    new = quality_frame(seed=5)
    new.loc[0, ["quality_made_1", "quality_made_3", "quality_made_5"]] = np.float32(1000)
    new.loc[1, "meta_error"] = "broken"
    new.loc[2, "meta_layout"] = "fvc"
    new.loc[3, "meta_dpi_x"] = 520.0
    new.loc[4, "meta_dpi_x"] = 508.0
    predicted = predictions(restored(fitted, tmp_path), new)
    assert predicted["no_answer"][:4].tolist() == [
        "unlike the training prints: quality",
        "not read: broken",
        "layout fvc, which no training print has",
        "resolution 520x500 dpi, which no training print has",
    ]
    assert "resolution" not in predicted["no_answer"][4]
    assert predicted["predicted"].isna()[:4].all() and np.isnan(predicted["p_male"][:4]).all()
    assert (predicted["no_answer"] == "").mean() > 0.9


def test_noise_is_looked_at_by_itself(tmp_path):
    frame, new = (quality_frame(seed=seed).rename(columns={"quality_made_1": "quality_noise"}) for seed in (0, 5))
    for part in (frame, new):
        part["quality_noise"] = np.random.default_rng(1).gamma(1, 0.2, len(part)).astype(np.float32)
    new.loc[:4, "quality_noise"] = np.float32(9)
    fitted = model.train(problem_of(frame), "naive-bayes", QUICK)
    reasons = predictions(restored(fitted, tmp_path), new)["no_answer"]
    assert (reasons[:5] == "unlike the training prints: noise").all() and (reasons[5:] == "").mean() > 0.9


def test_prints_with_unfit_flags_do_not_show_what_is_ordinary_and_layouts_without_a_sensor_are_one():
    frame, new = quality_frame(), quality_frame(seed=5)
    names = [c for c in frame if c.startswith("quality_")]
    for part in (frame, new):
        part.loc[:9, names] = np.float32(1000)
        part["meta_layout"] = "plain" if part is frame else "regex"
    assert (predictions(model.train(problem_of(frame), "naive-bayes", QUICK), new)["no_answer"][:10] == "").all()
    frame.loc[:9, "meta_flags"] = ["no_print", "too_small", "cut_by_border wrong_scale", "too_small", "no_print"] * 2
    reasons = predictions(model.train(problem_of(frame), "naive-bayes", QUICK), new)["no_answer"]
    assert (reasons[:10] == "unlike the training prints: quality").all() and (reasons == "").mean() > 0.8


@pytest.mark.parametrize("name", ["pca-lda", "mean", "stack"])
def test_bench_and_predict_decide_alike(name, monkeypatch):
    """On a holdout, bench's probabilities and classes are those of the model of its training rows."""
    members = ["dummy", "naive-bayes", "pca-lda", "tree"]
    monkeypatch.setattr(model, "default_names", lambda kind: members)
    frame = make_frame(people=60, effect=1.5)
    frame = frame[~frame["subject"].isin(range(2, 40, 4))].reset_index(drop=True)  # fewer women than men
    whole = problem_of(frame)
    options = replace(QUICK, classifiers=(*members, name), folds=3, diagnose=False, fuse="subject", samples=20)
    (fold,) = folds = make_folds(whole, "holdout")
    done = compare(whole, options, folds=folds)
    fitted = model.train(problem_of(frame.iloc[fold.train].reset_index(drop=True)), name, options)
    monkeypatch.setattr(model, "_no_answer", lambda model, frame, X: np.full(len(frame), "", object))
    held_out = frame.iloc[fold.test].reset_index(drop=True)
    for scores, by in ((done.scores, None), (done.fused_scores, "subject")):
        found = model.predict(fitted, held_out, make_about(frame), by)
        own = scores[scores["classifier"] == name].set_index("source").loc[found[by or "source"]]
        assert found["predicted"].tolist() == own["y_pred"].tolist() and found["predicted"].nunique() == 2
        assert found["p_female"].to_numpy() == pytest.approx(own["p_female"].to_numpy(), abs=1e-4)


def test_a_person_is_predicted_from_the_prints_that_have_an_answer(fitted):
    new = quality_frame(seed=5)
    new.loc[:2, "meta_layout"] = "fvc"
    new.loc[4:7, "meta_layout"] = "fvc"
    people = model.predict(fitted, new, make_about(new), "subject").set_index("subject")
    assert people.loc["1", "prints"] <= 1 and people.loc["2", "prints"] == 0 and len(people) == 30
    assert people.loc["2", "no_answer"] == "no print with an answer: layout fvc, which no training print has"
    assert people["predicted"].isna().sum() == (people["no_answer"] != "").sum()
    with pytest.raises(TableError, match="together by 'toe': the table has no such column"):
        model.predict(fitted, new, make_about(new), "toe")
    of_fingers = trained(target="finger")
    with pytest.raises(ModelError, match="prints of one subject have several values of 'finger'"):
        model.predict(of_fingers, new, make_about(new), "subject")


def test_another_schema_or_other_parameters_are_refused(fitted):
    new = quality_frame()
    about = make_about(new)
    with pytest.raises(TableError, match=r"parameters: gabor\.width"):
        model.predict(fitted, new, about | {"parameters": {"gabor": {"width": 1}}})
    with pytest.raises(TableError, match="columns only in the first: ridge_made_0"):
        model.predict(fitted, new, about | {"columns": about["columns"][1:]})


@pytest.mark.parametrize("name", [n for n in default_names("binary") if n not in classifiers.ENSEMBLES])
def test_every_classifier_comes_back_as_it_went(name, tmp_path):
    fitted, new = trained(name), quality_frame(seed=5)
    assert predictions(restored(fitted, tmp_path), new).equals(predictions(fitted, new))


@pytest.mark.parametrize("name", ["mean", "stack"])
def test_ensembles_are_stored_with_their_members(name, monkeypatch, tmp_path):
    monkeypatch.setattr(model, "default_names", lambda kind: ["dummy", "logistic", "tree", "knn"])
    made = trained(name)
    assert made.about["members"] and set(made.about["members"]) <= {"logistic", "tree", "knn"}
    new = quality_frame(seed=5)
    predicted = predictions(restored(made, tmp_path), new)
    assert predicted.equals(predictions(made, new))
    answered = predicted[predicted["no_answer"] == ""]
    assert (answered["predicted"] == new["sex"][answered.index]).mean() > 0.68
    # The members' own mean log-odds rank the prints as the whole does.
    if name == "mean":
        X = np.c_[new[made.about["columns"]].to_numpy(np.float32), np.zeros(len(new), np.float32)]
        one = made.pipeline.decision_function(X)
        assert np.allclose(one[:, 0], -one[:, 1]) and len(made.pipeline.members) == 3


def test_ensembles_predict_numbers(monkeypatch, tmp_path):
    monkeypatch.setattr(model, "default_names", lambda kind: ["dummy", "ridge", "tree"])
    made = trained("mean", "age")
    frame = quality_frame()
    predicted = predictions(restored(made, tmp_path), frame)["predicted"]
    parts = [trained(n, "age") for n in made.about["members"]]
    by_hand = np.mean([predictions(p, frame)["predicted"] for p in parts], axis=0)
    assert np.allclose(predicted[predicted.notna()], by_hand[predicted.notna()])
    made.pipeline.named_estimators_["tree"].estimator[-1].tree_.children_left[0] = 10**6
    with pytest.raises(ModelError, match="damaged tree"):
        restored(made, tmp_path)


def test_too_few_members(monkeypatch):
    monkeypatch.setattr(model, "default_names", lambda kind: ["dummy", "tree"])
    with pytest.raises(ModelError, match="mean cannot be fitted: mean needs two classifiers besides dummy"):
        trained("mean")


def test_a_number_is_predicted_without_probabilities():
    predicted = predictions(trained("ridge", "age"), quality_frame())
    assert list(predicted) == ["source", "predicted", "no_answer"] and predicted["predicted"].notna().mean() > 0.9


def test_what_cannot_be_stored():
    with pytest.raises(ParameterError, match="reads images"):
        trained("pixels-rbf-svm")
    with pytest.raises(ModelError, match="cannot be fitted: fold 1: RuntimeError: will not"):
        trained("tests.bench.helpers:Sulky")


def swollen():
    raw = BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", b" " * (33 << 20))
    return raw.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a ridgefeat model"),
        (b"PK\x03\x04 no archive", "is not a ridgefeat model"),
        (b"\x80\x04pickle", "is not a ridgefeat model"),
        (stored(pipeline=None, about='{"format": "x"}'), "is a 'x', not a 'ridgefeat model 3'; train it again"),
        (stored(pipeline=Sulky()), r"holds tests\.bench\.helpers\.Sulky, which no ridgefeat model does"),
        (swollen(), "that unpack to 33 MB"),
    ],
)
def test_other_files_are_no_model(content, message, tmp_path, monkeypatch):
    monkeypatch.setattr(model, "MAX_BYTES", 1 << 16)
    path = tmp_path / "m.skops"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=message):
        model.load_model(path)


def test_a_model_that_is_missing_or_cut_short_is_refused(fitted, tmp_path):
    path = tmp_path / "m.skops"
    with pytest.raises(ModelError, match="no such file"):
        model.load_model(path)
    whole = model.save_model(fitted, path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="is not a ridgefeat model"):
        model.load_model(path)


@pytest.mark.parametrize("name", ["pca-lda", "knn"])
def test_no_name_of_a_person_or_print_is_in_the_file(name, tmp_path):
    frame = quality_frame()
    frame["subject"] = "Ada Surname " + frame["subject"].astype(str)
    frame["meta_source"] = "secret/" + frame["meta_source"].astype(str)
    problem = problem_of(frame, "sex")
    path = model.save_model(model.train(problem, name, Options(jobs=1, folds=2)), tmp_path / "m.skops")
    with zipfile.ZipFile(path) as archive:
        held = b"".join(map(archive.read, archive.namelist())) + path.with_suffix(".json").read_bytes()
    for text in ("Surname", "secret"):
        assert text.encode() not in held and text.encode("utf-32-le") not in held


def test_swapped_and_emptied_arrays_are_refused_or_predict_numbers(fitted, tmp_path):
    """Each array of a model is replaced by one that is empty, shorter, flat, of text or not finite."""
    path, new, refused = tmp_path / "m.skops", quality_frame(seed=5), 0
    with zipfile.ZipFile(model.save_model(fitted, path)) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    arrays = {n: np.load(BytesIO(data)) for n, data in held.items() if n.endswith(".npy")}
    for name, array in list(arrays.items())[::3]:
        for other in (
            array[:0] if array.ndim else array[None],
            np.ravel(array)[:1],
            array * np.nan,
            np.full(array.shape, "x"),
        ):
            raw = BytesIO()
            np.save(raw, other)
            with zipfile.ZipFile(path, "w") as archive:
                for member, data in {**held, name: raw.getvalue()}.items():
                    archive.writestr(member, data)
            try:
                found = predictions(model.load_model(path), new)
            except ModelError as error:
                refused += 1
                assert "\n" not in str(error)
                continue
            assert found.loc[found["no_answer"] == ""].filter(like="p_").notna().all(axis=None)
    assert refused > 20


def test_a_model_does_not_replace_what_says_how_a_table_was_made(fitted, tmp_path):
    sidecar = tmp_path / "features.json"
    sidecar.write_text('{"format": "ridgefeat table 1"}')
    with pytest.raises(ModelError, match=r"features\.json exists .* features-model\.skops"):
        model.save_model(fitted, tmp_path / "features.skops")
    assert sidecar.read_text() == '{"format": "ridgefeat table 1"}' and len(list(tmp_path.iterdir())) == 1
    # A model's own is replaced.
    model.save_model(fitted, model.save_model(fitted, tmp_path / "sex.skops"))


@pytest.mark.parametrize("name", ["tree", "random-forest", "gradient-boosting"])
def test_a_tree_that_points_outside_itself_or_at_itself_is_refused(name, tmp_path):
    fitted = trained(name)
    fitted_trees = fitted.pipeline[-1]
    if name == "gradient-boosting":
        nodes = fitted_trees._predictors[0][0].nodes
        nodes["left"][0] = nodes["is_leaf"][0] = 0
    else:
        tree = fitted_trees.estimators_[3] if name == "random-forest" else fitted_trees
        tree.tree_.children_left[0] = 10**6
    with pytest.raises(ModelError, match="damaged tree"):
        restored(fitted, tmp_path)


def test_parts_that_do_not_fit_together_are_refused(fitted, tmp_path):
    about = dict(fitted.about)
    for change in ({"columns": about["columns"][:-1]}, {"shares": [0.2, 0.3, 0.5]}, {"sources": [["made"]]}):
        with pytest.raises(ModelError, match=r"is not a ridgefeat model: ValueError|sources\[0\] must be a list of 3"):
            restored(replace(fitted, about=about | change), tmp_path)
    pipeline = deepcopy(fitted.pipeline)
    pipeline[-1][-1].coef_ = pipeline[-1][-1].coef_[:, :-1]
    with pytest.raises(ModelError, match="is not a ridgefeat model"):
        restored(replace(fitted, pipeline=pipeline), tmp_path)
    detector = deepcopy(fitted.novelty)
    detector.distances_[0].median_ = np.zeros(99)
    with pytest.raises(ModelError, match="is not a ridgefeat model"):
        restored(replace(fitted, novelty=detector), tmp_path)
