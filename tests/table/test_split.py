import numpy as np
import pandas as pd
import pytest

from ridgefeat.errors import ParameterError, TableError
from ridgefeat.table import load_sidecar, read_table
from ridgefeat.table.split import split_table
from tests.bench.helpers import make_frame, run, write_frame


@pytest.fixture
def table(tmp_path):
    frame = make_frame(people=40)
    frame["sex"] = np.where(frame["subject"] <= 10, "female", "male")
    return write_frame(frame, tmp_path / "t.csv")


def test_people_stay_together_and_classes_are_balanced(table, tmp_path):
    printed = run("split", table, "--stratify", "sex", "-o", tmp_path / "parts")
    train, test = (read_table(tmp_path / f"parts/{name}.csv", verify=True) for name in ("train", "test"))
    assert "test: 32 prints" in printed.stderr
    by_person = test.groupby("subject")["sex"].first()
    assert (len(by_person), (by_person == "female").sum()) == (8, 2)
    assert not set(train["subject"]) & set(test["subject"])
    both = pd.concat([train, test]).sort_values("meta_sha256", ignore_index=True)
    pd.testing.assert_frame_equal(both, read_table(table).sort_values("meta_sha256", ignore_index=True))
    about = load_sidecar(tmp_path / "parts/test.csv")
    assert (about["rows"], about["split"]["seed"], about["split"]["stratify"]) == (32, 42, "sex")
    pair = ["--train", tmp_path / "parts/train.csv", "--test", tmp_path / "parts/test.csv", "--target", "sex"]
    run("bench", *pair, "--classifiers", "dummy,logistic,lda,stack", "--fast", "-j", 1, "-o", tmp_path / "out")
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert "Trained on 128 prints of 32 subjects, tested on 32 prints of 8 subjects." in page


def test_what_cannot_be_divided(table, tmp_path):
    with pytest.raises(ParameterError, match="between 0 and 1, got 2"):
        split_table(table, tmp_path / "p", test=2)
    with pytest.raises(TableError, match="no label 'toe' to divide it by"):
        split_table(table, tmp_path / "p", stratify="toe")
    with pytest.raises(TableError, match=r"40 subjects of .* cannot be divided: The test_size = 1"):
        split_table(table, tmp_path / "p", test=0.01, stratify="sex")
    split_table(table, tmp_path / "p")
    with pytest.raises(TableError, match="exists"):
        split_table(table, tmp_path / "p")
