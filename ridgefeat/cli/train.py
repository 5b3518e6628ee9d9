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
    "--classifier", default="pca-lda", show_default=True, metavar="NAME", help="As `ridgefeat bench` names it."
)
@options.some_families
@options.within
@options.kind
@click.option("--tune", is_flag=True, help="Search the classifier's settings in inner folds by group.")
@click.option(
    "--folds", type=int, default=5, show_default=True, metavar="N", help="Folds by which probabilities are calibrated."
)
@click.option("--seed", type=int, default=42, show_default=True, metavar="N", help="Of every draw.")
@options.jobs
@options.json_result
def command(**given: Any) -> None:
    """Fit a classifier on a whole table and write it to a model file.

    The file holds numbers and names, no code. Beside model.skops stands model.json: what it was made of. How good it
    is, `ridgefeat bench` says; probabilities are calibrated on people that were not used for fitting. model.md is its
    card, in which you write what only you know; a card that is there already is kept.

    \b
    Examples:
      ridgefeat train features.csv --target sex --within finger -o sex.skops
      ridgefeat train features.csv --target age --classifier ridge -o age.skops
    """
    from ridgefeat.bench import model, model_file
    from ridgefeat.bench.compare import Options
    from ridgefeat.bench.data import load, make_problem
    from ridgefeat.report.model_card import write_model_card

    model_file.check_place(given["output"])
    frame, about = load(
        given["table"],
        families=given["families"],
        named=(given["target"], given["group"]),
        labels=("meta_source", "meta_error", *given["within"]),
    )
    problem = make_problem(
        frame, about, target=given["target"], group=given["group"], kind=given["kind"], families=given["families"]
    )
    for note in problem.notes:
        talk.echo(note)
    asked = Options(within=given["within"], **{name: given[name] for name in ("tune", "folds", "seed", "jobs")})
    made = model.train(problem, given["classifier"], asked)
    path = model_file.save_model(made, given["output"])
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
    talk.echo(f"Its card, {'kept as it was' if kept else 'to be completed by hand'}: {card}")
