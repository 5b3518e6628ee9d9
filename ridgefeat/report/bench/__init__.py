"""The page of a comparison of classifiers.

Read in this order: `page` (the view, each part computed once, the sentences at the top and those on confounds, and the
file), `tables` (metrics as text, rows) and `figures`.
"""
