"""Comparisons of prints: templates, comparators, protocols, verification and identification.

from ridgefeat import verify
a, b = verify.read_template("a.png"), verify.read_template("b.fmr")
verify.compare(a, b).score
verify.verify(["FVC2002/DB1_B"], "fvc").scores

Read in this order: `template` (the data of a print that comparisons use) with `waves` and `geometry`; then the
comparator of minutiae, `minutiae`, and its steps `cylinders` and `pairing`. `enrolment` turns files into entries,
`protocols` says which of them to compare, `verification` makes a table of scores, and `identification` ranks a
gallery. A large gallery is kept on disk by `gallery`, and narrowed by the `codes` of minutiae. `features` is the other
comparator, of feature vectors.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
