"""Ridge structure -> numbers: one module or package per family.

Read in this order: `family` (how columns are declared), `zones` (places in a print), `layers` (what a value was
measured on), then any family: `ridge`, `orient`, `gabor`, `minutiae`, `quality`, `texture`. `explanation` is one value
explained, `own` loads a user's own families, `bibliography` has the works that columns cite.
"""

from ridgefeat.features.explanation import Column, Explanation, Part
from ridgefeat.features.family import Family, as_records, explain, families, schema_digest, select

__all__ = ["Column", "Explanation", "Family", "Part", "as_records", "explain", "families", "schema_digest", "select"]
