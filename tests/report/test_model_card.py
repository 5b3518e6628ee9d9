"""The card of a model."""

import pytest

from ridgefeat.report.page import ASK
from ridgefeat.report.provenance import render_model_card

ABOUT = {
    "classifier": "logistic",
    "kind": "binary",
    "target": "sex",
    "group": "subject",
    "classes": ["female", "male"],
    "columns": [f"ridge_{k}" for k in range(20)],
    "within": ["finger"],
    "table": {"families": ["ridge"], "parameters_digest": "abc"},
    "seed": 42,
    "training": {"prints": 96, "groups": 12},
    "versions": {"ridgefeat": "0.1.0"},
}


def test_known_facts_are_filled_in_and_the_others_marked():
    card = render_model_card(ABOUT)
    for known in ("`sex` (binary)", "female, male", "20: `ridge_0`", "and 12 more", "96 prints of 12 subjects", "abc"):
        assert known in card
    assert "--within finger --classifiers dummy,logistic" in card
    for heading in ("Details", "Intended use", "Training data", "Performance", "Limits"):
        assert card.count(f"## {heading}\n") == 1
    assert card.count(ASK) == 8
    assert "Not for deciding about a person" in card


def test_a_number_is_an_output():
    assert "| Output | a number |" in render_model_card({**ABOUT, "kind": "regression", "classes": []})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "keeps no print's features"),
        ({"classifier": "knn"}, "`knn` keeps features"),
        ({"members": ["rbf-svm"]}, "`rbf-svm`"),
    ],
)
def test_it_says_what_the_file_holds_of_people(change, words):
    assert words in render_model_card({**ABOUT, **change})


def test_a_cell_cannot_break_the_table():
    assert "| Output | a\\|b c |" in render_model_card({**ABOUT, "classes": ["a|b\nc"]})
