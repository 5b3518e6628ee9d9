"""A command run as from a shell."""

from typing import Any

from click.testing import CliRunner, Result

from ridgefeat.cli import COMMANDS, main

UNLIMITED = {name: {"timeout": 0, "memory": 0} for name in COMMANDS}
"""Starting a child process that holds the limits takes longer than a handful of prints: who tests limits gives them."""


def run(*args: object, code: int = 0, **how: Any) -> Result:
    """Run a command line; its exit code must be the given one."""
    done = CliRunner().invoke(main, [str(a) for a in args], **{"default_map": UNLIMITED} | how)
    assert done.exit_code == code, done.output
    return done
