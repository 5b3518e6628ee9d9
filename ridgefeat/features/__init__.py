"""Ridge structure -> numbers: one module or package per family.

Read in this order: `family` (how columns are declared), `zones` (places in a print), then any family: `ridge`,
`orient`, `gabor`, `minutiae`, `quality`, `texture`.
"""

from ridgefeat.features.family import (
    Column,
    Explanation,
    Family,
    Part,
    as_records,
    explain,
    families,
    schema_digest,
    select,
)

__all__ = ["Column", "Explanation", "Family", "Part", "as_records", "explain", "families", "schema_digest", "select"]
