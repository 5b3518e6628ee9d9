"""Scores that cannot be evaluated get an answer that says what to do; tables are read as they come."""

import numpy as np
import pandas as pd
import pytest

from ridgefeat.errors import ScoreError
from ridgefeat.threshold import Scores, read_scores, split_scores
from tests.threshold.made_scores import normal_scores

GOOD = np.concatenate([np.linspace(0, 1, 40), np.linspace(0.8, 2, 40)])
TRUTH = np.repeat([0, 1], 40)


@pytest.mark.parametrize(
    ("score", "mated", "said"),
    [
        ([1, 2, 3], [1, 1, 1], "3 mated and 0 non-mated"),
        ([1, 2, np.nan], [1, 0, 1], "missing .NaN., first in row 3.*--failures"),
        ([1, 2, np.inf], [1, 0, 1], "infinite, first in row 3"),
        ([4, 4, 4], [1, 0, 1], "all 3 scores are 4"),
        (-GOOD, TRUTH, "sign of the scores is reversed; they look like distances: give --distance"),
        ([1, 2], [1, 2], "mated must hold 1 and 0"),
        ([1, 2], ["a", "b"], "mated must hold 1 and 0"),
        ([1, 2, 3], [1, 0], "3 scores, but mated has shape"),
        (["a", "b"], [1, 0], "must be numbers"),
        ([], [], "got shape"),
    ],
)
def test_bad_scores_are_refused(score, mated, said):
    with pytest.raises(ScoreError, match=said):
        Scores.make(score, mated)


def test_reversed_distances_are_refused():
    with pytest.raises(ScoreError, match="leave out --distance"):
        Scores.make(GOOD, TRUTH, distance=True)


def test_a_useless_comparator_is_not_taken_for_a_reversed_one():
    rng = np.random.default_rng(0)
    for _ in range(30):
        Scores.make(rng.normal(size=200), np.arange(200) % 2)


def test_a_mated_comparison_of_two_people_is_refused():
    with pytest.raises(ScoreError, match="two different subjects, first in row 1"):
        Scores.make([2, 1], [1, 0], subject_probe=["a", "a"], subject_reference=["b", "b"])


def test_parts_share_no_subject_and_lose_nothing_but_what_crosses():
    scores = normal_scores(0, subjects=40)
    split = split_scores(scores, 0.75, seed=2)
    one, two = set(split.development.subject_codes), set(split.evaluation.subject_codes)
    assert not one & two and (len(one), len(two)) == (30, 10)
    assert len(split.development) + len(split.evaluation) + split.n_cross == len(scores)
    assert split.n_cross == 30 * 10
    again = split_scores(scores, 0.75, seed=2)
    assert np.array_equal(again.evaluation.score, split.evaluation.score)


def test_without_subjects_comparisons_are_dealt_out_by_kind():
    split = split_scores(Scores.make(GOOD, TRUTH), 0.8)
    assert not split.by_subject and split.n_cross == 0
    assert (split.development.mated.sum(), split.evaluation.mated.sum()) == (32, 8)


def test_too_few_subjects_for_two_parts_are_refused():
    with pytest.raises(ScoreError, match=r"evaluation part of 4 subjects .* --development 1"):
        split_scores(normal_scores(0, subjects=4), 0.8)
    assert split_scores(normal_scores(0, subjects=4), 1.0).evaluation is None
    with pytest.raises(ScoreError, match="share of development is 0"):
        split_scores(normal_scores(0), 0.0)


def test_a_table_of_comparisons_is_read(tmp_path):
    made = normal_scores(1, subjects=12)
    frame = pd.DataFrame(
        {
            "probe": "a.png",
            "reference": "b.png",
            "subject_probe": [f"s{i}" for i in made.probe],
            "subject_reference": [f"s{i}" for i in made.reference],
            "mated": made.mated,
            "score": made.score,
        }
    )
    frame.to_csv(tmp_path / "s.csv", index=False)
    read = read_scores(tmp_path / "s.csv")
    # Older pandas reads a number's last digit otherwise.
    assert np.allclose(read.scores.score, made.score, rtol=1e-12, atol=1e-12)
    assert np.array_equal(read.scores.mated, made.mated)
    assert read.scores.n_subjects == 12
    assert np.array_equal(read.scores.probe == read.scores.reference, made.probe == made.reference)


@pytest.mark.parametrize(
    "text",
    [
        "label,score\n1,0.9\n0,0.2\n1,0.8\n0,0.3\n",
        "score,label\n0.9,genuine\n0.2,impostor\n0.8,genuine\n0.3,impostor\n",
        "1,0.9\n0,0.2\n1,0.8\n0,0.3\n",
        "0.9,1\n0.2,0\n0.8,1\n0.3,0\n",
        "\ufeffmated, score\r\nTrue, 0.9\r\nFalse, 0.2\r\nTrue, 0.8\r\nFalse, 0.3\r\n",
    ],
)
def test_two_columns_are_read_in_any_form(tmp_path, text):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    scores = read_scores(tmp_path / "t.csv").scores
    assert scores.score.tolist() == [0.9, 0.2, 0.8, 0.3] and scores.mated.tolist() == [True, False, True, False]
    assert scores.probe is None


def bench_table(path, names=("lda",)):
    rng = np.random.default_rng(0)
    parts = []
    for name in names:
        male = np.arange(60) % 2 == 1
        score = rng.normal(0, 1, 60) + 2 * male
        p = 1 / (1 + np.exp(-score))
        parts.append(
            pd.DataFrame(
                {
                    "source": "x.png",
                    "group": np.arange(60) // 2,
                    "y_true": np.where(male, "male", "female"),
                    "classifier": name,
                    "repeat": 0,
                    "fold": 0,
                    "y_pred": "male",
                    "score": score,
                    "p_female": 1 - p,
                    "p_male": p,
                }
            )
        )
    pd.concat(parts).to_csv(path, index=False)
    return path


def test_what_bench_wrote_is_read(tmp_path):
    read = read_scores(bench_table(tmp_path / "scores.csv"))
    assert "male counts as mated" in read.note and "column p_male" in read.note
    assert read.scores.mated.sum() == 30 and read.scores.n_subjects == 30
    turned = read_scores(tmp_path / "scores.csv", positive="female")
    assert np.allclose(turned.scores.score, 1 - read.scores.score)


def test_of_several_classifiers_one_must_be_named(tmp_path):
    path = bench_table(tmp_path / "scores.csv", ("lda", "svm"))
    with pytest.raises(ScoreError, match="pick one with --classifier: lda, svm"):
        read_scores(path)
    assert len(read_scores(path, classifier="svm").scores) == 60
    with pytest.raises(ScoreError, match="no classifier 'knn'"):
        read_scores(path, classifier="knn")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n1,2\n", "no column mated or label"),
        (b"label,score\n", "holds no scores"),
        (b"", "is no table"),
        (b"label,score\nx,1\ny,2\n", "--positive"),
        (b"label,score\n1,1\n0,zwei\n", "row 2 is 'zwei'"),
        (b"label,score\n1,1\n,2\n", "label is empty in row 2"),
        (b"\x00\xff\xfe\x80,\n\xff", "is no table|no column"),
        (b"label,score\n1,1\n0,2,3,4\n", "is no table"),
    ],
)
def test_files_that_are_no_score_tables_are_refused(tmp_path, content, said):
    (tmp_path / "bad.csv").write_bytes(content)
    with pytest.raises(ScoreError, match=said):
        read_scores(tmp_path / "bad.csv")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ScoreError, match="cannot be read"):
        read_scores(tmp_path / "none.csv")
