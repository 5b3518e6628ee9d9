"""Sex from a print by a network trained on ImageNet: frozen, with a trained head, and with its last layers trained.

    ridgefeat extract SOCOFing/Real --layout socofing -o TABLE.csv
    python benchmarks/backbone_sex.py TABLE.csv SOCOFing/Real

EfficientNet-Lite0 as `_networks.py` makes it: exported to ONNX for frozen features, as a module for fine-tuning.
Runs the command `ridgefeat bench` three times; then the studies' head with one circumstance changed at a time. The
embeddings are kept in a temporary folder meanwhile.
"""

from __future__ import annotations

from _common import ROOT, report, table, with_interval  # isort: skip

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from ridgefeat.backbone import NetworkHead
from ridgefeat.bench import load, make_problem
from ridgefeat.bench.backbone_entries import NetworkReader
from ridgefeat.nn.layer import Array

# EfficientNet-Lite was trained on (pixel - 127) / 128; in parts of 255.
NETWORK_INPUT = {"mean": (0.498,), "std": (0.502,)}
PLAIN = "dummy,logistic,rbf-svm,backbone-svm,backbone-logistic,backbone-head,both-svm,both-logistic"
TUNED = "backbone-fine-tuned"
MODULE = f"{Path(__file__).with_name('_networks.py')}:lite0"
# All after the network's last sum: expansion, padded depthwise convolution, projection and the head's convolution.
LAST_LAYERS = 12
WITHIN = "logistic,rbf-svm,backbone-svm,backbone-logistic,both-svm,both-logistic"
SEED, FOLDS, INNER, EPOCHS = 42, 5, 3, 30
# AUC per print and per person on all 600 people, measured before this package: frozen, and with other features.
BEFORE = [
    ("backbone-svm", False, 0.743, 0.862),
    ("backbone-logistic", False, 0.746, 0.853),
    ("both-svm", False, 0.758, 0.857),
    ("both-svm", True, 0.800, 0.867),
]


def bench(path: str, images: str, network: str, cache: str, names: str, *more: str) -> pd.DataFrame:
    """Run the command; return the summary's figures by classifier, per print and per person."""
    with tempfile.TemporaryDirectory() as out:
        given = ["bench", path, "--target", "sex", "--fuse", "subject", "-o", out, "--fast", "-j", "2"]
        given += ["--images", images, "--backbone", network, "--classifiers", names]
        given += ["--backbone-set", f"cache={cache}"]
        for key, values in NETWORK_INPUT.items():
            given += ["--backbone-set", f"{key}={','.join(map(str, values))}"]
        # Its own process, as a user starts it; its progress stays on the terminal.
        command = [sys.executable, "-m", "ridgefeat.cli", *given, *more]
        subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        found = pd.read_csv(Path(out) / "summary.csv").set_index("classifier")
        fused = pd.read_csv(Path(out) / "fused_summary.csv")
        return found.join(fused.set_index("classifier").add_suffix("_person"))


def beside_before(plain: pd.DataFrame, within: pd.DataFrame) -> list[list[object]]:
    """Return each figure of before, ours with its interval, and whether the one lies within the other."""
    rows: list[list[object]] = []
    for name, leveled, *known in BEFORE:
        row = (within if leveled else plain).loc[name]
        for end, value in zip(("", "_person"), known, strict=True):
            inside = row[f"roc_auc_low{end}"] <= value <= row[f"roc_auc_high{end}"]
            how = "within hand and finger" if leveled else "plain"
            of = "per person" if end else "per print"
            rows.append(
                [f"{name}, {how}, {of}", f"{value:.3f}", figure(row, "roc_auc", end), "yes" if inside else "no"]
            )
    return rows


def figure(row: pd.Series, name: str, end: str = "") -> str:
    return with_interval(row[name + end], row[f"{name}_low{end}"], row[f"{name}_high{end}"])


def rows_of(found: pd.DataFrame, names: str) -> list[list[object]]:
    wanted = ("accuracy", "balanced_accuracy", "roc_auc")
    order = [n for n in names.split(",") if n in found.index]
    return [[n, *(figure(found.loc[n], w) for w in wanted), figure(found.loc[n], "roc_auc", "_person")] for n in order]


def embedding(path: str, images: str, network: str, cache: str) -> tuple[Array, Array, Array]:
    """Return embeddings, whether a print is of a woman, and the subjects."""
    frame, about = load(path)
    problem = make_problem(frame, about, target="sex", group="subject")
    reader = NetworkReader(network, {**NETWORK_INPUT, "cache": cache})
    female = problem.y == problem.classes.index("female")
    return reader.embedding(problem, Path(images)), female.astype(int), problem.groups.astype(str)


