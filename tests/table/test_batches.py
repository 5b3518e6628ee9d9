import os
import signal

import numpy as np
import pytest

from ridgefeat.errors import TableError, WorkerLost
from ridgefeat.table.batches import BatchSizer, Extraction, compute_batch, compute_missing, gaps, iterate_batches
from ridgefeat.table.row import ArrayPrint
from tests.table.helpers import RECIPE

PROCESS = int(os.environ.setdefault("RIDGEFEAT_TEST_PROCESS", str(os.getpid())))


class Deadly:
    """A print that ends the process that reads it."""

    @property
    def relative(self):
        if os.getpid() != PROCESS:
            os.kill(os.getpid(), signal.SIGKILL)
        return "bad"


def test_every_batch_says_where_it_belongs(arrays):
    items = [ArrayPrint(a, str(i)) for i, a in enumerate(arrays)]
    alone, shared = ({b.start: b for b in iterate_batches(Extraction(items, RECIPE, n), [(1, 3)])} for n in (1, 2))
    assert set(alone) == set(shared) == {0, 3, 4, 5}
    for start, batch in alone.items():
        assert shared[start].meta == batch.meta and [m["meta_source"] for m in batch.meta] == [str(start)]
        np.testing.assert_array_equal(shared[start].features, batch.features)


def test_a_worker_that_dies_is_an_error_with_advice():
    with pytest.raises(WorkerLost, match=r"a worker process was ended by the system.*fewer --jobs; with --timeout"):
        list(iterate_batches(Extraction([ArrayPrint(None, "0"), Deadly()], RECIPE, 2)))


def test_a_worker_of_other_versions_is_refused(arrays):
    with pytest.raises(TableError, match=r"other versions than this machine.*numpy 0\.1 here; install the same"):
        compute_batch(0, [ArrayPrint(arrays[0], "a")], [None], RECIPE, versions="numpy 0.1")


def test_lost_workers_are_replaced_until_nothing_is_finished_any_more(arrays, monkeypatch):
    def lose(*_):
        tries.append(len(done))
        if len(tries) < 3:
            done.append((len(done), len(done) + 1))
        raise WorkerLost("gone")

    done, tries = [], []
    monkeypatch.setattr("ridgefeat.table.batches.iterate_batches", lose)
    with pytest.raises(WorkerLost):
        compute_missing(Extraction(arrays, RECIPE, 2), lambda: list(done), lambda batch: None)
    assert tries == [0, 1, 2, 2, 2]


def test_a_batch_takes_a_second_or_two_whatever_a_print_costs():
    for cost in (0.001, 0.02, 1.0, 30.0):
        sizer, sizes = BatchSizer(100_000, 2), []
        for _ in range(8):
            sizes.append(sizer.take(100_000))
            sizer.learn(sizes[-1], cost * sizes[-1])
        assert sizes[-1] == pytest.approx(min(1024, max(1, 1.5 / cost)), abs=1)
    sizer, left, sizes = BatchSizer(500, 2), 500, []
    sizer.learn(1000, 1.0)
    while left:
        sizes.append(sizer.take(left))
        left -= sizes[-1]
    assert sizes[0] == 62 and sizes[-1] == 1 and sum(sizes) == 500


def test_rows_that_are_not_done_yet_lie_between_those_that_are():
    assert list(gaps([(0, 2), (5, 6)], 8)) == [(2, 5), (6, 8)]
