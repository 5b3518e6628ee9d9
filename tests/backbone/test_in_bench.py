"""`ridgefeat bench --backbone NETWORK`: a network's classifiers in the comparison."""

import pickle
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

pytest.importorskip("onnx", reason="networks for these tests are written with onnx (the extra onnx)")
pytest.importorskip("onnxruntime", reason="networks for these tests are run by onnxruntime (the extra onnx)")

from ridgefeat.backbone import Backbone
from ridgefeat.bench import Options, backbone_methods, compare, make_problem, read_settings
from ridgefeat.bench.inputs import make_inputs
from ridgefeat.errors import ModelError, ParameterError
from tests.backbone.onnx_examples import mobile, save
from tests.bench import helpers as examples
from tests.cli.running import run

FROZEN = ["backbone-svm", "backbone-logistic", "backbone-head", "both-svm", "both-logistic"]
TUNED = "backbone-fine-tuned"
MODULE = f"{Path(__file__).with_name('torch_examples.py')}:residual"
GIVEN = {"mean": (0.5,), "std": (0.25,)}


@pytest.fixture
def pictures(tmp_path):
    """A table of prints, and their images, brighter on one side for one sex."""
    frame = examples.make_frame(people=20, prints=2)
    rng = np.random.default_rng(0)
    folder = tmp_path / "images"
    folder.mkdir()
    for source, sex in zip(frame["meta_source"], frame["sex"], strict=True):
        picture = rng.integers(0, 100, (16, 16))
        picture[:, :8] += 120 * (sex == "female")
        cv2.imwrite(str(folder / source), picture.astype(np.uint8))
    return frame, folder


@pytest.fixture
def problem(pictures):
    frame = pictures[0]
    return make_problem(frame, examples.make_about(frame), target="sex", group="subject")


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed (the extra torch)", exc_type=ImportError)


@pytest.fixture
def network(tmp_path):
    return str(save(mobile(), tmp_path))


@pytest.fixture
def fast(pictures):
    """Options of a short comparison, with others on top."""
    return partial(Options, folds=2, images=pictures[1], jobs=1, diagnose=False, samples=50)


@pytest.fixture
def runs(monkeypatch):
    """How many prints each run of a network takes, and how many threads OpenCV may then use."""
    seen, run = [], Backbone.transform
    monkeypatch.setattr(
        Backbone, "transform", lambda self, X: seen.append((len(X), cv2.getNumThreads())) or run(self, X)
    )
    return seen


def read_images(problem, pictures):
    return [cv2.imread(str(pictures[1] / s), cv2.IMREAD_GRAYSCALE) for s in problem.sources]


def test_every_frozen_classifier_learns_from_the_images(problem, network, fast):
    methods = backbone_methods(network, read_settings(["mean=0.5", "std=0.25"]))
    assert [m.name for m in methods] == FROZEN
    done = compare(problem, fast(("dummy",), further=methods))
    assert [(r.name, r.reason) for r in done.runs] == [(n, "") for n in ("dummy", *FROZEN)]
    auc = done.summary.set_index("classifier")["roc_auc"]
    assert (auc[["backbone-svm", "backbone-logistic", "both-svm"]] > 0.8).all()
    assert done.epochs.groupby("classifier")["epoch"].nunique()["backbone-head"] == 30


def test_a_module_adds_the_fine_tuned_classifier(problem, fast, torch):
    methods = backbone_methods(MODULE, {**GIVEN, "size": 16, "last_layers": 5})
    assert {m.name for m in methods} == {*FROZEN, TUNED}
    options = fast(("dummy",), further=methods)
    done = compare(problem, options)
    assert not any(r.reason for r in done.runs)
    assert done.epochs.groupby("classifier")["epoch"].nunique()[TUNED] == 35
    tuned = [m for m in methods if m.name == TUNED]
    again = compare(problem, replace(options, further=tuned, jobs=2))
    one, two = (c.scores.query("classifier == @TUNED").reset_index(drop=True) for c in (done, again))
    pd.testing.assert_frame_equal(one, two)


def test_embedding_and_maps_come_from_one_run(problem, pictures, torch, runs):
    methods = backbone_methods(MODULE, {**GIVEN, "size": 16, "last_layers": 5})
    found = make_inputs(problem, Options((), further=methods, images=pictures[1]), methods)
    assert sum(count for count, _ in runs) == 40
    for name, layer, pool in (("backbone", None, True), ("backbone's maps", "relu", False)):
        alone = (
            Backbone(MODULE, layer=layer, pool=pool, size=16, **GIVEN).fit().transform(read_images(problem, pictures))
        )
        np.testing.assert_allclose(found[name], alone, atol=1e-5)


