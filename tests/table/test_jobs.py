import os
import signal

import cv2
import numpy as np
import pytest

from ridgefeat.errors import ParameterError, TableError
from ridgefeat.table.compute import run
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.row import ArrayPrint, Task
from ridgefeat.work import threads
from ridgefeat.work.engine import WorkerLost, count_workers
from ridgefeat.work.threads import one_thread


class Deadly(ArrayPrint):
    """A print that ends the process that reads it."""

    @property
    def relative(self):
        os.kill(os.getpid(), signal.SIGKILL)


def test_every_batch_says_where_it_belongs(arrays):
    recipe = Recipe.make(["ridge"])
    items = [ArrayPrint(a, str(i)) for i, a in enumerate(arrays)]
    tasks = [Task(at, items[at : at + 2], recipe, None, os.getpid()) for at in (0, 2, 4)]
    alone = {b.start: b for b in run(tasks, 1)}
    shared = {b.start: b for b in run(tasks, 2)}
    assert set(alone) == set(shared) == {0, 2, 4}
    for start, batch in alone.items():
        assert shared[start].meta == batch.meta
        np.testing.assert_array_equal(shared[start].features, batch.features)


def test_a_worker_that_dies_is_an_error_with_advice(arrays):
    bad = object.__new__(Deadly)
    tasks = [Task(0, [bad], Recipe.make(["ridge"]), None, os.getpid())]
    with pytest.raises(WorkerLost, match=r"a worker process was ended by the system.*fewer --jobs"):
        list(run(tasks, 2))


def test_inside_there_is_one_thread_and_outside_as_many_as_before():
    before = cv2.getNumThreads()
    with one_thread():
        assert cv2.getNumThreads() == 1
        assert {pool["num_threads"] for pool in threads._thread_pools().info() if pool["user_api"] == "blas"} <= {1}
    assert cv2.getNumThreads() == before


def test_workers_are_counted():
    assert count_workers(3) == 3
    assert count_workers(None) == count_workers(-1) >= 1
    for jobs_given in (0, -2):
        with pytest.raises(ParameterError, match="jobs must be 1 or more, or -1"):
            count_workers(jobs_given)


def test_a_worker_of_other_versions_is_refused(arrays):
    task = Task(0, [ArrayPrint(arrays[0], "a")], Recipe.make(["ridge"]), versions="numpy 0.1")
    with pytest.raises(TableError, match=r"other versions than this machine.*numpy 0\.1 here; install the same"):
        list(run([task], 1))
