"""`ridgefeat reliability`: a table of repeated impressions -> how well each column repeats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ridgefeat import bench
from ridgefeat.cli import Unusable, options, talk
from ridgefeat.errors import TableError
from ridgefeat.files import atomic_write, first_few, os_errors_as
from ridgefeat.sheets import write_frame

if TYPE_CHECKING:
    import pandas as pd


@click.command("reliability")
@options.table
@options.option(
    "--finger COLUMN",
    "Label that says which finger of a person a print is of; several combine.",
    multiple=True,
    required=True,
)
@options.output("RELIABILITY.csv", "The table to write.")
@options.option("--group COLUMN", "Label of the people.", default="subject")
@options.option("--within COLUMN", "Take off the mean of each level first: of a sensor or database.", multiple=True)
@options.some_families
@options.number("--seed N", "Random seed of the intervals.", default=0)
@options.csv_dialect
@options.json_result
def command(**given: Any) -> None:
    """Measure how well a second impression of a finger repeats each column.

    Writes a row per column: icc (the share of the variance between prints that lies between fingers, ICC(1,1)) with its
    95 % interval over people, within_sd (standard deviation between impressions of a finger) and mdc (minimal
    detectable change: what 95 % of the differences between two impressions stay below), both in the column's unit, and
    how many prints, fingers and people have two or more values of a finger. `bench --reliability` reads the table.

    \b
    Examples:
      ridgefeat reliability features.csv --finger hand --finger finger -o reliability.csv
      ridgefeat bench features.csv --target sex --select min_icc=0.6 --reliability reliability.csv -o out/
    """
    from ridgefeat.bench.inputs import level_names
    from ridgefeat.reliability import measure_reliability

    asked = [given["group"], *given["finger"], *given["within"]]
    frame, about = bench.load(given["table"], families=given["families"], named=asked, labels=asked)
    units = {c["name"]: c.get("unit", "") for c in about["columns"] if c["name"] in frame}
    if lacking := [name for name in asked if name not in frame]:
        labels = [str(c) for c in frame if c not in units and not str(c).startswith("meta_")]
        raise Unusable(f"the table has no column {lacking[0]!r}; it has: {first_few(labels, 20) or 'no label'}")
    usable = frame[list(dict.fromkeys(asked))].notna().all(axis=1)
    if left := int((~usable).sum()):
        talk.echo(f"{left} of {len(frame)} prints left out: they have no {', '.join(dict.fromkeys(asked))}")
    frame = frame[usable].reset_index(drop=True)
    within = level_names(frame, given["within"]) if given["within"] else None
    fingers = level_names(frame, [given["group"], *given["finger"]])
    found = measure_reliability(
        frame[list(units)], fingers, level_names(frame, [given["group"]]), within=within, seed=given["seed"]
    )
    found.insert(1, "unit", [units[name] for name in found["column"]])
    path = Path(given["output"])
    with os_errors_as(TableError, f"{path} cannot be written"), atomic_write(path) as temporary:
        write_frame(found, temporary, given["csv_dialect"], TableError, path)
    most = found[["prints", "fingers", "people"]].max()
    counted = f"up to {most['prints']} prints of {most['fingers']} fingers of {most['people']} people"
    talk.echo(f"{len(found)} columns, {counted}: {path}")
    talk.result(lambda: found.to_dict("records"), _table(found))


def _table(found: pd.DataFrame) -> str:
    """Return the median reliability of each family."""
    family = found["column"].str.partition("_")[0]
    rows = [["family", "columns", "ICC, median (quartiles)", "below 0.5"]]
    for name, icc in found["icc"].groupby(family, sort=False):
        low, median, high = icc.quantile([0.25, 0.5, 0.75])
        rows.append([str(name), str(len(icc)), f"{median:.2f} ({low:.2f} to {high:.2f})", str(int((icc < 0.5).sum()))])
    return talk.align(rows, range(1, 4))
