"""A table -> differences between groups of people: effect sizes, tests, and the likelihood ratio of a column's values.

from ridgefeat import compare
people = compare.read_people("features.csv", by="sex", group="subject")
compare.compare_people(people).frame

Read in this order: `people` (a table reduced to one value per person and column), `effects` (means, differences and
effect sizes of all columns at once), `differences` (the whole comparison, with its tests), `ratio` (the likelihood
ratio of one column, checked on held-out people).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
