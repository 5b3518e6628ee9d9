"""What is looked at: `ridgefeat show` (a print or template), `explain` (one value of a print), `explore` (a table)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import click

import ridgefeat as rf
from ridgefeat import report, sources
from ridgefeat.cli import options, talk
from ridgefeat.files import count_of


@click.command("show")
@click.argument("image", type=options.PATH, metavar="FILE")
@options.output("PICTURE", "Picture to write: .png, .svg, .pdf, .jpg or .tif.")
@options.option("--panels NAMES", "Stages to draw, comma-separated.", **options.listed("ridgefeat.report", "PANELS"))
@options.option("--scale N", "Scale factor relative to 500 dpi, 0.25 to 4.", type=float)
@options.option("--numbers", "Write at each minutia, core and delta its id in the CSV of minutiae.")
@options.path("--over IMAGE", "The image over which to draw a template.  [default: white]")
@options.template_format
@options.one_print
@options.json_result
def command(image: str, output: str, **given: Any) -> None:
    """Draw a print's stages: mask, orientation, period, enhanced ridges, minutiae and singular points.

    A template (ISO/IEC 19794-2, ANSI INCITS 378, .xyt, CSV of minutiae) is drawn as its minutiae with their directions.

    \b
    Examples:
      ridgefeat show 101_1.tif -o overlay.png
      ridgefeat show print.png -o overlay.png --dpi 1000 --panels print,minutiae
      ridgefeat show card.an2/04-02-2 -o overlay.png
      ridgefeat show print.png -o figure.svg --panels minutiae
      ridgefeat show print.fmr -o minutiae.png --over print.png --numbers
    """
    from ridgefeat.sources.resolution import suggest_dpi
    from ridgefeat.verify.enrolment import is_template

    options.start_children(1, [image], "ridgefeat.report.pictures.show")
    found = [] if Path(image).is_dir() else sources.find_prints([image], layout=given["layout"] or "auto")
    if len(found) == 1 and is_template(found[0], given["template_format"]):
        _show_template(found[0], output, given)
        return
    if given["over"]:
        raise click.UsageError(f"--over is for templates, and {image} is none that is recognised")
    minutiae, singular, flags, period = _in_child(_draw, image, given, output=output)
    _report(output, minutiae, singular, {"flags": flags})
    if period is not None:
        talk.echo(f"resolution assumed: 500 dpi; {suggest_dpi(period)}; give the true one with --dpi")


def _in_child(function: Callable[..., Any], image: str, given: dict[str, Any], **how: Any) -> Any:
    """Return what a function makes of an image in a child process, under the limits in force."""
    from ridgefeat.work.guard import current_limits, guarded_map, without_stopped

    given["params"] = options.load_params(given["params_file"], given["assignments"])
    results = guarded_map(partial(function, given=given, **how), [image], current_limits())
    return next(without_stopped(results, [image]))


def _draw(
    image: str, output: str, given: dict[str, Any]
) -> tuple[rf.Minutiae, rf.SingularPoints, list[str], float | None]:
    """Draw a print; return what was found in it, and the median period in px if its resolution is assumed."""
    fp = options.read_print(image, given)
    report.save_overlay(fp, output, panels=given["panels"], scale=given["scale"], numbers=given["numbers"])
    return fp.minutiae, fp.singular_points, list(fp.flags), fp.median_period if fp.is_dpi_assumed else None


def _show_template(source: sources.PrintSource, output: str, given: dict[str, Any]) -> None:
    from ridgefeat.verify.enrolment import read_record

    if given["panels"]:
        raise click.UsageError("--panels is for images: a template has minutiae alone")
    fp = rf.read(given["over"], given["dpi"], layout=given["layout"] or "auto") if given["over"] else None
    height = None if fp is None else len(fp.original if given["dpi"] else fp.image)
    record = read_record(source, given["template_format"], dpi=given["dpi"], height=height)
    report.save_template(
        record, output, image=fp, source=source.path.name, scale=given["scale"], numbers=given["numbers"]
    )
    for note in record.notes:
        talk.warn(note)
    more = {"format": record.format, "notes": list(record.notes)}
    _report(output, record.minutiae, record.singular_points, more)


def _report(output: str, minutiae: rf.Minutiae, singular: rf.SingularPoints, more: dict[str, Any]) -> None:
    talk.echo(f"{output}: {len(minutiae)} minutiae, {len(singular)} singular points")
    counts = {"minutiae": len(minutiae), "cores": len(singular.cores), "deltas": len(singular.deltas)}
    talk.result({"picture": output, **counts, **more})


@click.command("explain")
@click.argument("image", type=options.PATH, metavar="FILE")
@click.argument("column", metavar="COLUMN")
@options.output("PICTURE", "Picture of what was measured where: .png, .svg or .pdf.", required=False)
@options.path("--among TABLE", "Feature table of other prints: percentile, and their histogram.")
@options.option("--hand", "Hand of the print, for radial and ulnar columns.", type=click.Choice(["left", "right"]))
@options.families
@options.one_print
@options.json_result
def explain(image: str, column: str, **given: Any) -> None:
    """Explain one feature of a print: value, unit, range, meaning and source, and the parts of a score.

    \b
    Examples:
      ridgefeat explain 101_1.tif quality_score
      ridgefeat explain print.png ridge_density_radial --hand right -o why.png
      ridgefeat explain print.png ridge_period_mean --dpi 1000 --among features.csv -o why.pdf
    """
    options.start_children(1, [image], "ridgefeat.table")
    found, context = _in_child(_explain, image, given, column=column)
    shown = {f.name: getattr(found, f.name) for f in fields(found) if f.compare}
    talk.result({**shown, **context, "percentile": found.percentile, "picture": given["output"]}, _in_words(found))
    if given["output"]:
        talk.echo(f"{given['output']}: {column}")


def _explain(image: str, column: str, given: dict[str, Any]) -> tuple[rf.features.Explanation, dict[str, str]]:
    """Return the explanation without its pictures, which are drawn here, and its context."""
    fp = options.read_print(image, given)
    fp.hand = given["hand"] or fp.hand
    found = rf.explain(fp, column, families=given["families"], among=given["among"])
    if given["output"]:
        report.save_explanation(found, given["output"])
    return replace(found, fp=None, layers=()), found.context


def _in_words(found: rf.features.Explanation) -> str:
    from ridgefeat.features.bibliography import cite

    column = found.column
    unit = f" {column.unit}" if column.unit else ""
    value = f"not measurable on this print: {found.reason}" if found.reason else f"{found.value:.5g}{unit}"
    lines = {"meaning": column.meaning, **found.context, "source": column.source}
    words = [f"{column.name}: {value}", *(f"  {name:<11} {text}" for name, text in lines.items() if text)]
    words += [f"  {'':<11} {work}" for work in cite([column.source]).values()]
    if found.parts:
        rows = [["points", "of", "value", "figure"]]
        for part in found.parts:
            shown = "none" if part.value != part.value else f"{part.value:.4g} {part.unit}".strip()
            rows.append([f"{part.points:.1f}", f"{part.max_points:.1f}", shown, part.meaning])
        words += ["", talk.align(rows, right=(0, 1))]
    return "\n".join(words)


@click.command("explore")
@options.table
@options.output("PAGE.html", "The page to write.")
@options.path("--images ROOT", "The folder that was extracted, to show its prints.")
@options.feature_columns
@options.option("--by LABEL", "Initial label to colour and compare by.")
@options.number(
    "--most N",
    "Maximum number of prints; a larger table is sampled, stratified by label.",
    name="limit",
    type=click.IntRange(1),
    default=5000,
)
@options.option("--no-tsne", "Skip the t-SNE map, which takes longest.")
@options.option("--no-overlays", "Do not draw minutiae, singular points and outlines.")
@options.number("--seed N", "Random seed of the sample and the maps.", type=click.IntRange(0), default=0)
@options.jobs
@options.limits
@options.json_result
def explore(table: str, output: str, **given: Any) -> None:
    """Write a page to explore a table in a browser, offline.

    Shows every column's distribution by any label, maps of all prints, correlations and outliers. Select points to see
    the prints with their minutiae, and copy their names. Pictures are as large as a page of about 25 MB allows.

    \b
    Examples:
      ridgefeat explore features.csv --images prints/ -o explore.html
      ridgefeat explore features.csv --by finger --no-tsne -o explore.html
    """
    asked = report.ExploreOptions(
        images_root=Path(given["images"]) if given["images"] else None,
        neighbours=not given["no_tsne"],
        overlays=not given["no_overlays"],
        **options.pick(given, "feature_columns", "by", "limit", "jobs", "seed"),
    )
    with talk.progress_bar() as progress:
        made = report.write_explore_page(table, output, asked, progress=progress, on_message=talk.echo_detail)
    sampled = f", a sample of {made.of:,}" if made.prints < made.of else ""
    seen = f"{made.pictures:,} pictures of up to {made.picture_side} px" if made.picture_side else "no pictures"
    shown = f"{count_of(made.prints, 'print')}{sampled}, {count_of(made.columns, 'column')}, {seen}"
    talk.echo(f"{made.page}: {shown}; {made.bytes / 1e6:.1f} MB")
    if made.missing:
        talk.warn(f"{count_of(made.missing, 'print')} could not be read again, the first: {made.first_missing}")
    talk.result(made)
