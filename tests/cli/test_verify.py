"""`ridgefeat verify` and `ridgefeat identify`: tables, messages, exit codes."""

import json
import shutil
import sqlite3
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from ridgefeat.synth import make_impression, make_master
from ridgefeat.work import guard
from tests.cli.running import UNLIMITED, run


@pytest.fixture(scope="module")
def fingers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fingers")
    for finger in (101, 102):
        master = make_master(rng=np.random.default_rng(finger))
        for i in (1, 2):
            image = make_impression(master, rng=np.random.default_rng([finger, i]), noise_level=1).image
            cv2.imwrite(str(folder / f"{finger}_{i}.png"), image)
    return folder


def test_verify_then_threshold(fingers, tmp_path):
    out = tmp_path / "scores.csv"
    done = run("verify", fingers, "--layout", "fvc", "-o", out, "--impostors", "all")
    assert "4 prints, 0 of them failed; 2 mated and 4 non-mated comparisons." in done.stderr
    assert "Equal error rate of the comparisons made: 0.00 %" in done.stderr and not done.stdout
    frame = pd.read_csv(out)
    assert len(frame) == 6 and frame["mated"].sum() == 2
    about = json.loads((tmp_path / "scores.json").read_text("utf-8"))
    assert about["protocol"] == "fvc" and about["command"][0] == "ridgefeat"
    run("threshold", out, "-o", tmp_path / "thresholds", "--folds", 1)
    assert (tmp_path / "thresholds" / "report.html").stat().st_size > 1000


@pytest.mark.parametrize(
    "pairs",
    [
        "Probe;Reference;Mated\n101_1.png;101_2.png;1\n101_1.png;102_1.png;0\n",
        "1 101_1.png 101_2.png\n0 101_1.png 102_1.png\n",
    ],
)
def test_a_protocol_in_any_dialect(fingers, tmp_path, pairs):
    (tmp_path / "p.txt").write_text(pairs)
    out = tmp_path / "s.csv"
    done = run("verify", fingers, "--protocol", tmp_path / "p.txt", "-o", out, "--csv-dialect", "semicolon")
    assert "1 mated and 1 non-mated comparisons." in done.stderr and "p.txt is read with" in done.stderr
    assert out.read_text("utf-8-sig").startswith("probe;reference;")
    assert "1 mated and 1 non-mated" in run("threshold", out, "-o", tmp_path / "t", "--folds", 1).stderr


def test_quiet_and_json(fingers, tmp_path):
    result = json.loads(run("verify", fingers, "--layout", "fvc", "-o", tmp_path / "s.csv", "-q", "--json").output)
    assert result["comparisons"]["mated"] == {"planned": 2, "made": 2}


def test_failures_end_in_exit_code_1(fingers, tmp_path):
    (tmp_path / "101_3.png").write_bytes(b"no")
    done = run("verify", fingers, tmp_path / "101_3.png", "--layout", "fvc", "-o", tmp_path / "s.csv", code=1)
    assert "5 prints, 1 of them failed; 2 mated and 1 non-mated comparisons." in done.stderr
    assert pd.read_csv(tmp_path / "s.csv")["score"].isna().sum() == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--regex", "(?P<subject>1)0(?P<impression>.)"], "several prints have the same labels (subject 1, impression"),
        (["--layout", "plain"], "does not give its subject; give --layout or --regex"),
        (["-o", "s.txt"], "must end in .csv or .xlsx"),
    ],
)
def test_messages_of_verify(fingers, tmp_path, arguments, message):
    assert message in run("verify", fingers, "-o", tmp_path / "s.csv", *arguments, code=2).stderr
    assert not (tmp_path / "s.csv").exists()


def test_identify(fingers, tmp_path):
    picture = tmp_path / "match.png"
    done = run("identify", fingers / "101_1.png", "--gallery", fingers, "--layout", "fvc", "--draw", picture)
    # The probe itself is in the gallery, and is left out.
    first, second, third = (line.split() for line in done.stdout.splitlines()[1:])
    assert first[:3] == ["1", "101_2.png", "101"] and second[2] == third[2] == "102"
    assert first[4] == "0" and "FMR counted on 12,160 non-mated comparisons: FVC2002" in done.stderr
    assert cv2.imread(str(picture)) is not None


