"""Minutiae for other tools: CSV for people, NIST's .xyt, ISO/IEC 19794-2 and ANSI INCITS 378 records, card formats,
transactions.

Positions are exchanged in pixels of the 500 dpi working image and directions in radians (structure.py); the
files hold what their readers expect. docs/templates.md describes every convention.

Read in this order: `text_csv` (the simplest), `xyt`, `records`, `writing`, `type9`, then `reading`, which recognises a
file by its content; `_common` is what they share.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
