"""`ridgefeat compare`: a feature table -> which columns differ between groups of people, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ridgefeat import compare, report
from ridgefeat.cli import options, talk
from ridgefeat.cli.outputs import results_of
from ridgefeat.sheets import DIALECTS

FILES = ("compare.csv", "ratio.csv", "methods.md", "figures", "ro-crate-metadata.json", "report.html")
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
