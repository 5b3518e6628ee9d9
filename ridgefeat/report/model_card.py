"""A model card: what the program knows is filled in, what only a person knows is marked to be completed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ridgefeat.files import first_few
from ridgefeat.report.page import ASK, render_page

SHOWN_COLUMNS = 8
KEEPING = frozenset(("knn", "rbf-svm"))
"""Classifiers whose fitted state contains training rows."""


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
    columns, table, within = list(about.get("columns", ())), about.get("table", {}), about.get("within", ())
    more = ", listed in the .json file" if len(columns) > SHOWN_COLUMNS else ""
    details = {
        "Target": f"`{about['target']}` ({about['kind']})",
        "Output": ", ".join(map(str, about.get("classes", ()))) or "a number",
        "Classifier": about["classifier"],
        "Columns": f"{len(columns)}: {first_few([f'`{c}`' for c in columns], SHOWN_COLUMNS)}{more}",
        "Families of the table": ", ".join(table.get("families") or ()) or "not recorded",
        "Standardised within": ", ".join(within) or "nothing",
        "Parameters' digest": f"`{table.get('parameters_digest', 'not recorded')}`",
        "Seed": about.get("seed"),
        "Versions": ", ".join(f"{name} {v}" for name, v in about.get("versions", {}).items()),
        "Made by, and when": f"{ASK} who is responsible for it?",
    }
    rows = [(name, str(value).replace("|", "\\|").replace("\n", " ")) for name, value in details.items()]
    kept = sorted(KEEPING & {about["classifier"], *about.get("members", ())})
    training = {"prints": "?", "groups": "?"} | about.get("training", {})
    page = {"training": training, "within": within, "details": rows, "kept": kept}
    return render_page("model_card.md", {**about, **page}) + "\n"
