"""Networks in a comparison: their validation prints are other people's, their epochs are reported and kept."""

import re

import cv2
import numpy as np
import pandas as pd
import pytest

from ridgefeat.bench import Options, compare
from ridgefeat.bench.classifiers import default_names, find
from ridgefeat.nn.classifier import NumpyCNNClassifier
from tests.bench.helpers import make_frame, problem_of, quick


@pytest.fixture
def small_pictures(monkeypatch):
    """Pictures of 16 x 16 px in place of those of 128 x 128: what is tested does not depend on the size."""

    def read(root, sources, layouts, flags):
        return np.stack([cv2.imread(str(root / s), 0).ravel() / np.float32(255) for s in sources])

    monkeypatch.setattr("ridgefeat.bench.classifiers.read_pixels", read)


@pytest.fixture
def problem(tmp_path):
    frame = make_frame(people=24, prints=2)
    rng = np.random.default_rng(0)
    for source, sex in zip(frame["meta_source"], frame["sex"], strict=True):
        picture = rng.integers(0, 100, (16, 16))
        picture[:, :8] += 100 * (sex == "female")
        cv2.imwrite(str(tmp_path / source), picture.astype(np.uint8))
    return problem_of(frame)


def test_a_network_learns_reports_its_epochs_and_keeps_them(problem, small_pictures, tmp_path):
    reported = []
    options = Options(("dummy", "cnn-two-block"), folds=2, images=tmp_path, epochs=6, jobs=1, diagnose=False)
    done = compare(problem, options, progress=lambda *line: reported.append(line))
    assert done.summary.set_index("classifier").loc["cnn-two-block", "roc_auc"] > 0.9
    assert isinstance(done.epochs, pd.DataFrame) and {"loss", "val_loss", "val_accuracy"} <= set(done.epochs)
    assert set(done.epochs["fold"]) == {0, 1}
    assert done.epochs["epoch"].min() == 1 and 2 <= done.epochs["epoch"].max() <= 6
    lines = [what for *_, what in reported if what.startswith("cnn-two-block fold 2/2 epoch 1: ")]
    figures = r"loss \d\.\d\d/\d\.\d\d accuracy \d\.\d\d/\d\.\d\d, at most \d+:\d\d left"
    assert len(lines) == 1 and re.search(figures + "$", lines[0])
    again = compare(problem, options)
    assert again.scores.equals(done.scores)


@pytest.mark.parametrize("imbalance", ["weights", "under"])
def test_validation_prints_are_of_other_groups(problem, small_pictures, tmp_path, monkeypatch, imbalance):
    seen = []
    split = NumpyCNNClassifier._split

    def spy(self, images, truth, groups, seed):
        inner, outer = split(self, images, truth, groups, seed)
        seen.append(set(groups[inner]) & set(groups[outer]))
        assert len(outer) > 0
        return inner, outer

    monkeypatch.setattr(NumpyCNNClassifier, "_split", spy)
    done = quick(problem, "cnn-two-block", images=tmp_path, epochs=1, imbalance=imbalance)
    assert done.runs[0].reason == ""
    assert seen == [set(), set()]


def test_without_pictures_only_those_that_read_them_fail(problem, tmp_path):
    without = quick(problem, "dummy", "cnn-two-block")
    assert [r.status for r in without.runs] == ["ok", "failed"] and "--images" in without.runs[1].reason
    (tmp_path / problem.sources[3]).unlink()
    lacking = quick(problem, "dummy", "cnn-two-block", images=tmp_path)
    assert [r.status for r in lacking.runs] == ["ok", "failed"] and problem.sources[3] in lacking.runs[1].reason


def test_further_methods_run_with_the_named(problem, tmp_path):
    def read(problem, root):
        return np.c_[problem.y, np.ones(len(problem))].astype(np.float32)

    given = find("logistic")
    leaky = type(given)("leaky", "reads the answer", given.classify, input="answer", read=read)
    done = quick(problem, "dummy", further=(leaky,), images=tmp_path, within=("finger",))
    assert [r.name for r in done.runs] == ["dummy", "leaky"] and done.runs[1].meaning == "reads the answer"
    assert done.summary["roc_auc"].max() == 1 and done.reproduction.options["further"] == ("leaky",)


def test_image_entries_are_asked_for_by_name():
    assert not {"pixels-rbf-svm", "cnn-two-block", "cnn-three-block"} & set(default_names("binary"))
    assert find("cnn-three-block").in_epochs and find("cnn-three-block").input == find("pixels-rbf-svm").input
