"""The page of a comparison of classifiers.

Read in this order: `page` (the view, each part computed once, and the file), `tables` (metrics as text, rows of text),
`figures`, `summary` (the sentences at the top and those on confounds).
"""
