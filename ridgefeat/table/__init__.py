"""Many prints -> one table: rows, jobs, resume, CSV and Parquet, sidecar, transformer.

import ridgefeat as rf
rf.extract_many(["prints/"], jobs=2)
"""

import lazy_loader

from ridgefeat.work.system import explain_import_errors

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__getattr__ = explain_import_errors()(__getattr__)
