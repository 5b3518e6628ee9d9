"""Image -> ridge structure: pure functions on arrays, one stage a module, each with its parameters.

Read in this order: `parameter` (how parameters are declared) and `grid`; then the pipeline: `normalisation`, `gabor`,
`segmentation`, `orientation`, `period`, `enhancement`, `ink`, `skeleton`, `minutiae`, `symmetry`, `singular_points`,
`pattern` and `flags`. `ridgefeat/fingerprint.py` shows how they are connected.
"""
