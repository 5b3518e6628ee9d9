"""A comparison made up for the page's tests: known figures, a failed classifier, hostile names, every table filled."""

from dataclasses import fields, replace
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from ridgefeat.audit.table import Finding
from ridgefeat.bench.results import METRICS, Comparison, Fold, Problem, Reproduction, Run

HOSTILE = "<script>alert(1)</script>&\"'.bmp"
REASON = "needs <b>onnx</b>: pip install 'ridgefeat[onnx]'"
NAMES = ("rbf_svm", "logistic", "random_forest", "dummy")
VALUES = {"roc_auc": 0.812, "balanced_accuracy": 0.71, "mae": 6.25}
FINGERS = ("thumb", "index", "middle", "ring", "little")


KINDS = {
    "binary": ("sex", ("female", "male")),
    "multiclass": ("pattern", ("arch", "left_loop", "right_loop", "whorl")),
    "regression": ("age", ()),
}
"""Target and classes of each kind of comparison."""


def make(kind: str, *, target: str | None = None, subjects: int = 40) -> Comparison:
    """Return a full comparison of a kind."""
    (usual, classes), rng = KINDS[kind], np.random.default_rng(1)
    target = target or usual
    groups = np.repeat([f"{i:03d}" for i in range(subjects)], len(FINGERS)).astype(object)
    n = len(groups)
    if kind == "regression":
        y: np.ndarray[Any, Any] = np.repeat(rng.uniform(18, 70, subjects), len(FINGERS))
    else:
        weights = np.arange(len(classes), 0, -1.0)[::-1]
        y = np.repeat(rng.choice(len(classes), subjects, p=weights / weights.sum()), len(FINGERS))
        y[: len(classes) * len(FINGERS)] = np.repeat(np.arange(len(classes)), len(FINGERS))
    sources = np.array(
        [f"set/{g}__{f}_finger.bmp" for g, f in zip(groups, np.tile(FINGERS, subjects), strict=True)], object
    )
    sources[0] = HOSTILE
    problem = Problem(
        target=target,
        group="subject",
        kind=kind,  # type: ignore[arg-type]
        classes=classes,
        positive=classes[0] if kind == "binary" else None,
        features=pd.DataFrame(rng.normal(size=(n, 3)).astype(np.float32), columns=["ridge_a", "ridge_b", "gabor_c"]),
        families={"ridge": ["ridge_a", "ridge_b"], "gabor": ["gabor_c"]},
        y=y,
        groups=groups,
        sources=sources,
        labels=pd.DataFrame({"subject": groups, "finger": np.tile(FINGERS, subjects)}),
        notes=("2 columns are constant and were left out: ridge_x, <i>ridge_y</i>",),
    )
    number = np.unique(groups.astype(str), return_inverse=True)[1] % 5
    folds = tuple(Fold(0, k, np.flatnonzero(number != k), np.flatnonzero(number == k)) for k in range(5))
    return Comparison(
        problem=problem,
        folds=folds,
        leaks=False,
        runs=(*(Run(name, f"what {name} is", seconds=12.5) for name in NAMES), Run("cnn", "a net", "failed", REASON)),
        results=pd.DataFrame(),
        scores=_scores(problem, folds, rng),
        calibrated=True,
        summary=_summary(kind),
        reproduction=Reproduction(
            f"ridgefeat bench 'a b.csv' --target {target}",
            {"ridgefeat": "0.0", "scikit-learn": "1.9"},
            {"table": "ab" * 32, "schema": ""},
            42,
            "group, 5 folds, 1 repeat",
            {"jobs": 2, "within": "finger", "tune": False},
        ),
        fused_summary=_summary(kind, 0.05).drop(columns="seconds"),
        fuse="subject",
        **_tables(problem, rng),
    )


def _scores(problem: Problem, folds: tuple[Fold, ...], rng: np.random.Generator) -> pd.DataFrame:
    parts = []
    fold = np.zeros(len(problem), int)
    for f in folds:
        fold[f.test] = f.number
    for i, name in enumerate(NAMES):
        y = problem.y
        frame = {"source": problem.sources, "group": problem.groups, "y_true": problem.y_true}
        frame |= {"classifier": name, "repeat": 0, "fold": fold}
        if problem.kind == "regression":
            said = 44 + (0.6 - 0.15 * i) * (y - 44) + rng.normal(0, 6, len(y))
            parts.append(pd.DataFrame(frame | {"y_pred": said, "score": said}))
            continue
        latent = rng.normal(size=(len(y), len(problem.classes)))
        latent[np.arange(len(y)), y] += 1.2 * (name != "dummy")
        p = np.exp(latent) / np.exp(latent).sum(axis=1, keepdims=True)
        said = np.array(problem.classes, object)[p.argmax(axis=1)]
        # Every fold has a scale of its own.
        score = (p[:, 0] if problem.kind == "binary" else p.max(axis=1)) * 10.0**fold
        probabilities = {f"p_{c}": p[:, k] for k, c in enumerate(problem.classes)}
        parts.append(pd.DataFrame(frame | {"y_pred": said, "score": score} | probabilities))
    return pd.concat(parts, ignore_index=True)


def _summary(kind: str, better: float = 0.0) -> pd.DataFrame:
    names = (*NAMES, "cnn")
    frame = pd.DataFrame({"classifier": names, "status": "ok", "reason": "", "seconds": 12.5 + np.arange(len(names))})
    frame.loc[len(NAMES), ["status", "reason"]] = "failed", REASON
    for metric in METRICS[kind]:  # type: ignore[index]
        step = 0.6 if metric in ("mae", "rmse") else -0.05
        value = (VALUES.get(metric, 0.6) + better + step * frame.index).where(frame["status"] == "ok")
        frame = frame.assign(**_ends(metric, value, 0.03), **{f"{metric}_sd": value * 0 + 0.01})
    return frame


