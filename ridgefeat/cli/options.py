"""Options that several commands share, and the kinds of option that they are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial, wraps
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import click

import ridgefeat as rf
from ridgefeat.cli import talk
from ridgefeat.errors import RidgefeatError
from ridgefeat.sheets import DIALECTS

F = TypeVar("F", bound=Callable[..., Any])


def _parsed(name: str) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """Return a callback that parses a value, where there is one, by a function of ridgefeat.sources."""

    def parse(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
        try:
            return None if value is None else getattr(import_module("ridgefeat.sources"), name)(value)
        except RidgefeatError as error:
            raise click.BadParameter(str(error)) from None

    return parse


def names(ctx: click.Context, param: click.Parameter, value: str | None) -> list[str] | None:
    """Return the names in a list with commas; None if the option is not given."""
    # FILE.py:name may hold spaces.
    separator = "," if value and ":" in value else r"[,\s]"
    return None if value is None else [name.strip() for name in re.split(separator, value) if name.strip()]


def stacked(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Return several options as one decorator, in the order in which --help lists them."""

    def apply(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return apply


PATH = click.Path(readable=False)
"""A path, which shells complete. The command itself reports a file that is missing or unreadable."""


def option(usage: str, words: str, *, name: str | None = None, **how: Any) -> Callable[[F], F]:
    """Return an option, given as --help shows it ("-o, --output FILE"), and in words; a flag if it takes no value.

    `name` is that of the parameter, if it is not the option's; a default is shown by --help.
    """
    parts = usage.split()
    flags = [part.rstrip(",") for part in parts if part.startswith("-")]
    value = parts[len(flags) :]
    how["is_flag"] = not value and not {"type", "default"} & how.keys()
    how |= {"metavar": value[0] if value else None, "show_default": "default" in how}
    return click.option(*flags, *([name] if name else []), help=words, **how)


path = partial(option, type=PATH)
number = partial(option, type=int)


def choice(usage: str, values: Sequence[str], words: str) -> Callable[[F], F]:
    """Return an option that takes one of several values, the first by default."""
    return option(usage, words, type=click.Choice(values), default=values[0])


def output(value: str, words: str, **how: Any) -> Callable[[F], F]:
    """Return the option that names what is written."""
    return path(f"-o, --output {value}", words, **{"required": True, **how})


def _completed(module: str, *tables: str, further: Sequence[str] = ()) -> Callable[..., list[str]]:
    """Return the completion of names, separated by commas, of tables in a module, and of `further` ones."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        earlier, comma, start = incomplete.rpartition(",")
        known = chain(further, *(getattr(import_module(module), table) for table in tables))
        return [earlier + comma + name for name in known if name.startswith(start)]

    return complete


def listed(module: str, *tables: str) -> dict[str, Any]:
    """Return the settings of an option that takes names of a table in a module; shells complete them."""
    return {"callback": names, "shell_complete": _completed(module, *tables)}


def pick(given: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return some of a command's parameters, to be passed on by their names."""
    return {name: given[name] for name in names}


def pick_naming(given: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that say what names of files mean, and where further labels are."""
    return {"layout": given["layout"] or "auto", **pick(given, "index", "index_column", "regex")}


reading = stacked(
    option(
        "--layout NAME",
        "Layout of file names: auto, socofing, fvc, person-folders, class-folders, …  [default: auto]",
        shell_complete=_completed("ridgefeat.sources", "LAYOUTS", further=["auto"]),
    ),
    option(
        "--dpi N|X,Y", "Resolution, or across and down; overrides files and layouts.", callback=_parsed("parse_dpi")
    ),
)
raw = option(
    "--raw WIDTHxHEIGHT",
    "Read .raw and files of unknown suffix as grey pixels of this size; WIDTHxHEIGHT:N skips N bytes first.",
    callback=_parsed("parse_raw"),
)
region = path(
    "--region FILE",
    "Where the print is: a mask image, or a polygon (x,y per line, or JSON); of several prints: a folder of them.",
)
invert = option(
    "--invert",
    "Whether ridges are white, and the negative is measured.  [default: auto]",
    type=click.Choice(["auto", "yes", "no"]),
)
labels = stacked(
    reading,
    path("--index FILE", "A table (CSV, .xlsx, .parquet) whose column `file` names prints; others: labels."),
    option("--index-column NAME", "The index's column of file names.", default="file"),
    option("--regex REGEX", "Read labels from file names by named groups, e.g. '(?P<subject>\\d+)_.*'."),
)
template_format = option(
    "--template-format FORMAT",
    "Format of templates that are not recognised by their content: iso-normal-card, iso-compact-card, …",
    default="auto",
    shell_complete=_completed("ridgefeat.templates", "FORMATS"),
)
jobs = option("-j, --jobs N", "Number of worker processes.  [default: every core]", type=int)
table = click.argument("table", type=PATH, metavar="TABLE")
csv_dialect = choice(
    "--csv-dialect",
    tuple(DIALECTS),
    "CSV format: semicolon has `;`, decimal commas and a byte-order mark; raw does not escape formulas.",
)
figures = path("--figures FOLDER", "Also write the page's figures there, as SVG, PDF and PNG.")
overwrite = option("--overwrite", "Replace an existing table.")
target = partial(option, "--target COLUMN", "Label to predict: classes, or a number.")
group = option(
    "--group COLUMN", "Label of the people (or groups) who must stay on one side of a split.", default="subject"
)
problem = stacked(target(required=True), group)
within = option(
    "--within COLUMN", "Standardise columns within the levels of this label; several combine.", multiple=True
)
FAMILIES = listed("ridgefeat.features.family", "BUILT_IN")
families = option(
    "--families NAMES", "Families, comma-separated; FILE.py:name is one of your own.  [default: all]", **FAMILIES
)
some_families = option("--families NAMES", "Use only the columns of these families.", **FAMILIES)
feature_columns = option(
    "--feature-columns PATTERN",
    "Columns that are features, of a table without a sidecar, e.g. 'a*'. Repeat it.",
    multiple=True,
)
kind = option(
    "--kind", "Kind of target.  [default: inferred]", type=click.Choice(["binary", "multiclass", "regression"])
)
tuning = stacked(
    path("-p, --params FILE.json", "Stage parameters; `ridgefeat params` lists them.", name="params_file"),
    option("-s, --set KEY=VALUE", "Set one parameter, e.g. -s period.smoothing=24.", name="assignments", multiple=True),
)
engine = option(
    "--engine ENGINE", "Where the work is done: local, dask=ADDRESS or ray=ADDRESS (extras).  [default: local]"
)
_limit = partial(option, type=click.FloatRange(0))


def limits(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that limit time and memory per print, and apply the limits while the command runs."""

    @_limit("--timeout SECONDS", "Maximum time per print, which is then stopped; 0: unlimited.", default=60)
    @_limit("--memory MB", "Maximum memory per print, on top of the worker's own; 0: unlimited.", default=1024)
    @wraps(command)
    def run(*args: Any, timeout: float, memory: float, **given: Any) -> Any:
        from ridgefeat.work.guard import limited

        with limited(timeout, int(memory * (1 << 20))):
            return command(*args, **given)

    return run


def start_children(jobs: int | None, inputs: Sequence[Any], module: str) -> None:
    """Start the child processes that read prints: one per job, but no more than there may be prints."""
    from ridgefeat.sources.places import is_archive
    from ridgefeat.work.engine import count_workers
    from ridgefeat.work.guard import start_children as start

    single = bool(inputs) and all(Path(i).is_file() and not is_archive(str(i)) for i in inputs)
    start(min(count_workers(jobs), len(inputs)) if single else count_workers(jobs), module)


def _remember(key: str, value: int) -> Callable[[click.Context, click.Parameter, bool], None]:
    """Return a callback that remembers a flag for the whole run; the lowest value counts: --quiet beats --verbose."""

    def remember(ctx: click.Context, param: click.Parameter, given: bool) -> None:
        if given:
            ctx.meta[key] = min(value, ctx.meta.get(key, value))

    return remember


json_result = option(
    "--json", "Print the result as JSON on standard output.", expose_value=False, callback=_remember(talk.JSON, True)
)
VERBOSITY = {
    talk.QUIET: ("-q, --quiet", "Print only errors and the result."),
    talk.VERBOSE: ("-v, --verbose", "Print more: steps, time, memory, and where an error arose."),
}


def add_verbosity(command: click.Command) -> click.Command:
    """Give a command --quiet and --verbose, in place and once."""
    if not {"quiet", "verbose"} & {p.name for p in command.params}:
        for level, usage_and_words in VERBOSITY.items():
            option(*usage_and_words, expose_value=False, callback=_remember(talk.LEVEL, level))(command)
    return command


def load_params(file: str | None, assignments: tuple[str, ...], base: rf.Params | None = None) -> rf.Params | None:
    """Return the parameters given by -p and -s, on top of a base; None if neither is given.

    Raises ParameterError for a file or assignment that is unusable.
    """
    if file is None and not assignments:
        return None
    return (rf.Params.load(file) if file else base or rf.Params()).updated(assignments)


one_print = stacked(reading, raw, invert, region, tuning, limits)
"""Options of a command that reads one print with `read_print`."""


def read_print(image: str, given: dict[str, Any]) -> rf.Fingerprint:
    """Return the print in a file, read as the options of a command and given["params"] say."""
    how = pick(given, "dpi", "raw", "params", "region")
    return rf.read(image, layout=given["layout"] or "auto", invert=given["invert"] or "auto", **how)
