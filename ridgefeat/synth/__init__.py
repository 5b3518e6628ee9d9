"""Synthetic prints with known truth."""
