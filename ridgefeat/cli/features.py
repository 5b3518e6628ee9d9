"""`ridgefeat features`: all columns that a table can have."""

from __future__ import annotations

import click

from ridgefeat.cli import listing, options


@click.command("features")
@options.families
@listing.form
def command(families: list[str] | None, form: str) -> None:
    """List every feature column with unit, range, meaning and source.

    \b
    Examples:
      ridgefeat features --families ridge,minutiae
      ridgefeat features --format markdown > features.md
    """
    from ridgefeat.table import feature_columns

    records = feature_columns(families).to_dict("records")
    click.echo(listing.write([{str(k): v for k, v in r.items()} for r in records], form))
