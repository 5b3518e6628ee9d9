"""A process of its own for each worker's prints, ended when one takes too long, too much memory, or crashes.

Only so can a print be stopped that hangs in a library: no signal and no thread reaches inside C. pebble's process pools
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
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO

from ridgefeat.errors import ParameterError, TableError
from ridgefeat.table.row import Limits, Row, Task, own_rows
from ridgefeat.work.system import held

try:
    import resource
except ImportError:  # a system without it goes without the bound on memory
    resource = None  # type: ignore[assignment]

START = 120.0
"""Seconds that a process may take to start on a busy machine."""
ROOM = 64 << 20
"""Bytes that a worker must have beyond what it needs empty."""
TRIES = 2
"""How often a print is begun whose process ends: the print need not have been the cause."""
_BOOT = (
    "import pickle, sys\nsys.path[:] = pickle.load(sys.stdin.buffer)\nfrom ridgefeat.table.guard import serve\nserve()"
)


class Guard:
    """A process that turns prints into rows, and is ended when one oversteps.

    Parameters
    ----------
    limits : Limits
        What a print may take.

    Raises
    ------
    TableError
        If it does not start.
    ParameterError
        If the memory would not hold an empty worker.
    """

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
        self._say(sys.path)
        self._say(limits)
        answer = self._answer(START)
        if answer is None:
            self.close()
            raise TableError("a worker process could not be started; is the machine out of memory?")
        if isinstance(answer, str):
            self.close()
            raise ParameterError(answer)

    def begin(self, task: Task) -> None:
        """Hand over a task."""
        self._say(task)

    def row(self) -> Row | str:
        """Return the next print's row, or why there is none: the process has then ended."""
        answer = self._answer(self.limits.seconds)
        if answer is None:
            slow = self._process.poll() is None
            self.close()
            if slow:
                return f"took longer than {self.limits.seconds:g} s and was stopped (--timeout)"
            return _ending(self._process.returncode)
        if isinstance(answer, Exception):
            raise answer
        row: Row = answer
        return row

    def close(self) -> None:
        """End the process and all that it started."""
        with suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                if stream is not None and stream is self._process.stdin:
                    stream.close()

    def _say(self, content: Any) -> None:
        assert self._process.stdin is not None
        # A process that has just ended is found out when its answer is waited for.
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
        # Who waits shall see that the process is gone, not only that its pipe is closed.
        self._process.wait()
        self._answers.put(None)


_idle: list[Guard] = []
_lock = threading.Lock()


def guarded_rows(task: Task) -> Iterator[Row]:
    """Yield a task's rows, made in a process that is ended and replaced when a print oversteps.

    Raises
    ------
    TableError
        If the minutiae cannot be written, or no process can be started.
    """
    from dataclasses import replace

    from ridgefeat.table.row import failed_row

    limits = task.limits or Limits()
    at, tries, guard = 0, 0, None
    while at < len(task.items):
        if guard is None:
            guard = _take(limits)
            rest = None if task.minutiae is None else task.minutiae[at:]
            guard.begin(replace(task, items=task.items[at:], minutiae=rest, limits=None))
        try:
            row = guard.row()
        except BaseException:
            guard.close()
            raise
        if not isinstance(row, str):
            yield row
            at, tries = at + 1, 0
            continue
        guard, tries = None, tries + 1
        if "--timeout" in row or tries == TRIES:
            yield *failed_row(task.items[at], task.recipe, row), 0
            at, tries = at + 1, 0
    if guard is not None:
        with _lock:
            _idle.append(guard)


def close_all() -> None:
    """End the processes that wait for work."""
    with _lock:
        while _idle:
            _idle.pop().close()


atexit.register(close_all)


def _take(limits: Limits) -> Guard:
    with _lock:
        for i, guard in enumerate(_idle):
            if guard.limits == limits:
                return _idle.pop(i)
    return Guard(limits)


def _ending(code: int) -> str:
    if code == -signal.SIGKILL:
        return "the process that read it was ended by the system, most likely for want of memory"
    if code < 0:
        return f"the process that read it crashed ({signal.Signals(-code).name}); please report this image"
    return f"the process that read it ended (exit code {code}); please report this image"


def serve() -> None:
    """Answer on standard output what comes on standard input: the guarded process."""
    try:
        _serve()
    except (EOFError, BrokenPipeError):  # the parent has ended, and nobody is left to be told
        os._exit(0)


def _serve() -> None:
    import faulthandler

    requests: BinaryIO = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not stand between the answers

    def say(content: Any) -> None:
        pickle.dump(content, answers)
        answers.flush()

    limits: Limits = pickle.load(requests)
    say(_bound(limits.memory))
    while True:
        task = pickle.load(requests)
        try:
            rows = own_rows(task)
            while True:
                # Should the parent have been killed, nobody else would end a print that hangs.
                if limits.seconds:
                    faulthandler.dump_traceback_later(2 * limits.seconds + 30, exit=True)
                row = next(rows, None)
                if row is None:
                    break
                say(row)
        except TableError as error:
            say(error)
        finally:
            faulthandler.cancel_dump_traceback_later()


def _bound(memory: int | None) -> str | bool:
    """Hold this process to so many bytes; return why not if they would not hold it empty."""
    if memory is None or resource is None:
        return True
    empty = held("VmData")
    if empty + ROOM > memory:
        return (
            f"--memory {memory >> 20} MB is too little: a worker takes {empty >> 20} MB before its first print; "
            f"give {(empty + 4 * ROOM) >> 20} or more"
        )
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    return True
