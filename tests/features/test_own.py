"""A user's own families: from a file, or as objects, in tables, on workers, in sidecars."""

import json
import pickle
import re

import pytest

import ridgefeat as rf
from ridgefeat.features import Column, Family, select
from ridgefeat.features.own import load_family
from ridgefeat.synth.simple import grating
from ridgefeat.table import Recipe, load_sidecar
from ridgefeat.table.sidecar import agree, describe
from tests.cli.running import run

SOURCE = """
from neighbour import FACTOR
from ridgefeat.features import Column, Family

own = Family("own", "How bright the image is.")
number = 3


@own.columns(Column("own_grey", "grey levels", 0, 255, "mean grey level"))
def grey(fp):
    return [fp.image.mean() * FACTOR]
"""


@pytest.fixture
def file(tmp_path):
    folder = tmp_path / "my families"  # a path with a space
    folder.mkdir()
    (folder / "neighbour.py").write_text("FACTOR = 1.0\n")
    (folder / "own.py").write_text(SOURCE)
    return folder / "own.py"


def test_a_file_s_family_is_in_the_table_whatever_the_number_of_workers(file, prints, tmp_path):
    families = f"ridge,{file}:own"
    for jobs in (1, 2):
        run("extract", prints, "-o", tmp_path / f"{jobs}.csv", "--families", families, "-j", jobs)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()
    table = rf.table.read_table(tmp_path / "1.csv")
    means = [rf.read(prints / name).image.mean() for name in table["meta_source"]]
    assert table["own_grey"].to_numpy() == pytest.approx(means, rel=1e-6)
    about = load_sidecar(tmp_path / "1.csv")
    assert about["families"] == ["ridge", "own"] and about["own_families"]["own"]["source"] == "own.py:own"
    assert re.fullmatch("[0-9a-f]{64}", about["own_families"]["own"]["sha256"])


def test_features_and_explain_know_it(file, prints):
    (record,) = json.loads(run("features", "--families", f"{file}:own", "--json").stdout)
    assert (record["family"], record["name"]) == ("own", "own_grey")
    fp = rf.read(next(prints.glob("*.png")))
    assert rf.explain(fp, "own_grey", families=f"{file}:own").value == pytest.approx(fp.image.mean())


def test_a_changed_source_is_noticed(file, prints, tmp_path):
    families = ["ridge", f"{file}:own"]
    items = rf.table.api.find_prints([prints])
    then = describe(items, Recipe.make(families), None)
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    run("extract", prints, "-o", first, "--families", ",".join(families), "-j", 1)
    agree(then, describe(items, Recipe.make(families), None), "a")
    sent = pickle.dumps(Recipe.make(families))
    file.write_text(SOURCE.replace("mean() *", "mean() + 0 *"))
    with pytest.raises(rf.RidgefeatError, match=r"cannot resume: a differs .*source code of the family own"):
        agree(then, describe(items, Recipe.make(families), None), "a")
    run("extract", prints, "-o", second, "--families", ",".join(families), "-j", 1)
    assert "source code of the family own" in run("merge", first, second, "-o", tmp_path / "c.csv", code=2).stderr
    with pytest.raises(rf.RidgefeatError, match=r"own.py has changed since the run began"):
        pickle.loads(sent)


def test_a_sidecar_makes_no_file_run(file, prints, tmp_path):
    table, families = tmp_path / "a.csv", f"ridge,{file}:own"
    run("extract", prints, "-o", table, "--families", families, "-j", 1)
    like = ("extract", prints, "-o", tmp_path / "b.csv", "--like", tmp_path / "a.json", "-j", 1)
    assert "own is from own.py:own: give it with --families" in run(*like, code=2).stderr
    run(*like, "--families", families)
    about = json.loads((tmp_path / "a.json").read_text())
    (tmp_path / "a.json").write_text(json.dumps(about | {"families": [f"{file}:own"], "own_families": {}}))
    file.write_text("raise SystemExit('run')")
    assert "unknown family" in run(*like, "--overwrite", code=2).stderr
    (tmp_path / "a.json").write_text(json.dumps(about))
    assert table.read_bytes() == (tmp_path / "b.csv").read_bytes()
    file.write_text(SOURCE.replace("mean() *", "mean() + 0 *"))
    assert "source code of the family own" in run(*like, "--overwrite", "--families", families, code=2).stderr


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("none.py:own", "family file .*none.py: no such file"),
        ("own.py:other", "must be a ridgefeat.features.Family, and there is none"),
        ("own.py:number", "must be a ridgefeat.features.Family, and it is of type int"),
        ("own.txt:own", "must be FILE.py:name"),
        ("broken.py:own", "broken.py cannot be run: ZeroDivisionError: division by zero"),
        ("leaves.py:own", "leaves.py cannot be run: SystemExit"),
    ],
)
def test_what_is_no_family_is_refused(file, address, message):
    (file.parent / "broken.py").write_text("1 / 0")
    (file.parent / "leaves.py").write_text("raise SystemExit")
    with pytest.raises(rf.RidgefeatError, match=message):
        load_family(str(file.parent / address))


def family(name, column):
    made = Family(name, "A user's own family.")
    made.columns(Column(column, "px", 0, 1e4, "width"))(lambda fp: [fp.image.shape[1]])
    return made


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ([family("ridge", "ridge_mine")], "own family 'ridge': the family ridge has that name"),
        ([family("meta", "meta_mine")], "own family 'meta': what is known of files has that name"),
        ([family("a", "a_b_c"), family("a", "a_d")], "own family 'a': another own family has that name"),
        ([family("a", "a_b_c"), family("a_b", "a_b_c")], "own family 'a_b' has columns of another family: a_b_c"),
    ],
)
def test_names_that_are_taken_are_refused(own, message):
    with pytest.raises(rf.RidgefeatError, match=message):
        select(["ridge", *own])


def test_a_family_itself_will_do_in_python():
    own = family("own", "own_width")
    image = grating((60, 80)).image
    assert rf.extract(image, [own]).to_dict() == {"own_width": 80}
    table = rf.extract_many([image, image[:, :70]], families=["ridge", own], jobs=2)
    assert table["own_width"].tolist() == [80, 70]
    assert rf.feature_columns([own])["name"].tolist() == ["own_width"] and repr(own) == "<Family own, 1 column>"
    assert rf.FeatureExtractor([own]).fit_transform([image]).tolist() == [[80]]
    assert Recipe.make([own]).to_dict()["own_families"]["own"]["source"] == "Python"
    assert select([own, "ridge"])[0].name == "ridge"  # own families come last
