"""`ridgefeat compare`: table, page, figures and methods from a feature table; a bad question gets one line."""

import json

import pandas as pd
import pytest

from tests.bench.helpers import make_frame, write_frame
from tests.cli.running import run

CRATE = "ro-crate-metadata.json"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_frame(make_frame(people=80, effect=1.5, seed=1), tmp_path_factory.mktemp("compare") / "t.csv")


def test_a_comparison_is_written_with_figures_and_sentences(table, tmp_path):
    some = ("--columns", "*_made_0", "--columns", "*_made_1")
    done = run("compare", table, "--by", "sex", "-o", tmp_path / "o", "--ratio", "ridge_made_0", *some)
    assert done.stdout.startswith(
        "1 of 2 columns differs between female and male (q < 0.05; 80 people with 320 prints)."
    )
    made = {p.relative_to(tmp_path / "o").as_posix() for p in (tmp_path / "o").rglob("*") if p.is_file()}
    figures = {p for p in made if p.startswith("figures/")}
    assert made - figures == {"compare.csv", "ratio.csv", "methods.md", "report.html", "manifest.json", CRATE}
    names = ["effects", "ridge-made-0", "texture-made-1", "ratio", "tippett"]
    assert figures == {f"figures/{n}.{ending}" for n in names for ending in ("svg", "pdf", "png")}
    frame = pd.read_csv(tmp_path / "o" / "compare.csv")
    assert frame["column"][frame["q"] < 0.05].tolist() == ["ridge_made_0"]
    methods = (tmp_path / "o" / "methods.md").read_text(encoding="utf-8")
    assert "320 prints of 80 people by sex (40 female and 40 male)" in methods and "Cllr" in methods
    listed = json.loads((tmp_path / "o" / "manifest.json").read_text())["files"]
    assert set(listed) == made - {"manifest.json"}


@pytest.mark.usefixtures("without_pdf")
def test_a_second_run_is_the_same_bytes_and_leaves_nothing_of_the_first(table, tmp_path):
    def files():
        return {p: p.read_bytes() for p in sorted(tmp_path.rglob("*")) if p.is_file() and p.name != "manifest.json"}

    how = ("compare", table, "--by", "sex", "-o", tmp_path / "o", "--overwrite", "--columns")
    run(*how, "*_made_0")
    first = files()
    run(*how, "*_made_2", "--ratio", "texture_made_1")
    assert len(pd.read_csv(tmp_path / "o" / "compare.csv")) == 2
    run(*how, "*_made_0")
    assert files() == first


@pytest.mark.usefixtures("without_pdf")
def test_the_result_as_json(table, tmp_path):
    said = json.loads(run("compare", table, "--by", "age", "-o", tmp_path / "o", "--all", "--json").stdout)
    assert said["levels"] == [] and said["people"] == 80 and said["ratio"] is None
    assert [c["column"] for c in said["columns"] if c["q"] < 0.05] == ["texture_made_1"]
    assert said["columns"][0]["icc"] is None


@pytest.mark.usefixtures("without_pdf")
def test_a_table_of_another_program_is_compared_without_a_sidecar(tmp_path):
    frame = make_frame(people=40, effect=3, seed=1)
    frame = frame[["subject", "sex", "ridge_made_0", "ridge_made_2"]]
    frame.columns = ["who", "sex", "a1", "a2"]
    frame.to_csv(tmp_path / "t.csv", index=False)
    run("compare", tmp_path / "t.csv", "--feature-columns", "a*", "--by", "sex", "--group", "who", "-o", tmp_path / "o")
    found = pd.read_csv(tmp_path / "o" / "compare.csv")
    assert found["column"].tolist() == ["a1", "a2"] and (found["q"] < 0.05).tolist() == [True, False]


@pytest.mark.usefixtures("without_pdf")
def test_a_feature_may_be_the_number_that_the_others_are_compared_with(table, tmp_path):
    run("compare", table, "--by", "texture_made_5", "-o", tmp_path / "o")  # varies more within people than between them
    frame = pd.read_csv(tmp_path / "o" / "compare.csv")
    assert "texture_made_5" not in frame["column"].tolist() and frame["rank_correlation"].notna().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--by", "gender"), "the table has no label column 'gender'; it has: subject, sex, hand, finger, age"),
        (("--by", "sex", "--all", "--columns", "ridge_*"), "--all and --columns name the columns in two ways"),
        (("--by", "sex", "--columns", "rigde_*"), "no column matches 'rigde_*'; the table has: ridge_made_0"),
        (("--by", "sex", "--ratio", "minutiae_count"), "no column matches 'minutiae_count'"),
    ],
)
def test_a_bad_question_gets_one_line(table, tmp_path, options, message):
    said = run("compare", table, *options, "-o", tmp_path / "o", code=2).stderr
    assert message in said and "Traceback" not in said and not (tmp_path / "o").exists()
