import json
import sys

import pytest

from ridgefeat.files import sha256
from ridgefeat.report import write_crate, write_methods
from tests.bench.helpers import make_frame, make_problem, quick, write_frame
from tests.cli.running import run
from tests.report.made_comparison import make


@pytest.fixture
def crate(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    (tmp_path / "a b.csv").write_text("x\n1\n")
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "roc.svg").write_text("<svg/>")
    about = {"name": "n", "description": "d", "command": "ridgefeat bench t.csv", "versions": {"numpy": "2"}}
    return write_crate(tmp_path, **about, inputs={"t x.csv": "0" * 64})


def test_every_file_is_described_and_every_reference_leads_somewhere(crate):
    held = json.loads(crate.read_text())
    graph = {one["@id"]: one for one in held["@graph"]}
    assert len(graph) == len(held["@graph"]) and held["@context"][0] == "https://w3id.org/ro/crate/1.1/context"
    about, root = graph["ro-crate-metadata.json"], graph["./"]
    assert about["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"} and about["about"] == {"@id": "./"}
    assert root["@type"] == "Dataset" and root["datePublished"] == "1970-01-02"
    assert {p["@id"] for p in root["hasPart"]} == {"a%20b.csv", "figures/roc.svg"}
    file = graph["a%20b.csv"]
    assert file["sha256"] == sha256(crate.parent / "a b.csv") and file["contentSize"] == "4"
    assert graph["#command"]["object"] == [{"@id": "#t%20x.csv"}] and graph["#t%20x.csv"]["sha256"] == "0" * 64

    def references(value):
        if isinstance(value, dict):
            yield from [value["@id"]] if set(value) == {"@id"} else (r for v in value.values() for r in references(v))
        elif isinstance(value, list):
            yield from (r for v in value for r in references(v))

    inside = [r for one in held["@graph"] for r in references({k: v for k, v in one.items() if k != "conformsTo"})]
    assert inside and set(inside) <= set(graph)


def test_the_rocrate_package_reads_it(crate):
    rocrate = pytest.importorskip("rocrate.rocrate", reason="the package rocrate is not installed")
    read = rocrate.ROCrate(crate.parent)
    assert read.name == "n" and {e.id for e in read.data_entities} == {"a%20b.csv", "figures/roc.svg"}


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_methods_of_every_kind(tmp_path, kind):
    text = write_methods(make(kind), tmp_path / "m.md").read_text(encoding="utf-8")
    assert "200 prints of 40 subjects" in text and text.count("**TO FILL IN:**") == 4
    assert "\n\n\n\n" not in text and "| rbf_svm | " in text
    for line in ("## Data", "## Procedure", "## Statistics", "## Results", "## Limits", "## Checklist", "## Software"):
        assert f"\n\n{line}\n\n" in text


def test_methods_say_what_was_done(tmp_path):
    from ridgefeat.bench import ColumnSelector

    done = quick(
        make_problem(effect=3.0),
        "dummy",
        "logistic",
        within=("finger",),
        harmonise="hand",
        select=ColumnSelector(redundancy=0.9, fdr=0.05),
    )
    text = write_methods(done, tmp_path / "m.md").read_text(encoding="utf-8")
    for words in (
        "No subject was in both training and test.",
        "Location and scale of each `hand` were taken off",
        "Columns were standardised within finger",
        "by |Spearman| at most 0.9, false discovery rate 0.05",
        "bootstrap over subjects (20 samples at most), widened by √2",
        "Probabilities were calibrated on prints of other folds.",
        "| 15 | 33 | Removal of redundant features | yes | in each training fold: \\|Spearman\\| at most 0.9",
        "| 14 | 33 | Removal of non-robust features | no |",
        "no subject was on both sides",
        "| 26 | 38 | Internal testing on a set of its own | no |",
    ):
        assert words in text
    plain = write_methods(quick(make_problem(), "dummy"), tmp_path / "p.md").read_text(encoding="utf-8")
    assert "Removal of redundant features | no | no columns were selected |" in plain
    assert "ComBat" not in plain and "columns were chosen by" not in plain


def test_bench_writes_both(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["ridgefeat", "bench"])
    table = write_frame(make_frame(people=24), tmp_path / "t.csv")
    how = ["--target", "sex", "--classifiers", "dummy", "--folds", 2, "--fast", "-j", 1]
    run("bench", table, *how, "-o", tmp_path / "out")
    graph = {e["@id"]: e for e in json.loads((tmp_path / "out" / "ro-crate-metadata.json").read_text())["@graph"]}
    files = {p.name for p in (tmp_path / "out").iterdir()} - {"manifest.json", "ro-crate-metadata.json"}
    assert {"methods.md", "report.html", "summary.csv"} <= files == {p["@id"] for p in graph["./"]["hasPart"]}
    assert graph["#t.csv"]["sha256"] == sha256(table) and graph["#command"]["description"].startswith("ridgefeat bench")
