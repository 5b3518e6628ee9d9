import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ridgefeat
from ridgefeat.table import load_sidecar, read_table
from tests.cli.running import run

ROOT = Path(ridgefeat.__file__).parents[1]


def extract(*args, code=0):
    return run("extract", *args, "--families", "ridge", "-j", 1, code=code)


def test_a_folder_becomes_a_table(prints, tmp_path):
    done = extract(prints, "-o", tmp_path / "t.csv")
    assert done.stdout == ""
    assert "6 prints in" in done.stderr and "; 0 failed." in done.stderr and "ms per print" in done.stderr
    assert "Flags: resolution_assumed 6" in done.stderr and "t.json" in done.stderr
    assert len(read_table(tmp_path / "t.csv", verify=True)) == 6
    about = load_sidecar(tmp_path / "t.csv")
    assert about["command"][0] == "ridgefeat" and about["inputs"] == ["prints"]


def test_a_bad_print_is_named_with_its_reason_and_makes_exit_code_1(prints, tmp_path):
    (prints / "104_1.png").write_bytes(b"")
    (prints / "105_1.png").write_bytes(b"")
    done = extract(prints, "-o", tmp_path / "t.csv", code=1)
    assert "; 2 failed." in done.stderr and "2 x 104_1.png: " in done.stderr


def test_labels_resolution_and_parameters_reach_the_table(prints, tmp_path):
    (tmp_path / "p.json").write_text('{"normalisation": {"window": 40}}')
    (tmp_path / "i.csv").write_text("file,age\n101_1.png,30\n")
    files = ("--index", tmp_path / "i.csv", "-p", tmp_path / "p.json", "-s", "normalisation.min_deviation=5")
    extract(prints, "-o", tmp_path / "t.csv", "--dpi", "510,490", *files, "--regex", r"(?P<who>\d+)_")
    table, about = read_table(tmp_path / "t.csv"), load_sidecar(tmp_path / "t.csv")
    assert table.who.tolist() == [101, 101, 102, 102, 103, 103]
    assert table.age[0] == 30 and table.age.isna().sum() == 5
    assert set(table.meta_dpi_x) == {510.0} and set(table.meta_dpi_y) == {490.0}
    assert about["parameters"]["normalisation"] == {"window": 40, "min_deviation": 5.0}


def test_an_index_in_another_dialect_and_with_another_column_is_read_and_announced(prints, tmp_path):
    (tmp_path / "i.csv").write_text("Image;Age\n101_1.png;30,5\n", "utf-8-sig")
    done = extract(prints, "-o", tmp_path / "t.csv", "--index", tmp_path / "i.csv", "--index-column", "image")
    assert done.stderr.count("i.csv is read with separator `;`, decimal comma.") == 1
    assert read_table(tmp_path / "t.csv")["Age"].tolist()[0] == 30.5


def test_like_makes_the_same_kind_of_table(prints, tmp_path):
    extract(prints, "-o", tmp_path / "a.csv", "-s", "normalisation.window=40", "--dpi", "600")
    run("extract", prints, "-o", tmp_path / "b.csv", "--like", tmp_path / "a.json", "-j", 1)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    like = ("extract", prints, "-o", tmp_path / "c.csv", "--like", tmp_path / "a.json", "-j", 1)
    done = run(*like, "-s", "normalisation.window=36", "--dpi", "500", code=2)
    assert "contradicts it" in done.stderr and "params" in done.stderr and "dpi (600.0 600.0 there)" in done.stderr
    run(*like, "-s", "normalisation.window=40", "--families", "ridge")


def test_a_dry_run_says_what_would_be_read(prints, tmp_path):
    (prints / "104_1.png").write_bytes((prints / "101_1.png").read_bytes())
    done = run("extract", prints, "--validate")
    assert done.stderr == ""
    for line in (
        "prints: 7",
        "layout: fvc 7",
        "resolution: 500x500 dpi (assumed) 7",
        "size: 160x160 7",
        "wrong: 0",
        "label impression: 1 4, 2 3",
        "  101_1.png = 104_1.png",
    ):
        assert line in done.stdout.splitlines()
    (prints / "105_1.png").write_bytes(b"")
    done = run("extract", prints, "--validate", code=1)
    assert "wrong: 1\n  105_1.png: " in done.stdout
    assert sorted(p.name for p in tmp_path.iterdir()) == ["prints"]


