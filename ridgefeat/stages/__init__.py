"""Image -> ridge structure: pure functions on arrays, one stage a module, each with its parameters.

Read in this order: `parameter` (how parameters are declared), `grid` and `percentiles`; then the pipeline:
`normalisation`, `gabor`, `segmentation` (with `cards` and `residue`, which leave out what is not print), `polarity`,
`orientation`, `period`, `enhancement`, `ink`, `skeleton`, `minutiae`, `symmetry`, `singular_points`, `pattern` and
`flags`. `ridgefeat/fingerprint.py` shows how they are connected. `fingers` cuts an image of several fingers.
"""
