"""`ridgefeat synth`: prints with known truth."""

from __future__ import annotations

import click

from ridgefeat.cli import options

PATTERNS = ("arch", "tented_arch", "left_loop", "right_loop", "whorl")


@click.command("synth")
@click.argument("outdir", metavar="OUTDIR", type=click.Path(file_okay=False))
@click.option("-n", "count", type=click.IntRange(1), default=40, show_default=True, help="Number of prints.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed; the same seed gives the same bytes."
)
@click.option("--truth", is_flag=True, help="Also write each print's truth as NAME.npz.")
@click.option("--fingers", type=click.IntRange(1, 10), default=10, show_default=True, help="Fingers per subject.")
@click.option("--impressions", type=click.IntRange(1), default=1, show_default=True, help="Impressions per finger.")
@click.option("--pattern", type=click.Choice(PATTERNS), help="Pattern of every finger.  [default: natural shares]")
@click.option(
    "--noise",
    type=click.IntRange(0, 3),
    help="Noise level: 0 clean, 1 good, 2 fair, 3 poor.  [default: a mixture of 1 to 3]",
)
@click.option(
    "--sex-effect",
    type=click.FloatRange(0, 2),
    default=1.0,
    show_default=True,
    help="1 simulates published ridge densities of women and men, 0 draws both alike.",
)
@click.option("--overwrite", is_flag=True, help="Write into a folder that already holds a set.")
@options.json_result
def command(
    outdir: str,
    count: int,
    seed: int,
    truth: bool,
    fingers: int,
    impressions: int,
    pattern: str | None,
    noise: int | None,
    sex_effect: float,
    overwrite: bool,
) -> None:
    """Generate synthetic prints: subjects, fingers, impressions, and an index with their labels.

    Labels are simulated, and the index says so in every row. With --truth, orientation, period, mask, minutiae and
    singular points of each print are written as NumPy arrays (ridgefeat.synth.read_truth reads them).

    \b
    Examples:
      ridgefeat synth made/ -n 40 --seed 1 --truth
      ridgefeat extract made/ --index made/index.csv -o made.csv
    """
    from ridgefeat.cli.talk import echo, progress_bar, result
    from ridgefeat.synth import write_set

    with progress_bar() as progress:
        index = write_set(
            outdir,
            count,
            seed,
            truth=truth,
            overwrite=overwrite,
            fingers=fingers,
            impressions=impressions,
            progress=progress,
            pattern=pattern,
            noise_level=noise,
            sex_effect=sex_effect,
        )
    echo(f"{count} synthetic prints in {outdir}, their labels (simulated) in {index}")
    result({"prints": count, "folder": outdir, "index": index})
