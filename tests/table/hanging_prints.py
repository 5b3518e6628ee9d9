"""Prints that hang, crash or fill the memory when they are read; a module of its own, so that workers can load it."""

import os
import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np


class Bytes:
    state = ""


@dataclass(frozen=True)
class Sleeper(Bytes):
    """Bytes that take their time."""

    seconds: float

    def read(self, limit):
        time.sleep(self.seconds)
        return b""


class Stuck(Bytes):
    """Bytes whose decoder hangs in C, holding the interpreter."""

    def read(self, limit):
        re.match(r"(a+)+$", "a" * 64 + "b")  # runs for years, and no signal handler gets a turn
        return b""


@dataclass(frozen=True)
class Crash(Bytes):
    """Bytes that end the process that reads them; once, if a file is named that remembers it."""

    once: Path | None = None

    def read(self, limit):
        if self.once is None or not self.once.exists():
            if self.once is not None:
                self.once.touch()
            os.kill(os.getpid(), signal.SIGSEGV)
        raise ValueError("read at last")


class Hungry(Bytes):
    """Bytes that need more memory than there is leave for."""

    def read(self, limit):
        return bytes(np.ones(2_000_000_000, np.uint8))
