"""Pictures of prints.

Read in this order: `axes` (layers on matplotlib axes), `panels` (one picture per stage), `show` (the panels of a print
on one page; two prints with their paired minutiae), `template` (a template as a print), `why` (what a value was
measured on).
"""
