"""Placeholder until the family is written."""

from ridgefeat.features.family import Family

minutiae = Family("minutiae", "")
