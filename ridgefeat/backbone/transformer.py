"""Backbone: any network of images as a scikit-learn transformer, with a cache of what was computed once.

`Preprocessing` turns a print into what the network was trained on: pixels, size, channels, scale.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import KW_ONLY, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ridgefeat.backbone.onnx_network import OnnxNetwork
from ridgefeat.backbone.torch_network import TorchNetwork, load_module, torch_threads
from ridgefeat.errors import ImageError, LayoutError, ModelError, ParameterError
from ridgefeat.files import atomic_write, os_errors_as, remove_temporaries
from ridgefeat.sources import find_prints, load_print
from ridgefeat.sources.source import list_prints
from ridgefeat.structure import Float
from ridgefeat.work.threads import one_thread

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
MAX_SIDE = 2048
DEFAULT_SIDE = 224
Network = OnnxNetwork | TorchNetwork


@dataclass(frozen=True)
class Preprocessing:
    """How a network wants its images: (pixels / 255 - mean) / std, channel by channel, resized to `size`.

    Attributes
    ----------
    size : (int, int)
        Rows and columns.
    mean, std : tuple of float
        One value for all channels, or one for each in `channel_order`.
    channel_order : "rgb" or "bgr"
        Of colour images; a print is grey, and the same in every channel.
    channels : int
        1 or 3.
    channels_last : bool
        Whether the network takes (rows, columns, channels).
    """

    size: tuple[int, int]
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    channel_order: Literal["rgb", "bgr"] = "rgb"
    channels: int = 3
    channels_last: bool = False

    def __post_init__(self) -> None:
        if not all(1 <= s <= MAX_SIDE for s in self.size):
            raise ParameterError(f"size is {self.size}; give rows and columns from 1 to {MAX_SIDE}")
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, self.channels) or not np.isfinite(values).all():
                advice = f"give one number, or one for each of {self.channels} channels"
                raise ParameterError(f"{name} is {values}; {advice}")
        if min(self.std) <= 0:
            raise ParameterError(f"std is {self.std}; give numbers above 0")
        if self.channel_order not in ("rgb", "bgr"):
            raise ParameterError(f"channel_order is {self.channel_order!r}; give 'rgb' or 'bgr'")

    def __call__(self, image: NDArray[Any]) -> Float:
        """Return an image as the network takes it; float32, (channels, rows, columns) or (rows, columns, channels).

        Parameters
        ----------
        image : ndarray of uint8, shape (rows, columns) or (rows, columns, 3)
            Grey, or red, green and blue.

        Raises
        ------
        ImageError
            Where it is no image.
        """
        if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.size == 0 or image.shape[2:] not in ((), (3,)):
            raise ImageError(
                f"an image is an array of uint8, (rows, columns) or (rows, columns, 3); got {image.dtype} {image.shape}"
            )
        rows, columns = self.size
        # Areas where an image becomes smaller, so that ridges do not alias; straight lines where it grows.
        shrinks = image.shape[0] * image.shape[1] > rows * columns
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        resized = cv2.resize(image, (columns, rows), interpolation=how)
        if resized.ndim == 3 and self.channels == 1:
            resized = cv2.cvtColor(resized, cv2.COLOR_RGB2GRAY)
        elif resized.ndim == 3 and self.channel_order == "bgr":
            resized = resized[..., ::-1]
        planes = resized.reshape(rows, columns, -1).astype(np.float32) / np.float32(255)
        scaled = (planes - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        scaled = np.broadcast_to(scaled, (rows, columns, self.channels))
        return np.ascontiguousarray(scaled if self.channels_last else scaled.transpose(2, 0, 1))


def pixels(print_: Any, layout: str = "auto") -> NDArray[np.uint8]:
    """Return a print's pixels; of a file without the frame that its layout knows."""
    if isinstance(print_, np.ndarray):
        return print_
    try:
        found = find_prints([print_], layout=layout)
    except LayoutError as error:
        raise ImageError(str(error)) from None
    if len(found) != 1:
        raise ImageError(f"{os.fspath(print_)!r} is not an image file; give one file per print")
    return load_print(found[0]).pixels


