"""A reference set for fingerprint features: digital phantoms, synthetic prints, and the values that a tool should give.

The model is the Image Biomarker Standardisation Initiative of radiomics (Zwanenburg et al., Radiology 2020). Read
`phantoms` (what is drawn), `features` (what is known of it, by formula), then `conformity` (the set as files, and a
tool's table compared with it).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
