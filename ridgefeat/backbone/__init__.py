"""Networks trained elsewhere: as feature transformers, and with their last layers trained further.

Read in this order: `transformer` (`Preprocessing`, `Backbone`), `onnx_network` and `torch_network` (the two kinds
of network that it runs), `classifiers`. The package ships no network and downloads none: a network is the user's
own (docs/backbones.md says where to get one).
"""

from __future__ import annotations

from ridgefeat.backbone.classifiers import FineTunedNetwork, NetworkHead
from ridgefeat.backbone.transformer import IMAGENET_MEAN, IMAGENET_STD, Backbone, Preprocessing, layers

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "Backbone", "FineTunedNetwork", "NetworkHead", "Preprocessing", "layers"]
