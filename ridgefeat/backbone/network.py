"""A network run by OpenCV: images in, what one of its layers gives out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np

from ridgefeat.errors import ModelError
from ridgefeat.structure import Float


class Network:
    """The part of an ONNX file that ends at some tensors.

    Parameters
    ----------
    part : bytes
        That part, as `OnnxFile.cut` or `rewriting.quicker` return it.
    tensors : tuple of str
        What is wanted; see `OnnxFile.find`.
    name : str
        Of the file, for messages.

    Raises
    ------
    ModelError
        Where OpenCV cannot read it.
    """

    def __init__(self, part: bytes, tensors: tuple[str, ...], name: str) -> None:
        self.tensors, self.name = tensors, name
        with quiet_opencv():
            try:
                self._net = cv2.dnn.readNetFromONNX(np.frombuffer(part, np.uint8))
            except (cv2.error, MemoryError) as error:
                raise ModelError(f"OpenCV {cv2.__version__} cannot read {name}: {_short(error)}") from None

    def __call__(self, images: Float) -> list[Float]:
        """Return each tensor for a batch of images; float32, its first axis the images.

        Raises
        ------
        ModelError
            Where OpenCV cannot run the network on images of this shape, or what it gives cannot be used.
        """
        with quiet_opencv():
            try:
                self._net.setInput(images)
                # By name even one tensor would be copied once more.
                several = len(self.tensors) > 1
                found = self._net.forward(list(self.tensors)) if several else [self._net.forward()]
                out = [np.array(f, np.float32) for f in found]
            except (cv2.error, MemoryError) as error:
                raise ModelError(
                    f"OpenCV {cv2.__version__} cannot run {self.name} on images of shape {images.shape[1:]}: "
                    f"{_short(error)}; try another size or layer"
                ) from None
        for tensor, values in zip(self.tensors, out, strict=True):
            self._check(tensor, values, len(images))
        return out

    def _check(self, tensor: str, values: Float, count: int) -> None:
        if values.ndim < 2 or len(values) != count:
            raise ModelError(
                f"{tensor} of {self.name} has shape {values.shape} for {count} images: it does not keep "
                "images apart; name another layer, or take one image at a time (batch_size=1)"
            )
        if not np.isfinite(values).all():
            raise ModelError(f"{tensor} of {self.name} is not finite; check the file's weights, mean and std")


def pooled(maps: Float) -> Float:
    """Return one vector an image: the mean over rows and columns of (n, channels, rows, columns), or over tokens."""
    if maps.ndim == 4:
        return np.asarray(maps.mean(axis=(2, 3), dtype=np.float32))
    if maps.ndim == 3:
        return np.asarray(maps.mean(axis=1, dtype=np.float32))
    return maps.reshape(len(maps), -1)


def _short(error: BaseException) -> str:
    """Return the last part of OpenCV's message, which says what was wrong."""
    return " ".join(str(error).split())[-300:]


class _Quiet:
    """How many decodes run now, and the log level to restore after the last."""

    lock = threading.Lock()
    depth = 0
    level = 0


@contextmanager
def quiet_opencv() -> Iterator[None]:
    """Silence OpenCV's log: a bad file, image or network, is told once, by the error that is raised."""
    # OpenCV 5 moved its log level into a module of its own.
    log: Any = getattr(cv2.utils, "logging", cv2)
    with _Quiet.lock:
        if _Quiet.depth == 0:
            _Quiet.level = log.getLogLevel()
            log.setLogLevel(0)
        _Quiet.depth += 1
    try:
        yield
    finally:
        with _Quiet.lock:
            _Quiet.depth -= 1
            if _Quiet.depth == 0:
                log.setLogLevel(_Quiet.level)
