"""What comes in: image formats, resolution, file-name layouts, index tables, folders, transactions.

Read in this order: `source` (one print that is still to be read), `find` (from inputs to prints), then what it uses:
`search`, `places` and `transactions`, `layouts`, `index`, `region`; last `images`, `endings`, `wsq` and `resolution`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
