"""`ridgefeat show`: one print with everything that was detected in it."""

from __future__ import annotations

from typing import Any

import click

from ridgefeat.cli import options, talk


@click.command("show")
@click.argument("image", type=options.PATH, metavar="IMAGE")
@options.output(metavar="PICTURE", help="Picture to write: .png, .jpg or .tif.")
@click.option("--panels", **options.listed("ridgefeat.report", "PANELS"), help="Stages to draw, comma-separated.")
@click.option("--scale", type=float, metavar="N", help="Scale factor relative to 500 dpi, 0.25 to 4.")
@options.reading
@options.raw
@options.tuning
@options.json_result
def command(image: str, output: str, **given: Any) -> None:
    """Draw a print's stages: mask, orientation, period, enhanced ridges, minutiae and singular points.

    \b
    Examples:
      ridgefeat show 101_1.tif -o overlay.png
      ridgefeat show print.png -o overlay.png --dpi 1000 --panels print,minutiae
      ridgefeat show card.an2/04-02-2 -o overlay.png
    """
    from ridgefeat.report import save_overlay
    from ridgefeat.table import read

    params = options.load_params(given["params_file"], given["assignments"])
    fp = read(image, given["dpi"], layout=given["layout"] or "auto", params=params, raw=given["raw"])
    save_overlay(fp, output, panels=given["panels"], scale=given["scale"])
    singular = fp.singular_points
    talk.echo(f"{output}: {len(fp.minutiae)} minutiae, {len(singular)} singular points")
    counts = {"minutiae": len(fp.minutiae), "cores": len(singular.cores), "deltas": len(singular.deltas)}
    talk.result({"picture": output, **counts, "flags": list(fp.flags)})
