"""The classifiers that read images. An entry is a Method with an input of its own name and a function that reads it.

`read` is given the problem, whose `sources` and `labels["meta_layout"]` say where each print's image lies, and the
images' folder; it is called once a run for each name of input, and its rows are then split into folds like the table's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ridgefeat.bench.method import Method, Settings
from ridgefeat.bench.results import Problem

VALIDATION = 0.2
"""Share of the training prints, by group, on which a network's epochs are compared."""
PATIENCE = 5
"""Epochs without a better loss on them after which it stops, to go back to its best."""


def _read_problem_pixels(problem: Problem, root: Path) -> NDArray[Any]:
    """Return every print's pixels at 128 x 128, 0 to 1; float32, shape (prints, 128 * 128)."""
    from ridgefeat.bench import images as pixels

    return pixels.read_pixels(root, problem.sources.tolist(), problem.labels["meta_layout"].tolist())


def _pixel_svm(s: Settings) -> Any:
    from ridgefeat.bench.estimators import RbfClassifier

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


_PIXELS: dict[str, Any] = {"input": "pixels", "read": _read_problem_pixels, "scaled": False}
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


SIDE = 128


def read_pixels(root: Path, sources: Sequence[Any], layouts: Sequence[Any]) -> NDArray[np.float32]:
    """Return every print's pixels, 0 to 1; float32, shape (prints, 128 * 128).

    Parameters
    ----------
    root : Path
        Folder below which the sources lie.
    sources, layouts : sequence of str
        meta_source and meta_layout of every print.

    Raises
    ------
    ImageError
        If an image is missing, lies outside the root, or cannot be read.
    TableError
        If the root does not exist.
    """
    from ridgefeat.sources import load_print
    from ridgefeat.sources.rows import check_root, locate

    check_root(root)
    out = np.empty((len(sources), SIDE * SIDE), np.float32)
    for i, (source, layout) in enumerate(zip(sources, layouts, strict=True)):
        pixels = load_print(locate(root, str(source), str(layout))).pixels
        out[i] = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA).ravel()
    return out / np.float32(255)
