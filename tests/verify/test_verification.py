"""From files to scores to a threshold; failures to acquire, foreign templates, workers."""

import json

import cv2
import numpy as np
import pandas as pd
import pytest

from ridgefeat.errors import ParameterError
from ridgefeat.threshold import ErrorCurve, analyse, read_scores
from ridgefeat.verify import Entry, Plan, compare, compare_all, verify
from ridgefeat.verify.verification import COLUMNS


def test_columns_order_and_values(verification, templates):
    frame = verification.scores
    assert tuple(frame.columns[:6]) == COLUMNS and len(frame) == 3 + 12
    assert frame["score"].notna().all() and (frame["failure"] == "").all()
    assert frame["score"][frame["mated"] == 1].min() > frame["score"][frame["mated"] == 0].max()
    assert frame["score"][0] == round(compare(templates[0][1], templates[1][1]).score, 6)
    assert verification.about["comparisons"]["non_mated"] == {"planned": 12, "made": 12}


def test_workers_do_not_change_the_scores(verification, folder):
    two = verify(folder, "fvc", layout="fvc", every_impostor=True, jobs=2)
    pd.testing.assert_frame_equal(two.scores, verification.scores)


def test_scores_are_in_the_order_of_the_plan_for_any_block():
    entries = [Entry(str(i), content=np.float32(i)) for i in range(130)] + [Entry("x", failure="bad")]
    rng = np.random.default_rng(0)
    plan = Plan(rng.integers(0, 131, 3000), rng.integers(0, 131, 3000), np.zeros(3000, bool))
    seen = []
    assert compare_all([], Plan.from_pairs([], []), _difference).size == 0
    found = compare_all(entries, plan, _difference, progress=lambda done, total: seen.append((done, total)))
    failed = (plan.probe == 130) | (plan.reference == 130)
    assert np.array_equal(found, np.where(failed, np.nan, plan.probe - plan.reference), equal_nan=True)
    assert seen[-1] == (3000 - failed.sum(),) * 2 and len(seen) == 3


def _difference(pairs):
    return np.array([float(a) - float(b) for a, b in pairs])


def test_from_scores_to_a_threshold(verification, tmp_path):
    path = verification.save(tmp_path / "s.csv")
    about = json.loads(path.with_suffix(".json").read_text("utf-8"))
    assert about["comparator"] == "minutiae" and about["parameters"]["minutiae"]["doubtful_quality"] == 30
    read = read_scores(path)
    assert "subjects in `subject_probe`, `subject_reference`" in read.note
    found = analyse(read.scores, ("exact",), folds=1)
    point = found.operating_points[0]
    assert point.fmr.errors == 0 == point.fnmr.errors and not list(tmp_path.glob(".*"))


def test_failures_are_rows_without_a_score_and_count_as_rejections(folder, tmp_path):
    for name in ("101_1.png", "103_1.png", "103_2.png"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    cv2.imwrite(str(tmp_path / "103_4.png"), np.full((300, 300), 255, np.uint8))
    (tmp_path / "103_5.png").write_bytes(b"no image")
    found = verify(tmp_path, "fvc", layout="fvc")
    failed = found.scores[found.scores["score"].isna()]
    # Four impressions of finger 103 make six mated pairs, of which five include a print that failed.
    assert len(failed) == 5 and (failed["mated"] == 1).all() and found.about["failures_to_acquire"] == 2
    assert failed["failure"].str.contains("103_4.png: .*0 minutiae are too few").sum() == 3
    assert failed["failure"].str.contains("103_5.png: ").sum() == 2
    read = read_scores(found.save(tmp_path / "out" / "s.csv"))
    assert "5 failures to acquire" in read.note
    curve = ErrorCurve.from_scores(read.scores)
    assert curve.n_mated == 1 and curve.n_failed_mated == 5
    at = int(curve.index(0.0))
    assert curve.fnmr[at] == 0 and curve.frr[at] == 5 / 6


def test_templates_of_other_systems(foreign):
    iso, xyt = (verify(folder, "fvc", layout="fvc", every_impostor=True).scores for folder in foreign)
    for frame in (iso, xyt):
        assert len(frame) == 15
        assert frame["score"][frame["mated"] == 1].min() > frame["score"][frame["mated"] == 0].max()
    # The two formats round the same minutiae differently.
    assert np.abs(iso["score"] - xyt["score"]).median() < 0.5


def test_impossible_arguments(folder):
    with pytest.raises(ParameterError, match="unknown comparator 'faces'; there are: minutiae, features"):
        verify(folder, comparator="faces")
    with pytest.raises(ParameterError, match="jobs must be 1 or more, or -1"):
        verify(folder, layout="fvc", jobs=0)