def out_of_fold(
    X: Array, y: Array, groups: Array, weight: str | None, by_person: bool, tuned: bool, epochs: int = EPOCHS
) -> list[object]:
    """Return accuracy, balanced accuracy, AUC and the share called male of the head, with one circumstance changed."""
    score, called = np.zeros(len(y)), np.zeros(len(y), bool)
    for train, test in split(FOLDS, by_person, X, y, groups):
        score[test] = fitted(X[train], y[train], weight, epochs).predict_proba(X[test])[:, 1]
        cut = 0.5
        if tuned:
            inside = np.zeros(len(train))
            for a, b in split(INNER, by_person, X[train], y[train], groups[train]):
                inside[b] = fitted(X[train][a], y[train][a], weight, epochs).predict_proba(X[train][b])[:, 1]
            steps = np.quantile(inside, np.linspace(0.01, 0.99, 99))
            cut = max(steps, key=lambda t: balanced_accuracy_score(y[train], inside >= t))
        called[test] = score[test] >= cut
    right = [np.mean(called == y), balanced_accuracy_score(y, called), roc_auc_score(y, score), np.mean(~called)]
    return [f"{v:.3f}" for v in right]


def split(folds: int, by_person: bool, X: Array, y: Array, groups: Array) -> list[tuple[Array, Array]]:
    kind = StratifiedGroupKFold if by_person else StratifiedKFold
    return list(kind(folds, shuffle=True, random_state=SEED).split(X, y, groups if by_person else None))


def fitted(X: Array, y: Array, weight: str | None, epochs: int) -> NetworkHead:
    return NetworkHead(epochs=epochs, class_weight=weight, random_state=SEED, n_threads=1).fit(X, y)


def exported(folder: str) -> str:
    """Return EfficientNet-Lite0 as an ONNX file, written by PyTorch."""
    from _networks import export, lite0

    return str(export(lite0(), Path(folder) / "efficientnet-lite0.onnx"))


def main(path: str, images: str, cache: str) -> None:
    started = time.perf_counter()
    path, images = (str(Path(p).resolve()) for p in (path, images))
    network = exported(cache)
    within = bench(path, images, network, cache, WITHIN, "--within", "hand", "--within", "finger")
    plain = bench(path, images, network, cache, PLAIN)
    tuned = bench(path, images, MODULE, cache, TUNED, "--backbone-set", f"last_layers={LAST_LAYERS}")
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
    collapse: list[list[object]] = []
    for name, *case in cases:
        collapse.append([name, *out_of_fold(X, y, groups, *case)])
        print(*collapse[-1], file=sys.stderr, sep="; ", flush=True)
    minutes = (time.perf_counter() - started) / 60
    compared = ["classifier, AUC", "600 people, before", f"{len(set(groups))} people, here", "inside"]
    head = ["classifier", "accuracy", "balanced accuracy", "AUC per print", "AUC per person"]
    report(
        "backbone_sex",
        "Sex from a print by a network trained on ImageNet",
        [
            f"EfficientNet-Lite0 (ImageNet's weights, 224 x 224), {len(y)} prints of {len(set(groups))} people "
            "(SOCOFing, originals), `ridgefeat bench`, five folds by person (people who share a picture count as "
            "one), default settings, 95 % intervals by bootstrap over people. `logistic` and `rbf-svm` read the "
            "table's features, `backbone-` the network's embedding (onnxruntime), `both-` the two together; "
            "`backbone-head` is the studies' head on the frozen network, `backbone-fine-tuned` that head with the last "
            f"{LAST_LAYERS} layers trained further (PyTorch, Adam at 1e-5, five epochs): all after the network's last "
            "sum. Nothing was tuned on these prints.",
            table(head, rows_of(pd.concat([plain, tuned]), f"{PLAIN},{TUNED}")),
            "Columns standardised within hand and finger, in training people only:",
            table(head, rows_of(within, WITHIN)),
            "Compared with what the same network gave on all 600 people before this package, the both- rows with "
            "rougher features; whether that lies within the interval here:",
            table(compared, beside_before(plain, within)),
            "The first study's ResNet50 is not among these rows: no package that this benchmark can install contains "
            "its ImageNet weights (those that load it download them), and with random weights its figures would say "
            "nothing. `backbone_agreement.md` has what training its last ten layers costs. With weights of your own: "
            "`ridgefeat bench TABLE.csv --target sex --fuse subject --images SOCOFing/Real --backbone FILE.py:NAME`.",
            "## Why the study's network called everyone male",
            f"{male:.1%} of the prints are men's: whoever calls every print male is right that often, with a balanced "
            "accuracy of 0.500. The studies' head on the frozen network (dropout 0.5, one sigmoid unit, Adam 0.001, 30 "
            "epochs), one circumstance changed at a time:",
            table(["circumstance", "accuracy", "balanced accuracy", "AUC", "share called male"], collapse),
            f"All of it one run of this script: {minutes:.0f} minutes on a machine shared with other work.",
        ],
    )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    with tempfile.TemporaryDirectory(prefix="backbone-") as kept:
        main(*sys.argv[1:], kept)
