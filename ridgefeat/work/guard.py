"""Calls of a function in a child process, so that one can exceed its limits or crash without ending the run.

with limited(seconds=60, memory=1 << 30):
    for result in guarded_map(function, arguments): ...

A process of its own is the only way to stop a call that hangs in a library: neither a signal nor a thread interrupts C
code. A command forks its children before it does anything else (`start_children`): a forked child has its modules
loaded and starts in milliseconds, a new interpreter in two thirds of a second. Where forking is not safe, children are
new interpreters.

pebble's process pools would replace half of this module. They were tried, and not used for three reasons. They cannot
start inside a Dask worker ("daemonic processes are not allowed to have children"), where limits would not hold; an idle
child takes 348 MB instead of 128 MB; and pebble is licensed under the LGPL.
"""

from __future__ import annotations

import atexit
import gc
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from typing import Any, BinaryIO

from ridgefeat.errors import EngineError, ImageError
from ridgefeat.work.system import process_memory

try:
    import resource
except ImportError:  # without it, memory is not limited
    resource = None  # type: ignore[assignment]

START_SECONDS = 120.0
"""Time in seconds that a process may take to start on a busy machine."""
MAX_TRIES = 2
"""How often a call that ends its process is tried: the call need not be the cause."""
_BOOT = """import os, pickle, sys
sys.path[:] = pickle.load(sys.stdin.buffer)
from ridgefeat.work.guard import serve
serve(sys.stdin.buffer, os.fdopen(os.dup(1), "wb"))"""


@dataclass(frozen=True)
class Limits:
    """Limits of one call: time in seconds and memory of its process in bytes; None means unlimited."""

    seconds: float | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Stopped:
    """Replaces the result of a call that ended its process or took too long."""

    reason: str
    timed_out: bool = False


_limits: ContextVar[Limits | None] = ContextVar("limits", default=None)


@contextmanager
def limited(seconds: float | None = None, memory: int | None = None) -> Iterator[None]:
    """Limit time and memory of each print that is read in this block; None or 0 means unlimited.

    Parameters
    ----------
    seconds : float, optional
        Time per print, in seconds.
    memory : int, optional
        Bytes per print, on top of what a worker takes before its first print; on Linux only.
    """
    limits = Limits(seconds or None, memory or None)
    token = _limits.set(limits if limits != Limits() else None)
    try:
        yield
    finally:
        _limits.reset(token)
        close_all()


def current_limits() -> Limits | None:
    """Return the limits in force; None where there are none."""
    return _limits.get()


def without_stopped(results: Iterable[Any], names: Iterable[str]) -> Iterator[Any]:
    """Yield results as they are; raise ImageError with the print's name at the first Stopped."""
    for name, result in zip(names, results, strict=True):
        if isinstance(result, Stopped):
            raise ImageError(f"{name}: {result.reason}")
        yield result


def guarded_map(
    function: Callable[[Any], Any], arguments: Sequence[Any], limits: Limits | None = None
) -> Iterator[Any]:
    """Yield function(argument) for each argument, computed in a child process; a Stopped if a call exceeds its limits.

    Function, arguments and results are pickled. Whatever the function raises is raised here. Without limits, this
    process computes the results itself. Raises EngineError if no process can be started.
    """
    if limits is None:
        yield from map(function, arguments)
        return
    start, tries, child = 0, 0, None
    try:
        while start < len(arguments):
            if child is None:
                child = _take()
                child.begin(function, arguments[start:], limits)
            result = child.result()
            if isinstance(result, Stopped):
                child, tries = None, tries + 1
                if not result.timed_out and tries < MAX_TRIES:
                    continue
            yield result
            start, tries = start + 1, 0
    except BaseException:
        if child is not None:
            child.close()
        raise
    if child is not None:
        with _lock:
            _idle.append(child)


class Child:
    """A process that computes calls, and is killed when one exceeds its limits."""

    def __init__(self, fork: bool = False) -> None:
        self._limits = Limits()
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._process: Any
        if fork:
            self._process = _Fork()
            return
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BOOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **threads},
            start_new_session=True,
        )
        self._send(sys.path)

    def begin(self, function: Callable[[Any], Any], arguments: Sequence[Any], limits: Limits) -> None:
        """Send calls, and wait until the process has loaded what they need; raise EngineError if it cannot."""
        self._limits = limits
        if not self._listener.ident:  # no earlier: a process with threads does not fork
            self._listener.start()
        self._send((limits, function, arguments))
        if self._answer(START_SECONDS) is None:
            raise EngineError("a worker process could not be started; is the machine out of memory?")

    def result(self) -> Any:
        """Return the next call's result, or a Stopped that says why there is none: the process has then ended."""
        answer = self._answer(self._limits.seconds)
        if answer is None:
            timed_out = self._process.poll() is None
            self.close()
            if timed_out:
                return Stopped(f"took longer than {self._limits.seconds:g} s and was stopped (--timeout)", True)
            return Stopped(_explain_end(self._process.returncode))
        value, error = answer
        if error is not None:
            raise error
        return value

    def close(self) -> None:
        """End the process and all that it started."""
        with suppress(OSError):
            self._process.kill()  # it may not have made its group yet
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        with suppress(OSError):
            self._process.stdin.close()

    def _send(self, content: Any) -> None:
        # If the process has just ended, waiting for its answer will show that.
        with suppress(OSError):
            pickle.dump(content, self._process.stdin)
            self._process.stdin.flush()

    def _answer(self, seconds: float | None) -> Any:
        try:
            return self._answers.get(timeout=seconds)
        except queue.Empty:
            return None

    def _listen(self) -> None:
        with suppress(Exception):
            while True:
                self._answers.put(pickle.load(self._process.stdout))
        # Whoever waits for an answer must see that the process has ended, not only that its pipe is closed.
        self._process.wait()
        self._answers.put(None)


