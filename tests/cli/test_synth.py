"""`ridgefeat synth`: a set that extract reads back with its labels."""

from __future__ import annotations

import pandas as pd
from click.testing import CliRunner

from ridgefeat.cli import main
from ridgefeat.synth import read_truth


def run(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_a_set_with_truth_is_read_back_by_extract(tmp_path):
    made = tmp_path / "made"
    done = run("synth", made, "-n", 3, "--seed", 5, "--fingers", 2, "--truth", "--noise", 1, "-q")
    assert done.exit_code == 0, done.output
    index = pd.read_csv(made / "index.csv", dtype=str)
    assert len(index) == 3 and set(index.simulated) == {"yes"}
    truth = read_truth(made / index.file[0].replace(".png", ".npz"))
    assert truth.mask.any() and len(truth.minutiae) >= 10
    table = tmp_path / "t.csv"
    read = run("extract", made, "--index", made / "index.csv", "-o", table, "--families", "ridge", "-j", 1, "-q")
    assert read.exit_code == 0, read.output
    frame = pd.read_csv(table, dtype={"subject": str})
    assert frame.meta_source.tolist() == sorted(index.file) and frame.subject.tolist() == sorted(index.subject)


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        assert run("synth", tmp_path / name, "-n", 1, "--seed", 8, "-q").exit_code == 0
    (one,) = (tmp_path / "a").glob("*.png")
    assert one.read_bytes() == (tmp_path / "b" / one.name).read_bytes()


def test_an_existing_set_is_kept(tmp_path):
    assert run("synth", tmp_path, "-n", 1, "-q").exit_code == 0
    again = run("synth", tmp_path, "-n", 1, "-q")
    assert again.exit_code == 2 and "is there already" in again.output
    assert run("synth", tmp_path, "-n", 1, "-q", "--overwrite").exit_code == 0
