"""`ridgefeat identify`: the candidates for a print, ranked, each with the false match rate of its score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ridgefeat.cli import options, talk

if TYPE_CHECKING:
    from ridgefeat.verify import Calibration, Candidate


@click.command("identify")
@click.argument("probe", type=options.PATH, metavar="PROBE")
@options.path("--gallery", required=True, metavar="FOLDER", help="Prints or templates to search.")
@options.number("--top", default=10, help="Number of candidates to list.")
@options.path(
    "--calibration", metavar="SCORES.csv", help="Scores of `verify` on prints like these.  [default: bundled counts]"
)
@options.labels
@options.tuning
@options.one_job
@options.path(
    "--draw", metavar="FILE.png", help="Draw the probe and the first candidate, with lines between paired minutiae."
)
@options.json_result
def command(probe: str, gallery: str, **given: Any) -> None:
    """Search a gallery for a print: rank the most similar prints, and give the false match rate of each score.

    PROBE is an image or a template; if it is in the gallery itself, it is left out there. Each score is listed with
    the false match rate (FMR) that it would have as a threshold: the share of non-mated comparisons of the calibration
    data that reached it, and the upper bound of that rate (95 %). The rate refers to one comparison of prints like
    those; `expected` is the number of prints in a gallery of this size that would reach the score by chance at that
    bound.

    \b
    Examples:
      ridgefeat identify print.png --gallery prints/
      ridgefeat identify print.fmr --gallery templates/ --top 3 --json
      ridgefeat identify print.png --gallery prints/ --calibration scores.csv
    """
    from dataclasses import asdict

    from ridgefeat.cli import Unusable
    from ridgefeat.verify import comparison_params, enrol, find_sources, have_ridges, identify, load_calibration

    params = options.load_params(given["params_file"], given["assignments"], comparison_params())
    reading = {"layout": given["layout"] or "auto", "regex": given["regex"], "index": given["index"]}
    sources = find_sources([probe], **reading)
    if len(sources) != 1:
        raise Unusable(f"{probe} holds {len(sources)} prints; search for one at a time")
    others = [s for s in find_sources([gallery], **reading) if s.path != sources[0].path]
    entries = enrol([*sources, *others], params=params, dpi=given["dpi"], jobs=given["jobs"])
    kind = "ridges" if have_ridges(entries) else "minutiae"
    calibration = load_calibration(given["calibration"], kind=kind)
    found = identify(entries[0], entries[1:], calibration, top=given["top"], jobs=given["jobs"])
    failed = [e for e in entries[1:] if e.failure]
    if given["draw"]:
        from ridgefeat.report import save_match

        best = next(e for e in entries[1:] if e.name == found[0].reference)
        save_match(entries[0].content, best.content, given["draw"])
    talk.result(
        {
            "probe": entries[0].name,
            "candidates": [asdict(c) for c in found],
            "calibration": {"data": calibration.data, "comparisons": calibration.comparisons},
            "failed": [{"name": e.name, "reason": e.failure} for e in failed],
        },
        _table(found),
    )
    _remarks(calibration, failed)


def _table(found: list[Candidate]) -> str:
    rows = [("rank", "reference", "subject", "score", "FMR", "at most", "expected")]
    rows += [
        (str(c.rank), c.reference, c.subject, f"{c.score:.2f}", _rate(c.fmr), _rate(c.fmr_at_most), f"{c.expected:.2g}")
        for c in found
    ]
    return talk.align(rows, right=(0, 3, 4, 5, 6))


def _rate(rate: float) -> str:
    return "0" if rate == 0 else f"{100 * rate:.2g} %"


def _remarks(calibration: Calibration, failed: list[Any]) -> None:
    talk.echo(
        f"FMR counted on {calibration.comparisons:,} non-mated comparisons: {calibration.data}. `0` means that none of "
        "them scored as high, not that none ever would; `at most` is the upper bound (95 %)."
    )
    if failed:
        talk.echo(
            f"{len(failed)} of the gallery could not be compared; the first is {failed[0].name}: {failed[0].failure}"
        )
