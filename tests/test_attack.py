"""A small attack on every parser: damaged files of every kind are refused with a message, or read."""

import os

import pytest

from tests.scripts import load_script

SLOWER = {"wsq": 3, "model": 20, "scores xlsx": 20, "archive .tar.xz": 30, "list of files": 20, "index": 30}
SLOWER |= {"feature table csv": 10, "feature table xlsx": 10, "minutiae csv": 30}
"""Inputs for parsers that take longer; 60 for the others."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What is counted for a parser, and what should not have been, by its name."""
    for extra in ("pyarrow", "openpyxl", "onnxruntime"):
        pytest.importorskip(extra, reason=f"{extra} is not installed")
    attack = load_script("benchmarks/attack.py")
    found = {}
    silent, errors = os.open(os.devnull, os.O_WRONLY), os.dup(2)
    os.dup2(silent, 2)  # what libtiff prints
    try:
        for target in attack.targets(tmp_path_factory.mktemp("attack")):
            expected = [target.read(data) for data in target.seeds]
            tried = [(n, attack.outcome(target, n, expected)) for n in range(SLOWER.get(target.name, 60))]
            counts = [name for _, (names, _) in tried for name in names]
            found[target.name] = counts, [f"{n}: {why}" for n, (_, why) in tried if why]
    finally:
        os.dup2(errors, 2)
        os.close(silent)
        os.close(errors)
    return found


def test_no_damaged_file_raises_an_unforeseen_error_or_passes_a_checksum(outcomes):
    assert len(outcomes) > 45
    assert not {name: wrong for name, (_, wrong) in outcomes.items() if wrong}


def test_whole_files_are_read_and_most_damaged_ones_refused(outcomes):
    counts = [name for names, _ in outcomes.values() for name in names]
    assert counts.count("refused") > len(counts) / 3 and counts.count("unchanged") > 200
