"""`ridgefeat phantoms`: the reference set as files. `ridgefeat conform`: a tool's table compared with it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ridgefeat import reference as references
from ridgefeat.cli import options, talk
from ridgefeat.errors import TableError
from ridgefeat.files import atomic_write, count_of, first_few, os_errors_as
from ridgefeat.sheets import write_frame


@click.command("phantoms")
@options.output("FOLDER", "Folder for images, truth and reference.csv.")
@options.json_result
def phantoms(output: str) -> None:
    """Write the reference set: images whose feature values are known.

    Digital phantoms (gratings, a chirp, zones, arcs, counted minutiae, a loop, a whorl, ridges of known breadth, pores,
    creases, noise; each at 300, 500 and 1,000 dpi, and turned by 25 degrees), 30 synthetic prints, the truth of each as
    NAME.npz (ridgefeat.synth.read_truth reads it), and reference.csv: value, tolerance, origin and definition of each
    feature.

    \b
    Examples:
      ridgefeat phantoms -o phantoms/
      ridgefeat extract phantoms/ -o values.csv
      ridgefeat conform values.csv --reference phantoms/reference.csv
    """
    with talk.progress_bar() as progress:
        count = references.write_phantoms(output, progress=progress, command=talk.typed())
    talk.echo(f"{count} images in {output}, their reference values in {Path(output) / 'reference.csv'}")
    talk.result({"images": count, "folder": output})


def _names(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    if wrong := [text for text in given if not all(text.partition("="))]:
        raise click.BadParameter(f"{wrong[0]!r} is not FEATURE=COLUMN")
    return {text.partition("=")[0]: text.partition("=")[2] for text in given}


@click.command("conform")
@options.table
@options.option(
    "--name FEATURE=COLUMN",
    "The table's column for a reference feature, where it has another name. Repeat it.",
    name="names",
    multiple=True,
    callback=_names,
)
@options.path("--reference FILE", "The reference.csv of `phantoms`, which has the synthetic prints too.")
@options.output("VERDICTS.csv", "Also write a row per phantom and feature.", required=False)
@options.json_result
def conform(table: str, names: dict[str, str], reference: str | None, output: str | None) -> None:
    """Compare a tool's values for the phantoms with the reference values.

    The table (CSV, .xlsx) has a row per phantom, named in a column phantom, file or meta_source, and columns named as
    the features of reference.csv; what it does not have is not tested. Shows for each feature how many values agree,
    and the one that is furthest off. The exit code is 1 if a value deviates by more than the tolerance, or is missing.

    \b
    Examples:
      ridgefeat conform values.csv --reference phantoms/reference.csv
      ridgefeat conform other.csv --name ridge_period_mean=period_mm --name minutiae_count=n -o verdicts.csv
    """
    found = references.check_table(table, names, reference)
    if output:
        with os_errors_as(TableError, f"{output} cannot be written"), atomic_write(output) as temporary:
            write_frame(found.rows, temporary, "standard", TableError, Path(output))
    if found.absent:
        talk.echo(f"Not in the table: {count_of(len(found.absent), 'phantom')}: {first_few(found.absent)}")
    if found.untested:
        talk.echo(f"No column for {count_of(len(found.untested), 'feature')}: {first_few(found.untested)}")
    talk.result(lambda: found.rows.to_dict("records"), _in_words(found))
    if not found.agrees:
        sys.exit(1)


def _in_words(found: references.Conformity) -> str:
    rows = [["feature", "agree", "furthest off", "value", "reference", "deviation", "tolerance", "verdict"]]
    for row in found.by_feature().to_dict("records"):
        numbers = [f"{row[name]:.5g}" for name in ("value", "reference", "deviation", "tolerance")]
        rows.append([row["feature"], f"{row['agree']}/{row['tested']}", row["phantom"], *numbers, row["verdict"]])
    agree, tested = int((found.rows["verdict"] == "agrees").sum()), len(found.rows)
    return f"{talk.align(rows, range(3, 7))}\n\n{agree} of {tested} values agree with the reference."
