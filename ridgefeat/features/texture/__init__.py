"""Texture: `family` declares the columns; each other module is one descriptor, usable alone on an array."""

from ridgefeat.features.texture.family import texture

__all__ = ["texture"]
