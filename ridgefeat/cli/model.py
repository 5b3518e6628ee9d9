"""`ridgefeat train`: a feature table -> a model file. `ridgefeat predict`: a model and a table -> predictions."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import Any

import click

from ridgefeat import bench, report
from ridgefeat import table as tables
from ridgefeat.cli import options, talk
from ridgefeat.errors import TableError
from ridgefeat.files import atomic_write, os_errors_as
from ridgefeat.sheets import DIALECTS, CsvDialect

META = ("meta_source", "meta_dpi_x", "meta_dpi_y", "meta_layout", "meta_error", "meta_flags")
"""What a model reads of a print in addition to its features."""


@click.command("train")
@options.table
@options.problem
@options.output("FILE.skops", "The model file to write.")
@options.option("--classifier NAME", "Name, as for `ridgefeat bench`.", default="pca-lda")
@options.some_families
@options.within
@options.kind
@options.option("--tune", "Search the classifier's settings in inner folds by group.")
@options.number("--folds N", "Number of folds for calibrating probabilities.", default=5)
@options.number("--seed N", "Random seed.", default=42)
@options.jobs
@options.json_result
def train(**given: Any) -> None:
    """Fit a classifier on a whole table and write it to a model file.

    The file holds numbers and names, no code. model.json, next to model.skops, records what it was made from.
    `ridgefeat bench` measures how good it is. Probabilities are calibrated on people who were not used for fitting.
    model.md is its model card, to be completed by hand; a card that already exists is kept.

    \b
    Examples:
      ridgefeat train features.csv --target sex --within finger -o sex.skops
      ridgefeat train features.csv --target age --classifier ridge -o age.skops
    """
    bench.check_place(given["output"])
    labels = {"named": (given["target"], given["group"]), "labels": (*META, *given["within"])}
    frame, about = bench.load(given["table"], families=given["families"], **labels)
    problem = bench.make_problem(frame, about, **options.pick(given, "target", "group", "kind", "families"))
    for note in problem.notes:
        talk.echo(note)
    fitting = bench.Options(**options.pick(given, "within", "tune", "folds", "seed", "jobs"))
    made = bench.train(problem, given["classifier"], fitting)
    card = Path(given["output"]).with_suffix(".md")
    kept = card.exists()
    path = bench.save_model(made, given["output"], card="" if kept else report.render_model_card(made.about))
    people = f"{len(set(problem.groups))} {problem.group}s"
    talk.echo(f"{given['classifier']} fitted on {len(problem)} prints of {people}: {path}")
    counts = {"prints": len(problem), "columns": problem.features.shape[1]}
    talk.result({"model": path, "card": card, "classifier": given["classifier"], **counts})
    talk.echo(f"Model card ({'kept as it was' if kept else 'to be completed by hand'}): {card}")


@click.command("predict")
@click.argument("model", type=options.PATH, metavar="MODEL")
@options.table
@options.output("FILE.csv", "File for the predictions.  [default: standard output]", required=False)
@options.csv_dialect
@options.option("--fuse COLUMN", "Predict the prints that share this label (a person) together.")
@options.json_result
def predict(**given: Any) -> None:
    """Predict each print of a table with a model.

    Writes the class, decided as `ridgefeat bench` does (the probability relative to the class's share in training), and
    a probability for every class. There is no answer, with the reason in no_answer, for a print that is unlike the
    training prints in any family of columns, has a layout or resolution that none of them has, or could not be read. A
    table that was extracted with other columns or parameters is refused. A probability is not evidence: it holds for
    prints captured as those of training were, of people like those.

    \b
    Examples:
      ridgefeat predict sex.skops new.csv
      ridgefeat predict sex.skops new.csv -o predictions.csv
      ridgefeat predict sex.skops new.csv --fuse subject -o people.csv
    """
    fitted = bench.load_model(given["model"])
    counts, reasons = Counter[str](), Counter[str]()
    dialect = DIALECTS["raw" if talk.wants_json() and not given["output"] else given["csv_dialect"]]
    parts: Iterator[str] = _predict(fitted, given["table"], given["fuse"], dialect, counts, reasons)
    # A table that does not fit is refused before anything is written.
    parts = chain([next(parts, "")], parts)
    if given["output"]:
        output = Path(given["output"])
        with (
            os_errors_as(TableError, f"{output} cannot be written"),
            atomic_write(output) as temporary,
            temporary.open("w", encoding=dialect.encoding, newline="") as file,
        ):
            file.writelines(parts)
        talk.result({"predictions": output, **counts, "no_answer": reasons.total(), "reasons": reasons})
    elif talk.wants_json():
        talk.result(list(csv.DictReader(StringIO("".join(parts)))))
    else:
        for text in parts:
            click.echo(text, nl=False)
    found = ", ".join(f"{n:,} {noun}" for noun, n in counts.items())
    talk.echo(f"{found}, no answer for {reasons.total()} of them")
    for why, n in reasons.most_common():
        talk.echo(f"  {n:,}: {why}")


def _predict(
    fitted: bench.Model, table: str, fuse: str | None, dialect: CsvDialect, counts: Counter[str], reasons: Counter[str]
) -> Iterator[str]:
    """Yield a model's predictions as CSV lines, a part of the table at a time, with the columns that it needs.

    Prints that are predicted together may be anywhere in the table, which is then read as a whole.
    """
    about = tables.load_sidecar(table)
    known = {c["name"] for c in about["columns"]}
    needed = [c for c in fitted.about["columns"] if c in known]
    read: Any = {"columns": needed, "labels": (*META, *fitted.about["within"], *([fuse] if fuse else []))}
    for frame in [tables.read_table(table, **read)] if fuse else tables.iterate_table(table, **read):
        predicted = bench.predict(fitted, frame, about, fuse)
        header = not counts
        counts.update({f"{fuse or 'print'}s": len(predicted)})
        reasons.update(why.partition(":")[0] for why in predicted["no_answer"] if why)
        text = StringIO()
        dialect.write(predicted, text, header=header)
        yield text.getvalue()
