"""`ridgefeat bench --backbone FILE`: a network's classifiers in the comparison."""

import importlib.util
import pickle
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from ridgefeat.backbone import OnnxBackbone
from ridgefeat.bench import Options, compare
from ridgefeat.bench.backbone_entries import backbone_methods, read_settings
from ridgefeat.bench.data import make_problem
from ridgefeat.bench.inputs import make_inputs
from ridgefeat.cli import main
from ridgefeat.errors import ModelError, ParameterError
from tests.backbone.onnx_examples import mobile, plain, save

NAMES = ["backbone-svm", "backbone-logistic", "backbone-head", "backbone-last-block", "both-svm", "both-logistic"]
_WHERE = Path(__file__).resolve().parents[1] / "bench" / "bench_examples.py"
_SPEC = importlib.util.spec_from_file_location("bench_examples", _WHERE)
examples = sys.modules.get("bench_examples") or importlib.util.module_from_spec(_SPEC)
if not hasattr(examples, "make_frame"):
    _SPEC.loader.exec_module(examples)


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


def test_every_classifier_learns_from_the_images(problem, pictures, tmp_path):
    methods = backbone_methods(save(mobile(), tmp_path), read_settings(["mean=0.5", "std=0.25"]))
    assert [m.name for m in methods] == NAMES
    options = Options(("dummy",), further=methods, folds=2, images=pictures[1], jobs=1, diagnose=False, samples=50)
    done = compare(problem, options)
    assert [(r.name, r.reason) for r in done.runs] == [(n, "") for n in ("dummy", *NAMES)]
    auc = done.summary.set_index("classifier")["roc_auc"]
    assert (auc[["backbone-svm", "backbone-logistic", "both-svm"]] > 0.8).all()
    told = done.epochs.groupby("classifier")["epoch"].nunique()
    assert told["backbone-head"] == 30 and told["backbone-last-block"] == 35


def test_each_print_goes_through_the_network_once_and_is_told_of(problem, pictures, tmp_path, monkeypatch):
    path, given = save(mobile(), tmp_path), {"mean": (0.5,), "std": (0.25,)}
    methods = backbone_methods(path, given)
    passed, told = [], []
    run = OnnxBackbone.transform
    monkeypatch.setattr(OnnxBackbone, "transform", lambda self, X: passed.append(len(X)) or run(self, X))
    monkeypatch.setattr("ridgefeat.bench.backbone_entries.CHUNK", 15)
    options = Options((), further=methods, folds=2, images=pictures[1])
    found = make_inputs(problem, options, methods, lambda *line: told.append(line))
    assert passed == [15, 15, 10] and told[-1] == (40, 40, "prints through the network")
    assert [done for done, _, _ in told] == list(range(1, 41))
    images = [cv2.imread(str(pictures[1] / s), cv2.IMREAD_GRAYSCALE) for s in problem.sources]
    for name, layer, pool in (("backbone", None, True), ("backbone's maps", "sum", False)):
        alone = run(OnnxBackbone(path, layer=layer, pool=pool, **given).fit(), images)
        np.testing.assert_allclose(found[name], alone, atol=1e-5)
    np.testing.assert_array_equal(found["backbone and features"][:, -10:], found["backbone"])
    # What goes to a worker with a task is not the whole table's vectors.
    assert len(pickle.dumps(methods[0].read)) < 5000


@pytest.mark.parametrize(("jobs", "threads"), [(1, 1), (2, 2), (99, 2), (None, 2)])
def test_no_more_threads_than_workers_or_cores(problem, pictures, tmp_path, monkeypatch, jobs, threads):
    methods, seen = backbone_methods(save(mobile(), tmp_path)), []
    run = OnnxBackbone.transform
    monkeypatch.setattr(OnnxBackbone, "transform", lambda self, X: seen.append(cv2.getNumThreads()) or run(self, X))
    monkeypatch.setattr("joblib.cpu_count", lambda *_, **__: 2)
    before = cv2.getNumThreads()
    make_inputs(problem, Options((), further=methods, images=pictures[1], jobs=jobs), methods)
    assert set(seen) == {threads} and cv2.getNumThreads() == before


def test_embeddings_are_standardised_within_levels(problem, pictures, tmp_path):
    methods = backbone_methods(save(mobile(), tmp_path), wanted=["backbone-svm", "both-logistic", "dummy"])
    assert [m.name for m in methods] == ["backbone-svm", "both-logistic"]
    options = Options(
        ("dummy",), further=methods, folds=2, images=pictures[1], within=("hand",), jobs=1, diagnose=False, samples=50
    )
    assert [r.reason for r in compare(problem, options).runs] == [""] * 3


def test_a_block_that_cannot_be_trained_is_a_row_with_its_reason(problem, pictures, tmp_path):
    methods = backbone_methods(save(plain(pool=False), tmp_path), wanted=["backbone-svm", "backbone-last-block"])
    options = Options((), further=methods, folds=2, images=pictures[1], jobs=1, diagnose=False, samples=50)
    runs = {r.name: r.reason for r in compare(problem, options).runs}
    assert runs["backbone-svm"] == "" and "no global average pooling" in runs["backbone-last-block"]


def test_the_command(pictures, tmp_path):
    frame, folder = pictures
    table, out = examples.write_frame(frame, tmp_path / "table.csv"), tmp_path / "out"
    given = ["bench", str(table), "--target", "sex", "-o", str(out), "--folds", "2", "--fast", "-j", "1", "-q"]
    network = str(save(mobile(), tmp_path))
    asked = ["--backbone", network, "--backbone-set", "mean=0.5", "--backbone-set", f"cache={tmp_path / 'kept'}"]
    names = ["--classifiers", "dummy,backbone-logistic,backbone-head"]
    done = CliRunner().invoke(main, [*given, "--images", str(folder), *asked, *names])
    assert done.exit_code == 0, done.output
    rows = pd.read_csv(out / "summary.csv").set_index("classifier")
    assert set(rows.index) == {"dummy", "backbone-logistic", "backbone-head"}
    assert len(list((tmp_path / "kept").rglob("*.npy"))) == len(frame)
    for wrong, says in [
        (asked, "--images FOLDER"),
        (["--backbone-set", "mean=0.5"], "give --backbone FILE"),
        (["--images", str(folder), "--backbone", str(table)], "is no ONNX network"),
        (["--images", str(folder), *asked, "--backbone-set", "sise=3"], "with KEY one of"),
    ]:
        refused = CliRunner().invoke(main, [*given, *wrong])
        assert refused.exit_code == 2 and says in refused.output and "Traceback" not in refused.output


def test_settings():
    found = read_settings(["size=96", "mean=0.1,0.2,0.3", "layer=a=b", "channel_order=bgr"])
    assert found == {"size": 96, "mean": (0.1, 0.2, 0.3), "layer": "a=b", "channel_order": "bgr"}
    assert read_settings(["size=96,80"]) == {"size": (96, 80)}
    for pair, says in [("size", "KEY=VALUE"), ("std=a", "'a'"), ("size=1,2,3", "ROWS,COLUMNS")]:
        with pytest.raises(ParameterError, match=says):
            read_settings([pair])
    with pytest.raises(ModelError, match="there is no network"):
        backbone_methods(Path("none.onnx"))
