"""The leak audit: what would make a score on a table too good.

from ridgefeat import audit
print(audit.audit(frame, target="sex", group="subject").text())

Read in this order: `table` (what the checks see, and what a finding is), `inputs` (images and tables to audit, and
their split), `run` (the checks one after the other), then each check: `recognised` (with `known`, indexes of prints,
and `marks`, their signatures), `groups`, `duplicates` (sets of alike prints), `near` (with `near_images`),
`columns` (with `probe`) and `files`. `resolving` is what is done about duplicates.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
