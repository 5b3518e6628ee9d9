"""A model card: what the program knows is filled in, what only a person knows is marked to be completed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ASK = "**TO FILL IN:**"
SHOWN_COLUMNS = 8
KEEPING = frozenset(("knn", "rbf-svm"))
"""Classifiers whose fit is made of rows of training."""


def render_model_card(about: Mapping[str, Any]) -> str:
    """Return a model's card as Markdown.

    Parameters
    ----------
    about : mapping
        What a model file says of itself (`ridgefeat.bench.model.Model.about`).

    Returns
    -------
    str

    Notes
    -----
    Headings after Mitchell et al., "Model cards for model reporting" (FAT* 2019).
    """
    parts = (
        f"# Model card: {about['target']} by {about['classifier']}",
        _details(about),
        _use(about),
        _data(about),
        _figures(about),
        _limits(about),
    )
    return "\n\n".join(parts) + "\n"


def _details(about: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {v}" for name, v in about.get("versions", {}).items())
    columns = list(about.get("columns", ()))
    named = ", ".join(f"`{c}`" for c in columns[:SHOWN_COLUMNS])
    more = f" and {len(columns) - SHOWN_COLUMNS} more, listed in the .json file" if len(columns) > SHOWN_COLUMNS else ""
    families = ", ".join(about.get("table", {}).get("families") or ()) or "not recorded"
    within = ", ".join(about.get("within", ()))
    rows = (
        ("Target", f"`{about['target']}` ({about['kind']})"),
        ("Output", ", ".join(map(str, about.get("classes", ()))) or "a number"),
        ("Classifier", about["classifier"]),
        ("Columns", f"{len(columns)}: {named}{more}"),
        ("Families of the table", families),
        ("Standardised within", within or "nothing"),
        ("Parameters' digest", f"`{about.get('table', {}).get('parameters_digest', 'not recorded')}`"),
        ("Seed", about.get("seed")),
        ("Versions", versions),
        ("Made by, and when", f"{ASK} who is responsible for it?"),
    )
    return _section("Details", "\n".join(("| | |", "| --- | --- |", *(f"| {k} | {_cell(v)} |" for k, v in rows))))


def _use(about: Mapping[str, Any]) -> str:
    return _section(
        "Intended use",
        f"- {ASK} which question, asked by whom, of which prints?\n"
        "- Not for deciding about a person, and not validated for forensic casework.\n"
        f"- It ranks prints like those it was fitted on. Whether `{about['target']}` can be predicted at all in "
        "another population or from another sensor is unknown until it is measured there.",
    )


def _data(about: Mapping[str, Any]) -> str:
    training = about.get("training", {})
    return _section(
        "Training data",
        f"- {training.get('prints', '?')} prints of {training.get('groups', '?')} {about['group']}s. Probabilities "
        f"were calibrated on {about['group']}s that the scoring fit had not seen.\n"
        f"- {ASK} who the people were, from where, how chosen, and what they agreed to.\n"
        f"- {ASK} sensor, resolution, year, operator; flat or rolled; live or ink.\n"
        f"- {ASK} where the label `{about['target']}` comes from, and how it was checked.",
    )


def _figures(about: Mapping[str, Any]) -> str:
    within = "".join(f" --within {name}" for name in about.get("within", ()))
    return _section(
        "Performance",
        f"{ASK} from the report of this command on the same table: metrics by {about['group']} with intervals, "
        "compared with always predicting the larger class, and for every subgroup that the table has.\n\n"
        f"    ridgefeat bench TABLE --target {about['target']} --group {about['group']}{within} "
        f"--classifiers dummy,{about['classifier']} -o OUT/",
    )


def _limits(about: Mapping[str, Any]) -> str:
    return _section(
        "Limits",
        "- Prints unlike the training data in any family of columns, or with a layout or resolution that no training "
        "print has, get no prediction. A mirrored print cannot be recognised, and noise only where it is strong.\n"
        "- A probability says how the model ranks prints. It is not evidence, and must not be combined with "
        "evidence as if it were.\n"
        f"- {_privacy(about)}\n"
        f"- {ASK} what the leak audit found, and what was decided.\n"
        f"- {ASK} for whom errors are more frequent.",
    )


def _privacy(about: Mapping[str, Any]) -> str:
    """Return what the file holds of the people in training, and where it was measured what it tells of them."""
    kept = sorted(KEEPING & {about["classifier"], *about.get("members", ())})
    features = f"`{kept[0]}` keeps features of training prints in it" if kept else "it keeps no print's features"
    return (
        f"The file holds no name of a person or file, and no image; {features}. Who has it and a print may still guess "
        "better than by chance whether that print was in training: how much better is measured for each classifier "
        "in ridgefeat's `benchmarks/results/membership.md`. Hand it on only as the training people agreed."
    )


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n{text}"


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
