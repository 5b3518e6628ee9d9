"""`ridgefeat params`: every parameter of every stage."""

from __future__ import annotations

import click

from ridgefeat.cli import listing


@click.command("params")
@listing.form
@click.option("--template", is_flag=True, help="Write all defaults as a file for `extract -p` instead.")
def command(form: str, template: bool) -> None:
    """List every stage parameter with unit, range, default and meaning.

    \b
    Examples:
      ridgefeat params
      ridgefeat params --template > params.json
    """
    import json

    from ridgefeat.params import Params, parameter_records

    if template:
        click.echo(json.dumps(Params().to_dict(), indent=2))
    else:
        click.echo(listing.write(parameter_records(), form))
