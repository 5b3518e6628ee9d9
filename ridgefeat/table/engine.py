"""The engine that prints or fits are spread over. It is the user's, and joblib speaks to it; nothing here schedules.

with using("dask=tcp://10.0.0.1:8786", jobs=None) as workers:
    for result in spread((delayed(work)(x) for x in many), workers): ...
"""

from __future__ import annotations

import atexit
import socket
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from typing import Any

from ridgefeat.errors import ParameterError, RidgefeatError

KINDS = ("local", "dask", "ray")
PATIENCE = 10.0
"""Seconds to wait for a cluster to answer."""
AHEAD = 2
"""Calls a worker that are handed out at once: nobody waits, and memory stays the same however many there are."""
ROUND = 8
_PORTS = {"dask": 8786, "ray": 6379}
_START = {
    "dask": "start a cluster (`dask scheduler`, then `dask worker ADDRESS` on each machine), or say dask=local",
    "ray": "start one (`ray start --head`, then `ray start --address=ADDRESS` on each machine), or say ray=local",
}


class EngineError(RidgefeatError):
    """An engine that is not installed, not reachable or gone."""


class EngineLost(EngineError):
    """An engine that went away while it worked."""


def parse_engine(text: str | None) -> tuple[str, str]:
    """Return the kind and the address that --engine names: local, dask=ADDRESS or ray=ADDRESS.

    The address `local` starts a cluster on this machine. Dask's may be a scheduler file (.json); Ray's `auto` is the
    cluster that runs on this machine.

    Raises
    ------
    ParameterError
        If it names none.
    """
    kind, _, address = (text or "local").partition("=")
    if kind not in KINDS or (kind == "local" and address) or (kind == "dask" and not address):
        raise ParameterError(
            "engine must be local, dask=ADDRESS or ray=ADDRESS, such as dask=tcp://10.0.0.1:8786 or ray=auto; "
            f"got {text!r}"
        )
    return kind, address or "auto"


def count_workers(jobs: int | None) -> int:
    """Return how many workers a --jobs value means: None and -1 are every core that this process may use.

    Raises
    ------
    ParameterError
        For 0 or less than -1.
    """
    import joblib

    if jobs is None or jobs == -1:
        return int(joblib.cpu_count())
    if jobs < 1:
        raise ParameterError(f"jobs must be 1 or more, or -1 for every core, got {jobs}")
    return jobs


@contextmanager
def using(engine: str | None = None, jobs: int | None = None) -> Iterator[int]:
    """Make joblib work on an engine and yield how many workers it has.

    Parameters
    ----------
    engine : str, optional
        As parse_engine takes it; processes on this machine without.
    jobs : int, optional
        Workers, where the engine is started here; all that there are without.

    Raises
    ------
    EngineError
        If the engine is not installed, or does not answer within PATIENCE.
    ParameterError
        If `engine` names none, or jobs is 0 or less than -1.
    """
    kind, address = parse_engine(engine)
    workers = count_workers(jobs)
    with ExitStack() as stack:
        if kind == "dask":
            workers = _join_dask(stack, address, workers)
        elif kind == "ray":
            workers = _join_ray(stack, address, None if jobs in (None, -1) else workers)
        yield workers


def spread(calls: Iterable[Any], workers: int, *, ordered: bool = False, **options: Any) -> Iterator[Any]:
    """Yield the results of calls as they finish (or in their order), on joblib's present engine.

    Parameters
    ----------
    calls : iterable
        As joblib's delayed makes them; taken up only as far ahead as keeps every worker busy.
    workers : int
        How many work at once.
    ordered : bool
        Yield results in the order of the calls.
    **options
        For joblib's Parallel.
    """
    from joblib import Parallel
    from joblib.parallel import get_active_backend

    backend, configured = get_active_backend()
    if on_cluster() and "backend" not in options:
        workers = max(workers, int(backend.effective_n_jobs(configured or workers)))
    how: dict[str, Any] = {"n_jobs": workers, "batch_size": 1, **options}
    if "backend" in options or backend.supports_return_generator:
        how["return_as"] = "generator" if ordered else "generator_unordered"
        results = Parallel(pre_dispatch=AHEAD * workers, **how)(calls)
        try:
            yield from map(_real, results)
        finally:
            _forget(results)
        return
    # Ray's backend hands back lists only: rounds, on workers that stay.
    left = iter(calls)
    with Parallel(pre_dispatch="all", **how) as parallel:
        while results := parallel(islice(left, ROUND * workers)):
            yield from results


