import copy
import json

import pytest

from ridgefeat.errors import ParameterError, RidgefeatError, TableError
from ridgefeat.params import Params
from ridgefeat.table import check_same, load_sidecar, read_table
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.sidecar import FORMAT
from tests.table.helpers import write


@pytest.fixture
def sidecar():
    return {"format": FORMAT, "version": "0", "label_kinds": {}, **Recipe.make(["ridge"]).to_dict()}


def test_each_difference_is_named(sidecar):
    other = copy.deepcopy(sidecar)
    check_same(sidecar, other)
    gone = other["columns"].pop(3)["name"]
    other["columns"][0]["unit"] = "inch"
    other["columns"].append({"name": "ridge_new", "unit": ""})
    other["parameters"]["normalisation"]["window"] = 40
    window = sidecar["parameters"]["normalisation"]["window"]
    with pytest.raises(TableError) as caught:
        check_same(sidecar, other)
    said = [f"only in the first: {gone}", "only in the second: ridge_new", "ridge_period_mean (mm, inch)"]
    for words in (*said, f"normalisation.window ({window}, 40)", "--like"):
        assert words in str(caught.value)
    with pytest.raises(TableError, match="the order of the columns"):
        check_same(sidecar, {**sidecar, "columns": sidecar["columns"][::-1]})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, r"^table .*t.csv: no such file or folder; `ridgefeat extract` makes one$"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"format": "other"}', "not a sidecar of a ridgefeat table"),
        (json.dumps({"format": FORMAT}), "families must be a list, got nothing"),
    ],
)
def test_a_sidecar_that_is_none_says_so(tmp_path, content, says):
    if content is not None:
        (tmp_path / "t.json").write_text(content)
    with pytest.raises(TableError, match=says):
        load_sidecar(tmp_path / "t.csv")


@pytest.mark.parametrize("key", ["columns", "families"])
def test_damaged_lists_and_huge_files_are_refused(tmp_path, monkeypatch, sidecar, key):
    path = tmp_path / "t.json"
    path.write_text(json.dumps({**sidecar, key: [3]}))
    with pytest.raises(TableError, match=rf"{key}\[0\] must be .*, got 3"):
        load_sidecar(path)
    monkeypatch.setattr("ridgefeat.table.sidecar.MAX_DESCRIPTION_BYTES", 10)
    with pytest.raises(TableError, match="larger than"):
        load_sidecar(path)


ODD = (None, [], {}, "text", 10**400, float("nan"), True, [[]])


def mutations(content, at=()):
    """Yield every place in a JSON value, with values that may not be there."""
    if at:
        yield from ((at, odd) for odd in ODD if type(odd) is not type(content))
    if isinstance(content, (dict, list)):
        keys = list(content) if isinstance(content, dict) else range(len(content))
        for key in keys[: (3 if isinstance(content, dict) else 1) if at else None]:
            yield from mutations(content[key], (*at, key))


def changed(content, at, value):
    """Return a copy with another value at a place."""
    content = copy.deepcopy(content)
    inner = content
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = value
    return content


def test_a_value_of_another_type_is_refused_with_its_place_or_harmless(prints, tmp_path):
    """Whatever is swapped in a sidecar, reading, merging, resuming and --like end well or with one line."""
    table = write(prints, tmp_path / "t.csv").table
    path = table.with_suffix(".json")
    content = json.loads(path.read_text())
    refused = 0
    for at, odd in mutations(content):
        path.write_text(json.dumps(changed(content, at, odd)))
        for use in (
            lambda: read_table(table, verify=True),
            lambda: check_same(table, content),
            lambda: Recipe.like(load_sidecar(table), "t.json"),
            lambda: write(prints, table, mode="resume"),
        ):
            try:
                use()
            except RidgefeatError as error:
                refused += 1
                assert "\n" not in str(error)
    assert refused > 500


def test_a_name_that_occurs_twice_is_refused(tmp_path, sidecar):
    sidecar["columns"].append(sidecar["columns"][0])
    (tmp_path / "t.json").write_text(json.dumps(sidecar))
    with pytest.raises(TableError, match="columns ridge_period_mean are listed twice"):
        load_sidecar(tmp_path / "t.csv")


def test_a_recipe_comes_back_from_its_sidecar_and_one_of_mirrored_prints_is_another():
    params = Params().updated(["normalisation.window=40"])
    recipe = Recipe.make(["ridge", "orient"], params, (199, 173), "plain", mirror="right")
    assert Recipe.like(json.loads(json.dumps(recipe.to_dict())), "t.json") == recipe
    with pytest.raises(TableError, match="mirrored hand: right, none"):
        check_same(recipe.to_dict(), {**recipe.to_dict(), "mirror": None})


def test_a_table_of_another_version_is_not_pretended_to_be_made_again(sidecar):
    sidecar["columns"].pop()
    with pytest.raises(TableError, match=r"made by version 0; .* columns only in the second"):
        Recipe.like(sidecar, "t.json")
    sidecar["parameters"]["normalisation"]["windo"] = 3
    with pytest.raises(TableError, match=r"cannot make that table again: .*did you mean normalisation.window"):
        Recipe.like(sidecar, "t.json")


def test_a_sidecar_of_version_0_1_says_what_was_renamed(sidecar):
    old = copy.deepcopy(sidecar)
    names = ("quality_area", "orient_field_00_cos", "orient_field_44_sin", "texture_block_r0c2_band0")
    old["columns"] += [{"name": name, "unit": "1"} for name in names]
    old["parameters"]["minutiae"] = {"least_quality": 58.0}
    said = (
        "columns renamed in 0.2: orient_field_00_cos is orient_field_r1c1_cos, and so on by row and column, "
        "the zones of texture_lbp_own, texture_hog_own and texture_block are counted from 1: "
        "texture_block_r0c0_band0 is texture_block_r1c1_band0, and so on, quality_area (mm²) is ridge_area (cm²); "
        "parameters renamed in 0.2: minutiae.least_quality is minutiae.min_quality"
    )
    for a, b in ((old, sidecar), (sidecar, old)):
        with pytest.raises(TableError) as caught:
            check_same(a, b)
        assert f"were not made alike: {said}. " in str(caught.value)
    with pytest.raises(TableError) as caught:
        Recipe.like(old, "t.json")
    assert f"another table: {said}. Install that version" in str(caught.value)


def test_options_may_repeat_what_like_says_but_not_contradict_it():
    recipe = Recipe.make(["ridge"], dpi=500)
    same = recipe.agreeing(families=["ridge"], params=None, dpi=(500.0, 500.0), layout=None, regex=None)
    assert same is recipe
    with pytest.raises(ParameterError, match=r"families \(ridge there\), dpi \(500.0 500.0 there\)"):
        recipe.agreeing(families=["orient"], dpi=(600.0, 600.0))
