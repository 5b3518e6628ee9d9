"""Messages of commands on standard error, and their results on standard output."""

from __future__ import annotations

import json
import logging
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass
from math import isfinite
from pathlib import Path, PurePath
from statistics import median
from typing import Any

import click

from ridgefeat import sources, table
from ridgefeat.files import bare_name, count_of, first_few

MAX_SHOWN = 8
"""Values, failures or groups that a summary lists."""
LEVEL, JSON = "ridgefeat.level", "ridgefeat.json"
"""Keys of --quiet or --verbose and of --json in the context that all commands of a run share."""
QUIET, VERBOSE = -1, 1


def _setting(name: str) -> Any:
    context = click.get_current_context(silent=True)
    return context.meta.get(name) if context else None


def is_quiet() -> bool:
    """Return whether --quiet was given."""
    return bool(_setting(LEVEL) == QUIET)


def is_verbose() -> bool:
    """Return whether --verbose was given."""
    return bool(_setting(LEVEL) == VERBOSE)


def wants_json() -> bool:
    """Return whether --json was given."""
    return bool(_setting(JSON))


def echo(text: str) -> None:
    """Write to standard error, unless --quiet was given."""
    if not is_quiet():
        click.echo(text, err=True)


def echo_detail(text: str) -> None:
    """Write to standard error if --verbose was given."""
    if is_verbose():
        click.echo(click.style(text, dim=True), err=True)


class Echo(logging.Handler):
    """Writes what the package logs to standard error, every message once."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a message, unless it was written before or --quiet was given."""
        if (message := record.getMessage()) not in self.seen:
            self.seen.add(message)
            bars = sys.modules.get("tqdm")
            if bars is None or is_quiet():
                echo(message)
            else:
                bars.tqdm.write(message, file=sys.stderr)  # above a progress bar, not in it


def warn(text: str) -> None:
    """Write a remark that needs attention to standard error, unless --quiet was given."""
    echo(click.style("Note: ", fg="yellow", bold=True) + text)


def result(content: Any, text: str | None = None) -> None:
    """Write a command's result to standard output: its content as JSON if --json was given, else the text, if any.

    The content is what json can write, numbers of NumPy, paths and data classes, or a function without arguments that
    returns it. NaN becomes null.
    """
    if wants_json():
        plain = _plain(content() if callable(content) else content)
        click.echo(json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False))
    elif text is not None:
        click.echo(text)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        value = {f.name: getattr(value, f.name) for f in fields(value)}
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(v) for v in value]
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = value.item()
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, PurePath):
        return str(value)
    return value if isinstance(value, (str, int, type(None))) else str(value)


def typed() -> list[str]:
    """Return the words of the command line, as sidecars and manifests record them."""
    return ["ridgefeat", *sys.argv[1:]]


def command_line() -> str:
    """Return the command line as pages show it: paths without their folders, which may name people."""
    return shlex.join(["ridgefeat", *map(_without_folders, sys.argv[1:])])


def _without_folders(word: str) -> str:
    option, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
    path = Path(value)
    with suppress(OSError, ValueError):  # not every text is a path
        if path.is_absolute() or (len(path.parts) > 1 and path.parent.exists()):
            return f"{option}{equals}{bare_name(path)}"
    return word


def align(rows: Sequence[Sequence[str]], right: Container[int] = ()) -> str:
    """Return rows of cells as lines with aligned columns; the columns `right` are aligned at their right."""
    columns = []
    for k, column in enumerate(zip(*rows, strict=True)):
        width = max(map(len, column))
        columns.append([cell.rjust(width) if k in right else cell.ljust(width) for cell in column])
    return "\n".join("  ".join(row).rstrip() for row in zip(*columns, strict=True))


@contextmanager
def progress_bars(form: str | None = None) -> Iterator[Callable[..., None] | None]:
    """Yield a function that shows (done, total, note, unit), one bar for each unit in turn; None if quiet."""
    if is_quiet():
        yield None
        return
    from tqdm import tqdm

    bars: dict[str, Any] = {}  # created when there is something to show
    # A log file gets a line now and then, a terminal a bar that moves.
    pause = 0.2 if sys.stderr.isatty() else 30.0

    def show(done: int, total: int, note: str = "", unit: str = "print") -> None:
        if unit not in bars:
            for earlier in bars.values():
                earlier.close()
            # miniters=0: a new note is shown although the count has not grown.
            bars[unit] = tqdm(
                total=total, initial=done, unit=unit, mininterval=pause, miniters=0, file=sys.stderr, bar_format=form
            )
        bar = bars[unit]
        if total != bar.total:
            bar.reset(total)
        bar.set_postfix_str(note, refresh=False)
        bar.update(done - bar.n)

    try:
        yield show
    finally:
        for bar in bars.values():
            bar.close()


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int, int], None] | None]:
    """Yield a function that shows (done, failed, total) with rate and time left; None if quiet."""
    with progress_bars() as show:
        yield show and (lambda done, failed, total: show(done, total, f"failed={failed}"))


