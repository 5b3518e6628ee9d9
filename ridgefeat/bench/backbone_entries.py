"""The classifiers that `--backbone FILE.onnx` adds: on what a trained network sees in the images.

The network's embedding under the same support vector machine and logistic regression as the table's features, and under
the studies' head; its last block trained further; and embedding and features together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.bench.options import Method, Options, Progress
from ridgefeat.bench.results import Problem
from ridgefeat.errors import ModelError, ParameterError

CHUNK = 512
"""Images held at once."""
BLOCK_EPOCHS = 5
"""Epochs of the last block at most: at its small rate more change little, and each takes as long as all the rest."""
_NUMBERS = ("mean", "std")
_TEXTS = ("layer", "channel_order", "cache")
LAST_BLOCK = "backbone-last-block"
NAMES = ("backbone-svm", "backbone-logistic", "backbone-head", LAST_BLOCK, "both-svm", "both-logistic")
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
    asked = set(wanted)
    with_maps = not asked & set(NAMES) or LAST_BLOCK in asked
    reader = NetworkReader(path, dict(given or {}), with_maps)
    reader.check()
    embedding: dict[str, Any] = {"input": "backbone", "read": reader.embedding, "reports_progress": True}
    both: dict[str, Any] = {"input": "backbone and features", "read": reader.both, "reports_progress": True}
    every = (
        Method("backbone-svm", "RBF SVM on the embedding", _svm, cost=2, **embedding),
        Method("backbone-logistic", "logistic regression on the embedding", _logistic, **embedding),
        Method(
            "backbone-head",
            "the studies' head on the embedding: dropout, one unit, Adam",
            _head,
            scaled=False,
            in_epochs=True,
            **embedding,
        ),
        Method(
            LAST_BLOCK,
            "the network's last block trained further with that head",
            reader.last_block,
            input="backbone's maps",
            read=reader.maps,
            reports_progress=True,
            scaled=False,
            in_epochs=True,
        ),
        Method("both-svm", "RBF SVM on embedding and features", _svm, cost=3, **both),
        Method("both-logistic", "logistic regression on embedding and features", _logistic, cost=2, **both),
    )
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
            raise ParameterError(f"backbone setting {pair!r}: give KEY=VALUE, with KEY one of {', '.join(SETTINGS)}")
        try:
            if key in _NUMBERS:
                found[key] = tuple(float(v) for v in value.split(","))
            elif key == "size":
                sides = tuple(int(v) for v in value.split(","))
                found[key] = sides[0] if len(sides) == 1 else sides
            else:
                found[key] = value
        except ValueError:
            raise ParameterError(f"backbone setting {key} is {value!r}; give numbers with commas between") from None
        if key == "size" and not (isinstance(found[key], int) or len(found[key]) == 2):
            raise ParameterError(f"backbone setting size is {value!r}; give ROWS,COLUMNS or one number")
    return found


class NetworkReader:
    """Reads what the network makes of a problem's images, each print once.

    Parameters
    ----------
    path : Path
    given : dict
        Settings, as of `backbone_methods`.
    with_maps : bool
        Maps before the last block will be wanted too: they come out of the same run as the embedding.
    """

    def __init__(self, path: Path, given: dict[str, Any], with_maps: bool = False) -> None:
        given = dict(given)
        self.path, self.start = path, given.pop("start", None)
        self.given, self.with_maps = given, with_maps
        self._kept: dict[str, NDArray[np.float32]] = {}
        self._shape: tuple[int, int] | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Workers fit on rows that are handed to them.
        return vars(self) | {"_kept": {}}

    def check(self) -> None:
        """Open the network and try it."""
        self._backbone().fit()

    def embedding(self, problem: Problem, root: Path, *, progress: Progress | None = None) -> NDArray[Any]:
        """Return every print's embedding."""
        if "embedding" not in self._kept and self.with_maps:
            # Whose block cannot be trained may still be read; the reason is told where maps are asked for.
            with suppress(ModelError):
                self._read_both(problem, root, progress)
        if "embedding" not in self._kept:
            backbone = self._backbone().fit()
            out = np.empty((len(problem.sources), backbone.n_features_out_), np.float32)
            for rows, vectors in _vectors(backbone, problem, root, progress):
                out[rows] = vectors
            self._kept["embedding"] = out
        return self._kept["embedding"]

    def both(self, problem: Problem, root: Path, *, progress: Progress | None = None) -> NDArray[Any]:
        """Return the table's features, then the embedding."""
        features = problem.features.to_numpy(np.float32)
        return np.concatenate([features, self.embedding(problem, root, progress=progress)], axis=1)

    def maps(self, problem: Problem, root: Path, *, progress: Progress | None = None) -> NDArray[Any]:
        """Return the maps that go into the last block."""
        if "maps" not in self._kept:
            self._read_both(problem, root, progress)
        return self._kept["maps"]

    def _read_both(self, problem: Problem, root: Path, progress: Progress | None) -> None:
        from ridgefeat.backbone import read_block
        from ridgefeat.backbone.network import pooled

        self.start = read_block(self.path, self.start).start
        top = self._backbone().fit()
        if top.layer_ == self.start:
            raise ModelError(f"{self.path}: the last block begins after {self.start}, the layer that is read")
        backbone = self._backbone(layer=(self.start, top.layer_), pool=False).fit()
        below, above = backbone.shapes_
        self._shape = below[1:]
        border = math.prod(below)
        maps = np.empty((len(problem.sources), border), np.float32)
        embedding = np.empty((len(problem.sources), top.n_features_out_), np.float32)
        for rows, vectors in _vectors(backbone, problem, root, progress):
            maps[rows] = vectors[:, :border]
            embedding[rows] = pooled(vectors[:, border:].reshape(-1, *above))
        self._kept |= {"maps": maps, "embedding": embedding}

    def last_block(self, o: Options) -> Any:
        """Return the classifier of those maps."""
        from ridgefeat.backbone import LastBlock

        return LastBlock(
            self.path,
            start=self.start,
            shape=self._shape,
            epochs=min(BLOCK_EPOCHS, o.epochs),
            head_epochs=o.epochs,
            class_weight=o.class_weight,
            random_state=o.seed,
        )

    def _backbone(self, **other: Any) -> Any:
        from ridgefeat.backbone import OnnxBackbone

        return OnnxBackbone(self.path, **(self.given | other))


def _vectors(
    backbone: Any, problem: Problem, root: Path, progress: Progress | None
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Yield some rows of a problem at a time, and what the network makes of their images."""
    from ridgefeat.sources import load_print
    from ridgefeat.sources.rows import check_root, locate

    check_root(root)
    where = list(zip(problem.sources, problem.labels["meta_layout"], strict=True))
    for k in range(0, len(where), CHUNK):
        if progress:
            backbone.set_params(on_print=partial(_report, progress, k, len(where)))
        images = [load_print(locate(root, str(s), str(layout))).pixels for s, layout in where[k : k + CHUNK]]
        yield slice(k, k + len(images)), backbone.transform(images)


def _report(progress: Progress, before: int, total: int, done: int) -> None:
    progress(before + done, total, "prints through the network")


def _svm(o: Options) -> Any:
    from ridgefeat.bench.estimators import RbfClassifier

    return RbfClassifier(class_weight=o.class_weight)


def _logistic(o: Options) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1e-3, class_weight=o.class_weight, max_iter=300)


def _head(o: Options) -> Any:
    from ridgefeat.backbone import NetworkHead

    return NetworkHead(epochs=o.epochs, class_weight=o.class_weight, random_state=o.seed)
