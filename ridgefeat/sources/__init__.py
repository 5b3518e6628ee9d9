"""What comes in: image formats, resolution, file-name layouts, index tables, folders.

Read in this order: `source` (one print that is still to be read), `find` (from inputs to prints), then what it uses:
`places`, `layouts`, `index`; last `images` and its `wsq`, and `resolution`.
"""

from ridgefeat.sources.find import SUFFIXES, LoadedPrint, find_prints, load_print, natural_key, repeated_impressions
from ridgefeat.sources.images import MAX_PIXELS, Image, decode_image, pixel_digest, read_image
from ridgefeat.sources.index import IndexEntry, read_index
from ridgefeat.sources.layouts import LAYOUTS, Layout, recognise, regex_layout
from ridgefeat.sources.resolution import ASSUMED_DPI, parse_dpi, resolve_dpi
from ridgefeat.sources.source import PrintSource

__all__ = [
    "ASSUMED_DPI",
    "LAYOUTS",
    "MAX_PIXELS",
    "SUFFIXES",
    "Image",
    "IndexEntry",
    "Layout",
    "LoadedPrint",
    "PrintSource",
    "decode_image",
    "find_prints",
    "load_print",
    "natural_key",
    "parse_dpi",
    "pixel_digest",
    "read_image",
    "read_index",
    "recognise",
    "regex_layout",
    "repeated_impressions",
    "resolve_dpi",
]
