"""`ridgefeat compare`: which columns differ between groups of people. `reliability`: how well columns repeat."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ridgefeat import bench, compare, report
from ridgefeat.cli import Unusable, options, talk
from ridgefeat.cli.outputs import results_of
from ridgefeat.errors import TableError
from ridgefeat.files import atomic_write, first_few, os_errors_as
from ridgefeat.sheets import DIALECTS, write_frame

if TYPE_CHECKING:
    import pandas as pd

MAX_LINES = 30


@click.command("compare")
@options.table
@options.option("--by COLUMN", "Label to compare by: two levels, several, or a number.", required=True)
@options.option("--group COLUMN", "Label of the people.", default="subject")
@options.output("FOLDER", "Folder for table, page and figures.")
@options.option(
    "--columns NAMES",
    "Columns, separated by commas, such as 'ridge_*'.  [default: ridge density, period and breadth, minutiae]",
    callback=options.names,
)
@options.option("--all", "Compare all feature columns.", name="every")
@options.feature_columns
@options.option("--number", "Take the label as a number, however few values it has.")
@options.choice(
    "--model",
    ("permutation", "mixed"),
    "Test: permutation of people, or a mixed model of prints with finger as a factor (needs statsmodels).",
)
@options.option("--ratio COLUMN", "Also give the likelihood ratio of two levels by this column's value.")
@options.number("--seed N", "Random seed.", default=42)
@options.csv_dialect
@options.json_result
def command(table: str, by: str, group: str, output: str, columns: list[str] | None, every: bool, **given: Any) -> None:
    """Compare the feature columns of groups of people: differences, effect sizes, tests, figures.

    Counts people, not prints: a person's value is the mean of the prints, minus what their fingers add. Writes
    compare.csv (a row per column: means, difference, effect size, p, q, reliability), report.html, methods.md (for a
    paper), ro-crate-metadata.json and figures as SVG, PDF and PNG; with --ratio also ratio.csv.

    \b
    Examples:
      ridgefeat compare features.csv --by sex -o out/
      ridgefeat compare features.csv --by sex --columns 'ridge_density_*' --ratio ridge_density_distal -o out/
      ridgefeat compare features.csv --by age --all -o out/
      ridgefeat compare other.csv --feature-columns 'a*' --by sex --group person -o out/
    """
    if every and columns:
        raise click.UsageError("--all and --columns name the columns in two ways; give one of them")
    ratio = given["ratio"]
    how = {"by": by, "group": group, "further": ratio, **options.pick(given, "number", "feature_columns")}
    people = compare.read_people(table, columns=["*"] if every else columns, **how)
    for note in people.notes:
        talk.echo(f"Note: {note}.")
    found = compare.compare_people(people, model=given["model"], seed=given["seed"])
    ratio = compare.likelihood_ratio(people, ratio, seed=given["seed"]) if ratio else None
    _write(found, ratio, Path(output), Path(table), given["csv_dialect"])
    talk.result(lambda: _record(found, ratio), _lines(found))
    talk.echo(f"Written to {output}")


def _write(found: compare.Differences, ratio: compare.Ratio | None, folder: Path, table: Path, dialect: str) -> None:
    from ridgefeat.report.compare import find_verdict
    from ridgefeat.table import table_digest
    from ridgefeat.table.sidecar import library_versions

    with results_of("compare", folder) as temporary:
        DIALECTS[dialect].write(found.frame, temporary / "compare.csv")
        if ratio is not None:
            DIALECTS[dialect].write(ratio.curve, temporary / "ratio.csv")
        report.write_compare_methods(found, ratio, temporary / "methods.md")
        page = temporary / "report.html"
        report.write_compare_page(found, ratio, page, title=table.name, command=talk.command_line())
        report.save_figures(report.compare_displays(found, ratio), temporary / "figures")
        report.write_crate(
            temporary,
            name=f"{table.name} compared by {found.people.by}",
            description=find_verdict(found)[0],
            command=talk.command_line(),
            inputs={table.name: table_digest(table)},
            versions=library_versions(),
        )


def _record(found: compare.Differences, ratio: compare.Ratio | None) -> dict[str, Any]:
    people = found.people
    cost = ratio and {"cllr": ratio.cost.cllr, "min_cllr": ratio.cost.min_cllr, "people_without_ratio": ratio.refused}
    return {
        **{name: getattr(people, name) for name in ("by", "group", "levels")},
        "people": len(people),
        "prints": len(people.person),
        "model": found.model,
        "columns": found.frame.to_dict("records"),
        "ratio": ratio and {"column": ratio.column, "support": ratio.support, **(cost or {})},
        "notes": people.notes,
    }


def _lines(found: compare.Differences) -> str:
    """Return the verdict and the table for a terminal, the largest effects first."""
    from ridgefeat.report.compare import effect_name, find_verdict, list_rows

    rows: list[Sequence[str]] = [("column", "difference", effect_name(found), "95 %", "p", "q", "ICC")]
    shown = list_rows(found)
    for row in shown[:MAX_LINES]:
        cells = [row[name] for name in ("difference", "effect", "effect_interval", "p", "q", "icc")]
        rows.append((row["column"], *(cells if not row["note"] else ("–", "–", row["note"], "", "", ""))))
    more = [f"and {len(shown) - MAX_LINES} more in compare.csv"] if len(shown) > MAX_LINES else []
    return "\n".join([find_verdict(found)[0], "", talk.align(rows), *more])


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
def reliability(**given: Any) -> None:
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
    talk.result(lambda: found.to_dict("records"), _by_family(found))


def _by_family(found: pd.DataFrame) -> str:
    """Return the median reliability of each family."""
    family = found["column"].str.partition("_")[0]
    rows = [["family", "columns", "ICC, median (quartiles)", "below 0.5"]]
    for name, icc in found["icc"].groupby(family, sort=False):
        low, median, high = icc.quantile([0.25, 0.5, 0.75])
        rows.append([str(name), str(len(icc)), f"{median:.2f} ({low:.2f} to {high:.2f})", str(int((icc < 0.5).sum()))])
    return talk.align(rows, range(1, 4))
