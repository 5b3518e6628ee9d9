"""Score tables are read in every documented form; others are refused with advice."""

from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest

from ridgefeat.errors import ScoreError
from ridgefeat.threshold import files, read_scores

needs_pyarrow = pytest.mark.skipif(find_spec("pyarrow") is None, reason="needs the extra `parquet`")


def bench_table(path, names=("lda",)):
    rows = np.tile(np.arange(60), len(names))
    male = rows % 2 == 1
    score = np.random.default_rng(0).normal(2 * male, 1)
    p = 1 / (1 + np.exp(-score))
    columns = {"source": "x.png", "group": rows // 2, "y_true": np.where(male, "male", "female")}
    columns |= {"classifier": np.repeat(names, 60), "repeat": 0, "fold": 0, "y_pred": "male"}
    pd.DataFrame(columns | {"score": score, "p_female": 1 - p, "p_male": p}).to_csv(path, index=False)
    return path


def test_a_table_of_bench_is_read(tmp_path):
    read = read_scores(bench_table(tmp_path / "scores.csv"))
    assert "`p_male`, mated where `y_true` is male" in read.note
    assert read.scores.mated.sum() == 30 and read.scores.n_subjects == 30
    turned = read_scores(tmp_path / "scores.csv", positive="female")
    assert np.allclose(turned.scores.score, 1 - read.scores.score)


def test_only_the_first_repeat_is_read(tmp_path):
    frame = pd.read_csv(bench_table(tmp_path / "scores.csv"))
    pd.concat([frame, frame.assign(repeat=1)]).to_csv(tmp_path / "scores.csv", index=False)
    read = read_scores(tmp_path / "scores.csv")
    assert len(read.scores) == 60 and "classifier lda, repeat 0" in read.note


def test_one_of_several_classifiers_must_be_named(tmp_path):
    path = bench_table(tmp_path / "scores.csv", ("lda", "svm"))
    with pytest.raises(ScoreError, match="pick one with --classifier: lda, svm"):
        read_scores(path)
    assert len(read_scores(path, classifier="svm").scores) == 60
    with pytest.raises(ScoreError, match="no classifier 'knn'"):
        read_scores(path, classifier="knn")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n", "no column mated or label"),
        (b"label,score\n", "holds no scores"),
        (b"", "is empty"),
        (b"label,score\nx,1\ny,2\n", "--positive"),
        (b"label,score\n1,1\n0,zwei\n", "row 2, column 'score': 'zwei' is not a number"),
        (b"label,score\n1,1\n,2\n", "label is empty in row 2"),
        (b"\x00\xff\xfe\x80,\n\xff", "is no table|no column"),
        (b"label,score\n1,1\n0,2,3,4\n", "is no table"),
    ],
)
def test_files_that_are_no_score_tables_are_refused(tmp_path, content, message):
    (tmp_path / "bad.csv").write_bytes(content)
    with pytest.raises(ScoreError, match=message):
        read_scores(tmp_path / "bad.csv")
    with pytest.raises(ScoreError, match="no such file"):
        read_scores(tmp_path / "none.csv")


def test_an_empty_score_without_a_reason_is_no_failure(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("mated,score,failure\n1,3,\n0,1,\n1,,\n0,2,\n", "utf-8")
    with pytest.raises(ScoreError, match="missing"):
        read_scores(path)
    path.write_text("mated,score,failure\n1,3,\n0,1,\n1,,no print\n0,2,\n", "utf-8")
    assert "1 failures to acquire" in read_scores(path).note


def test_rows_are_selected_by_conditions(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("mated,score,level\n1,3,easy\n0,1,easy\n1,0,hard\n0,-2,hard\n", "utf-8")
    assert sorted(read_scores(path, where=["level=hard"]).scores.score) == [-2, 0]
    with pytest.raises(ScoreError, match="no level is 'medium'; there are: easy, hard"):
        read_scores(path, where=["level=medium"])
    with pytest.raises(ScoreError, match="must be column=value; columns of"):
        read_scores(path, where=["kind"])


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    mated = np.arange(60) % 3 == 0
    return pd.DataFrame({"subject_probe": np.arange(60) % 7, "mated": mated.astype(int), "score": rng.normal(mated, 1)})


@needs_pyarrow
def test_parquet_files_read_like_csv(frame, tmp_path):
    frame.to_csv(tmp_path / "s.csv", index=False)
    frame.to_parquet(tmp_path / "s.parquet")
    (tmp_path / "parts").mkdir()
    frame.iloc[:25].to_parquet(tmp_path / "parts/part-0.parquet", index=False)
    frame.iloc[25:].to_parquet(tmp_path / "parts/part-1.parquet", index=False)
    csv = read_scores(tmp_path / "s.csv").scores
    for path in ("s.parquet", "parts"):
        read = read_scores(tmp_path / path).scores
        for name in ("score", "mated", "probe"):
            np.testing.assert_allclose(getattr(read, name), getattr(csv, name), rtol=1e-12)


@needs_pyarrow
def test_only_the_columns_in_use_are_read_from_parquet(frame, tmp_path, monkeypatch):
    frame["comment"], frame["finger"] = "x" * 40, "thumb"
    frame.to_parquet(tmp_path / "s.parquet")
    seen, read = [], files.read_parquet
    monkeypatch.setattr(files, "read_parquet", lambda *a, **k: seen.append(read(*a, **k)) or seen[-1])
    read_scores(tmp_path / "s.parquet", where=["finger=thumb"])
    assert sorted(seen[0].columns) == ["finger", "mated", "score", "subject_probe"]
    with pytest.raises(ScoreError, match=r"has no column 'closeness'; there are: .*comment"):
        read_scores(tmp_path / "s.parquet", score_column="closeness")
    with pytest.raises(ScoreError, match=r"columns of .* are .*comment"):
        read_scores(tmp_path / "s.parquet", where=["age=3"])


@needs_pyarrow
def test_parquet_without_scores_is_refused(frame, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and no more")
    for name, message in (("empty", r"holds no \.parquet file"), ("bad.parquet", "is no Parquet file")):
        with pytest.raises(ScoreError, match=message):
            read_scores(tmp_path / name)
