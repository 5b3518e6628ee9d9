"""A made-up table with a known effect, and a comparison on it, for tests of bench and of its report."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ridgefeat.bench import Comparison, Options, Problem, compare, data
from ridgefeat.bench.metrics import Predictions
from ridgefeat.bench.results import Kind

FINGERS = ("index", "little")
LABELS = {"subject": "integer", "sex": "text", "hand": "text", "finger": "text", "age": "number"}


def make_frame(people: int = 40, prints: int = 4, effect: float = 1.0, seed: int = 0, columns: int = 6) -> pd.DataFrame:
    """Return a table as read_table gives it: people with a target `sex`, and columns of which the first holds it.

    `effect` is the distance of the two classes' means in the first column, in standard deviations of people; prints
    add as much again.
    """
    rng = np.random.default_rng(seed)
    woman = np.arange(people) % 2
    person = rng.normal(size=(people, columns))
    person[:, 0] += effect * woman
    rows = np.repeat(np.arange(people), prints)
    values = person[rows] + rng.normal(size=(people * prints, columns))
    finger = np.array(FINGERS)[np.tile(np.arange(prints), people) % len(FINGERS)]
    # A column that hangs on the finger far more than on the person.
    values[:, -1] += 10 * (finger == "index")
    n = len(rows)
    labels = {
        "meta_source": [f"{r}_{i}.png" for i, r in enumerate(rows)],
        "meta_sha256": [f"{i:064x}" for i in range(n)],
        **dict.fromkeys(("meta_width", "meta_height"), 96),
        **dict.fromkeys(("meta_dpi_x", "meta_dpi_y"), 500.0),
        "meta_layout": "made",
        **dict.fromkeys(("meta_error", "meta_flags")),
        "subject": rows + 1,
        "sex": np.array(["male", "female"], object)[woman[rows]],
        "hand": np.array(["left", "right"], object)[np.tile(np.arange(prints) // 2 % 2, people)],
        "finger": finger.astype(object),
        "age": 20.0 + 5 * person[rows, 1],
    }
    names = [f"{'ridge' if i % 2 == 0 else 'texture'}_made_{i}" for i in range(columns)]
    return pd.concat([pd.DataFrame(labels), pd.DataFrame(values.astype(np.float32), columns=names)], axis=1)


def make_about(frame: pd.DataFrame) -> dict[str, object]:
    """Return a sidecar that fits the table."""
    names = [c for c in frame.columns if frame[c].dtype == np.float32]
    return {
        "format": "ridgefeat table 1",
        "version": "0",
        "families": ["ridge", "texture"],
        "parameters": {},
        "parameters_digest": "0" * 16,
        "schema_digest": "1" * 16,
        "layout": "made",
        "label_kinds": {n: k for n, k in LABELS.items() if n in frame},
        "columns": [{"name": n, "unit": ""} for n in names],
    }


def write_frame(frame: pd.DataFrame, path: Path) -> Path:
    """Write a made-up table with its sidecar."""
    frame.to_csv(path, index=False)
    path.with_suffix(".json").write_text(json.dumps(make_about(frame)), encoding="utf-8")
    return path


def problem_of(frame: pd.DataFrame, target: str = "sex", **given: Any) -> Problem:
    """Return the problem of predicting a label of a made-up table."""
    return data.make_problem(frame, make_about(frame), **{"target": target, "group": "subject"} | given)


def make_problem(**given: Any) -> Problem:
    """Return the made-up problem of predicting `sex`."""
    return problem_of(make_frame(**given))


def quick(problem: Problem, *classifiers: str, **given: Any) -> Comparison:
    """Return a comparison in two folds, without diagnostics, in this process."""
    options = {"folds": 2, "jobs": 1, "samples": 20, "diagnose": False} | given
    return compare(problem, Options(classifiers, **options))


def make_predictions(kind: Kind = "binary", classes: int = 2, n: int = 240, seed: int = 0) -> Predictions:
    """Return predictions for four prints of each person, in one fold, with ties."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n // 4), 4)
    y = rng.integers(0, classes, n)
    score = np.round(rng.normal(size=(n, classes)) + np.eye(classes)[y], 1)  # rounded, so that there are ties
    p = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    return Predictions(kind, y, score.argmax(axis=1), score, p, np.zeros(n, np.int64), group)


class Sulky:
    """An estimator that fails on what it is given."""

    def fit(self, X, y):
        raise RuntimeError("will not\nsecond line")

    def get_params(self, deep=True):
        return {}

    def predict(self, X):
        return X
