"""`ridgefeat extract`: folders of prints -> a feature table. `merge`: several tables -> one. `split`: one -> two."""

from __future__ import annotations

import sys
import time
from collections import Counter
from functools import partial
from typing import Any

import click

from ridgefeat import sources, table
from ridgefeat.cli import options, talk
from ridgefeat.files import count_of


@click.command("extract")
@click.argument("inputs", nargs=-1, type=options.PATH, metavar="INPUT...")
@options.path("--list FILE", "A text file with one path or address per line.", name="lists", multiple=True)
@options.output("TABLE", "The table to write: .csv, .xlsx, .parquet (extras), or a folder/ of parts.", required=False)
@options.labels
@options.raw
@options.families
@options.tuning
@options.invert
@options.region
@options.option(
    "--mirror", "Mirror this hand's prints (label hand) before features.", type=click.Choice(["left", "right"])
)
@options.option("--fingers", "Cut a slap, or several prints, into a row per finger.", type=click.Choice(["split"]))
@options.path("--like FILE.json", "Extract exactly as for the table with this sidecar.")
@options.option("--errors", "Also write the standard error of every value, as NAME_se.")
@options.path("--reliability TABLE", "For --errors: how well your sensor repeats (see reliability).")
@options.jobs
@options.engine
@options.limits
@options.path("--minutiae FOLDER", "Also write each print's minutiae: .csv, .xyt and .fmr (ISO/IEC 19794-2).")
@options.choice("--template-format", ("iso", "ansi"), "Standard of .fmr: ISO/IEC 19794-2 or ANSI INCITS 378-2004.")
@options.csv_dialect
@options.option("--resume", "Continue an interrupted run.")
@options.overwrite
@options.option("--validate", "Report what would be read and what is wrong; extract nothing.")
@options.json_result
def command(**given: Any) -> None:
    """Extract features from prints into a table: files, folders, archives (zip, tar), transactions, addresses (extra).

    The table has one row per print: properties of the file (meta_…), labels, features. A print that cannot be
    read keeps its row; meta_error gives the reason, and the exit code is 1. The sidecar features.json, written next
    to features.csv, records how the table was made. File names are copied unchanged. A spreadsheet that
    uses decimal commas opens .xlsx and --csv-dialect semicolon as they are; standard CSV it may damage. With --errors,
    a second impression of the finger lies within 1.96 sqrt(2) standard errors in 95 of 100 cases.

    \b
    Examples:
      ridgefeat extract prints/ -o features.csv
      ridgefeat extract SOCOFing/Real -o f.csv --layout socofing -j 4
      ridgefeat extract SD4 -o sd4.csv --index SD4/index.csv --validate
      ridgefeat extract new/ -o new.csv --like features.json
      ridgefeat extract slaps/ -o fingers.csv --fingers split
      ridgefeat extract prints/ -o with_errors.csv --errors
      ridgefeat extract set.zip -o features/ --timeout 10 --engine dask=tcp://10.0.0.1:8786
    """
    if not given["inputs"] and not given["lists"]:
        raise click.UsageError("Missing argument 'INPUT...': give prints, or --list FILE.")
    if given["resume"] and given["overwrite"]:
        raise click.UsageError("--resume and --overwrite exclude each other; give one of the two")
    if given["mirror"] and given["minutiae"]:
        raise click.UsageError("--mirror and --minutiae exclude each other: minutiae are those of the print as it is")
    if given["reliability"] and not given["errors"]:
        raise click.UsageError("--reliability says how well your sensor repeats for --errors; give --errors too")
    if not given["output"] and not given["validate"]:
        raise click.UsageError("Missing option '-o' / '--output': the table to write.")
    from ridgefeat.work.engine import parse_engine

    if parse_engine(given["engine"])[0] == "local":
        options.start_children(given["jobs"], () if given["lists"] else given["inputs"], "ridgefeat.table.batches")
    recipe, passed_over = _recipe(given), Counter[str]()
    how = options.pick(given, "index", "index_column", "lists", "raw") | {"passed_over": passed_over}
    items = sources.find_prints(list(given["inputs"]), layout=recipe.layout, regex=recipe.regex, **how)
    if given["region"]:
        items = sources.with_regions(items, given["region"])
    if recipe.fingers:
        items = _split(items, recipe, given)
    if given["validate"]:
        _validate(items, recipe, passed_over)
    else:
        talk.warn_of_labels(items, recipe.layout if recipe.regex is None else "")
        _extract(items, recipe, given, passed_over)


def _recipe(given: dict[str, Any]) -> table.Recipe:
    from ridgefeat.reliability import ErrorModel

    like = None
    if given["like"]:
        like = table.Recipe.like(table.load_sidecar(given["like"]), given["like"], given["families"])
    params = options.load_params(given["params_file"], given["assignments"], like.params if like else None)
    asked = options.pick(given, "families", "dpi", "layout", "regex", "mirror", "invert", "fingers")
    asked |= {"params": params, "errors": ErrorModel.make(given["reliability"]) if given["errors"] else None}
    if like is not None:
        return like.agreeing(**asked)
    return table.Recipe.make(**{name: value for name, value in asked.items() if value is not None})