class _Fork:
    """A forked process that serves calls, with the members of subprocess.Popen that are used."""

    def __init__(self) -> None:
        calls, to_child = os.pipe()
        from_child, answers = os.pipe()
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of native threads, which are idle
            self.pid = os.fork()
        if self.pid == 0:
            try:
                os.setsid()
                gc.freeze()  # memory shared with the parent stays shared
                siblings = [f.fileno() for c in _idle for f in (c._process.stdin, c._process.stdout)]
                for handle in (to_child, from_child, *siblings):
                    os.close(handle)  # otherwise its siblings would not notice the parent's end
                serve(os.fdopen(calls, "rb"), os.fdopen(answers, "wb"))
            finally:
                os._exit(0)
        os.close(calls)
        os.close(answers)
        self.stdin, self.stdout = os.fdopen(to_child, "wb"), os.fdopen(from_child, "rb")
        self.returncode: int | None = None
        self._waits = threading.Lock()

    def poll(self, how: int = os.WNOHANG) -> int | None:
        """Return the exit code; None while the process runs."""
        with self._waits:
            if self.returncode is None:
                pid, status = os.waitpid(self.pid, how)
                self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def kill(self) -> None:
        """End the process."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int | None:
        """Wait for the end, and return the exit code."""
        return self.poll(0)


_idle: list[Child] = []
_lock = threading.Lock()


def close_all() -> None:
    """End the processes that wait for calls."""
    with _lock:
        while _idle:
            _idle.pop().close()


atexit.register(close_all)


def start_children(count: int, module: str) -> None:
    """Fork children that have loaded a module, if limits are in force and this process has no threads yet.

    Later, a fork would share whatever locks are held: OpenCV's pool hangs in the child of a process that has used it.
    """
    if current_limits() is None or sys.platform != "linux":
        return
    import_module(module)
    from ridgefeat.work.threads import has_threads

    if not has_threads():
        for _ in range(count):
            _idle.append(Child(fork=True))


def _take() -> Child:
    with _lock:
        if _idle:
            return _idle.pop()
    return Child()


def _explain_end(code: int) -> str:
    if code == -signal.SIGKILL:
        return "the process that read it was ended by the system, most likely for lack of memory"
    if code < 0:
        return f"the process that read it crashed ({signal.Signals(-code).name}); please report this image"
    return f"the process that read it ended (exit code {code}); please report this image"


def serve(calls: BinaryIO, answers: BinaryIO) -> None:
    """Answer incoming calls in a child process. Output that libraries print there is discarded."""
    import faulthandler

    from ridgefeat.work.threads import one_thread

    nowhere = os.open(os.devnull, os.O_RDWR)
    for handle in (1, 2):
        os.dup2(nowhere, handle)

    def answer(content: Any) -> None:
        pickle.dump(content, answers)
        answers.flush()

    empty = 0
    try:
        with one_thread():
            while True:
                limits, function, arguments = pickle.load(calls)
                empty = empty or process_memory("VmData")
                _bound_memory(empty, limits.memory)
                answer(True)
                for argument in arguments:
                    # If the parent has been killed, nobody else would end a call that hangs.
                    if limits.seconds:
                        faulthandler.dump_traceback_later(2 * limits.seconds + 30, exit=True)
                    try:
                        outcome: tuple[Any, Any] = function(argument), None
                    except Exception as error:
                        outcome = None, error
                    faulthandler.cancel_dump_traceback_later()
                    answer(outcome)
    except (EOFError, BrokenPipeError):  # the parent has ended, and nobody waits for an answer
        os._exit(0)


def _bound_memory(empty: int, memory: int | None) -> None:
    """Limit this process to `memory` bytes on top of the `empty` bytes that it takes without a print."""
    if resource is not None and empty:
        maximum = resource.getrlimit(resource.RLIMIT_DATA)[1]
        wanted = resource.RLIM_INFINITY if memory is None else empty + memory
        wanted = wanted if maximum == resource.RLIM_INFINITY else min(wanted, maximum)
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, maximum))
