"""A network run by OpenCV: images in, what one of its layers gives out."""

from __future__ import annotations

import cv2
import numpy as np

from ridgefeat.backbone.onnx_file import OnnxFile
from ridgefeat.errors import ModelError
from ridgefeat.sources.images import quiet_opencv
from ridgefeat.structure import Float


class Network:
    """The part of an ONNX file that ends at one tensor.

    Parameters
    ----------
    file : OnnxFile
    tensor : str
        What is wanted; see `OnnxFile.find`.

    Raises
    ------
    ModelError
        Where OpenCV cannot read it.
    """

    def __init__(self, file: OnnxFile, tensor: str) -> None:
        self.file, self.tensor = file, tensor
        part = np.frombuffer(file.cut(tensor), np.uint8)
        with quiet_opencv():
            try:
                self._net = cv2.dnn.readNetFromONNX(part)
            except (cv2.error, MemoryError) as error:
                raise ModelError(
                    f"OpenCV {cv2.__version__} cannot read {file.name}: {_short(error)}"
                ) from None

    def __call__(self, images: Float) -> Float:
        """Return the tensor for a batch of images; float32, its first axis the images.

        Raises
        ------
        ModelError
            Where OpenCV cannot run the network on images of this shape.
        """
        with quiet_opencv():
            try:
                self._net.setInput(images)
                out = np.array(self._net.forward(), np.float32)
            except (cv2.error, MemoryError) as error:
                raise ModelError(
                    f"OpenCV {cv2.__version__} cannot run {self.file.name} on images of shape {images.shape[1:]}: "
                    f"{_short(error)}; try another size or layer"
                ) from None
        if out.ndim < 2 or len(out) != len(images):
            raise ModelError(
                f"{self.tensor} of {self.file.name} has shape {out.shape} for {len(images)} images: it does not keep "
                "images apart; name another layer, or take one image at a time (batch_size=1)"
            )
        if not np.isfinite(out).all():
            raise ModelError(
                f"{self.tensor} of {self.file.name} is not finite; check mean, std and channel_order"
            )
        return out


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
