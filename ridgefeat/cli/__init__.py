"""The command line: a module per command, or for a few that belong together. Each imports what it needs when run, so
that --help is quick.

Read `options` (options that commands share), `talk` (messages and results), `outputs` (what may be written) and
`streams` (standard output and errors) first; then any command.
"""

from __future__ import annotations

import logging
import os
import sys
import time
import traceback
from importlib import import_module
from typing import IO, Any

import click

from ridgefeat._version import __version__
from ridgefeat.cli.streams import INTERRUPTED, guarded_streams
from ridgefeat.errors import RidgefeatError
from ridgefeat.files import first_line

SECTIONS = {
    "Features": {
        "extract": ("extract.command", "Write the features of prints to a table."),
        "show": ("show.command", "Draw what was measured on a print."),
        "explain": ("show.explain", "Explain one value of a print."),
        "features": ("listing.features", "List the features: unit, range, source."),
        "params": ("listing.params", "List the parameters of the stages."),
    },
    "Tables": {
        "compare": ("compare.command", "Compare groups of people: differences."),
        "explore": ("show.explore", "Write a page to look around in a table."),
        "merge": ("extract.merge", "Join tables, in any format."),
        "split": ("extract.split", "Divide a table by people: train and test."),
        "audit": ("audit.command", "Find leaks, false labels and public prints."),
        "reliability": ("compare.reliability", "Measure how well columns repeat."),
    },
    "Classifiers": {
        "bench": ("bench.command", "Compare classifiers, people held out."),
        "train": ("model.train", "Fit a classifier and save it."),
        "predict": ("model.predict", "Predict prints with a saved classifier."),
    },
    "Verification": {
        "verify": ("verify.command", "Compare prints with each other: scores."),
        "threshold": ("threshold.command", "Choose thresholds, with error rates."),
        "enrol": ("enrol.command", "Keep prints in a gallery, to be searched."),
        "identify": ("verify.identify", "Search a gallery for a print."),
    },
    "Other": {
        "demo": ("demo.command", "Run all of it once, on synthetic prints."),
        "synth": ("synth.command", "Make synthetic prints with known truth."),
        "phantoms": ("reference.phantoms", "Write images of known feature values."),
        "conform": ("reference.conform", "Compare a tool's values with those."),
        "doctor": ("doctor.command", "Check this installation."),
        "completion": ("listing.completion", "Print the script for tab completion."),
    },
}
"""The sections of --help: every command, where it is (its module and its name there), and its summary."""
COMMANDS = {name: where for section in SECTIONS.values() for name, (where, _) in section.items()}
"""Every command, and where it is."""
UNUSABLE = 2


class Unusable(click.ClickException):
    """Unusable input: a message on standard error and exit code 2."""

    exit_code = UNUSABLE

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the message; the first word is red on a terminal."""
        word = click.style("Error: ", fg="red", bold=True)
        click.echo(word + self.format_message(), file=file, err=file is None, color=self.show_color)


class Group(click.Group):
    """Commands, imported when they are asked for; an error becomes a message and an exit code."""

    def main(self, *args: Any, **more: Any) -> Any:
        """Run a command line; see click.Group.main."""
        with guarded_streams():
            try:
                return super().main(*args, **more)
            except RidgefeatError as error:  # raised by --help or --version, before any command
                Unusable(str(error)).show()
                sys.exit(UNUSABLE)

    def make_context(self, *args: Any, **more: Any) -> click.Context:
        """Parse the options before the command; Ctrl-C in the meantime is left to `guarded_streams`."""
        try:
            return super().make_context(*args, **more)
        except KeyboardInterrupt:
            sys.exit(1)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names."""
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by section, without importing them."""
        width = max(map(len, COMMANDS))
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), summary) for name, (_, summary) in section.items()])

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command by name."""
        if name not in COMMANDS:
            return None
        from ridgefeat.cli.options import add_verbosity
        from ridgefeat.cli.outputs import protect

        module, _, command = COMMANDS[name].partition(".")
        return add_verbosity(protect(getattr(import_module(f"ridgefeat.cli.{module}"), command)))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for a misspelt one name the nearest."""
        from difflib import get_close_matches

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = get_close_matches(args[0], COMMANDS, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(COMMANDS)}."
            ctx.fail(f"No such command {args[0]!r}. {hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        began = time.perf_counter()
        try:
            from ridgefeat.cli import talk

            if os.environ.get("NO_COLOR"):  # https://no-color.org
                ctx.color = False
            log = logging.getLogger("ridgefeat")
            log.setLevel(logging.INFO)
            log.handlers = [talk.Echo()]
            return super().invoke(ctx)
        except RidgefeatError as error:
            if talk.is_verbose():
                traceback.print_exc()
            raise Unusable(str(error)) from None
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)
        except ImportError as error:
            from ridgefeat.work.system import missing_library_advice

            explained = str(error) if isinstance(error.__cause__, ImportError) else _describe(error)
            raise Unusable(missing_library_advice(error) or explained) from None
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if talk.is_verbose():
                traceback.print_exc()
            raise Unusable(_describe(error)) from None
        finally:
            talk.echo_detail(f"{time.perf_counter() - began:.1f} s{_memory()}")


def _describe(error: Exception) -> str:
    """Return the message for an unexpected error."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, MemoryError):
        return "this needs more memory than there is; give fewer prints, families or rows"
    what = f"{type(error).__name__}: {first_line(error)}"
    return f"unexpected {what}. This is a bug in ridgefeat: please report it with the output of --verbose"


def _memory() -> str:
    """Return the peak memory of this process and of its largest worker in words, or "" where it is not known."""
    try:
        import resource
    except ImportError:  # Windows
        return ""
    own, worker = (resource.getrusage(w).ru_maxrss for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return f", peak memory {own / unit:.0f} MB" + (f", the largest worker {worker / unit:.0f} MB" * (worker > 0))


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="ridgefeat")
def main() -> None:
    """Features with units from fingerprint images.

    \b
    ridgefeat extract prints/ -o features.csv
    ridgefeat features --families ridge
    ridgefeat show print.png -o overlay.png
    ridgefeat synth made/ -n 40 --seed 1 --truth
    ridgefeat doctor

    Exit codes: 0 success; 1 finished, but some prints have an error; 2 wrong usage or unusable input; 130
    interrupted, with finished prints kept. Every command takes -q, -v and -h. Terminals get colours unless NO_COLOR
    is set.
    """
