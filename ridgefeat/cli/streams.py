"""Standard streams that fail, and Ctrl-C: a command then ends with one line and an exit code.

Streams may be closed or full, or lack characters in their encoding. A message that cannot be written is dropped; a
result that cannot be written is an error.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ridgefeat.errors import RidgefeatError

INTERRUPTED = 130


class Results(io.TextIOWrapper):
    """Standard output; raises RidgefeatError if it cannot be written. A closed pipe ends the command quietly."""

    def write(self, text: str) -> int:
        """Write text."""
        with _output_errors(self):
            return super().write(text)

    def flush(self) -> None:
        """Flush the stream."""
        with _output_errors(self):
            super().flush()


@contextmanager
def _output_errors(stream: Results) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # Otherwise the interpreter would try again, in vain, to write the rest of the buffer when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if error.errno == errno.EPIPE:
            raise
        raise RidgefeatError(f"standard output cannot be written: {error.strerror}") from None


class Messages(io.TextIOWrapper):
    """Standard error; text that cannot be written is dropped, and after Ctrl-C all but the line that says so.

    It would come from threads of libraries, whose work ends under their hands, and from imports that were interrupted.
    """

    interrupted = False

    def write(self, text: str) -> int:
        """Write text."""
        if self.interrupted and not text.startswith("Interrupted"):
            return len(text)
        with suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        with suppress(OSError):
            super().flush()


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Run a command whose streams may be closed or full, and end it with INTERRUPTED if Ctrl-C was pressed."""
    before = sys.stdout, sys.stderr
    if sys.stdout is sys.__stdout__ and sys.stderr is sys.__stderr__:
        _guard()
    pressed: list[int] = []

    def interrupt(number: int, frame: Any) -> None:
        pressed.append(number)
        warnings.simplefilter("ignore")  # about work left unfinished
        if isinstance(sys.stderr, Messages):
            sys.stderr.interrupted = True
        raise KeyboardInterrupt

    process, report = os.getpid(), sys.unraisablehook

    def leave_if_lost(lost: Any) -> None:
        # An exception in a callback, such as those that run around a fork, is not propagated. Exiting at once is safe:
        # however a command ends, its results are complete or absent.
        if lost.exc_type is not KeyboardInterrupt:
            report(lost)
        elif os.getpid() == process:
            os.write(2, b"Interrupted.\n")
            os._exit(INTERRUPTED)

    is_main = threading.current_thread() is threading.main_thread()
    earlier = signal.signal(signal.SIGINT, interrupt) if is_main else None
    sys.unraisablehook = leave_if_lost
    try:
        yield
    except BaseException as error:
        # A library that is interrupted while it is imported may raise any other error instead.
        if not pressed:
            raise
        if is_main:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the interpreter is ending
        if not isinstance(error, SystemExit) or error.code != INTERRUPTED:
            sys.stderr.write("Interrupted.\n")
        exec("")  # otherwise an interpreter interrupted inside exec, as dataclasses use it, ends by SIGINT
        raise SystemExit(INTERRUPTED) from None
    finally:
        sys.unraisablehook = report
        if is_main and not pressed:
            signal.signal(signal.SIGINT, earlier)
        for name, stream in zip(("stdout", "stderr"), before, strict=True):
            if pressed and name == "stderr":
                continue  # the threads live on until the interpreter has ended
            if stream is not None and (own := getattr(sys, name)) is not stream:
                setattr(sys, name, stream)
                with suppress(OSError, RidgefeatError):
                    own.detach()  # otherwise it would close the stream that it shares


def _guard() -> None:
    """Install streams that do not fail. Closed descriptors are opened, or the next file would get their number."""
    for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, mode)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
    for name, number, kind in (("stdout", 1, Results), ("stderr", 2, Messages)):
        stream = getattr(sys, name)
        raw = open(number, "wb", closefd=False) if stream is None else stream.buffer  # noqa: SIM115 - kept open
        encoding = "utf-8" if stream is None else stream.encoding
        setattr(sys, name, kind(raw, encoding, "backslashreplace", line_buffering=True))
