"""The leak audit: what would make a score on a table better than it is.

from ridgefeat import audit
print(audit.audit(frame, target="sex", group="subject").text())

Read in this order: `table` (what is looked at, and what a finding is), `run` (the checks one after the other), then
each check: `identical`, `near` (with `near_images` and `near_rows`), `altered`, `groups`, `columns` (with `probe`),
`files`; `duplicate_sets` joins pairs of alike prints into sets.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
