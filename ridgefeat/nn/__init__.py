"""A small convolutional network in NumPy, to be read.

Every layer is its formula and its gradient side by side; nothing is differentiated automatically. Read in this order:
`layer`, `dense`, `convolution`, `pooling`, `normalisation`, `losses`, `optimisers`, `model`, `training`.
`classifier` makes a scikit-learn classifier of it, `explain` looks into a network, `threads` shares the
work, and `augment` changes training images.
"""

from ridgefeat.nn.augment import Augmentation
from ridgefeat.nn.convolution import Conv2D
from ridgefeat.nn.dense import Dense, Dropout, Flatten, ReLU
from ridgefeat.nn.explain import feature_maps, filters, gradient_map, occlusion_map
from ridgefeat.nn.model import NETWORKS, Sequential, build
from ridgefeat.nn.normalisation import BatchNorm
from ridgefeat.nn.optimisers import SGD, Adam
from ridgefeat.nn.pooling import AveragePool, GlobalAveragePool, MaxPool
from ridgefeat.nn.threads import threads
from ridgefeat.nn.training import EarlyStopping, ReduceLROnPlateau, Training

__all__ = [
    "NETWORKS",
    "SGD",
    "Adam",
    "Augmentation",
    "AveragePool",
    "BatchNorm",
    "Conv2D",
    "Dense",
    "Dropout",
    "EarlyStopping",
    "Flatten",
    "GlobalAveragePool",
    "MaxPool",
    "ReLU",
    "ReduceLROnPlateau",
    "Sequential",
    "Training",
    "build",
    "feature_maps",
    "filters",
    "gradient_map",
    "occlusion_map",
    "threads",
]
