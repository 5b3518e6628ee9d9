"""Does the network learn, and why did the studies' network, trained a little, give one class for every print?

Digits from scikit-learn; 64 synthetic prints learned by heart; and the six-convolution network after few steps, with
its answers taken twice: with the running statistics, as outside training, and with the batch's own, as in
training.
"""

from __future__ import annotations

import time

import numpy as np
from _common import report, table
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from ridgefeat.nn import SGD, Adam, Training, build
from ridgefeat.nn.classifier import NumpyCNNClassifier
from ridgefeat.nn.dense import Dropout
from ridgefeat.nn.layer import Array
from ridgefeat.nn.model import Sequential
from ridgefeat.nn.normalisation import BatchNorm
from ridgefeat.synth import make_subjects

SIDE, EPOCHS = 64, 4
SEED = 1


def prints(subjects: int, impressions: int) -> tuple[Array, Array]:
    """Synthetic prints of 256 x 256 px, reduced to SIDE, and their simulated sex (effect doubled)."""
    images, labels = [], []
    made = make_subjects(
        subjects,
        seed=SEED,
        fingers=1,
        impressions=impressions,
        sex_effect=2.0,
        noise_level=0,
        shape=(256, 256),
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


def by_heart(x: Array, y: Array) -> tuple[float, int]:
    """Train the two-convolution network on 64 prints until it knows them; return accuracy and epochs."""
    training = Training(build("two-block", x.shape[1:], seed=SEED), Adam(), 16)
    accuracy = 0.0
    while accuracy < 1 and training.epoch < 60:
        training.run(x, y, training.epoch + 1)
        _, accuracy = training.evaluate(x, y)
    return accuracy, training.epoch


def collapse(x: Array, y: Array, optimiser: Adam | SGD, momentum: float) -> list[object]:
    model = build("three-block", x.shape[1:], seed=SEED)
    for layer in model.walk():
        if isinstance(layer, BatchNorm):
            layer.momentum = momentum
    training = Training(model, optimiser, 32)
    history = training.run(x, y, EPOCHS)
    running = model.predict_proba(x).argmax(axis=1)
    lag = stale_share(momentum, optimiser.steps)
    batch = in_batch_statistics(model, x)
    return [
        f"{type(optimiser).__name__} {optimiser.learning_rate:g}",
        f"{momentum:g}",
        f"{lag:.2f}",
        f"{history['accuracy'][-1]:.2f}",
        f"{np.mean(batch == y):.2f}",
        f"{np.mean(running == y):.2f}",
        f"{np.bincount(running, minlength=2).max() / len(y):.2f}",
    ]


def stale_share(momentum: float, steps: int) -> float:
    """How much of the running statistics is still the start value (mean 0, variance 1)."""
    return momentum**steps


def in_batch_statistics(model: Sequential, x: Array) -> Array:
    """Answers as in training, without dropout; the running statistics are put back afterwards."""
    before = {name: array.copy() for name, array in model.weights.items()}
    for layer in model.walk():
        layer.frozen = isinstance(layer, Dropout)
    logits = np.concatenate([model.forward(x[k : k + 32], training=True) for k in range(0, len(x), 32)])
    for layer in model.walk():
        layer.frozen = False
        layer.forget()
    model.set_weights(before)
    return np.asarray(model.loss.probabilities(logits).argmax(axis=1))


def main() -> None:
    score, seconds = digits()
    x, y = prints(16, 8)
    known, epochs = by_heart(x[::2], y[::2])
    settings = [
        (Adam(0.001), 0.99),
        (Adam(0.001), 0.9),
        (Adam(0.0001), 0.99),
        (Adam(0.0001), 0.9),
        (Adam(0.03), 0.99),
        (Adam(0.03), 0.9),
    ]
    rows = [collapse(x, y, optimiser, momentum) for optimiser, momentum in settings]
    common = max(np.mean(y), 1 - np.mean(y))
    report(
        "nn_learning",
        "nn: it learns, and how it collapses to one class",
        [
            f"Digits of scikit-learn (8 x 8 px, 70 % to learn from): accuracy {score:.3f} on the rest, after "
            f"{seconds:.0f} s.",
            f"64 synthetic prints of {SIDE} x {SIDE} px, two-convolution network: {known:.0%} of them right after "
            f"{epochs} epochs.",
            f"The six-convolution network after {EPOCHS} epochs ({EPOCHS * -(-len(x) // 32)} steps) on {len(x)} "
            f"synthetic prints; the commoner class is {common:.2f} of them. All figures are on these same prints: this "
            "is not about generalisation. 'Start' is how much of the running statistics is still their start value.",
            table(
                [
                    *("optimiser, rate", "momentum", "start", "accuracy in training"),
                    *("with batch statistics", "with running statistics", "share given one class"),
                ],
                rows,
            ),
        ],
    )


if __name__ == "__main__":
    main()