def test_prints_that_share_labels_are_named(prints, tmp_path):
    other = tmp_path / "more"
    other.mkdir()
    (other / "101_1.png").write_bytes((prints / "101_1.png").read_bytes())
    said = "subject 101, impression 1: prints/101_1.png, more/101_1.png"
    done = run("extract", prints, other, "--validate", "--layout", "fvc", code=1)
    assert "same labels on several prints: 1; use --layout" in done.stdout and said in done.stdout
    done = run("extract", prints, other, "--layout", "fvc", "-o", tmp_path / "t.csv", "--families", "ridge")
    assert f"several prints have the same labels ({said})" in done.stderr
    people = [tmp_path / name for name in ("alice", "bob")]
    for person in people:
        person.mkdir()
        (person / "1_1.png").write_bytes((prints / "101_1.png").read_bytes())
    done = run("extract", *people, "-o", tmp_path / "u.csv", "--families", "ridge")
    assert "each folder is taken as one person (layout person-folders)" in done.stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--resume", "--overwrite", "-o", "t.csv"], "exclude each other"),
        ([], "Missing option '-o'"),
        (["-o", "t.csv", "--layout", "fcv"], "did you mean fvc?"),
        (["-o", "t.csv", "--families", "rigde"], "unknown family rigde; there are: ridge"),
        (["-o", "t.csv", "--dpi", "fine"], "resolution must read N or X,Y in dpi"),
        (["-o", "t.csv", "-s", "normalisation.windw=3"], "did you mean normalisation.window?"),
        (["-o", "t.csv", "-p", "none.json"], "parameter file none.json: no such file, or not a regular one"),
        (["-o", "t.csv", "--like", "none.json"], "sidecar none.json: no such file"),
        (["-o", "t.csv", "--index", "none.csv"], "index none.csv: no such file"),
        (["-o", "t.csv", "--regex", "("], "is not a regular expression"),
        (["-o", "t.csv", "-j", "0"], "jobs must be 1 or more"),
        (["-o", "t.txt"], "must end in .csv, .xlsx or .parquet"),
    ],
)
def test_wrong_usage_gets_a_message_and_exit_code_2(prints, tmp_path, monkeypatch, options, says):
    monkeypatch.chdir(tmp_path)
    done = run("extract", prints, *options, code=2)
    assert says in done.stderr and "Traceback" not in done.output
    assert not (tmp_path / "t.csv").exists()


def start(prints, output):
    command = [sys.executable, "-m", "ridgefeat.cli", "extract", prints, "-o", output, "-j", "2", "--families", "ridge"]
    return subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell that runs the tests in the background lets its children ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for_parts(output, count):
    folder = output.with_name(f".{output.name}.partial")
    until = time.monotonic() + 60
    while len(list(folder.glob("*.npz"))) < count:
        assert time.monotonic() < until, "no part appeared"
        time.sleep(0.01)


@pytest.fixture
def many(prints):
    """Return a folder of enough prints that a run can be met under way."""
    for copy in range(2, 20):
        for i in range(6):
            source = prints / f"{101 + i // 2}_{1 + i % 2}.png"
            (prints / f"{copy}{source.name}").write_bytes(source.read_bytes())
    return prints


def test_a_killed_run_resumes_to_the_same_bytes(many, tmp_path):
    extract(many, "-o", tmp_path / "whole.csv", "-q")
    output = tmp_path / "t.csv"
    killed = start(many, output)
    wait_for_parts(output, 2)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL and not output.exists()
    done = extract(many, "-o", output, "--resume")
    assert "of them from an earlier run" in done.stderr
    assert output.read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(many, tmp_path):
    output = tmp_path / "t.csv"
    stopped = start(many, output)
    wait_for_parts(output, 1)
    os.killpg(stopped.pid, signal.SIGINT)  # a terminal sends it to the workers as well
    _, said = stopped.communicate(timeout=60)
    assert stopped.returncode == 130, said
    assert "Interrupted; finished prints are kept" in said and "--resume" in said and "Traceback" not in said
    assert not output.exists() and list((tmp_path / ".t.csv.partial").glob("*.npz"))
