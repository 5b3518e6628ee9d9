"""Tables written for the tests, and runs that are stopped."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from ridgefeat.params import Params
from ridgefeat.sources import find_prints
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.writing import write_table

RECIPE, OTHER = Recipe.make(["ridge"]), Recipe.make(["ridge"], dpi=600)
OTHER_WINDOW = Recipe.make(["ridge"], Params().updated(["normalisation.window=40"]))
needs_parquet = pytest.mark.skipif(find_spec("pyarrow") is None, reason="needs the extra `parquet`")
needs_excel = pytest.mark.skipif(find_spec("openpyxl") is None, reason="needs the extra `excel`")


class Stopped(Exception):
    """Ends a run as Ctrl-C would."""


def write(prints, output, mode="new", recipe=RECIPE, index=None, **how):
    return write_table(find_prints(prints, index=index), recipe, output, mode=mode, **{"jobs": 1, **how})


def interrupt(prints, output, after=2, **how):
    """Run until some prints are done."""

    def progress(done, failed, total):
        if done >= after:
            raise Stopped

    with pytest.raises(Stopped):
        write(prints, output, progress=progress, **how)


def stopping(function, after=0):
    """Return a function that stops the run when it is called once more than so often."""
    calls = []

    def call(*given, **options):
        calls.append(given)
        if len(calls) > after:
            raise Stopped
        return function(*given, **options)

    return call


def contents(output):
    """Return the bytes of a table's file, or of each of its parts."""
    paths = sorted(Path(output).glob("part-*")) if Path(output).is_dir() else [Path(output)]
    return {p.name if Path(output).is_dir() else "": p.read_bytes() for p in paths}


def outliers_of(table):
    return ["outlier" in flags.split() for flags in table.meta_flags]
