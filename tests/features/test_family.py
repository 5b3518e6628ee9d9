"""How features are declared, what every built-in column promises, and users' own families."""

import json
import re
import warnings
from dataclasses import replace
from importlib.metadata import EntryPoint

import numpy as np
import pytest

from ridgefeat.errors import ParameterError
from ridgefeat.features import Column, Explanation, Family, Part, as_records, families, schema_digest, select
from ridgefeat.features import family as module
from ridgefeat.features.family import BUILT_IN
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.synth import PATTERN_SHARES, make_impression, make_master
from ridgefeat.synth.simple import grating, rings
from tests.cli.running import run
from tests.features.helpers import noise

EVERY = pytest.mark.parametrize("name", BUILT_IN)


# What every column promises


def test_meanings_of_a_family_differ():
    for name in BUILT_IN:
        meanings = [c.meaning for c in families()[name].all_columns() if not c.meaning.startswith("its ")]
        twice = {m for m in meanings if meanings.count(m) > 1}
        assert not twice


@EVERY
def test_a_family_says_what_it_is_and_its_functions_what_they_do(name):
    family = families()[name]
    assert family.name == name and len(family.meaning) > 10
    assert all(function.__doc__ for _, function in family.groups + family.sums)
    assert any(c.source for c in family.all_columns())


@pytest.fixture(scope="module")
def prints():
    """All patterns at all noise levels, drawn waves at the limits, and what is not a print."""
    made = {}
    for seed, pattern in enumerate(sorted(PATTERN_SHARES)):
        master = make_master(pattern, rng=seed)
        for level in range(4):
            print_ = make_impression(master, rng=10 * seed + level, noise_level=level, shape=(248, 208))
            hand = ("left", "right", None, None)[level]
            made[f"{pattern} {level}"] = Fingerprint(print_.image, print_.dpi, hand=hand)
    drawn = {f"grating {p}": grating((200, 180), p, 0.6).image for p in (4.6, 9, 17)}
    drawn |= {"level": grating((200, 200)).image, "rings": rings((200, 200)).image}
    drawn |= {"noise": noise((220, 200)), "blank": np.full((200, 200), 255, np.uint8)}
    drawn |= {"black": np.zeros((90, 80), np.uint8), "one pixel": np.zeros((1, 1), np.uint8)}
    drawn |= {"tiny": noise((20, 20)), "strip": grating((40, 700), 9, 1.2).image}
    return made | {name: Fingerprint(image) for name, image in drawn.items()}


@EVERY
def test_columns_are_the_same_for_every_image_and_values_in_the_declared_range(prints, name):
    family = families()[name]
    low, high = np.array([(c.low, c.high) for c in family.all_columns()], np.float32).T
    slack = 1e-5 * np.maximum(1, np.maximum(np.abs(low), np.abs(high)))
    for which, fp in prints.items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            values = family.compute(fp)
        assert values.dtype == np.float32 and values.shape == low.shape
        assert not np.isinf(values).any()
        outside = (values < low - slack) | (values > high + slack)
        bad = [(c.name, float(v)) for c, v, o in zip(family.all_columns(), values, outside, strict=True) if o]
        assert not bad, f"{which}: {bad}"


@pytest.mark.parametrize("name", ["ridge", "orient", "gabor", "texture"])
def test_no_print_has_no_values(prints, name):
    assert np.isnan(families()[name].compute(prints["blank"])).all()


@EVERY
def test_the_same_print_gives_the_same_bytes(prints, name):
    fp = prints["whorl 2"]
    again = Fingerprint(fp.original.copy(), (fp.dpi_x, fp.dpi_y), hand=fp.hand)
    assert families()[name].compute(again).tobytes() == families()[name].compute(fp).tobytes()


# Declaring


def declared(*columns, returning=None):
    family = Family("own", "A user's own family.")
    family.columns(*columns)(lambda fp: returning)
    return family


def column(name="own_size", **more):
    return Column(name, "mm", 0, 1, "how large", **more)


def test_a_family_computes_its_columns_in_their_order():
    family = Family("own", "Two groups.")
    family.columns(column("own_b"), column("own_a"))(lambda fp: [fp, 2])
    family.columns(column("own_c"))(lambda fp: np.array([3.0]))
    assert [c.name for c in family.all_columns()] == ["own_b", "own_a", "own_c"]
    assert family.compute(1).tolist() == [1, 2, 3]


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_is_missing(bad):
    assert np.isnan(declared(column(), returning=[bad]).compute(None)).all()