def _forget(results: Any) -> None:
    """Give up results that are still to come: what joblib would warn of then is no news, for a run says why it ends."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        results.close()


def _real(result: Any) -> Any:
    """Return a result; where the engine went away, joblib hands back the error in its place."""
    if isinstance(result, BaseException):
        raise EngineLost(f"{type(result).__name__}: {result}")
    return result


def start_workers(jobs: int, module: str) -> None:
    """Start local workers that import a module, and return at once: they are ready when as many are first needed."""
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=jobs, backend="loky", max_nbytes=None, batch_size=1, return_as="generator_unordered")
    _starting.append(parallel(delayed(import_module)(module) for _ in range(jobs)))
    atexit.register(_forget_starting)


_starting: list[Any] = []


def _forget_starting() -> None:
    """Give up workers that were started for a run that ended before it needed them."""
    while _starting:
        _forget(_starting.pop())


def started() -> None:
    """Wait until the workers that were started have loaded what they need."""
    while _starting:
        for _ in _starting.pop():
            pass


def on_cluster() -> bool:
    """Whether joblib's present engine is one of other machines' (or pretends to be)."""
    from joblib.parallel import get_active_backend

    names = {kind.__name__ for kind in type(get_active_backend()[0]).__mro__}
    return bool(names & {"DaskDistributedBackend", "RayBackend"})


def _join_dask(stack: ExitStack, address: str, workers: int) -> int:
    if find_spec("distributed") is None:
        raise EngineError("engine dask is not installed; pip install 'ridgefeat[dask]'")
    import joblib
    from distributed import Client, LocalCluster

    try:
        if address == "local":
            cluster = LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None)
            client = Client(stack.enter_context(cluster))
        elif address.endswith(".json"):
            client = Client(scheduler_file=address, timeout=PATIENCE)
        else:
            _knock("dask", address)
            client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError, TimeoutError) as error:
        raise _unreachable("dask", address, error) from None
    stack.enter_context(client)
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise EngineError(
            f"engine dask={address} has no worker (waited {PATIENCE:g} s); start one: dask worker {address}"
        ) from None
    stack.enter_context(joblib.parallel_config(backend=_dask_backend(client)))
    return int(sum(client.ncores().values()))


def _dask_backend(client: Any) -> Any:
    """Return joblib's backend for Dask, told that there is always more than one worker.

    Where joblib believes in one alone, it works in this process instead, and leaves the cluster idle.
    """
    from joblib._dask import DaskDistributedBackend
    from joblib.externals.loky.process_executor import _ExceptionWithTraceback

    class Backend(DaskDistributedBackend):  # type: ignore[misc]
        def submit(self, func: Any, callback: Any = None) -> Any:
            future = super().submit(func, callback)

            # joblib is told of results only; of a call whose worker died it would wait for one for ever.
            def tell(done: Any) -> None:
                if callback is not None and (error := done.exception()) is not None:
                    callback(_ExceptionWithTraceback(error))

            future.add_done_callback(tell)
            return future

        def effective_n_jobs(self, n_jobs: int) -> int:
            return max(2, int(super().effective_n_jobs(n_jobs)))

    return Backend(client=client)


def _join_ray(stack: ExitStack, address: str, jobs: int | None) -> int:
    if find_spec("ray") is None:
        raise EngineError("engine ray is not installed; pip install 'ridgefeat[ray]'")
    import joblib
    import ray
    from ray.util.joblib import register_ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        if address == "local":
            ray.init(address="local", num_cpus=jobs, include_dashboard=False, **quiet)
        else:
            if address != "auto":
                _knock("ray", address)
            ray.init(address=address, **quiet)
    except (OSError, ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise _unreachable("ray", address, error) from None
    stack.callback(ray.shutdown)
    register_ray()
    most = max(1, int(ray.cluster_resources().get("CPU", 1)))
    workers = most if jobs is None else min(jobs, most)
    stack.enter_context(joblib.parallel_config(backend="ray", n_jobs=workers))
    return workers


def _knock(kind: str, address: str) -> None:
    """Raise OSError or ValueError unless somebody listens there: engines themselves wait far longer to say so."""
    scheme, _, rest = address.rpartition("://")
    if scheme not in ("", "tcp", "tls", "ray"):
        return
    host, _, port = rest.partition("/")[0].rpartition(":")
    default = 10001 if scheme == "ray" else _PORTS[kind]
    with socket.create_connection((host or port, int(port) if host else default), PATIENCE):
        return


def _unreachable(kind: str, address: str, error: BaseException) -> EngineError:
    why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return EngineError(f"engine {kind}={address} does not answer ({why[:200]}); {_START[kind]}")
