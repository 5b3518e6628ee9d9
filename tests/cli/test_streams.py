"""Streams that are full or closed, Ctrl-C, and errors that no command foresaw: one line, an exit code, no traceback."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ridgefeat.cli import listing
from tests.cli.running import run

RIDGEFEAT = (sys.executable, "-m", "ridgefeat")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
pytestmark = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110


def shell(line, cwd):
    """Return the exit code and what reached standard error of a line in which $R is the command."""
    done = subprocess.run(
        ["sh", "-c", line], env={**ENVIRONMENT, "R": " ".join(RIDGEFEAT)}, cwd=cwd, capture_output=True
    )
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize("words", ["params --json", "--help", "--version", "synth s -n 1 -q --json"])
@pytest.mark.parametrize(
    ("where", "reason"), [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")]
)
def test_a_result_that_cannot_be_written_is_an_error(tmp_path, words, where, reason):
    assert shell(f"$R {words} {where}", tmp_path) == (2, f"Error: standard output cannot be written: {reason}\n")


@pytest.mark.parametrize("where", ["2>/dev/full", "2>&-", "2>&- >&- <&-"])
def test_messages_that_cannot_be_written_are_lost_and_nothing_else(tmp_path, where):
    assert shell(f"$R synth s -n 1 {where}", tmp_path) == (0, "")
    assert (tmp_path / "s" / "index.csv").stat().st_size > 100
    assert shell(f"$R bench {where}", tmp_path) == (2, "")


@pytest.mark.parametrize("options", [("-j", "2"), ("-j", "1", "--timeout", "30")])
def test_ctrl_c_is_one_line_at_any_moment(prints, tmp_path, options):
    words = ("extract", prints, "-o", tmp_path / "t.csv", "-q", "--overwrite", *options)
    # Before our first line, the interpreter itself is interrupted: the line that is waited for comes after it.
    begin = (
        "import signal, ridgefeat.__main__ as command; signal.signal(signal.SIGINT, command._leave); "
        "print(flush=True); command.run()"
    )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": ENVIRONMENT, "start_new_session": True}
    for delay in (0.1, 0.3, 0.8, 2):
        process = subprocess.Popen((sys.executable, "-c", begin, *words), **pipes)
        process.stdout.readline()
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=60)[1].decode()
        assert process.returncode in (0, 130)
        # Between two of its own steps click says "Aborted!" as well.
        assert not said or (said.splitlines()[-1].startswith("Interrupted") and len(said.split("\n")) <= 4)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (TypeError("no\nsuch"), "Error: unexpected TypeError: no. This is a bug in ridgefeat: please report it"),
        (OSError(5, "Input/output error", "a.csv"), "Error: a.csv: Input/output error"),
        (MemoryError(), "Error: this needs more memory than there is"),
    ],
)
def test_an_error_that_nobody_foresaw_is_one_line(monkeypatch, error, line):
    def fail(*given):
        raise error

    monkeypatch.setattr(listing, "write", fail)
    said = run("features", code=2).stderr
    assert said.startswith(line) and said.count("\n") == 1
    assert "Traceback" in run("features", "-v", code=2).stderr


def test_after_ctrl_c_threads_of_libraries_say_nothing(tmp_path):
    code = (
        "import os, signal, sys, threading, time\n"
        "from ridgefeat.cli.streams import guarded_streams\n"
        "def late():\n"
        "    time.sleep(0.3)\n"
        "    raise OSError(9, 'Bad file descriptor')\n"
        "with guarded_streams():\n"
        "    threading.Thread(target=late).start()\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    time.sleep(5)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, cwd=tmp_path, capture_output=True)
    assert (done.returncode, done.stderr) == (130, b"Interrupted.\n")
