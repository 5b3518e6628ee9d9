"""Ridge structure -> numbers: one module a family, and how a column is declared."""

from ridgefeat.features.family import Column, Family, as_records, families, schema_digest, select

__all__ = ["Column", "Family", "as_records", "families", "schema_digest", "select"]
