"""`ridgefeat synth`: prints with known truth."""

from __future__ import annotations

from typing import Any

import click

from ridgefeat import synth
from ridgefeat.cli import options, talk

PATTERNS = ("arch", "tented_arch", "left_loop", "right_loop", "whorl")


@click.command("synth")
@click.argument("outdir", metavar="OUTDIR", type=click.Path(file_okay=False))
@options.option("-n", "Number of prints.", name="count", type=click.IntRange(1), default=40)
@options.option("--seed", "Seed; the same seed gives the same bytes.", type=click.IntRange(0), default=0)
@options.option("--truth", "Also write each print's truth as NAME.npz.")
@options.option("--fingers", "Fingers per subject.", type=click.IntRange(1, 10), default=10)
@options.option("--impressions", "Impressions per finger.", type=click.IntRange(1), default=1)
@options.option("--pattern", "Pattern of every finger.  [default: natural shares]", type=click.Choice(PATTERNS))
@options.option(
    "--noise",
    "Noise level: 0 clean, 1 good, 2 fair, 3 poor, 4 hard (scars, residue, frames, writing, uneven light)."
    "  [default: a mixture of 1 to 3]",
    name="noise_level",
    type=click.IntRange(0, 4),
)
@options.option(
    "--sex-effect",
    "1 simulates published ridge densities of women and men, 0 draws both alike.",
    type=click.FloatRange(0, 2),
    default=1.0,
)
@options.option("--overwrite", "Write into a folder that already holds a set.")
@options.json_result
def command(outdir: str, count: int, **given: Any) -> None:
    """Generate synthetic prints: subjects, fingers, impressions, and an index with their labels.

    Labels are simulated, and the index says so in every row. With --truth, orientation, period, mask, minutiae and
    singular points of each print are written as NumPy arrays (ridgefeat.synth.read_truth reads them).

    \b
    Examples:
      ridgefeat synth made/ -n 40 --seed 1 --truth
      ridgefeat extract made/ --index made/index.csv -o made.csv
    """
    with talk.progress_bar() as progress:
        index = synth.write_set(outdir, count, progress=progress, command=talk.typed(), **given)
    talk.echo(f"{count} synthetic prints in {outdir}, their labels (simulated) in {index}")
    talk.result({"prints": count, "folder": outdir, "index": index})
