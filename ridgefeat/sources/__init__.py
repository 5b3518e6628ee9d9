"""What comes in: image formats, resolution, file-name layouts, index tables, folders.

Read in this order: `source` (one print that is still to be read), `find` (from inputs to prints), then what it uses:
`places`, `layouts`, `index`; last `images` and its `wsq`, and `resolution`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
