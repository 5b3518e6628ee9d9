"""`ridgefeat explore`: a feature table -> one page to explore it with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ridgefeat import report
from ridgefeat.cli import options, talk
from ridgefeat.files import count_of


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
def command(table: str, output: str, **given: Any) -> None:
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
