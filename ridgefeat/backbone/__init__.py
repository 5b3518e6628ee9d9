"""Trained networks from ONNX files: as feature transformers, and with their last block trained further.

The package ships no network, and downloads none: a file is the user's own (docs/backbones.md says where from).
"""

from __future__ import annotations

from ridgefeat.backbone.block import Block, read_block
from ridgefeat.backbone.heads import LastBlock, NetworkHead, fine_tuned
from ridgefeat.backbone.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from ridgefeat.backbone.transformer import OnnxBackbone, layers

__all__ = [
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "Block",
    "LastBlock",
    "NetworkHead",
    "OnnxBackbone",
    "Preprocessing",
    "fine_tuned",
    "layers",
    "read_block",
]
