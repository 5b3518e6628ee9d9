"""Synthetic prints with known truth: fingers, impressions of them, and sets of subjects."""

from ridgefeat.synth.impression import ImpressionParams, draw_params, make_impression
from ridgefeat.synth.master import make_master
from ridgefeat.synth.prints import Impression, MasterPrint, Truth

__all__ = [
    "Impression",
    "ImpressionParams",
    "MasterPrint",
    "Truth",
    "draw_params",
    "make_impression",
    "make_master",
]