@dataclass(eq=False, repr=False)
class Backbone(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn prints (paths or arrays) into the values of a layer of a trained network.

    It learns nothing from the prints, so it cannot leak between folds.

    Parameters
    ----------
    network : path, "FILE.py:NAME" or torch.nn.Module
        An ONNX file with one input of images and its weights inside (extra `onnx`); or a PyTorch module (extra
        `torch`), given as it is or by the Python file that makes it: NAME is a module there, or a function without
        arguments that returns one. FILE.py is run like any program of yours.
    layer : str or sequence of str, optional
        Name of a layer (`ridgefeat.backbone.layers` lists them). By default the input of the last dense layer: the
        embedding on which the network's own classifier was trained. The network is computed up to there and no
        further. The values of several layers are concatenated.
    size : int or (int, int), optional
        Rows and columns that images are resized to; by default the network's own, or 224.
    mean, std : sequence of float
        Input is (pixels / 255 - mean) / std. Defaults are ImageNet's in red, green, blue.
    channel_order : "rgb" or "bgr"
        Order of `mean`, `std`, and of a colour image's channels. A print is grey: the same in each.
    pool : bool
        Whether maps become their mean over rows and columns (global average pooling). Otherwise they are flattened,
        channels first.
    batch_size : int
        Images per call of the network. As many calls run at a time as OpenCV may use threads (`cv2.setNumThreads`),
        each on one thread; the result does not depend on it.
    cache : path, optional
        Folder that keeps results by the image's pixels, the network's digest and the settings.
    layout : str
        How file names are read, as everywhere: SOCOFing's burnt-in frame, for instance, is cut off.
    on_print : callable, optional
        Called with the number of finished prints after each batch.

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
    >>> model = make_pipeline(Backbone("resnet50.onnx"), SVC(class_weight="balanced"))  # doctest: +SKIP
    """

    network: Any
    _: KW_ONLY
    layer: str | Sequence[str] | None = None
    size: int | tuple[int, int] | None = None
    mean: Iterable[float] = IMAGENET_MEAN
    std: Iterable[float] = IMAGENET_STD
    channel_order: Literal["rgb", "bgr"] = "rgb"
    pool: bool = True
    batch_size: int = 1
    cache: str | os.PathLike[str] | None = None
    layout: str = "auto"
    on_print: Callable[[int], Any] | None = None

    def fit(self, X: Any = None, y: Any = None) -> Self:
        """Open the network and run it on an empty image; there is nothing to learn.

        Raises ModelError if it is not a network of images, has no such layer, or cannot be run; ParameterError for an
        impossible size, mean, deviation or batch size.
        """
        if self.batch_size < 1:
            raise ParameterError(f"batch_size is {self.batch_size}; give 1 or more")
        network = open_network(self.network)
        asked: Sequence[Any] = self.layer if isinstance(self.layer, (list, tuple)) else [self.layer]
        if not asked or not all(name is None or isinstance(name, str) for name in asked):
            raise ParameterError(f"layer is {self.layer!r}; give a name, several, or None")
        self.layers_ = tuple(network.embedding() if name is None else network.find(name) for name in asked)
        if len(set(self.layers_)) < len(self.layers_):
            raise ParameterError(f"layer is {self.layer}; give each layer once")
        self.preprocessing_ = self._preprocessing(network)
        self._open(network)
        grey = self.preprocessing_(np.full(self.preprocessing_.size, 128, np.uint8))[None]
        with self._pinned():
            out = self._values(grey)
        self.shapes_ = tuple(values.shape[1:] for values in out)
        self.layer_, self.shape_ = self.layers_[0], self.shapes_[0]
        self.n_features_out_ = self._vectors(out).shape[1]
        return self

    def transform(self, X: Any) -> Float:
        """Return one vector per print.

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
            If the network cannot be run, or has changed since `fit`.
        """
        check_is_fitted(self, "layer_")
        prints = list_prints(X)
        out = np.empty((len(prints), self.n_features_out_), np.float32)
        own = {"layers": self.layers_, "pool": self.pool, "network": self._digest, "format": 4}
        # All that a result depends on besides the pixels.
        cache = None if self.cache is None else Cache(self.cache, vars(self.preprocessing_) | own)
        if not hasattr(self, "_run"):  # in another process, to which this object was copied
            network = open_network(self.network)
            if network.digest != self._digest:
                raise ModelError(f"{network.name} has changed since this backbone was fitted; fit again")
            self._open(network)

        def work(k: int) -> int:
            """Write a batch's vectors to `out`: from the cache where they are there, computed otherwise."""
            part = out[k : k + self.batch_size]
            images = [pixels(p, self.layout) for p in prints[k : k + self.batch_size]]
            missing = []
            for i, image in enumerate(images):
                if cache and (vector := cache.read(image, out.shape[1:])) is not None:
                    part[i] = vector
                else:
                    missing.append(i)
            if missing:
                part[missing] = self._vectors(self._values(np.stack([self.preprocessing_(images[i]) for i in missing])))
            if cache:
                for i in missing:
                    cache.write(images[i], part[i])
            return len(part)

        starts = range(0, len(prints), self.batch_size)
        count = max(1, min(cv2.getNumThreads(), len(starts)))
        # Each call on one thread: a network on several would give other digits on another number of them.
        with self._pinned(), ThreadPoolExecutor(count, "ridgefeat-backbone") as pool:
            for done in accumulate(pool.map(work, starts)):
                if self.on_print is not None:
                    self.on_print(done)
        return out

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return backbone_0, backbone_1, ..."""
        check_is_fitted(self, "layer_")
        return np.array([f"backbone_{i}" for i in range(self.n_features_out_)], object)

    def _open(self, network: Network) -> None:
        self._digest, self._name, self._is_torch = network.digest, network.name, isinstance(network, TorchNetwork)
        self._run = network.open(self.layers_)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in super().__getstate__().items() if key != "_run"}

    @contextmanager
    def _pinned(self) -> Iterator[None]:
        with torch_threads(1) if self._is_torch else nullcontext(), one_thread():
            yield

    def _values(self, images: Float) -> list[Float]:
        """Return each layer's values for a batch, after a check."""
        out = self._run(images)
        for tensor, values in zip(self.layers_, out, strict=True):
            if values.ndim < 2 or len(values) != len(images):
                raise ModelError(
                    f"{tensor} of {self._name} has shape {values.shape} for {len(images)} images: it does not keep "
                    "images apart; name another layer, or use batch_size=1"
                )
            if not np.isfinite(values).all():
                raise ModelError(f"{tensor} of {self._name} is not finite; check the network's weights, mean and std")
        return out

    def _vectors(self, out: Sequence[Float]) -> Float:
        vectors = [pooled(values) if self.pool else values.reshape(len(values), -1) for values in out]
        return np.concatenate(vectors, axis=1) if len(vectors) > 1 else vectors[0]

    def _preprocessing(self, network: Network) -> Preprocessing:
        size = self.size
        if size is None:
            size = network.size[0] or DEFAULT_SIDE, network.size[1] or DEFAULT_SIDE
        elif isinstance(size, (int, np.integer)):
            size = int(size), int(size)
        rows, columns = int(size[0]), int(size[1])
        mean, std = (_for_channels(values, network.channels) for values in (self.mean, self.std))
        given = self.channel_order, network.channels, network.channels_last
        return Preprocessing((rows, columns), mean, std, *given)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        return tags


class Cache:
    """Vectors that were computed once: a folder with one small file per image, below one folder per setting.

    `settings` hold all that the vectors depend on besides the pixels. joblib.Memory would keep them as pickles, which
    run code when they are read.
    """

    def __init__(self, folder: str | os.PathLike[str], settings: Mapping[str, Any]) -> None:
        key = json.dumps(settings, sort_keys=True)
        self.folder = Path(folder) / hashlib.sha256(key.encode()).hexdigest()[:24]
        with os_errors_as(ParameterError, f"the cache {os.fspath(folder)} cannot be made"):
            self.folder.mkdir(parents=True, exist_ok=True)
            remove_temporaries(self.folder)

    def _path(self, image: NDArray[Any]) -> Path:
        digest = hashlib.sha256(repr(image.shape).encode())
        digest.update(np.ascontiguousarray(image).data)
        return self.folder / f"{digest.hexdigest()}.npy"

    def read(self, image: NDArray[Any], shape: tuple[int, ...]) -> Float | None:
        """Return an image's vector; None if there is none, or the file is damaged."""
        try:
            with self._path(image).open("rb") as file:
                if file.read(6) != b"\x93NUMPY" or os.fstat(file.fileno()).st_size > 4 * np.prod(shape) + 1024:
                    return None
                file.seek(0)
                values = np.load(file, allow_pickle=False)
        except Exception:  # a damaged file fails in many ways
            return None
        fits = isinstance(values, np.ndarray) and values.shape == shape and values.dtype == np.float32
        return values if fits and np.isfinite(values).all() else None

    def write(self, image: NDArray[Any], vector: Float) -> None:
        """Keep an image's vector."""
        with atomic_write(self._path(image), durable=False) as temporary, temporary.open("wb") as file:
            np.save(file, vector, allow_pickle=False)


def open_network(network: Any) -> Network:
    """Return the network that a path, "FILE.py:NAME" or a module stands for."""
    if not isinstance(network, (str, os.PathLike)):
        return TorchNetwork(network)
    return TorchNetwork(load_module(os.fspath(network))) if is_python(network) else OnnxNetwork(network)


def is_python(network: str | os.PathLike[str]) -> bool:
    """Return whether a network is named as FILE.py:NAME."""
    return os.fspath(network).rpartition(":")[0].endswith(".py")


def layers(network: Any) -> list[str]:
    """Return the names of a network's layers, in order.

    Parameters
    ----------
    network
        As of `Backbone`.

    Raises
    ------
    ModelError
        If it is not a network of images.
    """
    return open_network(network).layers()


def pooled(maps: Float) -> Float:
    """Return one vector per image: the mean over rows and columns of (n, channels, rows, columns), or over tokens."""
    if maps.ndim == 4:
        return np.asarray(maps.mean(axis=(2, 3), dtype=np.float32))
    if maps.ndim == 3:
        return np.asarray(maps.mean(axis=1, dtype=np.float32))
    return maps.reshape(len(maps), -1)


def _for_channels(values: Iterable[float], channels: int) -> tuple[float, ...]:
    """Return one number per channel; for a network of grey images the mean of three."""
    found = tuple(float(v) for v in ([values] if isinstance(values, (int, float)) else values))
    return (sum(found) / len(found),) if channels == 1 and len(found) == 3 else found
