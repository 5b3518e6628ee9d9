"""The engine that does the work: processes by joblib, or the user's Dask or Ray. Nothing here schedules.

with using("dask=tcp://10.0.0.1:8786", jobs=None) as workers:
    for result in spread((delayed(work)(x) for x in many), workers): ...

Dask is used through its own client. joblib's backend for Dask waits for ever for a call that ends its workers, and with
a single worker it works in the calling process while the cluster is idle (joblib 1.6, both tried).
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from importlib.util import find_spec
from itertools import islice
from typing import Any

import numpy as np

from ridgefeat.errors import EngineError, EngineLost, ParameterError, WorkerLost
from ridgefeat.files import first_line
from ridgefeat.work.guard import Limits, current_limits, guarded_map

KINDS = ("local", "dask", "ray")
TIMEOUT = 10.0
"""Seconds to wait for a cluster to answer."""
CALLS_AHEAD = 2
"""Calls handed out at once per worker: no worker waits, and memory stays the same however many calls there are."""
ORDERED_AHEAD = 4
"""Factor on that number over Dask where results come in order: other calls go on for a while behind a slow one."""
CALLS_PER_ROUND = 8
"""Calls per worker in each round, where results come in rounds only."""
MIN_SCATTERED = 1 << 20
"""Bytes of an array that is sent to the workers of a cluster once, and not with every call."""
KEPT_MEMORY = 128 << 20
"""Bytes of freed memory that a Dask worker started here keeps. Dask keeps hardly any: 25 % more time per print."""
_cluster: ContextVar[Any] = ContextVar("cluster", default=None)
"""Dask's client, "ray", or None for this machine."""
_PORTS = {"dask": 8786, "ray": 6379}
_START = {
    "dask": "start a cluster (`dask scheduler`, then `dask worker ADDRESS` on each machine), or give dask=local",
    "ray": "start one (`ray start --head`, then `ray start --address=ADDRESS` on each machine), or give ray=local",
}


def parse_engine(text: str | None) -> tuple[str, str]:
    """Return the kind and the address that --engine names: local, dask=ADDRESS or ray=ADDRESS.

    The address `local` starts a cluster on this machine. Dask's may be a scheduler file (.json); Ray's `auto` is the
    cluster that runs on this machine. Raises ParameterError if it names none.
    """
    kind, _, address = (text or "local").partition("=")
    if kind not in KINDS or (kind == "local" and address) or (kind == "dask" and not address):
        example = "such as dask=tcp://10.0.0.1:8786 or ray=auto"
        raise ParameterError(f"engine must be local, dask=ADDRESS or ray=ADDRESS, {example}; got {text!r}")
    return kind, address or "auto"


def count_workers(jobs: int | None) -> int:
    """Return the number of workers for --jobs: None and -1 mean every core that this process may use.

    Raises ParameterError for 0 or less than -1.
    """
    import joblib

    if jobs is None or jobs == -1:
        return int(joblib.cpu_count())
    if jobs < 1:
        raise ParameterError(f"jobs must be 1 or more, or -1 for every core, got {jobs}")
    return jobs


@contextmanager
def using(engine: str | None = None, jobs: int | None = None) -> Iterator[int]:
    """Have `spread` use an engine (as parse_engine takes it), and yield its number of workers.

    Where the engine is started here, `jobs` are its workers; as many as there are cores without. Raises EngineError if
    the engine is not installed, or does not answer within TIMEOUT; ParameterError if `engine` names none, or jobs is 0
    or less than -1.
    """
    (kind, address), workers = parse_engine(engine), count_workers(jobs)
    with ExitStack() as stack:
        if kind == "dask":
            workers = _join_dask(stack, address, workers)
        elif kind == "ray":
            workers = _join_ray(stack, address, None if jobs in (None, -1) else workers)
        yield workers


def spread(
    calls: Iterable[Any], workers: int, *, ordered: bool = False, limits: Limits | None = None, **options: Any
) -> Iterator[Any]:
    """Yield the results of calls as they finish (or in their order), on the engine in use.

    `calls` are made by joblib.delayed, and consumed only as far ahead as keeps every worker busy. A single worker on
    this machine is this process. With `limits`, calls run in child processes, and threads of this process wait for
    them. `options` go to joblib.Parallel, if this machine does the work. Raises WorkerLost if a worker ends before its
    call is done (the calls that are not done can be made again), EngineLost if the cluster is gone, and EngineError if
    one call ends every worker that takes it up.
    """
    cluster = _cluster.get()
    if cluster == "ray":
        yield from _on_ray(calls, workers)
    elif cluster is not None:
        yield from _on_dask(cluster, calls, workers, ordered)
    elif workers == 1:
        yield from (_call(0, True, function, *args, **kwargs) for function, args, kwargs in calls)
    else:
        yield from _on_this_machine(calls, workers, ordered, options | ({"backend": "threading"} if limits else {}))


