import os
import pickle
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ridgefeat.errors import ParameterError
from ridgefeat.sources import PrintSource
from ridgefeat.table import guard
from ridgefeat.table.compute import Work, batches, run_task
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.row import ArrayPrint, Limits, Task
from tests.table import hanging_prints as bad

RECIPE = Recipe.make(["ridge"])


def source(place, name="bad.png"):
    return PrintSource(Path("/") / name, name, place=place)


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(scope="module")
def first(arrays):
    """Return a task whose prints go through a guarded process that is already warm."""
    return Task(0, [ArrayPrint(a, str(i)) for i, a in enumerate(arrays[:2])], RECIPE, limits=Limits(20.0, 2 << 30))


def test_guarded_rows_are_the_same_rows(first):
    guarded, own = run_task(first), run_task(replace(first, limits=None))
    assert guarded.meta == own.meta
    np.testing.assert_array_equal(guarded.features, own.features)
    assert guarded.memory > 10 << 20 and own.memory > 10 << 20


@pytest.mark.parametrize("place", [bad.Sleeper(600), bad.Stuck()], ids=["sleeps", "stuck in C"])
def test_a_print_that_hangs_is_stopped_and_the_others_are_done(first, arrays, place):
    items = [first.items[0], source(place), first.items[1]]
    began = time.monotonic()
    batch = run_task(replace(first, items=items, limits=Limits(1.0)))
    assert time.monotonic() - began < 60
    assert [bool(m["meta_error"]) for m in batch.meta] == [False, True, False]
    assert batch.meta[1]["meta_error"] == "took longer than 1 s and was stopped (--timeout)"
    assert batch.meta[1]["meta_source"] == "bad.png" and np.isnan(batch.features[1]).all()
    np.testing.assert_array_equal(batch.features[[0, 2]], run_task(replace(first, limits=None)).features)


def test_the_stopped_process_is_gone(first):
    made = guard.Guard(Limits(0.5))
    made.begin(replace(first, items=[source(bad.Sleeper(600))], limits=None))
    assert "took longer" in made.row()
    assert not alive(made._process.pid)


@pytest.mark.parametrize("sent", [1, 2, 3], ids=["at the start", "before a task", "during a task"])
def test_a_process_whose_parent_has_ended_ends_in_silence(first, sent):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", guard._BOOT], **pipes)
    process.stdout.close()
    for content in (sys.path, first.limits, replace(first, limits=None))[:sent]:
        pickle.dump(content, process.stdin)
    process.stdin.close()
    assert process.wait(60) == 0 and process.stderr.read() == b""
    process.stderr.close()


def test_a_crash_is_a_row_and_one_that_does_not_come_again_is_none(first, tmp_path):
    once = tmp_path / "crashed"
    items = [source(bad.Crash()), first.items[0], source(bad.Crash(once))]
    batch = run_task(replace(first, items=items))
    assert "crashed (SIGSEGV)" in batch.meta[0]["meta_error"]
    assert batch.meta[1]["meta_error"] is None
    assert once.exists() and "read at last" in batch.meta[2]["meta_error"]


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="memory is bounded on Linux")  # noqa: PTH110
def test_memory_is_bounded(first):
    batch = run_task(replace(first, items=[source(bad.Hungry()), first.items[0]], limits=Limits(30.0, 1 << 30)))
    assert batch.meta[0]["meta_error"] == "not enough memory for this image"
    assert batch.meta[1]["meta_error"] is None and batch.memory < 1 << 30
    with pytest.raises(ParameterError, match=r"--memory 20 MB is too little: a worker takes \d+ MB"):
        run_task(replace(first, limits=Limits(30.0, 20 << 20)))


def test_two_guarded_workers_share_the_work(arrays):
    items = [ArrayPrint(a, str(i)) for i, a in enumerate(arrays)]
    work = Work(items, RECIPE, 2, Limits(30.0))
    rows = {b.start + i: m for b in batches(work) for i, m in enumerate(b.meta)}
    assert [rows[i]["meta_source"] for i in range(len(items))] == [str(i) for i in range(len(items))]
    assert not guard._idle
