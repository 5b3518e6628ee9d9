"""How well a second impression of a finger repeats a value: the intraclass correlation of every column."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

OWN_SET = "FCJ2020"
"""Of the sets in the package's table, the one that is used unless another is asked for: it names people."""
DATA = "reliability.json"
"""The package's table, by set, which benchmarks/repeatability.py measured."""


def load_reliability(source: str = OWN_SET) -> pd.DataFrame:
    """Return the reliability of columns on a set of repeated impressions, "FCJ2020" or "FVC2002".

    Returns
    -------
    pandas.DataFrame
        A row per column: column, icc, icc_low, icc_high. The coefficient is ICC(1,1), the share of the variance between
        prints that lies between fingers.
    """
    import pandas as pd

    own = json.loads(files("ridgefeat").joinpath(DATA).read_text("utf-8"))
    return pd.DataFrame(own[source]).fillna(np.nan)
