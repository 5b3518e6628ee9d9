"""`ridgefeat completion`: the script by which a shell completes commands, options, names and paths."""

from __future__ import annotations

import click

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_RIDGEFEAT_COMPLETE"


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS), metavar="bash|zsh|fish")
def command(shell: str) -> None:
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
