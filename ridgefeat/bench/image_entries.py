"""The classifiers that read images. An entry is a Method with an input of its own name and a function that reads it.

`read` is given the problem, whose `sources` and `labels["meta_layout"]` say where each print's image lies, and the
images' folder; it is called once a run for each name of input, and its rows are then split into folds like the table's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ridgefeat.bench.method import Method, Settings
from ridgefeat.bench.results import Problem

VALIDATION = 0.2
"""Share of the training prints, by group, on which a network's epochs are compared."""
PATIENCE = 5
"""Epochs without a better loss on them after which it stops, to go back to its best."""


def read_pixels(problem: Problem, root: Path) -> NDArray[Any]:
    """Return every print's pixels at 128 x 128, 0 to 1; float32, shape (prints, 128 * 128)."""
    from ridgefeat.bench import pixels

    return pixels.read_pixels(root, problem.sources.tolist(), problem.labels["meta_layout"].tolist())


def _pixel_svm(s: Settings) -> Any:
    from ridgefeat.bench.kernels import RbfClassifier

    return RbfClassifier(C=1.0, spread=1.0, class_weight=s.weight)


def _cnn(network: str) -> Any:
    def make(s: Settings) -> Any:
        from ridgefeat.nn.classifier import NumpyCNNClassifier

        return NumpyCNNClassifier(
            network,
            epochs=s.epochs,
            class_weight=s.weight,
            validation_fraction=VALIDATION,
            patience=PATIENCE,
            random_state=s.seed,
            n_threads=s.threads,
            on_epoch=s.on_epoch,
        )

    return make


_PIXELS: dict[str, Any] = {"input": "pixels", "read": read_pixels, "scaled": False}
IMAGE_METHODS = (
    Method("pixels-rbf-svm", "RBF SVM on 128 x 128 pixels", _pixel_svm, cost=5, **_PIXELS),
    Method(
        "cnn-two-block",
        "network of two convolutions on 128 x 128 pixels, stopped by groups of the training fold",
        _cnn("two-block"),
        cost=50,
        epochs=True,
        **_PIXELS,
    ),
    Method(
        "cnn-three-block",
        "network of six convolutions with batch normalisation on 128 x 128 pixels, stopped likewise",
        _cnn("three-block"),
        cost=200,
        epochs=True,
        **_PIXELS,
    ),
)
