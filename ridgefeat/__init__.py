"""ridgefeat: features with units from fingerprint images.

import ridgefeat as rf
fp = rf.read("print.png", dpi=500)
fp.orientation, fp.period, fp.minutiae
table = rf.extract_many(["a.png", "b.png"])
"""

import lazy_loader

from ridgefeat.work.system import explain_import_errors

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__getattr__ = explain_import_errors()(__getattr__)
