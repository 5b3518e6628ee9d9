"""`ridgefeat verify`: prints compared by a protocol -> a table of scores."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from ridgefeat.cli import options, talk

if TYPE_CHECKING:
    from ridgefeat.verify import Verification


@click.command("verify")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--protocol", default="fvc", show_default=True, metavar="fvc|altered|PAIRS.csv", help="What is compared.")
@click.option(
    "--comparator", type=click.Choice(("minutiae", "features")), default="minutiae", show_default=True, help="How."
)
@click.option("-o", "--output", required=True, metavar="SCORES.csv", help="The table to write.")
@click.option(
    "--impostors",
    type=click.Choice(("few", "all")),
    default="few",
    show_default=True,
    help="Non-mated comparisons: few, as the protocol chooses them, or all.",
)
@options.reading
@click.option("--index", metavar="FILE.csv", help="A table with a column `file`; its other columns become labels.")
@click.option("--regex", metavar="REGEX", help="Read labels from names by named groups (subject, finger, …).")
@options.families
@options.tuning
@click.option("-j", "--jobs", type=int, default=1, show_default=True, metavar="N", help="Worker processes; -1: all.")
@options.engine
@click.option("--overwrite", is_flag=True, help="Replace what is there.")
@options.json_result
def command(**given: Any) -> None:
    """Compare prints with each other, mated and non-mated, into a table of scores.

    Inputs are images, ISO/IEC 19794-2 templates (.fmr, .iso, .ist, .fmd), .xyt files, and folders of them; the
    comparator `features` also takes a table of `extract`. Columns: probe, reference, subject_probe,
    subject_reference, mated, score, failure. A higher score speaks for one finger. Where a print failed, its
    comparisons stay without a score: `ridgefeat threshold` counts them as failures to acquire. The exit code is then 1.

    \b
    fvc      every two impressions of a finger, and every two fingers' first impressions (all: every two prints)
    altered  altered prints against unaltered ones: their own, and the same finger of ten other people (all: of all)
    CSV      columns probe, reference and, if names do not tell, mated or subject_probe and subject_reference

    \b
    Examples:
      ridgefeat verify FVC2002/DB1_B -o scores.csv --impostors all -j 2
      ridgefeat verify SOCOFing/Real SOCOFing/Altered --protocol altered -o altered.csv
      ridgefeat verify features.csv --comparator features -o distances.csv
      ridgefeat threshold scores.csv -o thresholds/
    """
    from pathlib import Path

    from ridgefeat.cli import Unusable
    from ridgefeat.table.engine import using
    from ridgefeat.verify import comparison_params, verify

    if Path(given["output"]).suffix.lower() != ".csv":
        raise click.UsageError(f"--output must end in .csv, got {given['output']!r}")
    if Path(given["output"]).exists() and not given["overwrite"]:
        raise Unusable(f"{given['output']} is there already; choose another name, or give --overwrite")
    params = options.load_params(given["params_file"], given["assignments"], comparison_params())
    with using(given["engine"], given["jobs"]), _bars() as (enrolled, compared):
        found = verify(
            list(given["inputs"]),
            given["protocol"],
            comparator=given["comparator"],
            every_impostor=given["impostors"] == "all",
            layout=given["layout"] or "auto",
            regex=given["regex"],
            index=given["index"],
            dpi=given["dpi"],
            params=params,
            families=given["families"],
            jobs=given["jobs"],
            enrolled=enrolled,
            compared=compared,
        )
    found.about["command"] = ["ridgefeat", *sys.argv[1:]]
    path = found.save(given["output"])
    talk.result(found.about)
    if not talk.is_quiet():
        talk.say(_summary(found))
        talk.say(f"Table: {path}   how it was made: {path.with_suffix('.json')}")
    if found.about["failures_to_acquire"]:
        sys.exit(1)


def _summary(found: Verification) -> str:
    """Return what was compared, what failed, and the equal error rate."""
    from ridgefeat.errors import ScoreError
    from ridgefeat.threshold import ErrorCurve, Scores

    about, frame = found.about, found.scores
    counts = about["comparisons"]
    lines = [
        f"{about['prints']} prints, {about['failures_to_acquire']} of them failed; "
        f"{counts['mated']['made']:,} mated and {counts['non_mated']['made']:,} non-mated comparisons."
    ]
    lines += [f"  {count} x {reason}" for reason, count in list(about["reasons"].items())[: talk.SHOWN]]
    try:
        curve = ErrorCurve.of(Scores.make(frame["score"], frame["mated"], count_failures=True))
    except ScoreError as error:
        return "\n".join([*lines, f"No error rates: {error}"])
    equal = curve.equal_error
    lines.append(f"Equal error rate of the comparisons made: {100 * equal.value:.2f} % at {equal.threshold:.6g}.")
    return "\n".join(lines)


@contextmanager
def _bars() -> Iterator[tuple[Any, Any]]:
    """Yield two functions that show progress with rate and time left, of prints and of comparisons."""
    if talk.is_quiet():
        yield None, None
        return
    from tqdm import tqdm

    bars: dict[str, Any] = {}
    pause = 0.2 if sys.stderr.isatty() else 30.0

    def show(unit: str, done: int, total: int) -> Any:
        if unit not in bars:
            for earlier in bars.values():
                earlier.close()
            bars[unit] = tqdm(total=total, unit=unit, mininterval=pause, maxinterval=max(pause, 10), file=sys.stderr)
        bars[unit].update(done - bars[unit].n)
        return bars[unit]

    def enrolled(done: int, failed: int, total: int) -> None:
        show("print", done, total).set_postfix(failed=failed, refresh=False)

    try:
        yield enrolled, lambda done, total: show("comparison", done, total)
    finally:
        for bar in bars.values():
            bar.close()
