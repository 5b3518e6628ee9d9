"""`ridgefeat merge`: tables made alike -> one."""

from __future__ import annotations

import sys
from typing import Any

import click

from ridgefeat.cli import options, talk


@click.command("merge")
@click.argument("tables", nargs=-1, required=True, type=options.PATH, metavar="TABLE...")
@click.option(
    "-o",
    "--output",
    required=True,
    type=options.PATH,
    metavar="TABLE",
    help="The table to write: .csv, .parquet (extra), or folder/ for Parquet parts.",
)
@click.option("--duplicates", is_flag=True, help="Keep both rows of a print that stands in two tables.")
@click.option("--overwrite", is_flag=True, help="Replace what is there.")
@options.json_result
def command(**given: Any) -> None:
    """Join feature tables that were made alike: CSV, Parquet and folders of parts.

    Tables that differ in columns, units, parameters or versions are refused, with the difference named; so is a
    print that stands in two of them. Labels that only some have are empty in the others. The sidecar says what was
    joined.

    \b
    Examples:
      ridgefeat merge monday.csv tuesday.csv -o week.csv
      ridgefeat merge site_a/ site_b/ -o both/
    """
    from ridgefeat.table.merge import merge_tables

    summary = merge_tables(
        given["tables"],
        given["output"],
        overwrite=given["overwrite"],
        duplicates=given["duplicates"],
        command=["ridgefeat", *sys.argv[1:]],
    )
    talk.say(f"{summary.rows} prints of {len(given['tables'])} tables; {summary.failures} carry an error.")
    talk.say(f"Table: {summary.table}   how it was made: {summary.sidecar}")
    talk.result(summary)
