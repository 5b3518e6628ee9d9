"""`ridgefeat predict`: a model file and a feature table -> what the model says of each print."""

from __future__ import annotations

from typing import Any

import click

from ridgefeat.cli import talk


@click.command("predict")
@click.argument("model", metavar="MODEL")
@click.argument("table", metavar="TABLE")
@click.option("-o", "--output", metavar="FILE.csv", help="Where predictions go.  [default: standard output]")
def command(**given: Any) -> None:
    """Say what a model makes of each print of a table.

    A probability for every class, by name. No answer where a print's quality is outside what the model has seen, or
    where it could not be read. A table that was extracted with other columns or parameters is refused. A probability
    is not evidence: it holds for prints taken as those of training were, of people like those.

    \b
    Examples:
      ridgefeat predict sex.skops new.csv
      ridgefeat predict sex.skops new.csv -o said.csv
    """
    from pathlib import Path

    from ridgefeat.bench import model, model_file
    from ridgefeat.bench.data import load
    from ridgefeat.errors import TableError

    fitted = model_file.load(given["model"])
    said = model.predict(fitted, *load(given["table"]))
    text = said.to_csv(index=False, lineterminator="\n")
    if given["output"]:
        try:
            Path(given["output"]).write_text(text, encoding="utf-8")
        except OSError as error:
            raise TableError(f"{given['output']} cannot be written: {error.strerror}") from None
    else:
        click.echo(text, nl=False)
    silent = int((said["no_answer"] != "").sum())
    talk.say(f"{len(said)} prints, no answer for {silent} of them")
