"""A model as a file through skops: numbers and names, no code; every type in it is checked before it is loaded."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from ridgefeat.bench.model import FORMAT, Model
from ridgefeat.errors import ModelError
from ridgefeat.files import atomic_write, first_few, os_errors_as, read_bounded

MAX_BYTES = 1 << 30
OWN_TYPES = (
    "estimators.GroupScaler",
    "estimators.AdaptivePCA",
    "estimators.RbfClassifier",
    "estimators.RbfRegressor",
    "estimators.NamedClusters",
    "estimators.ClusterMeans",
    "estimators.NearestClasses",
    "estimators.NearestNumbers",
    "estimators.Resampler",
    "ensemble.FrozenEnsemble",
)
TREE_TYPES = ("sklearn.tree._tree.Tree", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor")
"""Types with compiled code that follows the file's indices unchecked; they are checked after loading."""
TRUSTED = (*(f"ridgefeat.bench.{name}" for name in OWN_TYPES), "numpy.dtype", "sklearn.utils._bunch.Bunch", *TREE_TYPES)


def save_model(model: Model, path: str | Path) -> Path:
    """Write a model file through skops, and its description to <name>.json.

    Parameters
    ----------
    model : Model
    path : path

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ModelError
        If the file cannot be written, would replace a table's sidecar, or holds an estimator of a type that is not
        loaded.
    """
    from skops import io

    target = Path(path)
    check_place(target)
    try:
        content = {"pipeline": model.pipeline, "calibrator": model.calibrator, "about": json.dumps(model.about)}
        data = io.dumps(content)
    except Exception as error:
        raise ModelError(f"{model.about['classifier']} cannot be stored: {error}") from None
    if foreign := _foreign_types(data):
        raise ModelError(
            f"{model.about['classifier']} holds {', '.join(foreign)}, which a model file may not; "
            "use one of ridgefeat's own classifiers"
        )
    text = json.dumps(model.about, indent=1) + "\n"
    with os_errors_as(ModelError, f"model {target} cannot be written"):
        for file, held in ((target, data), (target.with_suffix(".json"), text.encode())):
            with atomic_write(file) as temporary:
                temporary.write_bytes(held)
    return target


def check_place(path: str | Path) -> None:
    """Refuse a place where writing a model would replace another file: <name>.json may be the sidecar of a table.

    Parameters
    ----------
    path : path
        Where the model is to be written.

    Raises
    ------
    ModelError
        If <name>.json is there and is no model's.
    """
    sidecar = Path(path).with_suffix(".json")
    if not sidecar.is_file():
        return
    try:
        held = json.loads(sidecar.read_bytes())
    except (OSError, ValueError):
        held = None
    if not isinstance(held, dict) or held.get("format") != FORMAT:
        raise ModelError(
            f"{sidecar} exists and describes something else (a table, perhaps); writing the model would replace it: "
            f"give -o another name, such as {Path(path).stem}-model.skops"
        )


def load_model(path: str | Path) -> Model:
    """Read a model file; nothing in it is run.

    Parameters
    ----------
    path : path

    Returns
    -------
    Model

    Raises
    ------
    ModelError
        If it is no model file, is too large, or holds a type that is not ridgefeat's or scikit-learn's own.
    """
    from skops import io

    source = Path(path)
    try:
        data = read_bounded(source, MAX_BYTES, ModelError, "model")
        _bounded(data, source)
        if foreign := _foreign_types(data):
            raise ModelError(
                f"model {source} holds {first_few(foreign)}, which no ridgefeat model does; it was not loaded"
            )
        content = io.loads(data, trusted=list(TRUSTED))
        about = json.loads(content["about"])
        if about["format"] != FORMAT:
            raise KeyError("format")
        for estimator in (content["pipeline"], content["calibrator"]):
            _check_trees(estimator, source)
        return Model(content["pipeline"], content["calibrator"], about)
    except ModelError:
        raise
    # A damaged archive fails in as many ways as there are parts in it.
    except Exception as error:
        raise ModelError(f"{source} is no ridgefeat model: {type(error).__name__}: {error}") from None


def _foreign_types(data: bytes) -> list[str]:
    from skops import io

    return sorted(set(io.get_untrusted_types(data=data)) - set(TRUSTED))


def _bounded(data: bytes, source: Path) -> None:
    """Refuse an archive that unpacks to more than any model does."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        if sum(info.file_size for info in archive.infolist()) > MAX_BYTES:
            raise ModelError(f"model {source} unpacks to more than {MAX_BYTES >> 30} GB; no model does")


def _check_trees(estimator: Any, source: Path) -> None:
    """Refuse trees whose nodes point outside themselves."""
    for tree in _trees(estimator, set()):
        if hasattr(tree, "children_left"):
            nodes, columns = tree.node_count, tree.n_features
            children = np.stack([tree.children_left, tree.children_right])
            feature = tree.feature
            leaf = tree.children_left == -1
        else:
            nodes, columns = len(tree.nodes), np.inf
            children = np.stack([tree.nodes["left"], tree.nodes["right"]]).astype(np.int64)
            feature = tree.nodes["feature_idx"]
            leaf = tree.nodes["is_leaf"].astype(bool)
            if tree.nodes["is_categorical"].any():
                raise ModelError(f"model {source} holds trees on categories, which no ridgefeat model does")
        inner, at = children[:, ~leaf], np.flatnonzero(~leaf)
        # A child after its parent: inside the tree, and no walk without end.
        if (
            (inner <= at).any()
            or (inner >= nodes).any()
            or (feature[~leaf] < 0).any()
            or (feature[~leaf] >= columns).any()
        ):
            raise ModelError(f"model {source} holds a damaged tree; it was not loaded")


def _trees(thing: Any, seen: set[int]) -> Iterator[Any]:
    if id(thing) in seen or isinstance(thing, (str, bytes, int, float, np.generic, type(None))):
        return
    seen.add(id(thing))
    if f"{type(thing).__module__}.{type(thing).__qualname__}" in TREE_TYPES:
        yield thing
    elif isinstance(thing, dict):
        for value in thing.values():
            yield from _trees(value, seen)
    elif isinstance(thing, (list, tuple)) or (isinstance(thing, np.ndarray) and thing.dtype == object):
        for value in np.ravel(thing) if isinstance(thing, np.ndarray) else thing:
            yield from _trees(value, seen)
    elif hasattr(thing, "__dict__"):
        yield from _trees(vars(thing), seen)
