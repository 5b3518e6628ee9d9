"""Many prints -> one table, in CSV or Parquet, with a sidecar that records how it was made.

import ridgefeat as rf
rf.extract_many(["prints/"], jobs=2)

Read in this order. One print: `recipe` (what decides columns and values), `row` (one print, one row).
Many prints: `batches` (over workers, and the journal of a run), `writing` (from prints to a finished table).
The table on disk: `assembly` (rows to files), `sidecar`, `reading`, `merge` (also the division of a table).
From Python: `api`, `transformer`.
"""

import lazy_loader

from ridgefeat.work.system import explain_import_errors

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__getattr__ = explain_import_errors()(__getattr__)
