"""`ridgefeat split`: one table -> one to train on and one to test on, by people."""

from __future__ import annotations

from typing import Any

import click

from ridgefeat import table
from ridgefeat.cli import options, talk
from ridgefeat.files import count_of


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
def command(**given: Any) -> None:
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
