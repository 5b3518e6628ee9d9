"""Minutiae for other tools: CSV for people, NIST's .xyt, ISO/IEC 19794-2:2005 records, and those of transactions.

Positions are exchanged in pixels of the 500 dpi working image and directions in radians (structure.py); the
files hold what their readers expect. docs/templates.md describes every convention.

Read in this order: `text_csv` (the simplest), `xyt`, `iso19794_2`, `type9`; `_common` is what they share.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
