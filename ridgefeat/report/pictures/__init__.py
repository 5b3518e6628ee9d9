"""Pictures of prints: `show` draws a print stage by stage, `match` what two prints share.

`panels` and `marks` are their parts.
"""
