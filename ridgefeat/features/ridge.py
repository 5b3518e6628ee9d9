"""Placeholder until the family is written."""

from ridgefeat.features.family import Family

ridge = Family("ridge", "")