DISTINGUISH = "use --layout, --index or --regex to give labels that distinguish them"
PERSON_FOLDERS = (
    "file names repeat between folders, so each folder is taken as one person (layout person-folders). If that is "
    "wrong, give --layout, --index or --regex."
)


def warn_of_labels(items: Sequence[Any], layout: str) -> None:
    """Warn if folders were taken for persons, or if several prints have the same labels."""
    if layout == "auto" and any(i.layout == "person-folders" for i in items):
        warn(PERSON_FOLDERS)
    if repeated := sources.repeated_impressions({str(i.relative): i.labels for i in items}):
        warn(f"several prints have the same labels ({first_few(repeated, 3, '; ')}); {DISTINGUISH}.")


def summarise_run(s: table.Summary, seconds: float, *, was_split: bool) -> str:
    """Return a run's counts, failures and flags in a few lines; `was_split` is whether fingers were cut apart."""
    fresh = s.rows - s.kept
    took = f" in {seconds:.1f} s ({1000 * seconds / fresh:.1f} ms per print)" if fresh else ""
    kept = f", {s.kept} of them from an earlier run" if s.kept else ""
    lines = [f"{count_of(s.rows, 'print')}{kept}{took}; {s.failures} failed."]
    for count, first in sorted(s.reasons.values(), key=lambda r: -r[0])[:MAX_SHOWN]:
        lines.append(f"  {count} x {first}")
    if len(s.reasons) > MAX_SHOWN:
        lines.append(f"  and {len(s.reasons) - MAX_SHOWN} further kinds of failure; see meta_error")
    if s.flags:
        lines.append("Flags: " + ", ".join(f"{name} {count}" for name, count in s.flags.most_common()))
    advice = "Give --dpi, or an --index with a column dpi."
    if assumed := s.flags["resolution_assumed"]:
        from ridgefeat.sources.resolution import suggest_dpi

        periods = [p for p in s.assumed_periods if p == p]
        found = suggest_dpi(median(periods) if periods else float("nan"))
        lines.append(f"500 dpi was assumed for {count_of(assumed, 'print')}; {found}. {advice}")
    elif 2 * s.flags["wrong_scale"] > s.rows:
        lines.append(f"Most prints are flagged wrong_scale: their ridges contradict the resolution. {advice}")
    if s.flags["several_prints"] and not was_split:
        lines.append("Images flagged several_prints: --fingers split gives every finger a row of its own.")
    if s.passed_over:
        lines.append(f"Passed over, being no images: {_passed_over(s.passed_over)}")
    if s.memory:
        lines.append(f"Workers: {s.workers}; peak memory per worker: {s.memory / (1 << 20):.0f} MB.")
    return "\n".join([*lines, f"Table: {s.table}   sidecar: {s.sidecar}"])


def summarise_survey(s: table.Survey) -> str:
    """Return the findings of a dry run as lines."""
    counts = {"layout": s.layouts, "resolution": s.resolutions, "size": s.sizes}
    counts |= {f"label {name}": counter for name, counter in s.labels.items()}
    lines = [f"prints: {s.prints}", *(f"{name}: {_counts(counter)}" for name, counter in counts.items())]
    if not s.labels:
        lines.append(
            "labels: none; give --index or --regex, or --layout (person-folders if each folder is a person, "
            "class-folders if each is a class)"
        )
    if s.flags:
        lines.append(f"noted: {_counts(s.flags)}")
    if s.duplicates:
        lines.append(f"identical pixels under different names: {len(s.duplicates)} groups")
        lines += [f"  {' = '.join(names[:4])}{' …' if len(names) > 4 else ''}" for names in s.duplicates[:MAX_SHOWN]]
    if s.repeated:
        lines.append(f"same labels on several prints: {len(s.repeated)}; {DISTINGUISH}")
        lines += [f"  {words}" for words in s.repeated[:MAX_SHOWN]]
    if s.passed_over:
        lines.append(f"passed over, being no images: {_passed_over(s.passed_over)}")
    lines.append(f"wrong: {len(s.errors)}")
    lines += [f"  {name}: {error}" for name, error in s.errors]
    return "\n".join(lines)


def _passed_over(counter: Counter[str]) -> str:
    return ", ".join(f"{n} {key}{'s' * (n > 1 and key.endswith('record'))}" for key, n in counter.most_common())


def _counts(counter: Counter[str]) -> str:
    known = Counter({k: n for k, n in counter.items() if k})
    shown = ", ".join(f"{value} {count}" for value, count in known.most_common(MAX_SHOWN))
    more = f", … ({len(known)} values)" if len(known) > MAX_SHOWN else ""
    without = f", without {counter['']}" if counter[""] else ""
    return f"{shown}{more}{without}".lstrip(", ")
