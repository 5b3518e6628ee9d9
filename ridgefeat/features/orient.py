"""Placeholder until the family is written."""

from ridgefeat.features.family import Family

orient = Family("orient", "")
