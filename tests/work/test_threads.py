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
