"""From a print, given as a path or as an array, to what a network was trained on: pixels, size, channels, scale."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from ridgefeat.errors import ImageError, LayoutError, ParameterError
from ridgefeat.sources import find_prints, load_print
from ridgefeat.structure import Float

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
MAX_SIDE = 2048


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
        raise ImageError(f"{os.fspath(print_)!r} is no image file; give one file per print")
    return load_print(found[0]).pixels
