"""Does the network learn, and why did the studies' network, trained a little, give one class for every print?

Digits from scikit-learn; 64 synthetic prints learned by heart; sex on SOCOFing by person; and the six-convolution
network after few steps, with its answers taken twice: with the running statistics, as outside training, and with the
batch's own, as in training.
"""

from __future__ import annotations

import time

import cv2
import numpy as np
from _common import need, report, table
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from ridgefeat.nn import Adam, Training, build
from ridgefeat.nn.classifier import NumpyCNNClassifier
from ridgefeat.nn.dense import Dropout
from ridgefeat.nn.layer import Array
from ridgefeat.nn.model import Sequential
from ridgefeat.nn.normalisation import BatchNorm
from ridgefeat.sources import find_prints, load_print
from ridgefeat.synth import make_subjects

SIDE = 64
SEED = 1
EPOCHS, SAMPLES = 5, 1000


def prints(subjects: int, impressions: int) -> tuple[Array, Array]:
    """Synthetic prints of 256 x 256 px, reduced to SIDE, and their simulated sex (effect doubled)."""
    images, labels = [], []
    made = make_subjects(
        subjects, seed=SEED, fingers=1, impressions=impressions, sex_effect=2.0, noise_level=0, shape=(256, 256)
    )
    for each in made:
        step = 256 // SIDE
        image = each.print.image.astype(np.float32)[:256, :256]
        images.append(image.reshape(SIDE, step, SIDE, step).mean(axis=(1, 3)))
        labels.append(int(each.sex == "male"))
    x = np.stack(images)[..., None]
    return (x - x.mean()) / x.std(), np.array(labels)


def digits() -> tuple[float, float]:
    x, y = load_digits(return_X_y=True)
    train, test, y_train, y_test = train_test_split(x, y, test_size=0.3, random_state=0, stratify=y)
    started = time.perf_counter()
    model = NumpyCNNClassifier(epochs=8, random_state=0).fit(train, y_train)
    return model.score(test, y_test), time.perf_counter() - started


