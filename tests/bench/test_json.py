"""What bench, train and predict print for programs."""

import csv
import io
import json

from click.testing import CliRunner

from ridgefeat.cli import main
from tests.bench.helpers import make_frame, write_frame


def run(*args):
    done = CliRunner().invoke(main, [str(a) for a in args])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_results_as_json_are_the_results(tmp_path):
    table = write_frame(make_frame(people=16, effect=3.0), tmp_path / "t.csv")
    how = ("--target", "sex", "--folds", 2, "-j", 1, "--json", "-q")
    printed = json.loads(run("bench", table, *how, "--classifiers", "dummy,logistic", "--fast", "-o", tmp_path / "out"))
    assert printed["target"] == "sex" and printed["best"] == "logistic" and printed["fused"] is None
    with (tmp_path / "out" / "summary.csv").open(encoding="utf-8") as file:
        summary = {r["classifier"]: float(r[printed["metric"]]) for r in csv.DictReader(file)}
    assert {r["classifier"]: round(r[printed["metric"]], 9) for r in printed["classifiers"]} == {
        name: round(value, 9) for name, value in summary.items()
    }
    made = json.loads(run("train", table, *how, "--classifier", "logistic", "-o", tmp_path / "m.skops"))
    assert made["model"] == str(tmp_path / "m.skops") and made["prints"] == 64
    plain = list(csv.DictReader(io.StringIO(run("predict", made["model"], table, "-q"))))
    assert json.loads(run("predict", made["model"], table, "--json", "-q")) == plain
    counted = json.loads(run("predict", made["model"], table, "-o", tmp_path / "p.csv", "--json", "-q"))
    assert counted["prints"] == 64 and counted["predictions"] == str(tmp_path / "p.csv")
