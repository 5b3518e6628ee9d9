"""Quality: `family` declares the columns; `blocks` is how they are measured, `nfiq2` how NIST's NFIQ 2 measures."""

from ridgefeat.features.quality.family import quality

__all__ = ["quality"]
