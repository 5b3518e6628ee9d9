"""The page on which a table is explored: `page` puts it together from `labels`, `maps` and `pictures`."""
