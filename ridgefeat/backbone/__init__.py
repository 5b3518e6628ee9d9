"""Trained networks from ONNX files: as feature transformers, and with their last block trained further.

The package ships no network, and downloads none: a file is the user's own (docs/backbones.md says where from).
"""

from __future__ import annotations

from ridgefeat.backbone.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from ridgefeat.backbone.transformer import OnnxBackbone, layers

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "OnnxBackbone", "Preprocessing", "layers"]