def spread_items(
    function: Callable[[Any], Any], items: Sequence[Any], workers: int, *, batch: int = 8
) -> Iterator[Any]:
    """Yield function(item) for each item, in order; a Stopped where one exceeds the limits in force.

    Each call of `spread` computes a `batch` of items; the same errors are raised.
    """
    from joblib import delayed

    limits = current_limits()
    batches = [items[at : at + batch] for at in range(0, len(items), batch)]
    calls = (delayed(_compute_items)(function, some, limits) for some in batches)
    for results in spread(calls, max(1, min(workers, len(batches))), ordered=True, limits=limits):
        yield from results


def _compute_items(function: Callable[[Any], Any], items: Sequence[Any], limits: Limits | None) -> list[Any]:
    return list(guarded_map(function, items, limits))


def _call(parent: int, pinned: bool, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function where work is done: on one thread, and with Ctrl-C left to the process that handed it over."""
    from ridgefeat.work.threads import one_thread

    if parent not in (0, os.getpid()) and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers itself, without their tracebacks
    with one_thread() if pinned else nullcontext():
        return function(*args, **kwargs)


def _on_this_machine(calls: Iterable[Any], workers: int, ordered: bool, options: dict[str, Any]) -> Iterator[Any]:
    from joblib import Parallel, delayed

    # Threads of one process cannot be pinned one by one.
    pinned, parent = options.get("backend") != "threading", os.getpid()
    calls = (delayed(_call)(parent, pinned, function, *args, **kwargs) for function, args, kwargs in calls)
    return_as = "generator" if ordered else "generator_unordered"
    parallel = Parallel(workers, batch_size=1, pre_dispatch=CALLS_AHEAD * workers, return_as=return_as, **options)
    with _interrupts_held():
        results = parallel(calls)
    try:
        for result in results:  # noqa: UP028  (`yield from` would close what is left with joblib's warnings)
            yield result
    except BrokenProcessPool:
        ended = "a worker process was ended by the system, most likely for lack of memory"
        raise WorkerLost(f"{ended}; use fewer --jobs") from None
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # joblib's, of what is still to come: the run says why it ends
            results.close()


def _on_dask(client: Any, calls: Iterable[Any], workers: int, ordered: bool) -> Iterator[Any]:
    from distributed import CancelledError, KilledWorker, as_completed
    from distributed.comm import CommClosedError

    left = enumerate(calls)
    places: dict[Any, int] = {}
    early: dict[int, Any] = {}
    sent: dict[int, Any] = {}
    next_place = 0

    def place_of(argument: Any) -> Any:
        """Return a large array's place on the workers, where it is sent once, however many calls take it."""
        if not isinstance(argument, np.ndarray) or argument.nbytes < MIN_SCATTERED:
            return argument
        if id(argument) not in sent:  # the array is kept with its place, so that no other gets its id
            sent[id(argument)] = argument, client.scatter(argument, broadcast=True, hash=False)
        return sent[id(argument)][1]

    def submit(count: int) -> None:
        for place, (function, args, kwargs) in islice(left, count):
            with warnings.catch_warnings():  # templates travel with their call, each to one worker or two
                warnings.filterwarnings("ignore", "Sending large graph")
                future = client.submit(_call, 0, True, function, *map(place_of, args), pure=False, **kwargs)
            places[future] = place
            done.add(future)

    try:
        done = as_completed(loop=client.loop)
        ahead = CALLS_AHEAD * max(workers, sum(client.ncores().values()))
        submit(ORDERED_AHEAD * ahead if ordered else ahead)
        for future in done:
            # Not `with_results`: it hands over the error of a call that was cancelled as if that were its result.
            early[places.pop(future)] = future.result()
            if not ordered:
                next_place = next(iter(early))
            while next_place in early:
                submit(1)  # for one that is handed over, so that results behind a slow call do not pile up
                yield early.pop(next_place)
                next_place += 1
    except KilledWorker as error:  # the scheduler has tried it on several workers
        raise EngineError(f"a unit of work ended one worker after the other ({_reason(error)})") from None
    except (CancelledError, OSError) as error:
        while client.status == "connecting":
            time.sleep(0.1)
        if client.status != "running":
            raise EngineLost(f"the Dask scheduler is gone ({_reason(error)}); {_START['dask']}") from None
        if isinstance(error, (CancelledError, CommClosedError)):
            raise WorkerLost(f"the connection to the Dask scheduler was lost for a while ({_reason(error)})") from None
        raise
    finally:
        if client.status == "running":
            client.cancel(list(places))


def _on_ray(calls: Iterable[Any], workers: int) -> Iterator[Any]:
    """Work in rounds on actors that stay: Ray's backend for joblib returns lists only."""
    from joblib import Parallel, delayed

    left = (delayed(_call)(0, True, function, *args, **kwargs) for function, args, kwargs in calls)
    try:
        with Parallel(n_jobs=workers, batch_size=1, pre_dispatch="all") as parallel:
            while results := parallel(islice(left, CALLS_PER_ROUND * workers)):
                yield from results
    except Exception as error:
        from ray.exceptions import RayError

        if isinstance(error, RayError):
            raise WorkerLost(f"Ray lost a worker ({_reason(error)})") from None
        raise


def _reason(error: BaseException) -> str:
    """Return an error in one line."""
    return f"{type(error).__name__}: {first_line(error)}"


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Block SIGINT while worker processes are started: they inherit that, so Ctrl-C reaches this process alone."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    from joblib.externals.loky.backend import resource_tracker as loky_tracker

    for tracker in (resource_tracker, loky_tracker):  # each unblocks SIGINT when it has started its own process
        tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def on_cluster() -> bool:
    """Whether the engine in use is a cluster."""
    return _cluster.get() is not None


def _join_dask(stack: ExitStack, address: str, workers: int) -> int:
    if find_spec("distributed") is None:
        raise EngineError("engine dask is not installed; pip install 'ridgefeat[dask]'")
    import dask
    from distributed import Client, LocalCluster

    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what it reports is an EngineError here
    try:
        if address == "local":
            with dask.config.set({"distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": KEPT_MEMORY}):
                cluster = LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None)
            client = Client(stack.enter_context(cluster))
        elif address.endswith(".json"):
            client = Client(scheduler_file=address, timeout=TIMEOUT)
        else:
            _check_port("dask", address)
            client = Client(address, timeout=TIMEOUT)
    except (OSError, ValueError, TimeoutError) as error:
        raise _unreachable("dask", address, error) from None
    stack.enter_context(client)
    try:
        client.wait_for_workers(1, timeout=TIMEOUT)
    except TimeoutError:
        advice = f"(waited {TIMEOUT:g} s); start one: dask worker {address}"
        raise EngineError(f"engine dask={address} has no worker {advice}") from None
    stack.callback(_cluster.reset, _cluster.set(client))
    return int(sum(client.ncores().values()))


