import numpy as np
import pandas as pd
import pytest

from ridgefeat.bench import load, make_problem
from ridgefeat.errors import ParameterError, TableError
from ridgefeat.report import ExploreOptions, write_explore_page
from ridgefeat.table import describe_foreign, iterate_table, read_table
from tests.bench.helpers import make_frame
from tests.cli.running import run


@pytest.fixture
def frame():
    """Return a table of another program: no meta_ columns, no sidecar."""
    made = make_frame(people=24, effect=4.0)
    made = made[["subject", "sex", "finger", *(c for c in made if made[c].dtype == np.float32)]]
    return made.rename(columns=lambda name: name.replace("ridge_made_", "a").replace("texture_made_", "b "))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_columns_go_by_pattern_and_a_print_by_its_row(tmp_path, frame, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow", reason="pyarrow, of the extra parquet, is not installed")
    path = tmp_path / f"t{suffix}"
    frame.to_csv(path, index=False) if suffix == ".csv" else frame.to_parquet(path, index=False)
    read, about = load(path, feature_columns=["a?", "b *"])
    problem = make_problem(read, about, target="sex", group="subject")
    assert problem.families == {"a": ["a0", "a2", "a4"], "b ": ["b 1", "b 3", "b 5"]}
    np.testing.assert_array_equal(problem.features["a0"], frame["a0"])
    assert problem.sources[[0, 95]].tolist() == ["row 1", "row 96"] and problem.labels["finger"].nunique() == 2
    about = describe_foreign(path, ["a?"])
    parts = list(iterate_table(path, about=about, rows=40))
    assert [len(p) for p in parts] == [40, 40, 16]
    assert pd.concat(parts)["meta_source"].tolist() == read_table(path, about=about)["meta_source"].tolist()


def test_the_commands(tmp_path, frame):
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False, sep=";", decimal=",")
    how = ["bench", path, "--target", "sex", "--classifiers", "logistic", "--folds", 2, "-j", 1, "-q"]
    done = run(*how, "--feature-columns", "a?", "--feature-columns", "b *", "-o", tmp_path / "out")
    assert done.stdout.splitlines()[1].startswith("logistic")
    families = pd.read_csv(tmp_path / "out" / "ablation.csv")
    assert set(families["family"]) == {"a", "b "}
    assert "sidecar" in run(*how, "-o", tmp_path / "other", code=2).stderr
    said = run(*how, "--feature-columns", "c*", "-o", tmp_path / "other", code=2).stderr
    assert "no column like 'c*'; it has: subject, sex, finger, a0" in said
    said = run(*how, "--feature-columns", "s*", "-o", tmp_path / "other", code=2).stderr
    assert "'female'" in said or "'male'" in said
    page = tmp_path / "e.html"
    assert "96 prints, 3 columns" in run("explore", path, "--feature-columns", "a?", "--no-tsne", "-o", page).stderr


def test_two_tables_with_other_columns_are_not_mixed(tmp_path, frame):
    for name, shown in (("one", frame), ("two", frame.drop(columns="a4"))):
        shown.to_csv(tmp_path / f"{name}.csv", index=False)
    how = ["bench", "--train", tmp_path / "one.csv", "--test", tmp_path / "two.csv", "--target", "sex"]
    assert "a4" in run(*how, "--feature-columns", "a?", "-o", tmp_path / "out", code=2).stderr


def test_what_needs_a_sidecar_says_so(tmp_path, frame):
    frame.to_csv(tmp_path / "t.csv", index=False)
    asked = ExploreOptions(images_root=tmp_path, feature_columns=("a?",))
    with pytest.raises(ParameterError, match="pictures need the sidecar"):
        write_explore_page(tmp_path / "t.csv", tmp_path / "e.html", asked)
    for path, message in ((tmp_path, "is a folder"), (tmp_path / "none.csv", "no such file")):
        with pytest.raises(TableError, match=message):
            describe_foreign(path, ["a*"])
