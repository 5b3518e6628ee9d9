"""`ridgefeat predict`: a model file and a feature table -> a prediction for each print."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ridgefeat.cli import options, talk

if TYPE_CHECKING:
    from ridgefeat.bench import Model


@click.command("predict")
@click.argument("model", type=options.PATH, metavar="MODEL")
@click.argument("table", type=options.PATH, metavar="TABLE")
@click.option(
    "-o",
    "--output",
    type=options.PATH,
    metavar="FILE.csv",
    help="File for the predictions.  [default: standard output]",
)
@options.json_result
def command(**given: Any) -> None:
    """Predict each print of a table with a model.

    Writes a probability for every class, by name, and no answer where a print's quality is outside what the model has
    seen, or where it could not be read. A table that was extracted with other columns or parameters is refused. A
    probability is not evidence: it holds for prints captured as those of training were, of people like those.

    \b
    Examples:
      ridgefeat predict sex.skops new.csv
      ridgefeat predict sex.skops new.csv -o predictions.csv
    """
    from ridgefeat import bench
    from ridgefeat.errors import TableError
    from ridgefeat.files import atomic_write, os_errors_as

    fitted = bench.load_model(given["model"])
    counts = Counter[str]()
    parts = _predict(fitted, given["table"], counts)
    first = next(parts, "")  # a table that does not fit is refused before anything is written
    if given["output"]:
        output = Path(given["output"])
        with (
            os_errors_as(TableError, f"{output} cannot be written"),
            atomic_write(output) as temporary,
            temporary.open("w", encoding="utf-8", newline="") as file,
        ):
            file.writelines(chain([first], parts))
        talk.result({"predictions": output, "prints": counts["prints"], "no_answer": counts["silent"]})
    elif talk.wants_json():
        talk.result(list(csv.DictReader(StringIO("".join(chain([first], parts))))))
    else:
        for text in chain([first], parts):
            click.echo(text, nl=False)
    talk.echo(f"{counts['prints']} prints, no answer for {counts['silent']} of them")


def _predict(fitted: Model, table: str, counts: Counter[str]) -> Iterator[str]:
    """Yield a model's predictions as CSV lines, a part of the table at a time, with the columns that it needs."""
    from ridgefeat.bench import predict
    from ridgefeat.table import load_sidecar
    from ridgefeat.table.reading import iterate_table

    about = load_sidecar(table)
    known = {c["name"] for c in about["columns"]}
    needed = [c for c in fitted.about["columns"] if c in known]
    labels = ("meta_source", "meta_error", *fitted.about["within"])
    for frame in iterate_table(table, columns=needed, labels=labels):
        predicted = predict(fitted, frame, about)
        header = not counts["prints"]
        counts.update(prints=len(predicted), silent=int((predicted["no_answer"] != "").sum()))
        yield predicted.to_csv(index=False, lineterminator="\n", header=header)