def test_enrol_keeps_prints_that_identify_searches_without_their_images(fingers, tmp_path):
    gallery = tmp_path / "people.gallery"
    given = ("enrol", fingers, "--layout", "fvc", "-o", gallery, "-j", 1)
    (tmp_path / "more").mkdir()
    cv2.imwrite(str(tmp_path / "more/9_1.png"), np.full((300, 300), 255, np.uint8))
    assert "4 prints enrolled, 0 already there, 0 failed" in run(*given).stdout
    failed = run("enrol", fingers, tmp_path / "more", "-o", gallery, "-j", 1, "--json", code=1)
    assert [json.loads(failed.stdout)[n] for n in ("prints", "enrolled", "already_there")] == [4, 0, 4]
    of_folder = run("identify", fingers / "101_1.png", "--gallery", fingers, "--layout", "fvc").stdout
    of_file = run("identify", fingers / "101_1.png", "--gallery", gallery, "--draw", tmp_path / "m.png").stdout
    assert of_file == of_folder and cv2.imread(str(tmp_path / "m.png")) is not None
    (tmp_path / "more/9_1.png").write_bytes((fingers / "101_1.png").read_bytes())
    (tmp_path / "more/9_1.png").rename(tmp_path / "more/101_2.png")
    other = run("enrol", tmp_path / "more", "-o", gallery, "-j", 1, code=2).stderr
    assert "holds other prints of these names: 101_2.png" in other
    changed = run("identify", fingers / "101_1.png", "--gallery", gallery, "-s", "period.smoothing=24", code=2).stderr
    assert "was made with other stage parameters" in changed
    (tmp_path / "table.csv").write_text("a,b")
    assert "exists and is not a gallery" in run("enrol", fingers, "-o", tmp_path / "table.csv", code=2).stderr
    assert (
        "2 prints enrolled"
        in run("enrol", tmp_path / "more", fingers / "102_1.png", "-o", gallery, "-j", 1, "--overwrite").stdout
    )


