"""Quality: `family` declares the columns, `score` sums them up; `blocks` and `nfiq2` measure as NIST's NFIQ 2 does."""

from ridgefeat.features.quality.family import quality

__all__ = ["quality"]