def test_each_print_goes_through_the_network_once_with_progress(problem, pictures, network, runs, monkeypatch):
    methods, lines = backbone_methods(network, GIVEN), []
    monkeypatch.setattr("ridgefeat.bench.backbone_entries.CHUNK", 15)
    options = Options((), further=methods, folds=2, images=pictures[1])
    found = make_inputs(problem, options, methods, lambda *line: lines.append(line))
    assert [count for count, _ in runs] == [15, 15, 10] and lines[-1] == (40, 40, "prints through the network")
    assert [done for done, _, _ in lines] == list(range(1, 41))
    alone = Backbone(network, **GIVEN).fit().transform(read_images(problem, pictures))
    np.testing.assert_array_equal(found["backbone"], alone)
    np.testing.assert_array_equal(found["backbone and features"][:, -10:], found["backbone"])
    # What goes to a worker with a task is not the whole table's vectors.
    assert len(pickle.dumps(methods[0].read)) < 5000


@pytest.mark.parametrize(("jobs", "threads"), [(1, 1), (2, 2), (99, 2), (None, 2)])
def test_no_more_threads_than_workers_or_cores(problem, pictures, network, runs, monkeypatch, jobs, threads):
    methods = backbone_methods(network)
    monkeypatch.setattr("joblib.cpu_count", lambda *_, **__: 2)
    before = cv2.getNumThreads()
    make_inputs(problem, Options((), further=methods, images=pictures[1], jobs=jobs), methods)
    assert {count for _, count in runs} == {threads} and cv2.getNumThreads() == before


def test_embeddings_are_standardised_within_levels(problem, network, fast):
    methods = backbone_methods(network, wanted=["backbone-svm", "both-logistic", "dummy"])
    assert [m.name for m in methods] == ["backbone-svm", "both-logistic"]
    done = compare(problem, fast(("dummy",), further=methods, within=("hand",)))
    assert [r.reason for r in done.runs] == [""] * 3


def test_layers_that_cannot_be_trained_are_a_row_with_their_reason(problem, fast, torch):
    methods = backbone_methods(MODULE, {"size": 16, "last_layers": 99}, ["backbone-svm", TUNED])
    reasons = {r.name: r.reason for r in compare(problem, fast(("dummy",), further=methods)).runs}
    assert reasons["backbone-svm"] == "" and "last_layers is 99" in reasons[TUNED]


def test_the_command(pictures, network, tmp_path):
    frame, folder = pictures
    table, out = examples.write_frame(frame, tmp_path / "table.csv"), tmp_path / "out"
    given = f"bench {table} --target sex -o {out} --folds 2 --fast -j 1 -q --overwrite".split()
    settings = ["--backbone-set", "mean=0.5", "--backbone-set", f"cache={tmp_path / 'kept'}"]
    asked = ["--backbone", network, *settings]
    names = ["--classifiers", "dummy,backbone-logistic,backbone-head"]
    run(*given, "--images", folder, *asked, *names)
    rows = pd.read_csv(out / "summary.csv").set_index("classifier")
    assert set(rows.index) == {"dummy", "backbone-logistic", "backbone-head"}
    assert len(list((tmp_path / "kept").rglob("*.npy"))) == len(frame)
    for wrong, says in [
        (asked, "--images FOLDER"),
        (["--backbone-set", "mean=0.5"], "give --backbone NETWORK"),
        (["--images", folder, "--backbone", table], "is not an ONNX network"),
        (["--images", folder, *asked, "--backbone-set", "sise=3"], "with KEY one of"),
        (["--images", folder, *asked, "--classifiers", TUNED], "needs a PyTorch module: --backbone FILE.py:NAME"),
    ]:
        refused = run(*given, *wrong, code=2).output
        assert says in refused and "Traceback" not in refused


def test_settings():
    found = read_settings(["size=96", "mean=0.1,0.2,0.3", "layer=a=b", "channel_order=bgr"])
    assert found == {"size": 96, "mean": (0.1, 0.2, 0.3), "layer": "a=b", "channel_order": "bgr"}
    assert read_settings(["size=96,80", "last_layers=12"]) == {"size": (96, 80), "last_layers": 12}
    for pair, says in [
        ("size", "KEY=VALUE"),
        ("std=a", "'a'"),
        ("size=1,2,3", "ROWS,COLUMNS"),
        ("last_layers=x", "numbers"),
    ]:
        with pytest.raises(ParameterError, match=says):
            read_settings([pair])
    with pytest.raises(ModelError, match="no such file"):
        backbone_methods("none.onnx")
