"""A small convolutional network in NumPy, to be read.

Every layer is its formula and its gradient side by side; `reference` has each once more in plain loops. Nothing is
differentiated automatically. Read in this order: `layer`, `dense`, `correlate`, `convolution`, `pooling`,
`normalisation`, `losses`, `optimisers`, `model`, `training`.
"""
