"""Minutiae for other tools: CSV for people, NIST's .xyt and ISO/IEC 19794-2:2005 records.

Positions are exchanged in pixels of the 500 dpi working image and directions in radians (structure.py); the
files hold what their readers expect. docs/templates.md describes every convention.

Read in this order: `text_csv` (the simplest), `xyt`, `iso19794_2`; `_common` is what they share.
"""

from ridgefeat.templates.iso19794_2 import IsoHeader, decode_iso, decode_iso_views, encode_iso, read_iso, write_iso
from ridgefeat.templates.text_csv import read_minutiae_csv, write_minutiae_csv
from ridgefeat.templates.xyt import read_xyt, write_xyt

__all__ = [
    "IsoHeader",
    "decode_iso",
    "decode_iso_views",
    "encode_iso",
    "read_iso",
    "read_minutiae_csv",
    "read_xyt",
    "write_iso",
    "write_minutiae_csv",
    "write_xyt",
]
