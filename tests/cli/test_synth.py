"""`ridgefeat synth`: a set that extract reads back with its labels."""

import pandas as pd

from ridgefeat.synth import read_truth
from tests.cli.running import run


def test_a_set_with_truth_is_read_back_by_extract(tmp_path):
    made = tmp_path / "made"
    run("synth", made, "-n", 3, "--seed", 5, "--fingers", 2, "--truth", "--noise", 1, "-q")
    index = pd.read_csv(made / "index.csv", dtype=str)
    assert len(index) == 3 and set(index.simulated) == {"yes"}
    truth = read_truth(made / index.file[0].replace(".png", ".npz"))
    assert truth.mask.any() and len(truth.minutiae) >= 10
    table = tmp_path / "t.csv"
    run("extract", made, "--index", made / "index.csv", "-o", table, "--families", "ridge", "-j", 1, "-q")
    frame = pd.read_csv(table, dtype={"subject": str})
    assert frame.meta_source.tolist() == sorted(index.file) and frame.subject.tolist() == sorted(index.subject)


def test_simulated_prints_are_not_mixed_with_others(tmp_path):
    (tmp_path / "101_1.TIF").write_bytes(b"")
    assert "holds images already, such as 101_1.TIF" in run("synth", tmp_path, "-n", 1, code=2).stderr
    assert len(list(tmp_path.iterdir())) == 1


def test_an_existing_set_is_kept(tmp_path):
    how = ("synth", tmp_path, "-n", 1, "-q")
    run(*how)
    assert "is there already" in run(*how, code=2).stderr
    run(*how, "--overwrite")
