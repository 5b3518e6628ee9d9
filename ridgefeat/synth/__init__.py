"""Synthetic prints with known truth: fingers, impressions of them, and sets of subjects.

The difference between simulated women and men is drawn from published means of ridge density and is no evidence about
people.

Read in this order: `prints` (what is made), `simple` (closed-form prints); a finger: `master` with `flow` and `growth`;
an impression of it: `impression` with `placement`; sets: `subjects`, `files`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
