"""The classifiers that `--backbone NETWORK` adds: on the embedding that a trained network computes from the images.

The embedding under the same support vector machine and logistic regression as the table's features, and under the
studies' head; embedding and features together; and, of a PyTorch module, its last layers trained further.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ridgefeat.bench.classifiers import METHODS, maker
from ridgefeat.bench.inputs import read_images
from ridgefeat.bench.options import Method, Options, Progress
from ridgefeat.bench.results import Problem
from ridgefeat.errors import ParameterError, RidgefeatError
from ridgefeat.sources import load_print

CHUNK = 512
"""Images that are held at once."""
FINE_TUNING_EPOCHS = 5
"""Maximal number of epochs of the last layers: at their small rate more change little, and each takes as long as all
the rest."""
FINE_TUNED = "backbone-fine-tuned"
FROZEN = ("backbone-svm", "backbone-logistic", "backbone-head", "both-svm", "both-logistic")
_HEAD = ("ridgefeat.backbone:NetworkHead", "epochs", "class_weight", "random_state")
_NUMBERS = ("mean", "std")
_TEXTS = ("layer", "channel_order", "cache")
SETTINGS = (*_TEXTS, *_NUMBERS, "size", "last_layers")


def backbone_methods(
    network: str, given: Mapping[str, Any] | None = None, wanted: Iterable[str] = ()
) -> tuple[Method, ...]:
    """Return the classifiers that read a network.

    Parameters
    ----------
    network : str
        An ONNX file, or FILE.py:NAME for a PyTorch module, as of `ridgefeat.backbone.Backbone`.
    given : mapping, optional
        Settings of `ridgefeat.backbone.Backbone`, and `last_layers` of `ridgefeat.backbone.FineTunedNetwork`.
    wanted : iterable of str
        Names that the user asked for: where some of these classifiers are among them, the others are left out.

    Raises
    ------
    ModelError
        If it is not a network that can be run.
    ParameterError
        If a setting is impossible, or the last layers of an ONNX file are to be trained.
    """
    from ridgefeat.backbone.transformer import is_python

    asked = set(wanted)
    trainable = is_python(network)
    if FINE_TUNED in asked and not trainable:
        raise ParameterError(
            f"{FINE_TUNED} trains a network's last layers, and needs a PyTorch module: --backbone FILE.py:NAME. Of "
            f"{network} the frozen features can be used: {', '.join(FROZEN)}"
        )
    with_maps = trainable and (FINE_TUNED in asked or not asked.intersection(FROZEN))
    reader = NetworkReader(network, dict(given or {}), with_maps)
    reader.check()
    embedding: dict[str, Any] = {"input": "backbone", "read": reader.embedding, "reports_progress": True}
    both: dict[str, Any] = {"input": "backbone and features", "read": reader.both, "reports_progress": True}
    maps: dict[str, Any] = {"input": "backbone's maps", "read": reader.maps, "reports_progress": True}
    epochs: dict[str, Any] = {"scaled": False, "in_epochs": True}
    head = "the studies' head on the embedding: dropout, one unit, Adam"
    tuned = "that head with the network's last layers trained further"
    svm, logistic = METHODS["rbf-svm"].classify, METHODS["logistic"].classify
    every = [
        Method("backbone-svm", "RBF SVM on the embedding", svm, cost=5, **embedding),
        Method("backbone-logistic", "logistic regression on the embedding", logistic, **embedding),
        Method("backbone-head", head, maker(*_HEAD), **epochs, **embedding),
        Method(FINE_TUNED, tuned, reader.fine_tuned, **epochs, **maps),
        Method("both-svm", "RBF SVM on embedding and features", svm, cost=6, **both),
        Method("both-logistic", "logistic regression on embedding and features", logistic, cost=2, **both),
    ]
    known = tuple(m for m in every if trainable or m.name != FINE_TUNED)
    return tuple(m for m in known if m.name in asked) or known


def read_settings(pairs: Iterable[str]) -> dict[str, Any]:
    """Return a network's settings from KEY=VALUE texts.

    Parameters
    ----------
    pairs : iterable of str
        Keys are layer, channel_order, cache, mean, std, size and last_layers.

    Raises
    ------
    ParameterError
        If a key is unknown or a value is not a number where one is needed.

    Examples
    --------
    >>> read_settings(["size=96", "mean=0.5"])
    {'size': 96, 'mean': (0.5,)}
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or key not in SETTINGS:
            raise ParameterError(f"backbone setting {pair!r}: give KEY=VALUE, with KEY one of {', '.join(SETTINGS)}")
        try:
            if key in _NUMBERS:
                found[key] = tuple(float(v) for v in value.split(","))
            elif key == "last_layers":
                found[key] = int(value)
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
    """Runs the network on a problem's images, once per print, with settings as of `backbone_methods`.

    `with_maps` says that the maps before the last layers will be wanted too: they come out of the same run as the
    embedding.
    """

    def __init__(self, network: str, given: dict[str, Any], with_maps: bool = False) -> None:
        self.network, self.with_maps = network, with_maps
        self.trained = {key: value for key, value in given.items() if key == "last_layers"}
        self.given = {key: value for key, value in given.items() if key != "last_layers"}
        self._kept: dict[str, NDArray[np.float32]] = {}

    def __getstate__(self) -> dict[str, Any]:
        # Workers fit on rows that are handed to them.
        return vars(self) | {"_kept": {}}

    def check(self) -> None:
        """Open the network and run it on an empty image."""
        self._backbone().fit()

    def embedding(self, problem: Problem, root: Path, *, progress: Progress | None = None) -> NDArray[Any]:
        """Return every print's embedding."""
        if "embedding" not in self._kept and self.with_maps:
            # A network that cannot be cut can still be read; the reason is given where maps are asked for.
            with suppress(RidgefeatError):
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
        """Return the maps that go into the last layers."""
        if "maps" not in self._kept:
            self._read_both(problem, root, progress)
        return self._kept["maps"]

    def _read_both(self, problem: Problem, root: Path, progress: Progress | None) -> None:
        from ridgefeat.backbone.transformer import pooled

        start, top = self.fine_tuned().frozen().layer_, self._backbone().fit()
        backbone = self._backbone(layer=(start, top.layer_), pool=False).fit()
        below, above = backbone.shapes_
        border = math.prod(below)
        maps = np.empty((len(problem.sources), border), np.float32)
        embedding = np.empty((len(problem.sources), top.n_features_out_), np.float32)
        for rows, vectors in _vectors(backbone, problem, root, progress):
            maps[rows] = vectors[:, :border]
            embedding[rows] = pooled(vectors[:, border:].reshape(-1, *above))
        self._kept |= {"maps": maps, "embedding": embedding}

    def fine_tuned(self, o: Options | None = None) -> Any:
        """Return the classifier of those maps; its figures do not depend on the number of workers."""
        from ridgefeat.backbone import FineTunedNetwork

        of_input = {key: value for key, value in self.given.items() if key != "layer"}
        network = FineTunedNetwork(self.network, **self.trained, **of_input)
        if o is not None:
            network.set_params(epochs=min(FINE_TUNING_EPOCHS, o.epochs), head_epochs=o.epochs)
            network.set_params(class_weight=o.class_weight, random_state=o.seed)
        return network

    def _backbone(self, **other: Any) -> Any:
        from ridgefeat.backbone import Backbone

        return Backbone(self.network, **(self.given | other))


def _vectors(
    backbone: Any, problem: Problem, root: Path, progress: Progress | None
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Yield some rows of a problem at a time, and the network's values for their images."""
    labels = problem.labels.reindex(columns=["meta_layout", "meta_flags"])
    images = read_images(load_print, root, problem.sources, labels["meta_layout"], labels["meta_flags"])
    for k in range(0, len(problem), CHUNK):
        if progress:
            backbone.set_params(
                on_print=lambda done, before=k: progress(before + done, len(problem), "prints through the network")
            )
        some = [image.pixels for image in islice(images, CHUNK)]
        yield slice(k, k + len(some)), backbone.transform(some)
