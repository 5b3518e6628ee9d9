"""A model card: what the program knows is filled in, what only a person knows is marked to be completed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ridgefeat.files import first_few
from ridgefeat.report.page import render_page

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
    known = {"columns": (), "classes": (), "table": {}, "within": (), "versions": {}, "seed": None} | dict(about)
    columns = [f"`{c}`" for c in known["columns"]]
    page = {
        "training": {"prints": "?", "groups": "?"} | known.get("training", {}),
        "columns": f"{len(columns)}: {first_few(columns, SHOWN_COLUMNS)}",
        "more": len(columns) > SHOWN_COLUMNS,
        "kept": sorted(KEEPING & {known["classifier"], *known.get("members", ())}),
    }
    return render_page("model_card.md", known | page) + "\n"
