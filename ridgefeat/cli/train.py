"""`ridgefeat train`: a feature table -> a model file."""

from __future__ import annotations

from typing import Any

import click

from ridgefeat.cli import options, talk


@click.command("train")
@click.argument("table", type=options.PATH, metavar="TABLE")
@options.problem
@click.option("-o", "--output", required=True, type=options.PATH, metavar="FILE.skops", help="The model file to write.")
@click.option(
    "--classifier", default="pca-lda", show_default=True, metavar="NAME", help="Name, as for `ridgefeat bench`."
)
@options.some_families
@options.within
@options.kind
@click.option("--tune", is_flag=True, help="Search the classifier's settings in inner folds by group.")
@click.option(
    "--folds",
    type=int,
    default=5,
    show_default=True,
    metavar="N",
    help="Number of folds for calibrating probabilities.",
)
@click.option("--seed", type=int, default=42, show_default=True, metavar="N", help="Random seed.")
@options.jobs
@options.json_result
def command(**given: Any) -> None:
    """Fit a classifier on a whole table and write it to a model file.

    The file holds numbers and names, no code. model.json, next to model.skops, records what it was made from.
    `ridgefeat bench` measures how good it is. Probabilities are calibrated on people who were not used for fitting.
    model.md is its model card, to be completed by hand; a card that already exists is kept.

    \b
    Examples:
      ridgefeat train features.csv --target sex --within finger -o sex.skops
      ridgefeat train features.csv --target age --classifier ridge -o age.skops
    """
    from ridgefeat import bench
    from ridgefeat.report import write_model_card

    bench.check_place(given["output"])
    frame, about = bench.load(
        given["table"],
        families=given["families"],
        named=(given["target"], given["group"]),
        labels=("meta_source", "meta_error", *given["within"]),
    )
    problem = bench.make_problem(
        frame, about, target=given["target"], group=given["group"], kind=given["kind"], families=given["families"]
    )
    for note in problem.notes:
        talk.echo(note)
    options = bench.Options(within=given["within"], **{name: given[name] for name in ("tune", "folds", "seed", "jobs")})
    made = bench.train(problem, given["classifier"], options)
    path = bench.save_model(made, given["output"])
    card = path.with_suffix(".md")
    kept = card.exists()
    if not kept:
        write_model_card(made.about, card)
    talk.echo(
        f"{given['classifier']} fitted on {len(problem)} prints of {len(set(problem.groups))} {problem.group}s: {path}"
    )
    talk.result(
        {
            "model": path,
            "card": card,
            "classifier": given["classifier"],
            "prints": len(problem),
            "columns": problem.features.shape[1],
        }
    )
    talk.echo(f"Model card ({'kept as it was' if kept else 'to be completed by hand'}): {card}")
