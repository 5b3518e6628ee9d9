"""Pairs of prints to scores: templates, comparators, protocols, identification.

from ridgefeat import verify
a, b = verify.read_template("a.png"), verify.read_template("b.fmr")
verify.compare(a, b).score
verify.verify(["FVC2002/DB1_B"], "fvc").scores
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
