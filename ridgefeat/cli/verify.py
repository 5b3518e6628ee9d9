"""`ridgefeat verify`: prints compared by a protocol -> a table of scores. `ridgefeat identify`: candidates, ranked."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from ridgefeat import report, sources, threshold, verify
from ridgefeat.cli import Unusable, options, talk
from ridgefeat.errors import ScoreError
from ridgefeat.sheets import import_openpyxl

if TYPE_CHECKING:
    from ridgefeat.structure import UInt8


def _protocols(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    named = [CompletionItem(name) for name in ("fvc", "altered") if name.startswith(incomplete)]
    return [CompletionItem(incomplete, type="file"), *named]


@click.command("verify")
@click.argument("inputs", nargs=-1, required=True, type=options.PATH, metavar="INPUT...")
@options.option(
    "--protocol fvc|altered|PAIRS.csv", "Which comparisons to make.", default="fvc", shell_complete=_protocols
)
@options.choice("--comparator", ("minutiae", "features"), "How to compare.")
@options.output("SCORES.csv", "The table to write.")
@options.choice("--impostors", ("few", "all"), "Non-mated comparisons: the few that the protocol selects, or all.")
@options.labels
@options.template_format
@options.families
@options.tuning
@options.jobs
@options.engine
@options.limits
@options.csv_dialect
@options.overwrite
@options.json_result
def command(**given: Any) -> None:
    """Compare prints with each other, mated and non-mated, into a table of scores.

    Inputs are images, templates (ISO/IEC 19794-2, ANSI INCITS 378, .xyt, CSV of minutiae, recognised by their content),
    and folders of them; the comparator `features` also takes a table of `extract`. Columns: probe, reference,
    subject_probe, subject_reference, mated, score, failure. A higher score indicates a match. If a print fails, its
    comparisons stay in the table without a score, `ridgefeat threshold` counts them as failures to acquire, and the
    exit code is 1.

    \b
    fvc      every two impressions of a finger, and every two fingers' first impressions (all: every two prints)
    altered  altered prints against unaltered ones: their own, and the same finger of ten other subjects (all: of all)
    CSV      columns probe, reference and, unless names give it, mated or subject_probe and subject_reference

    \b
    Examples:
      ridgefeat verify FVC2002/DB1_B -o scores.csv --impostors all -j 2
      ridgefeat verify SOCOFing/Real SOCOFing/Altered --protocol altered -o altered.csv
      ridgefeat verify features.csv --comparator features -o distances.csv
      ridgefeat threshold scores.csv -o thresholds/
    """
    from ridgefeat.work.engine import using

    if Path(given["output"]).suffix.lower() not in (".csv", ".xlsx"):
        raise click.UsageError(f"--output must end in .csv or .xlsx, got {given['output']!r}")
    if given["output"].lower().endswith(".xlsx"):
        import_openpyxl(Unusable, given["output"])
    params = options.load_params(given["params_file"], given["assignments"])
    if given["engine"] in (None, "local"):
        options.start_children(given["jobs"], given["inputs"], "ridgefeat.verify.enrolment")
    with using(given["engine"], given["jobs"]), talk.progress_bars() as show:
        found = verify.verify(
            list(given["inputs"]),
            given["protocol"],
            every_impostor=given["impostors"] == "all",
            params=params,
            **options.pick_naming(given),
            **options.pick(given, "comparator", "dpi", "families", "jobs", "template_format"),
            enrolled=show and (lambda done, failed, total: show(done, total, f"failed={failed}")),
            compared=show and partial(show, unit="comparison"),
        )
    found.about["command"] = talk.typed()
    path = found.save(given["output"], given["csv_dialect"])
    talk.result(found.about)
    if not given["layout"] and not given["regex"] and "person-folders" in found.about.get("layouts", {}):
        talk.warn(talk.PERSON_FOLDERS)
    if not talk.is_quiet():
        talk.echo(_summary(found))
        talk.echo(f"Table: {path}   sidecar: {path.with_suffix('.json')}")
    if found.about["failures_to_acquire"]:
        sys.exit(1)


def _summary(found: verify.Verification) -> str:
    """Return what was compared, what failed, and the equal error rate."""
    about, frame = found.about, found.scores
    counts = about["comparisons"]
    lines = [
        f"{about['prints']} prints, {about['failures_to_acquire']} of them failed; "
        f"{counts['mated']['made']:,} mated and {counts['non_mated']['made']:,} non-mated comparisons."
    ]
    lines += [f"  {count} x {reason}" for reason, count in list(about["reasons"].items())[: talk.MAX_SHOWN]]
    lines += _template_notes(about["notes"])
    try:
        scores = threshold.Scores.make(frame["score"], frame["mated"], count_failures=True)
        equal = threshold.ErrorCurve.from_scores(scores).equal_error
    except ScoreError as error:
        return "\n".join([*lines, f"No error rates: {error}"])
    lines.append(f"Equal error rate of the comparisons made: {100 * equal.value:.2f} % at {equal.threshold:.6g}.")
    return "\n".join(lines)


def _template_notes(notes: dict[str, int]) -> list[str]:
    """Return what the readers of templates noted, a line each."""
    lines = [f"  {count} x {note}" for note, count in list(notes.items())[: talk.MAX_SHOWN]]
    return ["Templates:", *lines] if lines else []


@click.command("identify")
@click.argument("probe", type=options.PATH, metavar="PROBE")
@options.path("--gallery FOLDER|FILE", "Prints or templates to search, or a file of `enrol`.", required=True)
@options.number("--top N", "Number of candidates to list.", default=10)
@options.path("--calibration SCORES.csv", "Scores of `verify` on prints like these.  [default: bundled counts]")
@options.labels
@options.template_format
@options.tuning
@options.jobs
@options.engine
@options.limits
@options.region
@options.option(
    "--prior P",
    "Probability that the probe's finger is in the gallery at all.",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.5,
)
@options.path("--draw PICTURE", "Draw the probe and the first candidate, with lines between paired minutiae.")
@options.json_result
def identify(probe: str, gallery: str, **given: Any) -> None:
    """Search a gallery for a print: rank the most similar prints, and give the false match rate of each score.

    PROBE is an image or a template; if it is in the gallery itself, it is left out there. Each score is listed with
    the false match rate (FMR) that it would have as a threshold: the share of non-mated comparisons of the calibration
    data that reached it, and the upper bound of that rate (95 %). The rate refers to one comparison of prints like
    those; `expected` is the number of prints in a gallery of this size that would reach the score by chance at that
    bound. `probability` is that of the candidate being the probe's finger, given all scores and --prior.

    If the first candidate is not sure, an image is read again as a latent: at smaller scales and with fainter ridges,
    and the highest score counts. If the answer cannot be trusted even then, a remark says so.

    \b
    Examples:
      ridgefeat identify print.png --gallery prints/
      ridgefeat identify print.fmr --gallery templates/ --top 3 --json
      ridgefeat enrol prints/ -o people.gallery
      ridgefeat identify print.png --gallery people.gallery
      ridgefeat identify print.png --gallery prints/ --calibration scores.csv
      ridgefeat identify latent.png --gallery prints/ --region outline.csv
      ridgefeat identify print.png --gallery /shared/people.gallery --engine dask=tcp://10.0.0.1:8786
    """
    from ridgefeat.verify.enrolment import count_notes
    from ridgefeat.verify.gallery import digest_of, is_gallery
    from ridgefeat.work.engine import using

    params = options.load_params(given["params_file"], given["assignments"])
    reading = options.pick_naming(given) | options.pick(given, "template_format")
    own = verify.find_sources([probe], **reading)
    if len(own) != 1:
        raise Unusable(f"{probe} holds {len(own)} prints; search for one at a time")
    enrolling = options.pick(given, "dpi", "jobs", "template_format")
    own = sources.with_regions(own, given["region"]) if given["region"] else own
    click.get_current_context().with_resource(using(given["engine"], given["jobs"]))
    if is_gallery(gallery):
        searched: verify.Gallery | list[verify.Entry] = (held := verify.Gallery(gallery, without=digest_of(own[0])))
        if params not in (None, held.params):
            raise Unusable(f"{gallery} was made with other stage parameters; leave out --params and --set")
        (entry,) = verify.enrol(own, params=held.params, **enrolling)
        has_ridges = held.has_ridges and verify.have_ridges([entry])
    else:
        if given["engine"] in (None, "local"):
            options.start_children(given["jobs"], [gallery], "ridgefeat.verify.enrolment")
        others = verify.find_sources([gallery], **reading)
        own = [*own, *(s for s in others if s.path != own[0].path)]
        entry, *searched = verify.enrol(own, params=params, **enrolling)
        has_ridges = verify.have_ridges([entry, *searched])
    entries = [entry, *(searched if isinstance(searched, list) else [])]
    failed = [e for e in entries[1:] if e.failure]
    calibration = verify.load_calibration(given["calibration"], kind="ridges" if has_ridges else "minutiae")
    found = verify.identify(entry, searched, calibration, **options.pick(given, "top", "jobs", "prior"))
    if found[0].readings > 1:
        calibration = calibration.latents or calibration
    if given["draw"]:
        name = found[0].reference
        source = next((s for s in own[1:] if s.relative == name), None)
        images = _image(own[0], given["dpi"]), _image(source, given["dpi"])
        report.save_match(entry.content, _content(searched, name), given["draw"], images)
    record = {"probe": entry.name, "candidates": found, "trusted": found[0].is_trusted}
    record["calibration"] = {"data": calibration.data, "comparisons": calibration.comparisons}
    record["notes"] = notes = count_notes(entries)
    record["failed"] = [{"name": e.name, "reason": e.failure} for e in failed]
    talk.result(record, _table(found))
    for line in _template_notes(notes):
        talk.echo(line)
    _remarks(calibration, failed, found[0])


def _image(source: sources.PrintSource | None, dpi: tuple[float, float] | None) -> UInt8 | None:
    """Return a print's image at 500 dpi; None if its file is not known, or is a template."""
    from ridgefeat.fingerprint import Fingerprint
    from ridgefeat.verify.enrolment import is_template

    if source is None or is_template(source):
        return None
    image = sources.load_print(source, dpi)
    return Fingerprint(image.pixels, (image.dpi_x, image.dpi_y)).image


