"""`ridgefeat show`: one print with everything that was detected in it; the minutiae of a template."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ridgefeat.cli import options, talk

if TYPE_CHECKING:
    from ridgefeat.sources import PrintSource
    from ridgefeat.structure import Minutiae, SingularPoints


@click.command("show")
@click.argument("image", type=options.PATH, metavar="FILE")
@options.output(metavar="PICTURE", help="Picture to write: .png, .svg, .pdf, .jpg or .tif.")
@click.option("--panels", **options.listed("ridgefeat.report", "PANELS"), help="Stages to draw, comma-separated.")
@click.option("--scale", type=float, metavar="N", help="Scale factor relative to 500 dpi, 0.25 to 4.")
@click.option("--numbers", is_flag=True, help="Write at each minutia, core and delta its id in the CSV of minutiae.")
@options.path("--over", metavar="IMAGE", help="The image over which to draw a template.  [default: white]")
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
    from ridgefeat.sources import find_prints
    from ridgefeat.sources.resolution import suggest_dpi
    from ridgefeat.verify.enrolment import is_template
    from ridgefeat.work.guard import current_limits, guarded_map, without_stopped

    options.start_children(1, [image], "ridgefeat.report.pictures.show")

    sources = [] if Path(image).is_dir() else find_prints([image], layout=given["layout"] or "auto")
    if len(sources) == 1 and is_template(sources[0], given["template_format"]):
        _show_template(sources[0], output, given)
        return
    if given["over"]:
        raise click.UsageError(f"--over is for templates, and {image} is none that is recognised")
    given["params"] = options.load_params(given["params_file"], given["assignments"])
    drawn = guarded_map(partial(_draw, output=output, given=given), [image], current_limits())
    minutiae, singular, flags, period = next(without_stopped(drawn, [image]))
    _report(output, minutiae, singular, {"flags": flags})
    if period is not None:
        talk.echo(f"resolution assumed: 500 dpi; {suggest_dpi(period)}; give the true one with --dpi")


def _draw(image: str, output: str, given: dict[str, Any]) -> tuple[Minutiae, SingularPoints, list[str], float | None]:
    """Draw a print; return what was found in it, and the median period in px if its resolution is assumed."""
    from ridgefeat.report import save_overlay

    fp = options.read_print(image, given)
    save_overlay(fp, output, panels=given["panels"], scale=given["scale"], numbers=given["numbers"])
    return fp.minutiae, fp.singular_points, list(fp.flags), fp.median_period if fp.is_dpi_assumed else None


def _show_template(source: PrintSource, output: str, given: dict[str, Any]) -> None:
    from ridgefeat.report import save_template
    from ridgefeat.table import read
    from ridgefeat.verify.enrolment import read_record

    if given["panels"]:
        raise click.UsageError("--panels is for images: a template has minutiae alone")
    fp = read(given["over"], given["dpi"], layout=given["layout"] or "auto") if given["over"] else None
    height = None if fp is None else len(fp.original if given["dpi"] else fp.image)
    record = read_record(source, given["template_format"], dpi=given["dpi"], height=height)
    save_template(record, output, image=fp, source=source.path.name, scale=given["scale"], numbers=given["numbers"])
    for note in record.notes:
        talk.warn(note)
    more = {"format": record.format, "notes": list(record.notes)}
    _report(output, record.minutiae, record.singular_points, more)


def _report(output: str, minutiae: Minutiae, singular: SingularPoints, more: dict[str, Any]) -> None:
    talk.echo(f"{output}: {len(minutiae)} minutiae, {len(singular)} singular points")
    counts = {"minutiae": len(minutiae), "cores": len(singular.cores), "deltas": len(singular.deltas)}
    talk.result({"picture": output, **counts, **more})
