"""`ridgefeat threshold`: tables and a page from scores; bad scores get a message and exit code 2."""

import json

import pandas as pd
import pytest

from ridgefeat.report import display
from tests.cli.running import run
from tests.threshold.helpers import plain_scores


def scores_table(path, sign=1.0):
    frame = plain_scores(sign=sign)
    frame.to_csv(path, index=False)
    return frame


def test_a_report_is_written_and_the_rates_are_those_of_the_scores(tmp_path):
    frame = scores_table(tmp_path / "s.csv")
    out = tmp_path / "out"
    how = ("--methods", "exact,fmr=1%", "--folds", 1)
    done = run("threshold", tmp_path / "s.csv", "-o", out, *how)
    names = ["curves.csv", "figures.csv", "manifest.json", "report.html", "thresholds.csv"]
    assert sorted(p.name for p in out.iterdir()) == names
    table = pd.read_csv(out / "thresholds.csv")
    assert table["method"].tolist() == ["exact", "fmr=1%"] and table["recommended"].tolist() == [True, False]
    for row in table.itertuples():
        accepted = frame["score"] >= row.threshold  # the threshold that was read back makes the same decisions
        assert row.fmr_errors == (accepted & (frame["mated"] == 0)).sum()
        assert row.fnmr_errors == (~accepted & (frame["mated"] == 1)).sum()
    assert table["fmr"][1] <= 0.01
    assert "exact" in done.stdout and "Note:" in done.stderr and "Note:" not in done.stdout


def test_the_figures_of_the_page_are_written_into_a_folder_of_their_own(tmp_path, monkeypatch):
    scores_table(tmp_path / "s.csv")
    how = ("threshold", tmp_path / "s.csv", "-o", tmp_path / "out", "--methods", "exact", "--folds", 1)
    assert "is the folder of the output" in run(*how, "--figures", tmp_path / "out", code=2).stderr
    run(*how, "--figures", tmp_path / "out" / "figures")
    made = {p.name for p in (tmp_path / "out" / "figures").iterdir()}
    assert made == {"manifest.json"} | {
        f"{n}.{ending}" for n in ("det", "far-frr", "roc", "scores") for ending in ("svg", "pdf", "png")
    }
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "note.txt").touch()
    how = (*how[:3], tmp_path / "again", *how[4:])
    few = {e: dated for e, dated in display.UNDATED.items() if e != ".pdf"}  # which takes most of the time
    monkeypatch.setattr(display, "UNDATED", few)
    assert "is not empty" in run(*how, "--figures", tmp_path / "used", code=2).stderr
    run(*how, "--figures", tmp_path / "used", "--overwrite")
    assert (tmp_path / "used" / "note.txt").exists() and (tmp_path / "used" / "roc.png").exists()


def test_every_comparison_is_judged_on_subjects_not_seen(tmp_path):
    scores_table(tmp_path / "s.csv")
    done = run("threshold", tmp_path / "s.csv", "-o", tmp_path / "out", "--seed", 3)
    assert done.stdout.startswith("On subjects not seen; recommended first:")
    assert done.stdout.splitlines()[2].startswith("fmr=1% ")
    assert "fmr=0.1% takes at least 3,000 non-mated comparisons, but there are 435" in done.stderr
    table = pd.read_csv(tmp_path / "out" / "thresholds.csv")
    assert set(table["fnmr_count"]) == {30 * 6} and set(table["fmr_count"]) == {435}
    assert (table["threshold_low"] <= table["threshold"]).sum() == len(table) - 1  # zero-fmr has none


def test_distances_need_their_option(tmp_path):
    scores_table(tmp_path / "d.csv", sign=-1)
    how = ("threshold", tmp_path / "d.csv", "-o", tmp_path / "out", "--methods", "exact")
    assert "give --distance" in run(*how, code=2).stderr and not (tmp_path / "out").exists()
    run(*how, "--distance")


def test_the_result_as_json(tmp_path):
    scores_table(tmp_path / "s.csv")
    said = json.loads(
        run("threshold", tmp_path / "s.csv", "-o", tmp_path / "out", "--methods", "exact", "--json").stdout
    )
    assert set(said) == {"thresholds", "figures", "remarks"} and said["thresholds"][0]["method"] == "exact"


def test_two_files_are_read_and_one_line_says_how(tmp_path):
    frame = scores_table(tmp_path / "s.csv")
    for name, mated in (("genuine.txt", 1), ("impostor.txt", 0)):
        frame["score"][frame["mated"] == mated].to_csv(tmp_path / name, index=False, header=False)
    files = (tmp_path / "impostor.txt", tmp_path / "genuine.txt")
    done = run("threshold", *files, "-o", tmp_path / "out", "--methods", "exact", "--csv-dialect", "semicolon")
    assert done.stderr.startswith(
        "180 mated and 435 non-mated comparisons; mated in genuine.txt, non-mated in impostor."
    )
    assert "; higher is more similar.\n" in done.stderr
    written = (tmp_path / "out" / "thresholds.csv").read_text("utf-8")
    assert written.startswith("\ufeffmethod;") and ",0" in written


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("label,score\n1,2\n0,\n0,1\n", (), "--failures"),
        ("label,score\n1,2\n0,2\n", (), "no threshold can separate them"),
        ("label,score\n1,2\n0,1\n", ("--prior", "2"), "prior 2.0 must lie between 0 and 1"),
        ("one,two\n1,2\n0,1\n", (), "--label-column"),
    ],
)
def test_messages_for_unusable_input(tmp_path, text, options, message):
    (tmp_path / "s.csv").write_text(text, encoding="utf-8")
    done = run("threshold", tmp_path / "s.csv", "-o", tmp_path / "out", "--folds", 1, *options, code=2)
    assert message in done.stderr and "Traceback" not in done.output
