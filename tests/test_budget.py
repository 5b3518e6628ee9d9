"""The guard against slower extraction names what exceeds its recorded count."""

from tests.scripts import load_script


def test_what_takes_a_tenth_more_is_named_and_small_parts_may_grow_a_little():
    budget = load_script("benchmarks/budget.py")
    recorded = {"stage mask": {"calls": 200, "kB": 1000}, "stage binary": {"calls": 2, "kB": 1}}
    assert (
        budget.exceeded({"stage mask": {"calls": 220, "kB": 1100}, "stage binary": {"calls": 7, "kB": 9}}, recorded)
        == []
    )
    found = {"stage mask": {"calls": 221, "kB": 1000}, "stage binary": {"calls": 2, "kB": 1}}
    assert budget.exceeded(found, recorded) == ["stage mask: 221 calls, +10% of 200"]
    assert budget.exceeded(recorded | {"stage new": {"calls": 1, "kB": 1}}, recorded)[0].startswith(
        "stage new: not in both"
    )


def test_calls_and_memory_of_the_package_are_counted():
    import numpy as np

    from ridgefeat.stages.skeleton import binarise

    budget = load_script("benchmarks/budget.py")
    print_ = np.zeros((400, 500), np.float32)
    counts = budget.count(lambda: binarise(print_, print_ > 0))
    assert 1 <= counts["calls"] <= 5 and 400 <= counts["kB"] <= 800
