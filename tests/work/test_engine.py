import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from joblib import delayed

from ridgefeat.errors import EngineError, EngineLost, ParameterError, RidgefeatError
from ridgefeat.params import Params
from ridgefeat.sources import PrintSource, find_prints
from ridgefeat.table.writing import write_table
from ridgefeat.verify import Entry, gallery
from ridgefeat.work import engine
from ridgefeat.work.engine import count_workers, parse_engine, spread, using
from tests.table import hanging_prints as bad
from tests.table.helpers import RECIPE
from tests.verify.helpers import prepared, random_minutiae

EXTRAS = pytest.mark.parametrize(("name", "module"), [("dask", "distributed"), ("ray", "ray")])


def twice(x):
    return 2 * x


def late(i, array):
    time.sleep(0.2 if i == 0 else 0)
    return i, array.sum()


def unreadable(place):
    return PrintSource(Path("/x/104_1.png"), "104_1.png", place=place)


def test_an_engine_is_local_dask_or_ray():
    assert parse_engine("") == parse_engine(None) == ("local", "auto")
    for text in ("dusk", "dask", "dask=", "local=2", "slurm=x"):
        with pytest.raises(ParameterError, match="engine must be local, dask=ADDRESS or ray=ADDRESS"):
            parse_engine(text)


@EXTRAS
def test_a_missing_engine_says_what_to_install(monkeypatch, name, module):
    found = engine.find_spec
    monkeypatch.setattr(engine, "find_spec", lambda n: None if n == module else found(n))
    with pytest.raises(EngineError, match=rf"pip install 'ridgefeat\[{name}\]'"), using(f"{name}=tcp://127.0.0.1:1"):
        pass


@EXTRAS
def test_an_engine_that_does_not_answer_says_what_to_start(name, module):
    pytest.importorskip(module, reason=f"needs the extra `{name}`")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: nobody else gets the port
        address = f"{name}=127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(EngineError, match=f"does not answer .*{name} .*{name}=local"), using(address):
            pass


def test_results_come_in_the_order_that_was_asked_for():
    calls = [delayed(twice)(x) for x in range(7)]
    assert list(spread(iter(calls), 2, ordered=True, backend="threading")) == [0, 2, 4, 6, 8, 10, 12]
    assert sorted(spread(iter(calls), 2, backend="threading")) == [0, 2, 4, 6, 8, 10, 12]


def test_no_more_calls_are_taken_up_than_keep_every_worker_busy():
    gate, taken = threading.Event(), []

    def calls():
        for x in range(20):
            taken.append(x)
            yield delayed(gate.wait if x else twice)(x and 60)

    results = spread(calls(), 2, backend="threading")
    first = next(results)
    count = len(taken)
    gate.set()
    assert first == 0 and count <= 6  # two per worker, one for the first, and one that joblib reads ahead
    assert len(list(results)) == 19


def test_results_that_nobody_waits_for_are_given_up_in_silence(recwarn):
    results = spread((delayed(time.sleep)(0.01) for _ in range(20)), 2, backend="threading")
    next(results)
    results.close()
    assert not recwarn.list


def test_a_backend_that_hands_back_lists_is_served_in_rounds(monkeypatch):
    import joblib
    from joblib._parallel_backends import ThreadingBackend

    class Lists(ThreadingBackend):
        supports_return_generator = False

    joblib.register_parallel_backend("lists", Lists)
    monkeypatch.setattr(engine, "CALLS_PER_ROUND", 1)
    taken = []

    def calls():
        for x in range(7):
            taken.append(x)
            yield delayed(twice)(x)

    token = engine._cluster.set("ray")
    with joblib.parallel_config(backend="lists"):
        results = spread(calls(), 2)
        assert [next(results) for _ in range(2)] == [0, 2] and len(taken) == 2
        assert list(results) == [4, 6, 8, 10, 12]
    engine._cluster.reset(token)


def test_workers_are_counted():
    assert count_workers(3) == 3
    assert count_workers(None) == count_workers(-1) >= 1
    for jobs_given in (0, -2):
        with pytest.raises(ParameterError, match="jobs must be 1 or more, or -1"):
            count_workers(jobs_given)


@pytest.fixture(scope="module")
def dask():
    distributed = pytest.importorskip("distributed", reason="needs the extra `dask`")
    import dask

    once = dask.config.set({"distributed.scheduler.allowed-failures": 1})
    with once, distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster.scheduler_address