def _join_ray(stack: ExitStack, address: str, jobs: int | None) -> int:
    if find_spec("ray") is None:
        raise EngineError("engine ray is not installed; pip install 'ridgefeat[ray]'")
    import joblib
    import ray
    from ray.util.joblib import register_ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        if address == "local":
            quiet |= {"num_cpus": jobs, "include_dashboard": False}
        elif address != "auto":
            _check_port("ray", address)
        ray.init(address=address, **quiet)
    except (OSError, ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise _unreachable("ray", address, error) from None
    stack.callback(ray.shutdown)
    register_ray()
    available = max(1, int(ray.cluster_resources().get("CPU", 1)))
    workers = min(jobs or available, available)
    stack.enter_context(joblib.parallel_config(backend="ray", n_jobs=workers))
    stack.callback(_cluster.reset, _cluster.set("ray"))
    return workers


def _check_port(kind: str, address: str) -> None:
    """Raise OSError or ValueError unless somebody listens there: engines themselves take far longer to find out."""
    scheme, _, rest = address.rpartition("://")
    if scheme not in ("", "tcp", "tls", "ray"):
        return
    host, _, port = rest.partition("/")[0].rpartition(":")
    default = 10001 if scheme == "ray" else _PORTS[kind]
    with socket.create_connection((host or port, int(port) if host else default), TIMEOUT):
        return


def _unreachable(kind: str, address: str, error: BaseException) -> EngineError:
    return EngineError(f"engine {kind}={address} does not answer ({first_line(error)}); {_START[kind]}")