def _content(gallery: verify.Gallery | list[verify.Entry], name: str) -> Any:
    """Return the content of the print of a name."""
    entries = gallery if isinstance(gallery, list) else gallery.entries
    at = next(i for i, e in enumerate(entries) if e.name == name)
    return gallery[at].content if isinstance(gallery, list) else gallery.load([at])[0]


def _table(found: list[verify.Candidate]) -> str:
    rows = [("rank", "reference", "subject", "score", "FMR", "at most", "expected", "probability")]
    for c in found:
        names = (str(c.rank), c.reference, c.subject)
        chance = (_rate(c.fmr), _rate(c.fmr_at_most), f"{c.expected:.2g}", f"{c.probability:.3f}")
        rows.append((*names, f"{c.score:.2f}", *chance))
    return talk.align(rows, right=(0, 3, 4, 5, 6, 7))


def _rate(rate: float) -> str:
    return "0" if rate == 0 else f"{100 * rate:.2g} %"


def _remarks(calibration: verify.Calibration, failed: list[Any], best: verify.Candidate) -> None:
    if best.readings > 1:
        talk.echo(f"The probe was read as a latent, in {best.readings} ways; the highest score counts.")
    if not best.is_trusted:
        talk.warn(
            "this answer cannot be trusted: the probability that the first candidate is the probe's finger is "
            f"{best.probability:.2f}. Mark the print with --region, or search with a better print."
        )
    talk.echo(
        f"FMR counted on {calibration.comparisons:,} non-mated comparisons: {calibration.data}. `0` means that none of "
        "them scored as high, not that none ever would; `at most` is the upper bound (95 %)."
    )
    if failed:
        first = f"{failed[0].name}: {failed[0].failure}"
        talk.echo(f"{len(failed)} of the gallery could not be compared; the first is {first}")