def test_dask_makes_the_same_bytes_even_where_a_worker_is_lost(dask, prints, tmp_path):
    items = [*find_prints([prints]), unreadable(bad.Crash(tmp_path / "crashed"))]
    write_table(items, RECIPE, tmp_path / "d.csv", engine=f"dask={dask}")
    assert (tmp_path / "crashed").exists()  # it ended a worker, then was read by another
    write_table(items, RECIPE, tmp_path / "one.csv", jobs=1)
    assert (tmp_path / "d.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()


def test_a_gallery_is_searched_over_dask_as_it_is_here(dask, tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "CANDIDATES", 5)
    contents = [prepared(random_minutiae(seed)) for seed in range(12)]
    with gallery.enrol_into(tmp_path / "g", Params()) as writer:
        for k, content in enumerate(contents):
            writer.add(Entry(f"{k}.fmr", {}, content), str(k))
    here = gallery.Gallery(tmp_path / "g").highest_scores(contents[:2])
    handed_over = []
    with using(f"dask={dask}"):
        client = engine._cluster.get()
        submit = client.submit
        monkeypatch.setattr(client, "submit", lambda *a, **how: handed_over.append(a) or submit(*a, **how))
        there = gallery.Gallery(tmp_path / "g").highest_scores(contents[:2])
    assert np.array_equal(here, there) and np.isfinite(here).sum() >= 5 and len(handed_over) == 6


def test_calls_over_dask_keep_their_order_their_arrays_and_their_errors(dask, monkeypatch):
    array, sent = np.arange(1 << 20, dtype=np.uint8), []
    with using(f"dask={dask}") as workers:
        scatter = engine._cluster.get().scatter
        monkeypatch.setattr(engine._cluster.get(), "scatter", lambda *a, **how: sent.append(a) or scatter(*a, **how))
        assert 1 <= workers <= 2 and engine.on_cluster()
        taken = []

        def calls():
            for i in range(30):
                taken.append(i)
                yield delayed(late)(i, array)

        most = engine.ORDERED_AHEAD * engine.CALLS_AHEAD * max(workers, sum(engine._cluster.get().ncores().values()))
        assert most < 30  # however late the first result is, no more calls are taken than may wait behind it
        results = spread(calls(), workers, ordered=True)
        assert next(results) == (0, array.sum()) and len(taken) <= most + 1
        assert [i for i, _ in results] == list(range(1, 30))
        assert len(list(spread([delayed(late)(1, array[1:])], workers))) == len(sent) == 1  # a smaller one is not sent
        assert sorted(i for i, _ in spread(calls(), workers)) == list(range(30))
        with pytest.raises(FileNotFoundError):
            list(spread([delayed(open)("/none")], workers))
        assert list(spread([delayed(twice)(1)], workers)) == [2]
    assert not engine.on_cluster()


def test_a_scheduler_that_is_killed_is_one_line_and_what_was_finished_is_kept(prints, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="needs the extra `dask`")
    monkeypatch.setattr(engine, "TIMEOUT", 2.0)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    where = os.pathsep.join([*sys.path, str(Path(__file__).parent)])

    def dask(*words):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": {**os.environ, "PYTHONPATH": where}}
        started.append(subprocess.Popen([sys.executable, "-m", "dask", *words, "--no-dashboard"], **quiet))

    started = []
    try:
        dask("scheduler", "--host", "127.0.0.1", "--port", address.rpartition(":")[2])
        dask("worker", address, "--nthreads", "1", "--no-nanny")
        with distributed.Client(address, timeout=60) as client:
            client.wait_for_workers(1, timeout=60)

        def progress(done, failed, total):
            if done:
                os.kill(started[0].pid, signal.SIGKILL)

        items = [*find_prints([prints]), *[unreadable(bad.Sleeper(0.25))] * 4]
        began = time.monotonic()
        with pytest.raises(EngineLost, match=r"the Dask scheduler is gone .*then --resume continues this run"):
            write_table(items, RECIPE, tmp_path / "t.csv", engine=f"dask={address}", progress=progress)
        assert time.monotonic() - began < 60
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert write_table(items, RECIPE, tmp_path / "t.csv", mode="resume", jobs=1).kept >= 1


def test_a_worker_of_other_versions_is_refused(dask, prints, tmp_path, monkeypatch):
    monkeypatch.setattr("ridgefeat.table.batches.numeric_versions", lambda: "numpy 0.1")
    with pytest.raises(RidgefeatError, match=r"other versions than this machine.*numpy 0\.1 here"):
        write_table(find_prints([prints]), RECIPE, tmp_path / "t.csv", engine=f"dask={dask}")


def test_a_print_that_ends_one_worker_after_the_other_ends_the_run_with_advice(dask, tmp_path):
    says = r"ended one worker after the other \(KilledWorker.*--timeout or --memory"
    with pytest.raises(EngineError, match=says) as it:
        write_table([unreadable(bad.Crash())], RECIPE, tmp_path / "d.csv", engine=f"dask={dask}")
    assert type(it.value) is EngineError  # it is not tried again


def test_ray_makes_the_same_bytes(prints, tmp_path):
    pytest.importorskip("ray", reason="needs the extra `ray`")
    # In a process of its own: what Ray's actors print while they end would reach the tests that follow.
    command = ["extract", str(prints), "--families", "ridge", "-q", "-o", f"{tmp_path}/ray.csv"]
    ray = ["-j", "2", "--engine", "ray=local"]
    subprocess.run([sys.executable, "-m", "ridgefeat", *command, *ray], capture_output=True, check=True)
    write_table(find_prints([prints]), RECIPE, tmp_path / "one.csv", jobs=1)
    assert (tmp_path / "ray.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()