def test_enrol_mistakes_nothing_in_silence(fingers, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more/copy.png").write_bytes((fingers / "101_1.png").read_bytes())
    (tmp_path / "more/gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "index.csv").write_text("file,subject\n101_1.png,7\n")
    one = ("enrol", fingers / "101_1.png", "-j", 1, "-o", tmp_path / "g")
    assert "1 print enrolled, 0 already there, 0 failed; " in run(*one).stdout
    found = run("enrol", tmp_path / "more", "-j", 1, "-o", tmp_path / "g", code=1)
    assert "under other names, and passed over: copy.png (as 101_1.png)" in found.stderr
    assert "0 prints enrolled, 1 already there, 1 failed" in found.stdout and "gone.png: a broken" in found.stderr
    assert "other labels were given for 1 print: 101_1.png" in run(*one, "--index", tmp_path / "index.csv").stderr
    assert "--dpi does not change the 1 print already there" in run(*one, "--dpi", 400).stderr
    with sqlite3.connect(tmp_path / "other.db") as base:
        base.execute("create table bookmarks (name)")
    base.close()
    before = (tmp_path / "other.db").read_bytes()
    assert "is not a gallery" in run(*one[:-1], tmp_path / "other.db", "--overwrite", code=2).stderr
    assert (tmp_path / "other.db").read_bytes() == before


def test_identify_as_json_with_own_calibration(fingers, tmp_path):
    run("verify", fingers, "--layout", "fvc", "-o", tmp_path / "s.csv", "-q", "--impostors", "all")
    (tmp_path / "bad").mkdir()
    for path in fingers.glob("10?_1.png"):
        (tmp_path / "bad" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "bad" / "103_1.png").write_bytes(b"no")
    given = ("--gallery", tmp_path / "bad", "--calibration", tmp_path / "s.csv", "--layout", "fvc", "--json", "-q")
    result = json.loads(run("identify", fingers / "101_2.png", *given).stdout)
    best = result["candidates"][0]
    assert best["subject"] == "101" and best["fmr"] == 0
    assert best["fmr_at_most"] == pytest.approx(1 - 0.05 ** (1 / 4), rel=1e-6)
    assert result["calibration"] == {"data": "s.csv", "comparisons": 4} and result["failed"][0]["name"] == "103_1.png"


def test_identify_says_when_its_answer_cannot_be_trusted(fingers, tmp_path):
    (tmp_path / "gallery").mkdir()
    for path in fingers.glob("102_?.png"):
        (tmp_path / "gallery" / path.name).write_bytes(path.read_bytes())
    given = ("identify", fingers / "101_1.png", "--gallery", tmp_path / "gallery")
    done = run(*given)
    assert "The probe was read as a latent, in 6 ways" in done.stderr
    assert "this answer cannot be trusted: the probability that the first candidate" in done.stderr
    assert "latent-like prints" in done.stderr
    result = json.loads(run(*given, "--prior", 0.001, "--json", "-q").stdout)
    assert result["trusted"] is False and result["candidates"][0]["probability"] < 0.1
    sure = run("identify", fingers / "101_1.png", "--gallery", fingers, "--layout", "fvc")
    assert "cannot be trusted" not in sure.stderr and "read as a latent" not in sure.stderr
    assert sure.stdout.splitlines()[1].endswith("1.000")


def test_a_region_in_identify_extract_and_show(fingers, tmp_path):
    region = tmp_path / "region.csv"
    region.write_text("x,y\n60,60\n260,60\n260,300\n60,300\n")
    done = run("identify", fingers / "101_1.png", "--gallery", fingers, "--region", region, "--layout", "fvc")
    assert done.stdout.splitlines()[1].split()[1] == "101_2.png"
    whole, part = tmp_path / "whole.csv", tmp_path / "part.csv"
    run("extract", fingers / "101_1.png", "-o", whole, "--families", "quality", "-j", 1)
    run("extract", fingers / "101_1.png", "-o", part, "--families", "quality", "-j", 1, "--region", region)
    one, two = (pd.read_csv(path).iloc[0] for path in (whole, part))
    assert "region_given" in two["meta_flags"].split() and "region_given" not in str(one["meta_flags"])
    drawn = ("show", fingers / "101_1.png", "--json", "-q", "-o")
    few = json.loads(run(*drawn, tmp_path / "part.png", "--region", region).stdout)["minutiae"]
    assert 0 < few < json.loads(run(*drawn, tmp_path / "whole.png").stdout)["minutiae"]
    assert two["quality_area_share"] < 0.9 * one["quality_area_share"]
    region.write_text("900,900\n960,900\n960,950\n")
    refused = run("identify", fingers / "101_1.png", "--gallery", fingers, "--region", region, code=2).stderr
    assert "marks nothing of the image" in refused
    refused = run("extract", fingers, "-o", tmp_path / "x.csv", "--region", region, code=2).stderr
    assert "is of one image, but there are 4 prints" in refused


def test_messages_of_identify(fingers, tmp_path):
    assert "holds 4 prints; search for one at a time" in run("identify", fingers, "--gallery", fingers, code=2).stderr
    cv2.imwrite(str(tmp_path / "white.png"), np.full((200, 200), 255, np.uint8))
    result = run("identify", tmp_path / "white.png", "--gallery", fingers, code=2).stderr
    assert "white.png cannot be searched for: 0 minutiae are too few" in result


@pytest.mark.parametrize(
    "words",
    [
        ("show", "101_1.png", "--panels", "print", "--scale", 1, "--json", "-o", "p.png"),
        ("explain", "101_1.png", "ridge_period_mean", "--json", "-o", "p.png"),
        ("extract", "101_1.png", "-j", 1, "--families", "ridge", "-o", "t.csv"),
        ("verify", ".", "--layout", "fvc", "-j", 1, "-o", "s.csv"),
        ("identify", "101_1.png", "--gallery", ".", "--layout", "fvc", "--json"),
        ("enrol", "101_1.png", "102_1.png", "-j", 1, "-o", "g"),
        ("audit", ".", "--layout", "fvc", "-j", 1, "-o", "a"),
    ],
    ids=lambda words: words[0],
)
def test_without_being_asked_a_command_limits_each_print(fingers, tmp_path, monkeypatch, words):
    """It reads prints in a process of its own, and the same comes out as from this one."""
    start, started = guard.Child, []
    monkeypatch.setattr(guard, "Child", lambda **how: started.append(1) or start(**how))
    shutil.copytree(fingers, tmp_path / "one")
    shutil.copytree(fingers, tmp_path / "two")
    said = []
    for folder, limits in (("one", UNLIMITED), ("two", None)):
        monkeypatch.chdir(tmp_path / folder)
        done = run(*words, default_map=limits)
        said.append((bool(started), done.exit_code, json.loads(done.stdout) if "--json" in words else None))
    assert said == [(False, *said[0][1:]), (True, *said[0][1:])]


def test_what_templates_of_other_tools_hold_is_listed(tmp_path):
    cases = Path(__file__).parents[1] / "data" / "templates"
    for i, name in enumerate(("good", "padded_to_1024", "made_ANSI", "made_ISONC")):
        (tmp_path / f"{1 + i // 2}_{1 + i % 2}.fmr").write_bytes((cases / f"{name}.fmr").read_bytes())
    card = ("--template-format", "iso-normal-card")
    done = run("verify", tmp_path, "-o", tmp_path / "s.csv", "--impostors", "all", *card)
    assert "1 x 769 bytes of padding after the record are ignored" in done.stderr
    about = json.loads((tmp_path / "s.json").read_text())
    assert about["notes"] == {"769 bytes of padding after the record are ignored": 1}
    assert about["failures_to_acquire"] == 0
    found = json.loads(run("identify", tmp_path / "2_2.fmr", "--gallery", tmp_path, *card, "--json").stdout)
    assert {c["reference"] for c in found["candidates"]} == {"1_1.fmr", "1_2.fmr", "2_1.fmr"}
    assert all(c["score"] > 20 for c in found["candidates"]) and len(found["notes"]) == 1
    failed = run("verify", tmp_path, "-o", tmp_path / "t.csv", code=1)
    assert "card formats must be named, by --template-format" in failed.stderr
