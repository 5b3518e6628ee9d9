"""Calls over workers: processes of this machine, or the user's Dask or Ray cluster.

Read in this order: `engine` (which engine, and how calls are handed to it), `threads` (one thread per worker), `system`
(system libraries that are missing, memory that a process holds).
"""
