"""The page on which a table is explored.

Read in this order: `page` (what the page holds, and how numbers are packed), `sample` (the table, read once, and
its groups), `maps` (statistics over all columns), `pictures` (the prints). In the browser, data.js unpacks the numbers
and main.js starts the page.
"""
