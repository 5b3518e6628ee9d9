"""OnnxBackbone: any ONNX network of images as a scikit-learn transformer."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from itertools import accumulate
from typing import Any, Literal, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ridgefeat.backbone.cache import Cache
from ridgefeat.backbone.images import listed, pixels
from ridgefeat.backbone.network import Network, pooled
from ridgefeat.backbone.onnx_file import OnnxFile, read_onnx
from ridgefeat.backbone.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from ridgefeat.backbone.rewriting import quicker
from ridgefeat.backbone.trial import try_out
from ridgefeat.errors import ModelError, ParameterError
from ridgefeat.structure import Float
from ridgefeat.work.threads import one_thread

DEFAULT_SIDE = 224


class OnnxBackbone(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn prints (paths or arrays) into what a layer of a trained network makes of them.

    It learns nothing from the prints, so it cannot leak between folds. OpenCV runs the network.

    Parameters
    ----------
    path : path
        The ONNX file: one input of images, weights inside.
    layer : str or sequence of str, optional
        Name of a node or tensor (`ridgefeat.backbone.layers` lists them). By default what the last dense layer takes,
        before it was flattened: the embedding that the network's own classifier stood on. The network is computed up
        to there and no further. Of several layers the vectors follow one another.
    size : int or (int, int), optional
        Rows and columns that images are resized to; by default the network's own, or 224.
    mean, std : sequence of float
        Input is (pixels / 255 - mean) / std. Defaults are ImageNet's in red, green, blue.
    channel_order : "rgb" or "bgr"
        Order of `mean`, `std`, and of a colour image's channels. A print is grey: the same in each.
    pool : bool
        Whether maps become their mean over rows and columns (global average pooling). Without, they are flattened,
        channels first.
    batch_size : int
        Images that the network takes at once. OpenCV is no faster with more than one on a CPU. As many batches are
        computed at a time as OpenCV may use threads (`cv2.setNumThreads`); the result does not depend on it.
    cache : path, optional
        Folder that keeps results by the image's pixels, the network's bytes and the settings.
    layout : str
        What file names mean, as everywhere: SOCOFing's burnt-in frame, for instance, is cut off.
    on_print : callable, optional
        Called with how many prints are done, after each batch.

    Attributes
    ----------
    layers_, shapes_ : tuple of str, tuple of tuples of int
        The tensors that are taken, and one image's shape there, before pooling.
    layer_, shape_ : str, tuple of int
        The first of them.
    preprocessing_ : Preprocessing
    n_features_out_ : int

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.svm import SVC
    >>> model = make_pipeline(OnnxBackbone("resnet50.onnx"), SVC(class_weight="balanced"))  # doctest: +SKIP
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        layer: str | Sequence[str] | None = None,
        size: int | tuple[int, int] | None = None,
        mean: Iterable[float] = IMAGENET_MEAN,
        std: Iterable[float] = IMAGENET_STD,
        channel_order: Literal["rgb", "bgr"] = "rgb",
        pool: bool = True,
        batch_size: int = 1,
        cache: str | os.PathLike[str] | None = None,
        layout: str = "auto",
        on_print: Callable[[int], Any] | None = None,
    ) -> None:
        self.path = path
        self.layer = layer
        self.size = size
        self.mean = mean
        self.std = std
        self.channel_order = channel_order
        self.pool = pool
        self.batch_size = batch_size
        self.cache = cache
        self.layout = layout
        self.on_print = on_print

    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Open the network and try it on an empty image; there is nothing to learn.

        Raises
        ------
        ModelError
            Where the file is no network of images, has no such layer, or OpenCV cannot run it.
        ParameterError
            For an impossible size, mean, deviation or batch size.
        """
        if self.batch_size < 1:
            raise ParameterError(f"batch_size is {self.batch_size}; give 1 or more")
        file = read_onnx(self.path)
        asked: Sequence[Any] = self.layer if isinstance(self.layer, (list, tuple)) else [self.layer]
        if not all(name is None or isinstance(name, str) for name in asked):
            raise ParameterError(f"layer is {self.layer!r}; give a name, several, or None")
        self.layers_ = tuple(file.embedding() if name is None else file.find(name) for name in asked)
        if len(set(self.layers_)) < max(1, len(self.layers_)):
            raise ParameterError(f"layer is {self.layer}; give one or more, each once")
        self.preprocessing_ = self._preprocessing(file)
        grey = self.preprocessing_(np.full(self.preprocessing_.size, 128, np.uint8))[None]
        part = file.cut(*self.layers_)
        self._rewritten = try_out(part, grey.shape, file.name, quicker(part))
        out = Network(self._part(file), self.layers_, file.name)(grey)
        self.shapes_ = tuple(values.shape[1:] for values in out)
        self.layer_, self.shape_ = self.layers_[0], self.shapes_[0]
        self.n_features_out_ = self._vectors(out).shape[1]
        self._digest = file.digest
        return self

    def transform(self, X: Any) -> Float:
        """Return one vector a print.

        Parameters
        ----------
        X : sequence of paths or of ndarray of uint8, or ndarray of uint8, shape (prints, rows, columns)
            A column of a DataFrame, or an array of one column, will do for paths.

        Returns
        -------
        ndarray of float32, shape (prints, n_features_out_)

        Raises
        ------
        ImageError
            If a print cannot be read.
        ModelError
            If the file has changed since `fit`.
        """
        check_is_fitted(self, "layer_")
        prints = listed(X)
        out = np.empty((len(prints), self.n_features_out_), np.float32)
        kept = None if self.cache is None else Cache(self.cache, self._settings())
        starts = range(0, len(prints), self.batch_size)
        own, lock = threading.local(), threading.Lock()
        part = cache(lambda: self._part(self._file()))

        def compute(batch: Float) -> Float:
            if not hasattr(own, "network"):
                with lock:
                    ready = part()
                own.network = Network(ready, self.layers_, os.fspath(self.path))
            return self._vectors(own.network(batch))

        def work(k: int) -> int:
            part = slice(k, k + self.batch_size)
            self._fill(out[part], prints[part], kept, compute)
            return len(out[part])

        # A network a thread: one network on several would give other bytes on another number of them.
        count = min(cv2.getNumThreads(), len(starts))
        with one_thread():
            if count < 2:
                self._follow(map(work, starts))
                return out
            with ThreadPoolExecutor(count, "ridgefeat-backbone") as pool:
                self._follow(pool.map(work, starts))
        return out

    def _follow(self, counts: Iterable[int]) -> None:
        for done in accumulate(counts):
            if self.on_print is not None:
                self.on_print(done)

    def _fill(self, out: Float, prints: Sequence[Any], kept: Cache | None, compute: Callable[[Float], Float]) -> None:
        """Write a batch's vectors to `out`: those that are kept, and the others computed."""
        images = [pixels(p, self.layout) for p in prints]
        paths = [] if kept is None else [kept.path(image) for image in images]
        found = [kept.read(path, out.shape[1:]) for path in paths] if kept else [None] * len(images)
        if missing := [i for i, values in enumerate(found) if values is None]:
            computed = compute(np.stack([self.preprocessing_(images[i]) for i in missing]))
            for i, values in zip(missing, computed, strict=True):
                found[i] = values
                if kept:
                    kept.write(paths[i], values)
        for i, values in enumerate(found):
            out[i] = values

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return backbone_0, backbone_1, ..."""
        check_is_fitted(self, "layer_")
        return np.array([f"backbone_{i}" for i in range(self.n_features_out_)], object)

    def _vectors(self, out: Sequence[Float]) -> Float:
        vectors = [pooled(values) if self.pool else values.reshape(len(values), -1) for values in out]
        return np.concatenate(vectors, axis=1) if len(vectors) > 1 else vectors[0]

    def _preprocessing(self, file: OnnxFile) -> Preprocessing:
        size = self.size
        if size is None:
            size = file.size[0] or DEFAULT_SIDE, file.size[1] or DEFAULT_SIDE
        elif isinstance(size, (int, np.integer)):
            size = int(size), int(size)
        return Preprocessing(
            (int(size[0]), int(size[1])),
            _for_channels(self.mean, file.channels),
            _for_channels(self.std, file.channels),
            self.channel_order,
            file.channels,
            file.channels_last,
        )

    def _file(self) -> OnnxFile:
        file = _opened(os.path.realpath(self.path), os.stat(self.path).st_mtime_ns)  # noqa: PTH116
        if file.digest != self._digest:
            raise ModelError(f"{file.name} is another network than the one that was fitted; fit again")
        return file

    def _part(self, file: OnnxFile) -> bytes:
        """Return what OpenCV runs."""
        part = file.cut(*self.layers_)
        return (self._rewritten and quicker(part)) or part

    def _settings(self) -> dict[str, Any]:
        """Return all that a result depends on beside the pixels."""
        settings = vars(self.preprocessing_) | {
            "layers": self.layers_,
            "rewritten": self._rewritten,
            "pool": self.pool,
            "network": self._digest,
        }
        return settings | {"opencv": cv2.__version__, "format": 3}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        return tags


def layers(path: str | os.PathLike[str]) -> list[str]:
    """Return the names of an ONNX network's layers, in order.

    Parameters
    ----------
    path : path

    Raises
    ------
    ModelError
        Where the file is no network of images.
    """
    return read_onnx(path).layers()


@lru_cache(maxsize=1)
def _opened(path: str, changed: int) -> OnnxFile:
    """Return a file that was read before, if it has not changed."""
    return read_onnx(path)


def _for_channels(values: Iterable[float], channels: int) -> tuple[float, ...]:
    """Return one number a channel; for a network of grey images the mean of three."""
    found = tuple(float(v) for v in ([values] if isinstance(values, (int, float)) else values))
    return (sum(found) / len(found),) if channels == 1 and len(found) == 3 else found
