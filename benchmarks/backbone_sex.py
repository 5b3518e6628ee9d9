"""Sex from a print by a network trained on ImageNet: frozen, with a trained head, and with its last block trained.

python benchmarks/backbone_sex.py TABLE.csv IMAGES NETWORK.onnx [FOLDER]: a feature table of SOCOFing's originals, the
folder it was made of, EfficientNet-Lite0 as `_networks.py` writes it, and a folder that keeps what the network sees.
Runs `ridgefeat bench`; then the studies' head with one circumstance changed at a time.
"""

from __future__ import annotations

from _common import report, table  # isort: skip

import contextlib
import io
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from ridgefeat.backbone import NetworkHead
from ridgefeat.bench.backbone_entries import NetworkReader
from ridgefeat.bench.data import load, make_problem
from ridgefeat.cli import main as command
from ridgefeat.nn.layer import Array

# EfficientNet-Lite was trained on (pixel - 127) / 128; in parts of 255.
NETWORK_INPUT = {"mean": (0.498,), "std": (0.502,)}
PLAIN = "dummy,logistic,rbf-svm,backbone-svm,backbone-logistic,backbone-head,backbone-last-block,both-svm,both-logistic"
WITHIN = "logistic,rbf-svm,backbone-svm,backbone-logistic,both-svm,both-logistic"
SEED, FOLDS, INNER, EPOCHS = 42, 5, 3, 30


def bench(path: str, images: str, network: str, cache: str, names: str, *within: str) -> pd.DataFrame:
    """Run the command; return the summary's figures by classifier, a print and a person."""
    with tempfile.TemporaryDirectory() as out:
        given = ["bench", path, "--target", "sex", "--fuse", "subject", "-o", out, "--fast", "-q", "-j", "2"]
        given += [
            "--images",
            images,
            "--backbone",
            network,
            "--classifiers",
            names,
            "--backbone-set",
            f"cache={cache}",
        ]
        for key, values in NETWORK_INPUT.items():
            given += ["--backbone-set", f"{key}={','.join(map(str, values))}"]
        for column in within:
            given += ["--within", column]
        with contextlib.redirect_stdout(io.StringIO()):
            command(given, standalone_mode=False)
        found = pd.read_csv(Path(out) / "summary.csv").set_index("classifier")
        fused = pd.read_csv(Path(out) / "fused_summary.csv")
        return found.join(fused.set_index("classifier").add_suffix("_person"))


def figure(row: pd.Series, name: str, end: str = "") -> str:
    return f"{row[name + end]:.3f} ({row[f'{name}_low{end}']:.3f}–{row[f'{name}_high{end}']:.3f})"


def rows_of(found: pd.DataFrame, names: str) -> list[list[object]]:
    wanted = ("accuracy", "balanced_accuracy", "roc_auc")
    order = [n for n in names.split(",") if n in found.index]
    return [
        [n, *(figure(found.loc[n], w) for w in wanted), figure(found.loc[n], "roc_auc", "_person")]
        for n in order
    ]


def embedding(path: str, images: str, network: str, cache: str) -> tuple[Array, Array, Array]:
    """Return embeddings, whether a print is a woman's, and whose it is."""
    frame, about = load(path)
    problem = make_problem(frame, about, target="sex", group="subject")
    reader = NetworkReader(Path(network), {**NETWORK_INPUT, "cache": cache})
    female = problem.y == problem.classes.index("female")
    return reader.embedding(problem, Path(images)), female.astype(int), problem.groups.astype(str)


def out_of_fold(
    X: Array, y: Array, groups: Array, weight: str | None, by_person: bool, tuned: bool, epochs: int = EPOCHS
) -> list[object]:
    """Return accuracy, balanced accuracy, AUC and the share called male of the head, with one circumstance changed."""
    score, called = np.zeros(len(y)), np.zeros(len(y), bool)
    for train, test in split(FOLDS, by_person, X, y, groups):
        score[test] = fitted(X[train], y[train], weight, epochs).predict_proba(X[test])[:, 1]
        least = 0.5
        if tuned:
            inside = np.zeros(len(train))
            for a, b in split(INNER, by_person, X[train], y[train], groups[train]):
                inside[b] = fitted(X[train][a], y[train][a], weight, epochs).predict_proba(X[train][b])[:, 1]
            steps = np.quantile(inside, np.linspace(0.01, 0.99, 99))
            least = max(steps, key=lambda t: balanced_accuracy_score(y[train], inside >= t))
        called[test] = score[test] >= least
    right = [
        np.mean(called == y),
        balanced_accuracy_score(y, called),
        roc_auc_score(y, score),
        np.mean(~called),
    ]
    return [f"{v:.3f}" for v in right]


def split(folds: int, by_person: bool, X: Array, y: Array, groups: Array) -> list[tuple[Array, Array]]:
    kind = StratifiedGroupKFold if by_person else StratifiedKFold
    return list(kind(folds, shuffle=True, random_state=SEED).split(X, y, groups if by_person else None))


def fitted(X: Array, y: Array, weight: str | None, epochs: int) -> NetworkHead:
    return NetworkHead(epochs=epochs, class_weight=weight, random_state=SEED, n_threads=1).fit(X, y)


def main(path: str, images: str, network: str, cache: str) -> None:
    plain = bench(path, images, network, cache, PLAIN)
    within = bench(path, images, network, cache, WITHIN, "hand", "finger")
    X, y, groups = embedding(path, images, network, cache)
    male = 1 - y.mean()
    cases = [
        ("as the study: no weights, by image, threshold 0.5; one epoch", None, False, False, 1),
        ("the same, 30 epochs", None, False, False),
        ("the same by person", None, True, False),
        ("by person, class weights", "balanced", True, False),
        ("by person, threshold tuned on training people", None, True, True),
        ("by person, class weights, threshold tuned", "balanced", True, True),
    ]
    collapse = [[name, *out_of_fold(X, y, groups, *case)] for name, *case in cases]
    head = ["classifier", "accuracy", "balanced accuracy", "AUC, a print", "AUC, a person"]
    report(
        "backbone_sex",
        "Sex from a print by a network trained on ImageNet",
        [
            f"EfficientNet-Lite0 (ImageNet's weights, 224 x 224), {len(y)} prints of {len(set(groups))} people "
            "(SOCOFing, originals), `ridgefeat bench`, five folds by person (people who share a picture count as "
            "one), settings as they come, 95 % intervals by bootstrap over people. `logistic` and `rbf-svm` read the "
            "table's features, `backbone-` what the network sees, `both-` the two together; `backbone-head` is the "
            "studies' head on the frozen network, `backbone-last-block` that head with the last block trained further "
            "(Adam, 1e-5, five epochs).",
            table(head, rows_of(plain, PLAIN)),
            "Columns standardised within hand and finger, in training people only:",
            table(head, rows_of(within, WITHIN)),
            "## Why the study's network called everyone male",
            f"{male:.1%} of the prints are men's: whoever calls every print male is right that often, with a balanced "
            "accuracy of 0.500. The studies' head on the frozen network (dropout 0.5, one sigmoid unit, Adam 0.001, 30 "
            "epochs), one circumstance changed at a time:",
            table(["circumstance", "accuracy", "balanced accuracy", "AUC", "share called male"], collapse),
        ],
    )


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        raise SystemExit(__doc__)
    kept = sys.argv[4] if len(sys.argv) == 5 else tempfile.mkdtemp(prefix="backbone-")
    main(*sys.argv[1:4], kept)
