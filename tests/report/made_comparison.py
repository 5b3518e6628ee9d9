"""A comparison made up for the page's tests: known figures, a failed classifier, hostile names, every table filled."""

from dataclasses import dataclass, fields, replace
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


@dataclass(frozen=True)
class Made:
    kind: str
    target: str
    classes: tuple[str, ...]


KINDS = {
    "binary": Made("binary", "sex", ("female", "male")),
    "multiclass": Made("multiclass", "pattern", ("arch", "left_loop", "right_loop", "whorl")),
    "regression": Made("regression", "age", ()),
}


def make(kind: str, *, target: str | None = None, subjects: int = 40, seed: int = 1) -> Comparison:
    """Return a full comparison of a kind."""
    made, rng = KINDS[kind], np.random.default_rng(seed)
    groups = np.repeat([f"{i:03d}" for i in range(subjects)], len(FINGERS)).astype(object)
    n = len(groups)
    if kind == "regression":
        y: np.ndarray[Any, Any] = np.repeat(rng.uniform(18, 70, subjects), len(FINGERS))
    else:
        weights = np.arange(len(made.classes), 0, -1.0)[::-1]
        y = np.repeat(rng.choice(len(made.classes), subjects, p=weights / weights.sum()), len(FINGERS))
        y[: len(made.classes) * len(FINGERS)] = np.repeat(np.arange(len(made.classes)), len(FINGERS))
    sources = np.array(
        [f"set/{g}__{f}_finger.bmp" for g, f in zip(groups, np.tile(FINGERS, subjects), strict=True)], object
    )
    sources[0] = HOSTILE
    problem = Problem(
        target=target or made.target,
        group="subject",
        kind=made.kind,  # type: ignore[arg-type]
        classes=made.classes,
        positive=made.classes[0] if kind == "binary" else None,
        features=pd.DataFrame(rng.normal(size=(n, 3)).astype(np.float32), columns=["ridge_a", "ridge_b", "gabor_c"]),
        families={"ridge": ["ridge_a", "ridge_b"], "gabor": ["gabor_c"]},
        y=y,
        groups=groups,
        sources=sources,
        labels=pd.DataFrame({"subject": groups, "finger": np.tile(FINGERS, subjects)}),
        notes=("2 columns are constant and were left out: ridge_x, <i>ridge_y</i>",),
    )
    folds = tuple(_folds(groups, 5))
    return Comparison(
        problem=problem,
        folds=folds,
        leaks=False,
        runs=tuple(
            [Run(name, f"what {name} is", seconds=12.5) for name in NAMES] + [Run("cnn", "a network", "failed", REASON)]
        ),
        results=pd.DataFrame(),
        scores=_scores(problem, folds, rng),
        calibrated=True,
        summary=_summary(kind),
        reproduction=Reproduction(
            "ridgefeat bench 'a b.csv' --target sex",
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


def _folds(groups: np.ndarray[Any, Any], count: int) -> list[Fold]:
    number = np.unique(groups.astype(str), return_inverse=True)[1] % count
    return [Fold(0, k, np.flatnonzero(number != k), np.flatnonzero(number == k)) for k in range(count)]


def _scores(problem: Problem, folds: tuple[Fold, ...], rng: np.random.Generator) -> pd.DataFrame:
    parts = []
    fold = np.zeros(len(problem), int)
    for f in folds:
        fold[f.test] = f.number
    for i, name in enumerate(NAMES):
        y = problem.y
        frame = {
            "source": problem.sources,
            "group": problem.groups,
            "y_true": problem.y_true,
            "classifier": name,
            "repeat": 0,
            "fold": fold,
        }
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
    rows = []
    for i, name in enumerate((*NAMES, "cnn")):
        ok = name != "cnn"
        row: dict[str, Any] = {"classifier": name, "status": "ok" if ok else "failed"}
        row |= {"reason": "" if ok else REASON, "seconds": 12.5 + i}
        for metric in METRICS[kind]:  # type: ignore[index]
            value = VALUES.get(metric, 0.6) + better
            value += (0.6 if metric in ("mae", "rmse") else -0.05) * i
            row |= {metric: value, f"{metric}_low": value - 0.03, f"{metric}_high": value + 0.03, f"{metric}_sd": 0.01}
            if not ok:
                row |= dict.fromkeys((metric, f"{metric}_low", f"{metric}_high", f"{metric}_sd"), np.nan)
        rows.append(row)
    return pd.DataFrame(rows)


def _tables(problem: Problem, rng: np.random.Generator) -> dict[str, Any]:
    metric, sign = problem.metric, 1 if problem.kind == "regression" else -1
    out: dict[str, Any] = {}
    if problem.classes:
        out["classes"] = pd.DataFrame(
            [
                {"classifier": n, "class": c, "precision": 0.5, "recall": 0.6, "f1": 0.55, "support": 1234}
                for n in NAMES
                for c in problem.classes
            ]
        )
        out["confusion"] = pd.DataFrame(
            [
                {"classifier": n, "y_true": a, "y_pred": b, "count": 75 if a == b else 25, "share": 0.5}
                for n in NAMES
                for a in problem.classes
                for b in problem.classes
            ]
        )
        bins = np.linspace(0.1, 0.9, 5)
        out["calibration"] = pd.DataFrame(
            [
                {"classifier": n, "class": c, "bin": k, "predicted": b, "observed": b * 0.9, "count": 20}
                for n in NAMES
                for c in problem.classes
                for k, b in enumerate(bins)
            ]
        )
    pairs = []
    for reference, role in (("rbf_svm", "best"), ("dummy", "dummy")):
        for name in NAMES:
            if name != reference:
                size = 0.2 if "dummy" in (name, reference) else 0.01
                d = sign * size * (1 if reference == "rbf_svm" else -1)
                p = 0.0001 if size == 0.2 else 0.6
                pairs.append((role, name, metric, d, d - 0.02, d + 0.02, p, min(1, 3 * p)))
    names = ["reference", "classifier", "metric", "difference", "difference_low", "difference_high", "p", "p_holm"]
    out["pairs"] = pd.DataFrame(pairs, columns=names)
    out["learning"] = pd.DataFrame(
        [
            {"classifier": n, "groups": g, "repeat": 0, "fold": k, "value": 0.8 - 1 / g + rng.normal(0, 0.01)}
            for n in NAMES[:2]
            for g in (8, 16, 24, 32)
            for k in range(5)
        ]
    )
    out["importances"] = pd.DataFrame(
        [
            {
                "classifier": "rbf_svm",
                "level": level,
                "name": name,
                "family": "f",
                "drop": 0.08 - 0.01 * i,
                "drop_low": 0.05 - 0.01 * i,
                "drop_high": 0.1 - 0.01 * i,
            }
            for level, all_names in (
                ("family", ["ridge", "gabor"]),
                ("column", [f"texture_spectrum_block_r{i:02d}_mean" for i in range(30)]),
            )
            for i, name in enumerate(all_names)
        ]
    )
    out["ablation"] = pd.DataFrame(
        [
            {
                "classifier": "rbf_svm",
                "how": how,
                "family": f,
                "columns": 3,
                "value": 0.7,
                "value_low": 0.66,
                "value_high": 0.73,
                "difference": -0.1,
                "difference_low": -0.12,
                "difference_high": -0.08,
            }
            for how in ("alone", "without")
            for f in ("ridge", "gabor")
        ]
    )
    out["levels"] = _levels(problem)
    out["controls"] = pd.DataFrame(
        [
            {
                "control": c,
                "meaning": "what it is",
                "classifier": "rbf_svm",
                "metric": metric,
                "value": 0.49,
                "value_low": 0.43,
                "value_high": 0.55,
                "chance": 0.5,
                "passed": True,
            }
            for c in ("target shuffled", "loop ridge count")
        ]
    )
    out["epochs"] = pd.DataFrame(
        [
            {
                "classifier": "cnn_small",
                "repeat": 0,
                "fold": k,
                "epoch": e,
                "train_loss": 1 / (e + 1),
                "valid_loss": 0.6 + 0.01 * e,
            }
            for k in range(3)
            for e in range(12)
        ]
    )
    out["audit"] = SimpleNamespace(findings=findings(), notes=())
    return out


def _levels(problem: Problem) -> pd.DataFrame:
    rows = []
    labels = {"finger": FINGERS, "hand": ("left", "right")}
    if problem.classes:
        labels[problem.target] = problem.classes
    for column, levels in labels.items():
        for i, level in enumerate(levels):
            row: dict[str, Any] = {
                "classifier": "rbf_svm",
                "column": column,
                "level": level,
                "prints": 40,
                "groups": 40,
            }
            for m in METRICS[problem.kind]:
                # Within one class only accuracy is defined.
                value = 0.8 - 0.05 * i if column != problem.target or m == "accuracy" else np.nan
                row |= {m: value, f"{m}_low": value - 0.02, f"{m}_high": value + 0.02}
            rows.append(row)
    return pd.DataFrame(rows)


def findings() -> tuple[Finding, ...]:
    """Return a note, a warning and a leak, in this order."""
    return (
        Finding("not_checked", "note", "near duplicates: no images were given"),
        Finding(
            "label_conflict",
            "warning",
            "2 groups have several values",
            (("c.bmp", "d.bmp"),),
            (("3", "3"),),
            "may mislead",
            1,
        ),
        Finding(
            "identical",
            "leak",
            "11 pictures stand under several names",
            tuple([(HOSTILE, "b.bmp")] + [(f"x{i}.bmp", f"y{i}.bmp") for i in range(60)]),
            tuple([("363", "376")] + [("1", "2")] * 60),
            "3 of 40 test prints are in training",
            61,
        ),
    )


def without_tables(comparison: Comparison) -> Comparison:
    """Return the comparison with every table gone that may be None."""
    gone = {f.name for f in fields(Comparison) if f.default is None}
    return replace(comparison, **dict.fromkeys(gone))
