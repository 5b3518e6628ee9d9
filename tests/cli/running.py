"""A command run as from a shell."""

from typing import Any

from click.testing import CliRunner, Result

from ridgefeat.cli import main


def run(*args: object, code: int = 0, **how: Any) -> Result:
    """Run a command line; its exit code must be the given one."""
    done = CliRunner().invoke(main, [str(a) for a in args], **how)
    assert done.exit_code == code, done.output
    return done
