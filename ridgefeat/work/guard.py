"""Calls of a function in a child process, which is ended when a call takes too long, too much memory, or crashes.

Only so can a call be stopped that hangs in a library: no signal and no thread reaches inside C. pebble's process pools
would save half of this module, and were tried: they cannot start inside a Dask worker ("daemonic processes are not
allowed to have children"), so that --timeout would be lost there; an empty child holds 348 MB, ours 128; and pebble's
licence is the LGPL.
"""

from __future__ import annotations

import atexit
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ridgefeat.errors import EngineError, ParameterError
from ridgefeat.work.system import process_memory

try:
    import resource
except ImportError:  # a system without it does without the bound on memory
    resource = None  # type: ignore[assignment]

START_SECONDS = 120.0
"""Time in seconds that a process may take to start on a busy machine."""
MIN_ROOM = 64 << 20
"""Memory in bytes that a process must be allowed beyond what it needs before its first call."""
MAX_TRIES = 2
"""How often a call is tried that ends its process: the call need not be the cause."""
_BOOT = (
    "import pickle, sys\nsys.path[:] = pickle.load(sys.stdin.buffer)\nfrom ridgefeat.work.guard import serve\nserve()"
)


@dataclass(frozen=True)
class Limits:
    """What one call may take: seconds, and bytes of its process; None where unbounded."""

    seconds: float | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Stopped:
    """Takes the place of a result if the call ended its process or took too long."""

    reason: str
    timed_out: bool = False


def guarded_map(function: Callable[[Any], Any], arguments: Sequence[Any], limits: Limits) -> Iterator[Any]:
    """Yield function(argument) for each argument, computed in a child process; a Stopped where a call oversteps.

    Function, arguments and results are pickled. Whatever the function raises is raised here. Raises EngineError if no
    process can be started, and ParameterError if the memory would not hold a process before its first call.
    """
    start, tries, child = 0, 0, None
    try:
        while start < len(arguments):
            if child is None:
                child = _take(limits)
                child.begin(function, arguments[start:])
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
    """A process that computes calls, and is ended when one oversteps its limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BOOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **threads},
            start_new_session=True,
        )
        self._answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()
        self._send(sys.path)

    def begin(self, function: Callable[[Any], Any], arguments: Sequence[Any]) -> None:
        """Hand over calls, and wait until the process has loaded what they need; it may raise as guarded_map does."""
        self._send((self.limits, function, arguments))
        answer = self._answer(START_SECONDS)
        if answer is None:
            raise EngineError("a worker process could not be started; is the machine out of memory?")
        if isinstance(answer, str):
            raise ParameterError(answer)

    def result(self) -> Any:
        """Return the next call's result, or a Stopped that says why there is none: the process has then ended."""
        answer = self._answer(self.limits.seconds)
        if answer is None:
            timed_out = self._process.poll() is None
            self.close()
            if timed_out:
                return Stopped(f"took longer than {self.limits.seconds:g} s and was stopped (--timeout)", True)
            return Stopped(_explain_end(self._process.returncode))
        value, error = answer
        if error is not None:
            raise error
        return value

    def close(self) -> None:
        """End the process and all that it started."""
        with suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._process.wait()
        with suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()

    def _send(self, content: Any) -> None:
        assert self._process.stdin is not None
        # A process that has just ended is noticed when its answer is waited for.
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
                self._answers.put(pickle.load(self._process.stdout))  # type: ignore[arg-type]
        # Whoever waits must see that the process has ended, not only that its pipe is closed.
        self._process.wait()
        self._answers.put(None)


_idle: list[Child] = []
_lock = threading.Lock()


def close_all() -> None:
    """End the processes that wait for calls."""
    with _lock:
        while _idle:
            _idle.pop().close()


atexit.register(close_all)


def _take(limits: Limits) -> Child:
    with _lock:
        for i, child in enumerate(_idle):
            if child.limits == limits:
                return _idle.pop(i)
    return Child(limits)


def _explain_end(code: int) -> str:
    if code == -signal.SIGKILL:
        return "the process that read it was ended by the system, most likely for lack of memory"
    if code < 0:
        return f"the process that read it crashed ({signal.Signals(-code).name}); please report this image"
    return f"the process that read it ended (exit code {code}); please report this image"


def serve() -> None:
    """Answer on standard output what comes on standard input: the child process."""
    import faulthandler

    from ridgefeat.work.threads import one_thread

    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not mix with the answers

    def answer(content: Any) -> None:
        pickle.dump(content, answers)
        answers.flush()

    try:
        with one_thread():
            while True:
                limits, function, arguments = pickle.load(sys.stdin.buffer)
                answer(_bound_memory(limits.memory))
                for argument in arguments:
                    # If the parent has been killed, nobody else would end a call that hangs.
                    if limits.seconds:
                        faulthandler.dump_traceback_later(2 * limits.seconds + 30, exit=True)
                    result, failure = None, None
                    try:
                        result = function(argument)
                    except Exception as error:
                        failure = error
                    faulthandler.cancel_dump_traceback_later()
                    answer((result, failure))
    except (EOFError, BrokenPipeError):  # the parent has ended, and nobody waits for an answer
        os._exit(0)


def _bound_memory(memory: int | None) -> str | bool:
    """Limit this process to so many bytes; return why not if that is too little for it to start."""
    if memory is None or resource is None:
        return True
    if resource.getrlimit(resource.RLIMIT_DATA)[0] == memory:
        return True
    empty = process_memory("VmData")
    if empty + MIN_ROOM > memory:
        return (
            f"--memory {memory >> 20} MB is too little: a worker takes {empty >> 20} MB before its first print; "
            f"give {(empty + 4 * MIN_ROOM) >> 20} or more"
        )
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    return True
