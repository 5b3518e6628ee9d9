import os
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from ridgefeat.sources import PrintSource
from ridgefeat.table.batches import Extraction, compute_batch, iterate_batches
from ridgefeat.table.row import ArrayPrint
from ridgefeat.work import guard
from ridgefeat.work.guard import Limits, guarded_map, limited
from tests.table import hanging_prints as bad
from tests.table.helpers import RECIPE

LIMITS = Limits(20.0, 2 << 30)


def source(place):
    return PrintSource(Path("/bad.png"), "bad.png", place=place)


def compute(items, limits=LIMITS):
    return compute_batch(0, items, [None] * len(items), RECIPE, limits)


@pytest.fixture(scope="module")
def good(arrays):
    return [ArrayPrint(a, str(i)) for i, a in enumerate(arrays[:2])]


@pytest.fixture(scope="module")
def plain(good):
    return compute(good, None)


def test_guarded_rows_are_the_same_rows(good, plain):
    guarded = compute(good)
    assert guarded.meta == plain.meta
    np.testing.assert_array_equal(guarded.features, plain.features)
    assert guarded.memory > 10 << 20 and plain.memory > 10 << 20


def test_any_function_can_be_guarded_and_its_errors_are_raised():
    assert list(guarded_map(abs, [-1, 2, -3], Limits(20.0))) == [1, 2, 3]
    with pytest.raises(TypeError, match="bad operand"):
        list(guarded_map(abs, [-1, "x"], Limits(20.0)))


@pytest.mark.parametrize("place", [bad.Sleeper(600), bad.Stuck()], ids=["sleeps", "stuck in C"])
def test_a_print_that_hangs_is_stopped_and_the_others_are_done(good, plain, place):
    began = time.monotonic()
    batch = compute([good[0], source(place), good[1]], Limits(1.0))
    assert time.monotonic() - began < 60
    assert [bool(m["meta_error"]) for m in batch.meta] == [False, True, False]
    assert batch.meta[1]["meta_error"] == "took longer than 1 s and was stopped (--timeout)"
    assert batch.meta[1]["meta_source"] == "bad.png" and np.isnan(batch.features[1]).all()
    np.testing.assert_array_equal(batch.features[[0, 2]], plain.features)


def test_a_call_that_takes_too_long_is_not_tried_again(tmp_path):
    (found,) = guarded_map(os.system, [f"echo tried >> {tmp_path / 'tries'}; sleep 60"], Limits(1.0))
    assert found.timed_out and (tmp_path / "tries").read_text() == "tried\n"


def test_the_stopped_process_is_gone():
    child = guard.Child()
    child.begin(time.sleep, [600], Limits(0.5))
    assert "took longer" in child.result().reason
    with pytest.raises(ProcessLookupError):
        os.kill(child._process.pid, 0)


@pytest.mark.parametrize("sent", [1, 2], ids=["at the start", "during a call"])
def test_a_process_whose_parent_has_ended_ends_in_silence(sent):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", guard._BOOT], **pipes)
    process.stdout.close()
    for content in (sys.path, (Limits(20.0), abs, [-1]))[:sent]:
        pickle.dump(content, process.stdin)
    process.stdin.close()
    assert process.wait(60) == 0 and process.stderr.read() == b""
    process.stderr.close()


def test_a_crash_is_a_row_and_one_that_does_not_come_again_is_none(good, tmp_path):
    once = tmp_path / "crashed"
    batch = compute([source(bad.Crash()), good[0], source(bad.Crash(once))])
    assert "crashed (SIGSEGV)" in batch.meta[0]["meta_error"]
    assert batch.meta[1]["meta_error"] is None
    assert once.exists() and "read at last" in batch.meta[2]["meta_error"]


def test_a_call_that_ends_its_process_is_tried_twice(monkeypatch):
    start, started = guard.Child, []
    monkeypatch.setattr(guard, "Child", lambda: started.append(1) or start())
    guard.close_all()
    (stopped,) = guarded_map(os._exit, [3], Limits(60.0))
    assert "ended (exit code 3)" in stopped.reason and len(started) == 2


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="memory is bounded on Linux")  # noqa: PTH110
def test_memory_is_bounded(good):
    batch = compute([source(bad.Hungry()), good[0]], Limits(30.0, 1 << 30))
    assert batch.meta[0]["meta_error"] == "not enough memory for this image; the commands' --memory allows more"
    assert batch.meta[1]["meta_error"] is None and batch.memory < 1 << 30
    assert compute(good[:1], Limits(30.0)).meta[0]["meta_error"] is None


def test_two_guarded_workers_share_the_work(arrays):
    items = [ArrayPrint(a, str(i)) for i, a in enumerate(arrays)]
    with limited(30.0):
        batches = list(iterate_batches(Extraction(items, RECIPE, 2)))
    rows = {b.start + i: m for b in batches for i, m in enumerate(b.meta)}
    assert [rows[i]["meta_source"] for i in range(len(items))] == [str(i) for i in range(len(items))]
    assert not guard._idle


FORKED = """
from operator import methodcaller
from ridgefeat.work import guard
from tests.table.hanging_prints import Crash, Hungry, Sleeper, Stuck

read = methodcaller("read", 0)
with guard.limited(0.7, 100 << 20):
    guard.start_children(2, "ridgefeat.table.batches")
    forked = len(guard._idle)
    places = [Sleeper(0), Stuck(), Sleeper(0), Crash(), Sleeper(0)]
    results = list(guard.guarded_map(read, places, guard.current_limits()))
    try:
        list(guard.guarded_map(read, [Hungry()], guard.current_limits()))
    except MemoryError:
        results.append("MemoryError")
print(forked, *(getattr(r, "reason", r) for r in results), sep=chr(10))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="children are forked on Linux only")
def test_forked_children_keep_the_limits_and_leave_nothing_on_standard_error():
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=True, timeout=120)
    lines = done.stdout.splitlines()
    assert lines[:2] == ["2", "b''"] and lines[3] == lines[5] == "b''" and lines[6] == "MemoryError"
    assert "took longer than 0.7 s" in lines[2] and "crashed (SIGSEGV)" in lines[4]
    assert done.stderr == ""


def test_a_process_with_threads_does_not_fork():
    gate = threading.Event()
    thread = threading.Thread(target=gate.wait)
    thread.start()
    with limited(60):
        guard.start_children(1, "ridgefeat.table.batches")
        assert not guard._idle
    gate.set()
    thread.join()