def _ends(name: str, value: Any, half: float) -> dict[str, Any]:
    return {name: value, f"{name}_low": value - half, f"{name}_high": value + half}


def _grid(**columns: Any) -> pd.DataFrame:
    """Return a table with a row for every combination of the columns' values."""
    return pd.DataFrame(list(product(*columns.values())), columns=list(columns))


def _tables(problem: Problem, rng: np.random.Generator) -> dict[str, Any]:
    metric, sign = problem.metric, 1 if problem.kind == "regression" else -1
    out: dict[str, Any] = {}
    if problem.classes:
        classes = problem.classes
        out["classes"] = _grid(**{"classifier": NAMES, "class": classes}).assign(
            precision=0.5, recall=0.6, f1=0.55, support=1234
        )
        pairs = _grid(classifier=NAMES, y_true=classes, y_pred=classes)
        out["confusion"] = pairs.assign(count=np.where(pairs["y_true"] == pairs["y_pred"], 75, 25), share=0.5)
        bins = _grid(**{"classifier": NAMES, "class": classes, "bin": range(5)})
        predicted = 0.1 + 0.2 * bins["bin"]
        out["calibration"] = bins.assign(predicted=predicted, observed=0.9 * predicted, count=20)
    rows = []
    for reference, role in (("rbf_svm", "best"), ("dummy", "dummy")):
        for name in NAMES:
            if name != reference:
                size = 0.2 if "dummy" in (name, reference) else 0.01
                d = sign * size * (1 if reference == "rbf_svm" else -1)
                p = 0.0001 if size == 0.2 else 0.6
                rows.append((role, name, metric, d, d - 0.02, d + 0.02, p, min(1, 3 * p)))
    names = ["reference", "classifier", "metric", "difference", "difference_low", "difference_high", "p", "p_holm"]
    out["pairs"] = pd.DataFrame(rows, columns=names)
    curve = _grid(classifier=NAMES[:2], groups=(8, 16, 24, 32), repeat=[0], fold=range(5))
    out["learning"] = curve.assign(value=0.8 - 1 / curve["groups"] + rng.normal(0, 0.01, len(curve)))
    columns = [f"texture_spectrum_block_r{i:02d}_mean" for i in range(30)]
    ranked = pd.DataFrame({"name": ["ridge", "gabor", *columns], "level": ["family"] * 2 + ["column"] * 30})
    drop = 0.08 - 0.01 * np.r_[:2, :30]
    out["importances"] = ranked.assign(classifier="rbf_svm", family="f", **_ends("drop", drop, 0.03))
    left = _grid(classifier=["rbf_svm"], how=["alone", "without"], family=["ridge", "gabor"])
    out["ablation"] = left.assign(columns=3, **_ends("value", 0.7, 0.03), **_ends("difference", -0.1, 0.02))
    out["levels"] = _levels(problem)
    controls = _grid(control=["target shuffled", "loop ridge count"]).assign(chance=0.5, passed=True)
    found = _ends("value", 0.49, 0.06)
    out["controls"] = controls.assign(meaning="what it is", classifier="rbf_svm", metric=metric, **found)
    chosen = {"column": ["ridge_a", HOSTILE, "gabor_c"], "family": ["ridge", "ridge", "gabor"]}
    out["selection"] = pd.DataFrame(chosen | {"icc": [0.82, np.nan, 0.4], "folds": [5, 2, 0], "of": 5})
    epochs = _grid(classifier=["cnn_small"], repeat=[0], fold=range(3), epoch=range(12))
    out["epochs"] = epochs.assign(train_loss=1 / (epochs["epoch"] + 1), valid_loss=0.6 + 0.01 * epochs["epoch"])
    out["audit"] = SimpleNamespace(findings=findings(), notes=())
    return out


def _levels(problem: Problem) -> pd.DataFrame:
    labels = {"finger": FINGERS, "hand": ("left", "right")}
    if problem.classes:
        labels[problem.target] = problem.classes
    rows = [(column, level, 0.8 - 0.05 * i) for column, levels in labels.items() for i, level in enumerate(levels)]
    frame = pd.DataFrame(rows, columns=["column", "level", "value"]).assign(classifier="rbf_svm", prints=40, groups=40)
    for m in METRICS[problem.kind]:  # within one class only accuracy is defined
        frame = frame.assign(
            **_ends(m, frame["value"].where((frame["column"] != problem.target) | (m == "accuracy")), 0.02)
        )
    return frame


def findings() -> tuple[Finding, ...]:
    """Return a note, a warning and a leak, in this order."""
    files = ((HOSTILE, "b.bmp"), *((f"x{i}.bmp", f"y{i}.bmp") for i in range(60)))
    groups, cost = (("363", "376"), *[("1", "2")] * 60), "3 of 40 test prints are in training"
    conflict = "label_conflict", "warning", "2 groups have several values"
    return (
        Finding("not_checked", "note", "near duplicates: no images were given"),
        Finding(*conflict, (("c.bmp", "d.bmp"),), (("3", "3"),), "may mislead", 1),
        Finding("identical", "leak", "11 pictures stand under several names", files, groups, cost, 61),
    )


def without_tables(comparison: Comparison) -> Comparison:
    """Return the comparison with every table gone that may be None."""
    gone = {f.name for f in fields(Comparison) if f.default is None}
    return replace(comparison, **dict.fromkeys(gone))