def _validate(items: Any, recipe: table.Recipe, passed_over: Counter[str]) -> None:
    found = table.survey_prints(items, recipe.dpi)
    found.passed_over = passed_over
    talk.result(found, talk.summarise_survey(found))
    if found.errors or found.repeated:
        sys.exit(1)


def _split(items: Any, recipe: table.Recipe, given: dict[str, Any]) -> Any:
    with talk.progress_bars() as show:
        progress = show and partial(show, unit="image")
        found = table.split_prints(items, recipe, **options.pick(given, "jobs", "engine"), progress=progress)
    cut = [i.path for i in found if i.box is not None]
    named = sum(i.box is not None and "finger" in i.labels for i in found)
    talk.echo(f"{len(set(cut))} of {len(items)} images were cut into {len(cut)} fingers; {named} of them are named.")
    return found


def _extract(items: Any, recipe: table.Recipe, given: dict[str, Any], passed_over: Counter[str]) -> None:
    mode = "resume" if given["resume"] else "overwrite" if given["overwrite"] else "new"
    output = given["output"]
    started = time.perf_counter()
    how = options.pick(given, "jobs", "minutiae", "engine")
    how |= {"mode": mode, "standard": given["template_format"], "dialect": given["csv_dialect"]}
    how |= {"inputs": [*given["inputs"], *given["lists"]], "command": talk.typed()}
    try:
        with talk.progress_bar() as progress:
            summary = table.write_table(items, recipe, output, progress=progress, **how)
    except KeyboardInterrupt:
        click.echo(
            f"Interrupted; finished prints are kept. Repeat the command with --resume to continue {output}.", err=True
        )
        sys.exit(130)
    summary.passed_over = passed_over
    talk.echo(talk.summarise_run(summary, time.perf_counter() - started, was_split=bool(recipe.fingers)))
    talk.result(summary)
    if summary.failures:
        sys.exit(1)


@click.command("merge")
@click.argument("tables", nargs=-1, required=True, type=options.PATH, metavar="TABLE...")
@options.output("TABLE", "The table to write: .csv, .xlsx, .parquet (extras), or a folder/ of parts.")
@options.csv_dialect
@options.option("--duplicates", "Keep both rows of a print that is in two tables.")
@options.overwrite
@options.json_result
def merge(**given: Any) -> None:
    """Join feature tables: CSV in any dialect, .xlsx, Parquet and folders of parts.

    Tables that differ in columns, units, parameters or versions are refused with the differences named, and so is a
    print that is in two of them. A label that a table lacks is empty in its rows. The sidecar lists the joined tables.

    \b
    Examples:
      ridgefeat merge monday.csv tuesday.csv -o week.csv
      ridgefeat merge site_a/ site_b/ -o both/
    """
    how = {"command": talk.typed(), "dialect": given["csv_dialect"], **options.pick(given, "overwrite", "duplicates")}
    summary = table.merge_tables(given["tables"], given["output"], **how)
    talk.echo(f"{summary.rows} prints of {len(given['tables'])} tables; {summary.failures} have an error.")
    talk.echo(f"Table: {summary.table}   sidecar: {summary.sidecar}")
    talk.result(summary)


@click.command("split")
@options.table
@options.output("FOLDER", "Folder for train and test, in the form of TABLE.")
@options.option("--test SHARE", "Share of the groups that are for testing.", type=float, default=0.2)
@options.option("--group COLUMN", "Label of the people (or groups) who stay together.", default="subject")
@options.option("--stratify COLUMN", "Label whose values are to be as frequent in either part.")
@options.number("--seed N", "Random seed.", default=42)
@options.csv_dialect
@options.overwrite
@options.json_result
def split(**given: Any) -> None:
    """Divide a feature table by people into one to train on and one to test on.

    Both have sidecars, so that every command takes them. `bench --train --test` leaves prints out of training whose
    person or image is in the other part as well.

    \b
    Examples:
      ridgefeat split features.csv --stratify sex -o parts/
      ridgefeat bench --train parts/train.csv --test parts/test.csv --target sex -o out/
    """
    how = options.pick(given, "group", "test", "stratify", "seed", "overwrite")
    how |= {"command": talk.typed(), "dialect": given["csv_dialect"]}
    train, test = table.split_table(given["table"], given["output"], **how)
    for name, part in (("train", train), ("test", test)):
        talk.echo(f"{name}: {count_of(part.rows, 'print')}, {part.table}")
    talk.result({"train": train.table, "test": test.table, "train_prints": train.rows, "test_prints": test.rows})