def by_person() -> tuple[int, int, float, float, float, float]:
    """Tell sex on SOCOFing with other people in training; return prints, people, AUC with its interval, seconds."""
    paths = find_prints([need("SOCOFing/Real")], layout="socofing")
    labels = [path.labels for path in paths]
    y = np.array([label["sex"] == "female" for label in labels]).astype(int)
    people = np.array([label["subject"] for label in labels])
    images = [cv2.resize(load_print(p).pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for p in paths]
    x = np.stack(images).astype(np.float32)
    score = np.zeros(len(y))
    started = time.perf_counter()
    for train, test in StratifiedGroupKFold(5, shuffle=True, random_state=SEED).split(x, y, people):
        model = NumpyCNNClassifier("two-block", epochs=EPOCHS, class_weight="balanced", random_state=SEED)
        score[test] = model.fit(x[train], y[train]).predict_proba(x[test])[:, 1]
    seconds = time.perf_counter() - started
    rng, drawn = np.random.default_rng(SEED), []
    rows = [np.flatnonzero(people == person) for person in np.unique(people)]
    for _ in range(SAMPLES):
        again = np.concatenate([rows[k] for k in rng.integers(0, len(rows), len(rows))])
        drawn.append(roc_auc_score(y[again], score[again]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return len(y), len(rows), roc_auc_score(y, score), low, high, seconds


def by_heart(x: Array, y: Array) -> tuple[float, int]:
    """Train the two-convolution network on 64 prints until it knows them; return accuracy and epochs."""
    training = Training(build("two-block", x.shape[1:], seed=SEED), Adam(), 16)
    accuracy = 0.0
    while accuracy < 1 and training.epoch < 60:
        training.run(x, y, training.epoch + 1)
        _, accuracy = training.evaluate(x, y)
    return accuracy, training.epoch


def collapse(x: Array, y: Array, network: str, rate: float, momentum: float, epochs: int) -> list[object]:
    model = build(network, x.shape[1:], seed=SEED)
    norms = [layer for layer in model.layers if isinstance(layer, BatchNorm)]
    for layer in norms:
        layer.momentum = momentum
    optimiser = Adam(rate)
    Training(model, optimiser, 32).run(x, y, epochs)
    running = model.predict_proba(x).argmax(axis=1)
    batch = in_batch_statistics(model, x)
    with_norm = [f"{momentum:g}", f"{momentum**optimiser.steps:.2f}"] if norms else ["–", "–"]
    return [
        *(network, f"{rate:g}", optimiser.steps, *with_norm, f"{silent_share(model, x):.2f}"),
        *(f"{np.mean(batch == y):.2f}", f"{np.mean(running == y):.2f}"),
        f"{np.bincount(running, minlength=2).max() / len(y):.2f}",
    ]


def silent_share(model: Sequential, x: Array) -> float:
    """Return how many units of the first dense layer give 0 for every print, with running statistics."""
    most = np.zeros(0)
    for k in range(0, len(x), 32):
        batch = x[k : k + 32]
        for layer in model.layers:
            batch = layer.forward(batch)
            if layer.kind == "dense":
                break
        most = np.maximum(most, batch.max(axis=0)) if most.size else batch.max(axis=0)
    return float(np.mean(most <= 0))


def in_batch_statistics(model: Sequential, x: Array) -> Array:
    """Answers as in training, without dropout; the running statistics are put back afterwards."""
    before = {name: array.copy() for name, array in model.weights.items()}
    for layer in model.layers:
        layer.frozen = isinstance(layer, Dropout)
    logits = np.concatenate([model.forward(x[k : k + 32], training=True) for k in range(0, len(x), 32)])
    for layer in model.layers:
        layer.frozen = False
        layer.forget()
    model.set_weights(before)
    return np.asarray(model.loss.probabilities(logits).argmax(axis=1))


def main() -> None:
    score, seconds = digits()
    count, people, area, low, high, taken = by_person()
    x, y = prints(16, 8)
    # Labels without any sense: what is right is known by heart.
    shuffled = np.random.default_rng(SEED).permutation(y[::2])
    known, epochs = by_heart(x[::2], shuffled)
    settings = [
        *(("three-block", 0.001, 0.99, 4), ("three-block", 0.001, 0.9, 4)),
        *(("three-block", 0.001, 0.99, 15), ("three-block", 0.001, 0.9, 15)),
        *(("two-block", 0.0003, 0.0, 4), ("two-block", 0.001, 0.0, 4)),
        *(("two-block", 0.01, 0.0, 4), ("two-block", 0.03, 0.0, 4), ("two-block", 0.1, 0.0, 4)),
    ]
    rows = [collapse(x, y, *setting) for setting in settings]
    common = max(np.mean(y), 1 - np.mean(y))
    report(
        "nn_learning",
        "nn: it learns, and how it collapses to one class",
        [
            f"Digits of scikit-learn (8 x 8 px, 70 % to learn from): accuracy {score:.3f} on the rest, after "
            f"{seconds:.0f} s.",
            f"64 synthetic prints of {SIDE} x {SIDE} px with shuffled labels, two-convolution network: {known:.0%} of "
            f"them known by heart after {epochs} epochs.",
            f"Sex on SOCOFing, {count} prints of {people} people at {SIDE} x {SIDE} px, two-convolution network, "
            f"{EPOCHS} epochs with class weights, five folds by person: AUC {area:.3f}, 95 % interval {low:.3f} to "
            f"{high:.3f} (bootstrap over people, {SAMPLES} samples); chance is 0.5. {taken:.0f} s.",
            f"Collapse: {len(x)} synthetic prints, of which the commoner class is {common:.2f}; Adam, batches of 32. "
            "All figures are on the prints that were learned: this is not about generalisation. 'Start' is how much of "
            "the running statistics is still their start value, 'silent' the share of units in the first dense layer "
            "that give 0 for every print.",
            table(
                [
                    *("network", "rate", "steps", "momentum", "start", "silent", "right with batch statistics"),
                    *("right with running statistics", "share given one class"),
                ],
                rows,
            ),
        ],
    )


if __name__ == "__main__":
    main()
