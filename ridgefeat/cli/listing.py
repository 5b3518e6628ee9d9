"""`ridgefeat features` and `params`: what the package can measure and set. `completion`: names for the shell."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import click

import ridgefeat as rf
from ridgefeat.cli import options, talk

Record = dict[str, Any]

FORMS = click.Choice(("text", "markdown", "csv", "json"))
form = options.stacked(
    options.option("--format", "Format of the list.", name="form", type=FORMS, default="text"), options.json_result
)
SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_RIDGEFEAT_COMPLETE"


@click.command("features")
@options.families
@form
def features(families: list[str] | None, form: str) -> None:
    """List every feature column with unit, range, meaning and source; as text, then the works that are named.

    \b
    Examples:
      ridgefeat features --families ridge,minutiae
      ridgefeat features --format markdown > features.md
    """
    from ridgefeat.features.bibliography import cite

    records = rf.feature_columns(families).to_dict("records")
    click.echo(write([{str(k): v for k, v in r.items()} for r in records], form))
    works = cite(str(r["source"]) for r in records)
    if works and form == "text" and not talk.wants_json():
        click.echo("\n" + "\n".join(f"{name}: {work}" for name, work in works.items()))


@click.command("params")
@form
@options.option("--template", "Write all defaults as a file for `extract -p` instead.")
def params(form: str, template: bool) -> None:
    """List every stage parameter with unit, range, default and meaning.

    \b
    Examples:
      ridgefeat params
      ridgefeat params --template > params.json
    """
    from ridgefeat.params import parameter_records

    if template:
        click.echo(json.dumps(rf.Params().to_dict(), indent=2))
    else:
        click.echo(write(parameter_records(), form))


def write(records: Sequence[Record], form: str) -> str:
    """Return records, all with the same keys, in the given form."""
    if form == "json" or talk.wants_json():
        return json.dumps(records, indent=2, ensure_ascii=False)
    heads = list(records[0])
    rows = [[f"{v:g}" if isinstance(v, float) else str(v) for v in r.values()] for r in records]
    if form == "text":
        return talk.align([heads, *rows])
    if form == "markdown":
        escaped = [[c.replace("|", "\\|") for c in row] for row in rows]
        return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *escaped))
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([heads, *rows])
    return out.getvalue().rstrip("\n")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS), metavar="bash|zsh|fish")
def completion(shell: str) -> None:
    """Print the script that completes commands, options and paths in a shell.

    \b
    Examples:
      ridgefeat completion bash >> ~/.bashrc
      ridgefeat completion zsh >> ~/.zshrc
      ridgefeat completion fish > ~/.config/fish/completions/ridgefeat.fish
    """
    from click.shell_completion import get_completion_class

    from ridgefeat.cli import main

    kind = get_completion_class(shell)
    assert kind is not None
    made = kind(main, {}, "ridgefeat", VARIABLE)
    # Not source(): bash's would run a bash to ask its version, which may not be there.
    click.echo(made.source_template % made.source_vars())
