"""`ridgefeat explain`: one value of one print, and what makes it up."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from ridgefeat.cli import options, talk

if TYPE_CHECKING:
    from ridgefeat.features import Explanation


@click.command("explain")
@click.argument("image", type=options.PATH, metavar="FILE")
@click.argument("column", metavar="COLUMN")
@options.one_print
@options.json_result
def command(image: str, column: str, **given: Any) -> None:
    """Explain one feature of a print: value, unit, range, meaning and source, and the parts of a score.

    \b
    Examples:
      ridgefeat explain 101_1.tif quality_score
      ridgefeat explain print.png ridge_density_mean --dpi 1000
    """
    from ridgefeat.work.guard import current_limits, guarded_map, without_stopped

    options.start_children(1, [image], "ridgefeat.table")
    given["params"] = options.load_params(given["params_file"], given["assignments"])
    explained = guarded_map(partial(_explain, column=column, given=given), [image], current_limits())
    found = next(without_stopped(explained, [image]))
    talk.result(found, _in_words(found))


def _explain(image: str, column: str, given: dict[str, Any]) -> Explanation:
    from ridgefeat.features import explain

    return explain(options.read_print(image, given), column)


def _in_words(found: Explanation) -> str:
    column = found.column
    unit = f" {column.unit}" if column.unit else ""
    value = "not measurable on this print" if found.value != found.value else f"{found.value:.5g}{unit}"
    lines = [
        f"{column.name}: {value}",
        f"  meaning  {column.meaning}",
        f"  range    {column.low:g} to {column.high:g}{unit}",
    ]
    lines += [f"  source   {column.source}"] if column.source else []
    if found.parts:
        rows = [["points", "of", "value", "figure"]]
        for part in found.parts:
            shown = "none" if part.value != part.value else f"{part.value:.4g} {part.unit}".strip()
            rows.append([f"{part.points:.1f}", f"{part.max_points:.1f}", shown, part.meaning])
        lines += ["", talk.align(rows, right=(0, 1))]
    return "\n".join(lines)
