"""Ridge structure -> numbers: one module or package per family.

Read in this order: `family` (how columns are declared), `zones` (places in a print), then any family: `ridge`,
`orient`, `gabor`, `minutiae`, `quality`, `texture`.
"""

from ridgefeat.features.family import Column, Family, as_records, families, schema_digest, select

__all__ = ["Column", "Family", "as_records", "families", "schema_digest", "select"]
