import os
import subprocess
import sys
from pathlib import Path

import pytest

import ridgefeat
from ridgefeat.work.system import missing_library_advice

ROOT = Path(ridgefeat.__file__).parents[1]
MISSING = "libGL.so.1: cannot open shared object file: No such file or directory"


@pytest.fixture
def bare_server(tmp_path):
    """Return an environment in which `import cv2` fails as it does where libGL is not installed."""
    (tmp_path / "cv2.py").write_text(f"raise ImportError({MISSING!r})\n")
    return {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}


def run(env, *command):
    return subprocess.run([sys.executable, *command], env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", ["extract . -o x.csv", "features", "params", "show x -o y"])
def test_a_missing_system_library_gets_advice_at_the_command_line(bare_server, command):
    done = run(bare_server, "-m", "ridgefeat.cli", *command.split())
    assert done.returncode == 2 and done.stdout == ""
    assert "libGL.so.1 is missing" in done.stderr and "apt-get install libgl1 libglib2.0-0" in done.stderr
    assert "opencv-python-headless" in done.stderr and "Traceback" not in done.stderr


def test_a_missing_system_library_gets_advice_in_python(bare_server):
    done = run(bare_server, "-c", "import ridgefeat as rf; rf.read('x.png')")
    assert "ImportError: OpenCV cannot start: the system library libGL.so.1 is missing" in done.stderr


def test_help_needs_no_libraries(bare_server):
    done = run(bare_server, "-m", "ridgefeat.cli", "extract", "--help")
    assert done.returncode == 0 and "--validate" in done.stdout


def test_other_import_errors_are_left_alone():
    assert missing_library_advice(ImportError("No module named 'cv2'")) is None


def test_importing_the_package_loads_no_heavy_library():
    heavy = ("cv2", "pandas", "sklearn", "numpy")
    code = f"import sys, ridgefeat, ridgefeat.cli; print([m for m in {heavy} if m in sys.modules])"
    done = run({**os.environ, "PYTHONPATH": str(ROOT)}, "-c", code)
    assert done.stdout.strip() == "[]"
