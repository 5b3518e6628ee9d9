"""The classifiers that `--backbone FILE.onnx` adds: on what a trained network sees in the images.

The network's embedding under the same support vector machine and logistic regression as the table's features, and under
the studies' head; its last block trained further; and embedding and features together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.bench.method import Method, Settings
from ridgefeat.bench.results import Problem
from ridgefeat.errors import ParameterError

CHUNK = 512
"""Images held at once."""
BLOCK_EPOCHS = 5
"""Epochs of the last block at most: at its small rate more change little, and each takes as long as all the rest."""
_NUMBERS = ("mean", "std")
_TEXTS = ("layer", "channel_order", "cache")
SETTINGS = (*_TEXTS, *_NUMBERS, "size", "start")


def backbone_methods(
    path: Path, given: Mapping[str, Any] | None = None, wanted: Iterable[str] = ()
) -> tuple[Method, ...]:
    """Return the classifiers that read a network.

    Parameters
    ----------
    path : Path
        The ONNX file.
    given : mapping, optional
        Settings of `ridgefeat.backbone.OnnxBackbone`; and `start`, the layer after which the last block begins.
    wanted : iterable of str
        Names that the user asked for: where some of these classifiers are among them, the others are left out.

    Raises
    ------
    ModelError
        If the file is no network that can be run.
    ParameterError
        If a setting is impossible.
    """
    reader = NetworkReader(path, dict(given or {}))
    reader.check()
    embedding: dict[str, Any] = {"input": "backbone", "read": reader.embedding}
    both: dict[str, Any] = {"input": "backbone and features", "read": reader.both}
    every = (
        Method("backbone-svm", "RBF SVM on the embedding", _svm, cost=2, **embedding),
        Method("backbone-logistic", "logistic regression on the embedding", _logistic, **embedding),
        Method(
            "backbone-head",
            "the studies' head on the embedding: dropout, one unit, Adam",
            _head,
            scaled=False,
            epochs=True,
            **embedding,
        ),
        Method(
            "backbone-last-block",
            "the network's last block trained further with that head",
            reader.last_block,
            input="backbone's maps",
            read=reader.maps,
            scaled=False,
            epochs=True,
        ),
        Method("both-svm", "RBF SVM on embedding and features", _svm, cost=3, **both),
        Method("both-logistic", "logistic regression on embedding and features", _logistic, cost=2, **both),
    )
    asked = set(wanted)
    return tuple(m for m in every if m.name in asked) or every


def read_settings(pairs: Iterable[str]) -> dict[str, Any]:
    """Return settings from KEY=VALUE texts.

    Raises
    ------
    ParameterError
        If a key is unknown or a value is no number where one is needed.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or key not in SETTINGS:
            raise ParameterError(
                f"backbone setting {pair!r}: give KEY=VALUE, with KEY one of {', '.join(SETTINGS)}"
            )
        try:
            if key in _NUMBERS:
                found[key] = tuple(float(v) for v in value.split(","))
            elif key == "size":
                sides = tuple(int(v) for v in value.split(","))
                found[key] = sides[0] if len(sides) == 1 else sides
            else:
                found[key] = value
        except ValueError:
            raise ParameterError(
                f"backbone setting {key} is {value!r}; give numbers with commas between"
            ) from None
        if key == "size" and not (isinstance(found[key], int) or len(found[key]) == 2):
            raise ParameterError(f"backbone setting size is {value!r}; give ROWS,COLUMNS or one number")
    return found


class NetworkReader:
    """Reads what the network makes of a problem's images, each kind once."""

    def __init__(self, path: Path, given: dict[str, Any]) -> None:
        self.path, self.start = path, given.pop("start", None)
        self.given = given
        self._embedding: NDArray[np.float32] | None = None
        self._shape: tuple[int, int] | None = None

    def check(self) -> None:
        """Open the network and try it."""
        self._backbone().fit()

    def embedding(self, problem: Problem, root: Path) -> NDArray[Any]:
        """Return every print's embedding."""
        if self._embedding is None:
            self._embedding = self._run(self._backbone().fit(), problem, root)
        return self._embedding

    def both(self, problem: Problem, root: Path) -> NDArray[Any]:
        """Return the table's features, then the embedding."""
        features = problem.features.to_numpy(np.float32)
        return np.concatenate([features, self.embedding(problem, root)], axis=1)

    def maps(self, problem: Problem, root: Path) -> NDArray[Any]:
        """Return the maps that go into the last block."""
        from ridgefeat.backbone import read_block

        self.start = read_block(self.path, self.start).start
        backbone = self._backbone(layer=self.start, pool=False).fit()
        self._shape = backbone.shape_[1:]
        return self._run(backbone, problem, root)

    def last_block(self, s: Settings) -> Any:
        """Return the classifier of those maps."""
        from ridgefeat.backbone import LastBlock

        return LastBlock(
            self.path,
            start=self.start,
            shape=self._shape,
            epochs=min(BLOCK_EPOCHS, s.epochs),
            head_epochs=s.epochs,
            class_weight=s.weight,
            random_state=s.seed,
            n_threads=s.threads,
            on_epoch=s.on_epoch,
        )

    def _backbone(self, **other: Any) -> Any:
        from ridgefeat.backbone import OnnxBackbone

        return OnnxBackbone(self.path, **(self.given | other))

    @staticmethod
    def _run(backbone: Any, problem: Problem, root: Path) -> NDArray[np.float32]:
        from ridgefeat.bench.picture_files import check_root, locate
        from ridgefeat.sources import load_print

        check_root(root)
        out = np.empty((len(problem.sources), backbone.n_features_out_), np.float32)
        where = list(zip(problem.sources, problem.labels["meta_layout"], strict=True))
        for k in range(0, len(where), CHUNK):
            images = [
                load_print(locate(root, str(s), str(layout))).pixels for s, layout in where[k : k + CHUNK]
            ]
            out[k : k + CHUNK] = backbone.transform(images)
        return out


def _svm(s: Settings) -> Any:
    from ridgefeat.bench.kernels import RbfClassifier

    return RbfClassifier(class_weight=s.weight)


def _logistic(s: Settings) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1e-3, class_weight=s.weight, max_iter=300)


def _head(s: Settings) -> Any:
    from ridgefeat.backbone import NetworkHead

    return NetworkHead(
        epochs=s.epochs,
        class_weight=s.weight,
        random_state=s.seed,
        n_threads=s.threads,
        on_epoch=s.on_epoch,
    )
