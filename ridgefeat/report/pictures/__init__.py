"""Pictures of prints.

Read in this order: `marks` (single points and text), `panels` (one picture per stage), `show` (the panels of a print on
one page; two prints with their paired minutiae).
"""
