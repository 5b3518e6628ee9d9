"""The page of a threshold analysis: `page` puts it together from `figures`."""
