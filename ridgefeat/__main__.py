"""The command `ridgefeat`, and `python -m ridgefeat`."""

from __future__ import annotations

import os
import signal
from typing import Any


def run() -> None:
    """Run the command line. Ctrl-C ends it with one line even before the rest of the package is there."""
    signal.signal(signal.SIGINT, _leave)
    from ridgefeat.cli import main

    try:
        main(prog_name="ridgefeat")
    finally:
        # While it ends, the interpreter would put the system's own handler back, which kills the process.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _leave(number: int, frame: Any) -> None:
    os.write(2, b"Interrupted.\n")
    os._exit(130)


if __name__ == "__main__":
    run()
