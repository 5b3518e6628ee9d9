"""Calls over workers: processes of this machine, or the user's Dask or Ray cluster.

Read in this order: `engine` (which engine is used, and how calls are handed to it), `threads` (one thread per call),
`guard` (calls in a child process with limits on time and memory), `system` (missing system libraries, memory in use).
"""
