"""Synthetic prints with known truth: fingers, impressions of them, and sets of subjects.

The difference between simulated women and men is drawn from published means of ridge density and is no evidence about
people.

Read in this order: `prints` (what is made), `simple` (closed-form prints); a finger: `master` with `flow`, `growth` and
`dislocations`; an impression of it: `impression` with `placement`; sets: `subjects`, `files`.
"""

from ridgefeat.synth.files import read_truth, write_set
from ridgefeat.synth.flow import PATTERN_SHARES
from ridgefeat.synth.impression import draw_params, make_impression
from ridgefeat.synth.master import make_master
from ridgefeat.synth.prints import Impression, ImpressionParams, MasterPrint, Truth
from ridgefeat.synth.subjects import SubjectPrint, make_print, make_subjects

__all__ = [
    "PATTERN_SHARES",
    "Impression",
    "ImpressionParams",
    "MasterPrint",
    "SubjectPrint",
    "Truth",
    "draw_params",
    "make_impression",
    "make_master",
    "make_print",
    "make_subjects",
    "read_truth",
    "write_set",
]
