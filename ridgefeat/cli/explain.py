"""`ridgefeat explain`: one value of one print: where it was measured, what makes it up, where it lies among others."""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from ridgefeat.cli import options, talk

if TYPE_CHECKING:
    from ridgefeat.features import Explanation


@click.command("explain")
@click.argument("image", type=options.PATH, metavar="FILE")
@click.argument("column", metavar="COLUMN")
@options.output(required=False, metavar="PICTURE", help="Picture of what was measured where: .png, .svg or .pdf.")
@options.path("--among", metavar="TABLE", help="Feature table of other prints: percentile, and their histogram.")
@click.option("--hand", type=click.Choice(["left", "right"]), help="Hand of the print, for radial and ulnar columns.")
@options.families
@options.one_print
@options.json_result
def command(image: str, column: str, **given: Any) -> None:
    """Explain one feature of a print: value, unit, range, meaning and source, and the parts of a score.

    \b
    Examples:
      ridgefeat explain 101_1.tif quality_score
      ridgefeat explain print.png ridge_density_radial --hand right -o why.png
      ridgefeat explain print.png ridge_period_mean --dpi 1000 --among features.csv -o why.pdf
    """
    from ridgefeat.work.guard import current_limits, guarded_map, without_stopped

    options.start_children(1, [image], "ridgefeat.table")
    given["params"] = options.load_params(given["params_file"], given["assignments"])
    explained = guarded_map(partial(_explain, column=column, given=given), [image], current_limits())
    found, context = next(without_stopped(explained, [image]))
    shown = {f.name: getattr(found, f.name) for f in fields(found) if f.compare}
    talk.result({**shown, **context, "percentile": found.percentile, "picture": given["output"]}, _in_words(found))
    if given["output"]:
        talk.echo(f"{given['output']}: {column}")


def _explain(image: str, column: str, given: dict[str, Any]) -> tuple[Explanation, dict[str, str]]:
    """Return the explanation without its pictures, which are drawn here, and its context."""
    from dataclasses import replace

    from ridgefeat.table import explain

    fp = options.read_print(image, given)
    fp.hand = given["hand"] or fp.hand
    found = explain(fp, column, families=given["families"], among=given["among"])
    if given["output"]:
        from ridgefeat.report import save_explanation

        save_explanation(found, given["output"])
    return replace(found, fp=None, layers=()), found.context


def _in_words(found: Explanation) -> str:
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
