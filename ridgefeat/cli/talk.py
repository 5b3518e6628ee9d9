"""What commands say to people: on standard error, for standard output is data."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ridgefeat.table.assembly import Summary
    from ridgefeat.table.survey import Survey

SHOWN = 8


LEVEL, JSON = "ridgefeat.level", "ridgefeat.json"
"""Where a run's --quiet, --verbose and --json are kept: in the context that all its commands share."""
QUIET, VERBOSE = -1, 1


def _asked(name: str) -> Any:
    context = click.get_current_context(silent=True)
    return context.meta.get(name) if context else None


def is_quiet() -> bool:
    """Return whether --quiet was given."""
    return bool(_asked(LEVEL) == QUIET)


def is_verbose() -> bool:
    """Return whether --verbose was given."""
    return bool(_asked(LEVEL) == VERBOSE)


def wants_json() -> bool:
    """Return whether --json was given."""
    return bool(_asked(JSON))


def say(text: str) -> None:
    """Write to standard error, unless --quiet was given."""
    if not is_quiet():
        click.echo(text, err=True)


def always(text: str) -> None:
    """Write to standard error even if --quiet was given."""
    click.echo(text, err=True)


def detail(text: str) -> None:
    """Write to standard error if --verbose was given."""
    if is_verbose():
        click.echo(click.style(text, dim=True), err=True)


def warn(text: str) -> None:
    """Write a remark that asks for a look to standard error, unless --quiet was given."""
    say(click.style("Note: ", fg="yellow", bold=True) + text)


def result(content: Any, text: str | None = None) -> None:
    """Write a command's result to standard output: its content as JSON if --json was given, else the text, if any.

    Parameters
    ----------
    content : object, or a function without arguments that returns it
        What json knows, and numbers of NumPy, paths and data classes. NaN becomes null.
    text : str, optional
    """
    if wants_json():
        import json

        made = _plain(content() if callable(content) else content)
        click.echo(json.dumps(made, indent=2, ensure_ascii=False, allow_nan=False))
    elif text is not None:
        click.echo(text)


def _plain(value: Any) -> Any:
    from dataclasses import fields, is_dataclass
    from math import isfinite
    from pathlib import PurePath

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


def aligned(rows: Sequence[Sequence[str]], right: Container[int] = ()) -> str:
    """Return rows of cells as lines with columns of one width; the columns `right` end in line."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            c.rjust(w) if k in right else c.ljust(w) for k, (c, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


@contextmanager
def progress_bars(form: str | None = None) -> Iterator[Callable[..., None] | None]:
    """Yield a function that shows (done, total, note, unit), one bar for each unit in turn; None if quiet."""
    if is_quiet():
        yield None
        return
    from tqdm import tqdm

    bars: dict[str, Any] = {}  # made when there is something to show
    # A log file wants a line now and then, a terminal a bar that moves.
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


def summary(s: Summary, seconds: float) -> str:
    """Return what a run did, in a few lines."""
    fresh = s.rows - s.kept
    took = f" in {seconds:.1f} s ({1000 * seconds / fresh:.1f} ms a print)" if fresh else ""
    kept = f", {s.kept} of them from before" if s.kept else ""
    lines = [f"{s.rows} prints{kept}{took}; {s.failures} failed."]
    for count, first in _most(s.reasons.values()):
        lines.append(f"  {count} x {first}")
    if len(s.reasons) > SHOWN:
        lines.append(f"  and {len(s.reasons) - SHOWN} further kinds of failure; see meta_error")
    if s.flags:
        lines.append("Flags: " + ", ".join(f"{name} {count}" for name, count in s.flags.most_common()))
    if 2 * s.flags["wrong_scale"] > s.rows:
        lines.append(
            "Most prints are flagged wrong_scale: their resolution is not the one that was taken. "
            "Give --dpi, or an --index with a column dpi."
        )
    if s.memory:
        lines.append(f"Workers: {s.workers}; the largest held {s.memory / (1 << 20):.0f} MB.")
    return "\n".join([*lines, f"Table: {s.table}   how it was made: {s.sidecar}"])


def survey(s: Survey) -> str:
    """Return what a dry run found, as lines."""
    lines = [f"prints: {s.prints}"]
    counts = {"layout": s.layouts, "resolution": s.resolutions, "size": s.sizes}
    for name, counter in counts.items():
        lines.append(f"{name}: {_counted(counter)}")
    for name, counter in s.labels.items():
        lines.append(f"label {name}: {_counted(counter)}")
    if not s.labels:
        lines.append("labels: none; --layout, --index or --regex give them")
    if s.flags:
        lines.append(f"noted: {_counted(s.flags)}")
    if s.twins:
        lines.append(f"identical pixels under different names: {len(s.twins)} groups")
        lines += [f"  {' = '.join(names[:4])}{' …' if len(names) > 4 else ''}" for names in s.twins[:SHOWN]]
    lines.append(f"wrong: {len(s.errors)}")
    lines += [f"  {name}: {error}" for name, error in s.errors]
    return "\n".join(lines)


def _counted(counter: Counter[str]) -> str:
    known = Counter({k: n for k, n in counter.items() if k})
    shown = ", ".join(f"{value} {count}" for value, count in known.most_common(SHOWN))
    more = f", … ({len(known)} values)" if len(known) > SHOWN else ""
    without = f", without {counter['']}" if counter[""] else ""
    return f"{shown}{more}{without}".lstrip(", ")


def _most(reasons: Any) -> list[tuple[int, str]]:
    return sorted(reasons, key=lambda r: -r[0])[:SHOWN]
