import csv
import io
import json
from pathlib import Path

import cv2
import pytest

from ridgefeat import __version__
from ridgefeat.cli import COMMANDS
from ridgefeat.params import Params, parameter_records
from ridgefeat.table import feature_columns
from tests.cli.running import run

WHORL = Path(__file__).parents[1] / "data" / "whorl.png"


def test_the_version():
    assert run("--version").stdout.strip() == f"ridgefeat, version {__version__}"


def test_help_lists_every_command_and_the_exit_codes():
    out = run("--help").stdout
    assert all(f"\n  {name} " in out for name in COMMANDS) and "130" in out


def test_a_misspelt_command_is_corrected():
    assert "No such command 'extrat'. Did you mean 'extract'?" in run("extrat", code=2).stderr
    assert "There are: extract, " in run("zzz", code=2).stderr


def test_features_are_listed_with_unit_range_meaning_and_source():
    listed = json.loads(run("features", "--format", "json").stdout)
    assert [r["name"] for r in listed] == feature_columns().name.tolist()
    rows = list(csv.DictReader(io.StringIO(run("features", "--families", "ridge", "--format", "csv").stdout)))
    period = next(r for r in rows if r["name"] == "ridge_period_mean")
    assert period["unit"] == "mm" and float(period["low"]) < float(period["high"])
    assert period["meaning"] and period["source"] and {r["family"] for r in rows} == {"ridge"}
    table, works = run("features", "--families", "ridge").stdout.split("\n\n")
    text = table.splitlines()
    assert works.startswith("Acree 1999: M. A. Acree (1999). Is there")
    assert len(text) == len(rows) + 1 and text[0].split()[:3] == ["family", "name", "unit"]
    table = run("features", "--families", "ridge", "--format", "markdown").stdout.splitlines()
    assert table[1] == "|" + " --- |" * 7 and len(table) == len(rows) + 2


def test_an_unknown_family_is_refused():
    assert "unknown family rigde" in run("features", "--families", "rigde", code=2).stderr


def test_parameters_are_listed_and_their_template_loads(tmp_path):
    listed = json.loads(run("params", "--format", "json").stdout)
    assert listed == parameter_records()
    window = next(r for r in listed if r["name"] == "normalisation.window")
    assert (window["unit"], window["default"]) == ("px", Params().normalisation.window) and window["meaning"]
    (tmp_path / "p.json").write_text(run("params", "--template").stdout)
    assert Params.load(tmp_path / "p.json") == Params()


def test_show_draws_a_template_on_white_and_over_its_image(tmp_path):
    run("extract", WHORL, "-o", tmp_path / "t.csv", "--minutiae", tmp_path / "m", "--template-format", "ansi")
    found = {}
    for suffix, more in ((".fmr", ()), (".csv", ("--numbers",)), (".xyt", ("--over", WHORL))):
        done = run(
            "show", tmp_path / "m" / f"whorl{suffix}", "-o", tmp_path / f"{suffix}.png", "--scale", 1, *more, "--json"
        )
        found[suffix] = json.loads(done.stdout)
    assert [f["format"] for f in found.values()] == ["ansi", "csv", "xyt"]
    assert len({f["minutiae"] for f in found.values()}) == 1 and found[".fmr"]["minutiae"] > 5
    white, over = (cv2.imread(str(tmp_path / f"{s}.png"), 0) for s in (".csv", ".xyt"))
    assert white.mean() > over.mean() + 10
    (tmp_path / "m" / "p.fmr").write_bytes((tmp_path / "m" / "whorl.fmr").read_bytes() + bytes(7))
    assert "7 bytes of padding" in run("show", tmp_path / "m" / "p.fmr", "-o", tmp_path / "p.png").stderr
    for words in (["--panels", "mask"], ["--over", tmp_path / "t.csv"]):
        assert "Error: " in run("show", tmp_path / "m" / "whorl.fmr", "-o", tmp_path / "e.png", *words, code=2).stderr
    assert "--over is for templates" in run("show", WHORL, "-o", "e.png", "--over", WHORL, code=2).stderr


def test_show_refuses_what_is_no_print(prints, tmp_path):
    (prints / "bad.png").write_text("no image")
    done = run("show", prints / "bad.png", "-o", tmp_path / "o.png", code=2)
    assert "Error: " in done.stderr and "Traceback" not in done.output
    assert "no picture can be written as .xyz" in run("show", prints / "101_1.png", "-o", "o.xyz", code=2).stderr


def test_explain_shows_a_value_and_the_parts_of_a_score():
    text = run("explain", WHORL, "quality_score", "--dpi", 500).stdout
    found = json.loads(run("explain", WHORL, "quality_score", "--dpi", 500, "--json").stdout)
    assert f"quality_score: {found['value']:.5g}\n" in text and "0 to 100" in text
    assert sum(part["points"] for part in found["parts"]) == pytest.approx(found["value"], abs=1e-3)
    assert all(f"{part['points']:.1f}" in text and part["meaning"] in text for part in found["parts"])


def test_explain_has_unit_and_source_of_any_column_and_says_what_is_not_measurable():
    text = run("explain", WHORL, "ridge_period_mean", "--dpi", 500).stdout
    assert " mm\n" in text and "Hong" in text and "points" not in text
    empty = run("explain", WHORL, "ridge_density_radial").stdout
    assert "ridge_density_radial: not measurable on this print: the label hand is not known" in empty
    known = json.loads(run("explain", WHORL, "ridge_density_radial", "--hand", "right", "--json").stdout)
    left = json.loads(run("explain", WHORL, "ridge_density_left", "--json").stdout)
    assert known["value"] == left["value"] and "FCJ2020" in left["reliability"]


@pytest.mark.parametrize(("suffix", "starts"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_explain_draws_where_a_value_was_measured(prints, tmp_path, suffix, starts):
    run("extract", prints, "-o", tmp_path / "f.csv", "--families", "minutiae", "-j", 1)
    picture = tmp_path / f"why{suffix}"
    given = ("explain", prints / "101_1.png", "minutiae_count", "--among", tmp_path / "f.csv", "-o", picture)
    found = json.loads(run(*given, "--json").stdout)
    assert picture.read_bytes().startswith(starts) and found["picture"] == str(picture)
    assert 0 <= found["percentile"] <= 100 and "prints with a value" in found["among"]
    if suffix == ".svg":
        assert "minutiae_count" in picture.read_text() and "percentile" in picture.read_text()
    assert "already exists" in run(*given, code=2).stderr


def test_explain_refuses_a_table_without_the_column_and_a_picture_of_another_kind(prints, tmp_path):
    run("extract", prints, "-o", tmp_path / "f.csv", "--families", "ridge", "-j", 1)
    among = ("explain", WHORL, "minutiae_count", "--among", tmp_path / "f.csv")
    assert "no column 'minutiae_count'" in run(*among, code=2).stderr
    assert "use .svg, .pdf, .png" in run("explain", WHORL, "minutiae_count", "-o", tmp_path / "w.jpg", code=2).stderr


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("quality_scores", "did you mean quality_score"),
        ("qualty", "begins with no family's name; the families are: ridge"),
    ],
)
def test_explain_refuses_a_column_that_there_is_not(column, message):
    assert message in run("explain", WHORL, column, code=2).stderr
