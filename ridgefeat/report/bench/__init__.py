"""The page of a comparison of classifiers.

Read in this order: `page` (the view, each part computed once, and the file), `words` (names and text forms of metrics),
`figures`, `tables` (rows of text and the leak audit), `summary` (the sentences at the top and those on confounds).
"""
