"""The page of a threshold analysis: `figures` draws, `page` writes sentences and tables."""
