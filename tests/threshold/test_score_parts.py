import numpy as np
import pandas as pd
import pytest

from ridgefeat.errors import ScoreError
from ridgefeat.threshold.reading import read_scores

pytest.importorskip("pyarrow", reason="needs the extra `parquet`")


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    mated = np.arange(60) % 3 == 0
    return pd.DataFrame({"subject_probe": np.arange(60) % 7, "mated": mated.astype(int), "score": rng.normal(mated, 1)})


def test_parquet_and_a_folder_of_parts_read_as_csv_does(frame, tmp_path):
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


def test_of_parquet_no_more_is_read_than_is_looked_at(frame, tmp_path, monkeypatch):
    from ridgefeat.threshold import reading

    frame["comment"], frame["finger"] = "x" * 40, "thumb"
    frame.to_parquet(tmp_path / "s.parquet")
    seen, read = [], reading._read_parquet
    monkeypatch.setattr(reading, "_read_parquet", lambda *given: seen.append(read(*given)) or seen[-1])
    read_scores(tmp_path / "s.parquet", where=["finger=thumb"])
    assert sorted(seen[0].columns) == ["finger", "mated", "score", "subject_probe"]
    with pytest.raises(ScoreError, match=r"has no column 'closeness'; there are: .*comment"):
        read_scores(tmp_path / "s.parquet", score_column="closeness")
    with pytest.raises(ScoreError, match=r"columns of .* are .*comment"):
        read_scores(tmp_path / "s.parquet", where=["age=3"])


def test_what_holds_no_scores_is_said(frame, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and no more")
    for name, says in (("empty", r"holds no \.parquet file"), ("bad.parquet", "holds no scores in Parquet")):
        with pytest.raises(ScoreError, match=says):
            read_scores(tmp_path / name)
