import os

import cv2

from ridgefeat.work import threads
from ridgefeat.work.engine import spread
from ridgefeat.work.threads import one_thread


def test_inside_there_is_one_thread_and_outside_as_many_as_before():
    before = cv2.getNumThreads()
    with one_thread():
        assert cv2.getNumThreads() == 1
        assert {pool["num_threads"] for pool in threads._thread_pools().info() if pool["user_api"] == "blas"} <= {1}
    assert cv2.getNumThreads() == before


def count_threads():
    pools = threads._thread_pools().info()
    blas = max((p["num_threads"] for p in pools if p["user_api"] == "blas"), default=1)
    return os.getpid(), cv2.getNumThreads(), blas


def test_every_call_has_one_thread_here_and_in_a_worker():
    from joblib import delayed

    before = count_threads()
    for workers in (1, 2):
        [(process, *counts)] = spread([delayed(count_threads)()], workers)
        assert (process == os.getpid()) == (workers == 1) and counts == [1, 1]
    assert count_threads() == before


def test_the_limit_holds_until_the_last_of_several_threads_has_left():
    from threading import Event, Thread

    before, entered, leave = count_threads(), Event(), Event()

    def stay():
        with one_thread():
            entered.set()
            leave.wait(10)

    other = Thread(target=stay)
    with one_thread():
        other.start()
        assert entered.wait(10)
    assert count_threads()[1:] == (1, 1)
    leave.set()
    other.join()
    assert count_threads() == before


def test_stages_and_families_are_computed_on_one_thread(monkeypatch):
    import numpy as np

    from ridgefeat import Fingerprint
    from ridgefeat.features.explanation import Column
    from ridgefeat.features.family import Family
    from ridgefeat.stages import normalisation

    counts = []
    monkeypatch.setattr(normalisation, "normalise", lambda image, params: counts.append(count_threads()[1:]))
    _ = Fingerprint(np.zeros((60, 60), np.uint8), invert="no").normalised
    family = Family("own", "Counts threads.")
    family.columns(Column("own_threads", "", 0, 99, "threads"))(lambda fp: [max(count_threads()[1:])])
    assert counts == [(1, 1)] and family.compute(None) == [1]
