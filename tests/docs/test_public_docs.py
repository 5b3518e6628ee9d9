"""Everything that can be called by name says what it takes, in which units, what it returns and what it raises."""

import ast
import dataclasses
import importlib
import inspect
import re
import textwrap
from pathlib import Path

import click
import pytest

import ridgefeat as rf
from ridgefeat.cli import COMMANDS, main
from ridgefeat.errors import RidgefeatError
from ridgefeat.features.family import families

API = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
PACKAGES = [name for name in rf.__all__ if inspect.ismodule(getattr(rf, name))]
NAMES = [("ridgefeat", n) for n in rf.__all__ if n not in PACKAGES and n != "__version__"]
for _package in PACKAGES:
    NAMES += [(f"ridgefeat.{_package}", n) for n in importlib.import_module(f"ridgefeat.{_package}").__all__]

TERSE = "ridgefeat.nn"
"""Described by its formulas rather than argument by argument; its names must still have a docstring each."""

PREDICTS = {"fit", "partial_fit", "predict", "predict_proba", "decision_function", "score"}
PREDICTS |= {"transform", "fit_transform", "get_feature_names_out"}
"""Methods whose arguments are scikit-learn's, and are described there."""


def raised(function: object) -> set[str]:
    """Return the names of the package's errors that a function's own lines raise."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError):
        return set()
    kinds = {kind.__name__ for kind in RidgefeatError.__subclasses__()} | {"RidgefeatError"}
    calls = [n.exc.func for n in ast.walk(tree) if isinstance(n, ast.Raise) and isinstance(n.exc, ast.Call)]
    return {c.id for c in calls if isinstance(c, ast.Name)} & kinds


def lacking(function: object, what: str, above: str = "") -> list[str]:
    """Return what a function's docstring does not say."""
    doc = inspect.getdoc(function)
    if not doc:
        return [f"{what}: no docstring"]
    signature = inspect.signature(function)
    takes = [p.lstrip("_") for p in signature.parameters if p not in ("self", "cls")]
    said = doc + above
    found = [f"{what}: parameter {p} is not described" for p in takes if not re.search(rf"\b{p}\b", said)]
    gives = signature.return_annotation
    returns = re.search(r"^(Returns|Yields)\n-", said, re.M) or re.search(r"(^|\. )(Return|Yield)s? ", said, re.M)
    own = getattr(function, "__qualname__", "").partition(".")[0]  # a class method's name says what it makes
    if gives not in (None, "None", inspect.Signature.empty, "Self", own) and not returns:
        found.append(f"{what}: what it returns is not described")
    found += [
        f"{what}: raises {kind}, which is not described"
        for kind in sorted(raised(function))
        if kind not in said and "RidgefeatError" not in said
    ]
    return found


@pytest.mark.parametrize("pair", NAMES, ids=".".join)
def test_a_public_name_says_what_it_takes_gives_and_raises(pair):
    made = getattr(importlib.import_module(pair[0]), pair[1])
    if pair[0] == TERSE:
        assert not callable(made) or inspect.getdoc(made)
        return
    if inspect.isclass(made):
        doc = inspect.getdoc(made) or ""
        assert doc and not doc.startswith(f"{made.__name__}("), "no docstring of its own"
        missing = []
        if dataclasses.is_dataclass(made):
            fields = [f.name for f in dataclasses.fields(made) if not f.name.startswith("_")]
        elif issubclass(made, Exception):
            fields = []
        else:
            fields = [p for p in inspect.signature(made).parameters if p not in ("args", "kwargs")]
        missing += [f"{f} is not described" for f in fields if not re.search(rf"\b{f}\b", doc)]
        for name, method in vars(made).items():
            if name.startswith("_") or name in PREDICTS:
                continue
            method = getattr(method, "__func__", method)
            if isinstance(method, property):
                missing += [] if inspect.getdoc(method) else [f"{name}: no docstring"]
            elif inspect.isfunction(method) and method.__name__ == name:
                # What a layer, say, takes is described once, where it is first defined.
                above = [inspect.getdoc(vars(k).get(name)) or "" for k in made.__mro__[1:] if name in vars(k)]
                missing += lacking(method, name, "\n".join([doc, *above]))
        assert missing == [], missing
    elif callable(made):
        found = lacking(made, pair[1])
        assert found == [], found


@pytest.mark.parametrize("pair", NAMES, ids=".".join)
def test_a_public_name_stands_in_the_reference(pair):
    where, name = pair
    package = re.search(rf"^\.\. automodule:: {re.escape(where)}\n(?:   :.*\n)*", API, re.M)
    if package and ":imported-members:" in package[0]:
        return
    part = where.rpartition(".")[2]
    at_top = name in rf.__all__ and re.search(rf"^\.\. auto\w+:: {name}$", API, re.M)
    own = re.search(
        rf"^\.\. currentmodule:: {re.escape(where)}\n(?:\n|\.\. .*\n|   :.*\n)*?\.\. auto\w+:: {name}$", API, re.M
    )
    error = where == "ridgefeat" and name == "RidgefeatError" and "automodule:: ridgefeat.errors" in API
    assert at_top or own or error, f"{part}.{name} is not in docs/api.md"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_does_and_every_option_what_it_is_for(name):
    command = main.get_command(click.Context(main), name)
    assert command.help and "Examples:" in command.help
    options = [p for p in command.params if isinstance(p, click.Option)]
    assert [o.name for o in options if not (o.help or "").strip().endswith((".", "]", ")", "…"))] == []


def test_every_column_has_a_unit_a_range_a_meaning_and_a_source():
    columns = [c for family in families().values() for c in family.all_columns()]
    assert len(columns) > 1000
    for c in columns:
        # A number without a unit has "".
        assert isinstance(c.unit, str) and c.meaning and c.low < c.high, c.name
