"""Pictures of prints.

Read in this order: `axes` (layers on matplotlib axes), `panels` (one picture per stage; what a value was measured on),
`show` (the panels of a print on one page; a template as a print; two prints with their paired minutiae).
"""
