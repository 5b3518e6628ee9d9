"""Where real prints are, for the tests that need them."""

import os
from pathlib import Path

import pytest

from tests.scripts import ROOT

DATA = Path(os.environ.get("RIDGEFEAT_DATA") or ROOT / ".data")


def real_prints(name: str) -> Path:
    """Return a set's folder, or a file of one; where it is absent, the test is skipped."""
    if not (DATA / name).exists():
        pytest.skip(f"{name} is not in {DATA}; RIDGEFEAT_DATA names the folder that has it")
    return DATA / name
