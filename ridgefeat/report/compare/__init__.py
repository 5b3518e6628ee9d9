"""The page of a comparison of people: `words` (what is said), `figures`, then `page`."""
