"""`ridgefeat merge`: several tables made with the same settings -> one."""

from __future__ import annotations

import sys
from typing import Any

import click

from ridgefeat.cli import options, talk


@click.command("merge")
@click.argument("tables", nargs=-1, required=True, type=options.PATH, metavar="TABLE...")
@options.output(metavar="TABLE", help="The table to write: .csv, .parquet (extra), or folder/ for Parquet parts.")
@click.option("--duplicates", is_flag=True, help="Keep both rows of a print that is in two tables.")
@options.overwrite
@options.json_result
def command(**given: Any) -> None:
    """Join feature tables: CSV, Parquet and folders of parts.

    Tables that differ in columns, units, parameters or versions are refused with the differences named, and so is a
    print that is in two of them. A label that a table lacks is empty in its rows. The sidecar lists the joined tables.

    \b
    Examples:
      ridgefeat merge monday.csv tuesday.csv -o week.csv
      ridgefeat merge site_a/ site_b/ -o both/
    """
    from ridgefeat.table import merge_tables

    summary = merge_tables(
        given["tables"],
        given["output"],
        overwrite=given["overwrite"],
        duplicates=given["duplicates"],
        command=["ridgefeat", *sys.argv[1:]],
    )
    talk.echo(f"{summary.rows} prints of {len(given['tables'])} tables; {summary.failures} have an error.")
    talk.echo(f"Table: {summary.table}   sidecar: {summary.sidecar}")
    talk.result(summary)
