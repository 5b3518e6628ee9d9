"""OnnxBackbone: any ONNX network of images as a scikit-learn transformer."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
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
from ridgefeat.backbone.trial import try_out
from ridgefeat.errors import ModelError, ParameterError
from ridgefeat.structure import Float

DEFAULT_SIDE = 224


class OnnxBackbone(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn prints (paths or arrays) into what a layer of a trained network makes of them.

    It learns nothing from the prints, so it cannot leak between folds. OpenCV runs the network.

    Parameters
    ----------
    path : path
        The ONNX file: one input of images, weights inside.
    layer : str, optional
        Name of a node or tensor (`ridgefeat.backbone.layers` lists them). By default what the last dense layer takes,
        before it was flattened: the embedding that the network's own classifier stood on.
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
        Images that the network takes at once. OpenCV is no faster with more than one on a CPU.
    cache : path, optional
        Folder that keeps results by the image's pixels, the network's bytes and the settings.
    layout : str
        What file names mean, as everywhere: SOCOFing's burnt-in frame, for instance, is cut off.

    Attributes
    ----------
    layer_ : str
        The tensor that is taken.
    shape_ : tuple of int
        One image's shape there, before pooling.
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
        layer: str | None = None,
        size: int | tuple[int, int] | None = None,
        mean: Iterable[float] = IMAGENET_MEAN,
        std: Iterable[float] = IMAGENET_STD,
        channel_order: Literal["rgb", "bgr"] = "rgb",
        pool: bool = True,
        batch_size: int = 1,
        cache: str | os.PathLike[str] | None = None,
        layout: str = "auto",
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
        self.layer_ = file.embedding() if self.layer is None else file.find(self.layer)
        self.preprocessing_ = self._preprocessing(file)
        grey = self.preprocessing_(np.full(self.preprocessing_.size, 128, np.uint8))[None]
        try_out(file.cut(self.layer_), grey.shape, file.name)
        out = Network(file, self.layer_)(grey)
        self.shape_ = out.shape[1:]
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
        network: Network | None = None
        for k in range(0, len(prints), self.batch_size):
            images = [pixels(p, self.layout) for p in prints[k : k + self.batch_size]]
            paths = [] if kept is None else [kept.path(image) for image in images]
            found = [kept.read(path, out.shape[1:]) for path in paths] if kept else [None] * len(images)
            if missing := [i for i, values in enumerate(found) if values is None]:
                network = network or self._network()
                batch = np.stack([self.preprocessing_(images[i]) for i in missing])
                for i, values in zip(missing, self._vectors(network(batch)), strict=True):
                    found[i] = values
                    if kept:
                        kept.write(paths[i], values)
            for i, values in enumerate(found):
                out[k + i] = values
        return out

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return backbone_0, backbone_1, ..."""
        check_is_fitted(self, "layer_")
        return np.array([f"backbone_{i}" for i in range(self.n_features_out_)], object)

    def _vectors(self, out: Float) -> Float:
        return pooled(out) if self.pool else out.reshape(len(out), -1)

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

    def _network(self) -> Network:
        file = _opened(os.path.realpath(self.path), os.stat(self.path).st_mtime_ns)  # noqa: PTH116
        if file.digest != self._digest:
            raise ModelError(f"{file.name} is another network than the one that was fitted; fit again")
        return Network(file, self.layer_)

    def _settings(self) -> dict[str, Any]:
        """Return all that a result depends on beside the pixels."""
        settings = vars(self.preprocessing_) | {
            "layer": self.layer_,
            "pool": self.pool,
            "network": self._digest,
        }
        return settings | {"opencv": cv2.__version__, "format": 1}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        return tags


def layers(path: str | os.PathLike[str]) -> list[str]:
    """Return the names of an ONNX network's layers, in order.

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
