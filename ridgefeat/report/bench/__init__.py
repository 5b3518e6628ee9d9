"""The page of a comparison: `page` puts it together from `figures`, `tables` and `words`."""
