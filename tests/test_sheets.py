"""Worked values of functions that other modules rest on."""

from ridgefeat.sheets import escape_formula, unescape_formula


def test_escape_formula():
    assert (escape_formula("=1+1"), escape_formula("'=1+1"), escape_formula("left")) == ("'=1+1", "''=1+1", "left")


def test_unescape_formula():
    assert (unescape_formula("'=1+1"), unescape_formula("'s-Hertogenbosch")) == ("=1+1", "'s-Hertogenbosch")