def test_nothing_measured_is_all_missing_and_a_wrong_number_of_values_is_refused():
    found = declared(column("own_a"), column("own_b")).compute(None)
    assert found.shape == (2,) and np.isnan(found).all()
    with pytest.raises(ValueError, match="returned 1 values for 2 columns"):
        declared(column("own_a"), column("own_b"), returning=[1]).compute(None)


@pytest.mark.parametrize("name", ["size", "other_size", "own_Size", "own_größe", "Own_size", "own-size", "own"])
def test_names_that_do_not_fit_are_refused(name):
    with pytest.raises(ParameterError, match=re.escape(f"column name {name!r} must be lower case and begin")):
        declared(column(name))


def test_a_name_declared_twice_is_refused():
    family = declared(column())
    with pytest.raises(ParameterError, match="declares own_size twice"):
        family.columns(column())


def test_a_sum_stands_last_has_the_other_columns_and_is_explained():
    family = Family("own", "A sum.")
    family.sum_of_parts(column("own_sum"))(
        lambda fp, values: (Part("a", "mm", values["own_a"], values["own_a"] / 2, 9.0),)
    )
    family.columns(column("own_a"))(lambda fp: [np.inf if fp.mask.all() else 6])
    fp = Fingerprint(grating((90, 80)).image)
    fp.mask = np.zeros((90, 80), bool)
    assert [c.name for c in family.all_columns()] == ["own_a", "own_sum"] and family.compute(fp).tolist() == [6, 3]
    assert family.explain(fp, "own_sum") == Explanation(column("own_sum"), 3, (Part("a", "mm", 6, 3, 9),))
    assert family.explain(fp, "own_a") == Explanation(column("own_a"), 6)
    fp.mask[:] = True
    assert np.isnan(family.explain(fp, "own_a").value)
    with pytest.raises(ParameterError, match="no column 'own_sun' in the family own; did you mean own_sum"):
        family.explain(fp, "own_sun")
    with pytest.raises(ParameterError, match="declares own_sum twice"):
        family.sum_of_parts(column("own_sum"))


# Schema


def test_the_schemas_digest_knows_names_units_and_order_and_nothing_else():
    a, b = column("own_a"), column("own_b")
    digest = schema_digest([a, b])
    assert re.fullmatch("[0-9a-f]{16}", digest) and schema_digest([a, b]) == digest
    assert schema_digest([replace(a, meaning="other", source="x", high=5), b]) == digest
    for other in ([b, a], [a], [replace(a, unit="cm"), b], [replace(a, name="own_c"), b]):
        assert schema_digest(other) != digest


def test_columns_as_records():
    assert as_records([column(source="Acree 1999")]) == [
        {"name": "own_size", "unit": "mm", "low": 0, "high": 1, "meaning": "how large", "source": "Acree 1999"}
    ]


# Selecting


def test_unknown_and_no_families_are_refused():
    with pytest.raises(ParameterError, match="unknown family gobar, rigde; there are: ridge, orient"):
        select(["rigde", "gobar", "ridge"])
    with pytest.raises(ParameterError, match="no family named; there are: ridge"):
        select([])


# Families of other packages

own = declared(column(source="here"), returning=[0.5])
no_family = "not a family"
same_name = Family("ridge", "Takes a name that is taken.")


@pytest.fixture
def publish(monkeypatch):
    """Publish what this module defines through entry points, as an installed package does."""

    def publish(**entries):
        found = [EntryPoint(n, f"{__name__}:{value}", "ridgefeat.families") for n, value in entries.items()]
        monkeypatch.setattr(module, "entry_points", lambda group: found)
        families.cache_clear()

    yield publish
    monkeypatch.undo()
    families.cache_clear()


def test_a_family_of_ones_own_is_a_first_class_citizen(publish):
    publish(own="own")
    assert [f.name for f in select()] == [*BUILT_IN, "own"]
    assert select(["own"])[0].compute(None).tolist() == [0.5]
    (record,) = json.loads(run("features", "--families", "own", "--format", "json").stdout)
    assert record["name"] == "own_size"
    assert (record["family"], record["unit"], record["source"]) == ("own", "mm", "here")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("no_family", "entry point 'theirs' .*no_family.* must be a Family with a name of its own"),
        ("same_name", "must be a Family with a name of its own"),
        ("missing", "family 'theirs' .*missing.* cannot be loaded: .*; repair or uninstall its package"),
    ],
)
def test_what_is_no_usable_family_is_named(publish, entry, message):
    publish(theirs=entry)
    with pytest.raises(ParameterError, match=message):
        select()
    said = run("features", code=2).stderr
    assert "theirs" in said or "own" in said
