"""The engine that prints or fits are spread over. It is the user's, and joblib speaks to it; nothing here schedules.

with using("dask=tcp://10.0.0.1:8786", jobs=None) as workers:
    Parallel(n_jobs=workers)(delayed(work)(x) for x in many)
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from typing import Any

from ridgefeat.errors import ParameterError, RidgefeatError

KINDS = ("local", "dask", "ray")
PATIENCE = 10.0
"""Seconds to wait for a cluster to answer."""
_PORTS = {"dask": 8786, "ray": 6379}
_START = {
    "dask": "start a cluster (`dask scheduler`, then `dask worker ADDRESS` on each machine), or say dask=local",
    "ray": "start one (`ray start --head`, then `ray start --address=ADDRESS` on each machine), or say ray=local",
}


class EngineError(RidgefeatError):
    """An engine that is not installed, not reachable or gone."""


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
    from ridgefeat.table.jobs import count_workers

    kind, address = parse_engine(engine)
    workers = count_workers(jobs)
    with ExitStack() as stack:
        if kind == "dask":
            workers = _join_dask(stack, address, workers)
        elif kind == "ray":
            workers = _join_ray(stack, address, None if jobs in (None, -1) else workers)
        yield workers


def start_workers(jobs: int) -> None:
    """Have local workers load what they need, and return at once; whoever asks joblib for as many finds them ready."""
    from joblib import Parallel, delayed

    parallel = Parallel(
        n_jobs=jobs, backend="loky", max_nbytes=None, batch_size=1, return_as="generator_unordered"
    )
    _starting.append(parallel(delayed(_load)() for _ in range(jobs)))


_starting: list[Any] = []


def started() -> None:
    """Wait until the workers that were started have loaded what they need."""
    while _starting:
        for _ in _starting.pop():
            pass


def _load() -> None:
    from importlib import import_module

    import_module("ridgefeat.table.jobs")


def on_cluster() -> bool:
    """Whether joblib's present engine is one of other machines' (or pretends to be)."""
    from joblib.parallel import get_active_backend

    return type(get_active_backend()[0]).__name__ in ("DaskDistributedBackend", "RayBackend")


def _join_dask(stack: ExitStack, address: str, workers: int) -> int:
    if find_spec("distributed") is None:
        raise EngineError("engine dask is not installed; pip install ridgefeat[dask]")
    import joblib
    from distributed import Client, LocalCluster

    try:
        if address == "local":
            cluster = LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
            )
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
    stack.enter_context(joblib.parallel_config(backend="dask", client=client))
    return int(sum(client.ncores().values()))


def _join_ray(stack: ExitStack, address: str, jobs: int | None) -> int:
    if find_spec("ray") is None:
        raise EngineError("engine ray is not installed; pip install ridgefeat[ray]")
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
