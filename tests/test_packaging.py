"""What a distribution holds, and that what is said of the version is said once."""

import configparser
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from ridgefeat import __version__

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built as `pip install .` would, without a network."""
    out = tmp_path_factory.mktemp("wheel")
    # Elsewhere than in build/, in which modules that are gone would be left over.
    (out / "extra.cfg").write_text(f"[build]\nbuild_base = {out / 'build'}\n")
    options = ["--no-deps", "--no-build-isolation", "--no-cache-dir", "-q", "-w"]
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", ".", *options, out],
        cwd=ROOT,
        env=os.environ | {"DIST_EXTRA_CONFIG": str(out / "extra.cfg"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return zipfile.ZipFile(next(out.glob("*.whl")))


def test_the_wheel_holds_every_module_and_page_the_command_the_licence_and_nothing_else(wheel):
    about = f"ridgefeat-{__version__}.dist-info"
    kinds = {".py", ".pyi", ".html", ".js", ".css", ".typed", ".json", ".csv", ".md", ".index", ".npz"}
    files = [p for p in (ROOT / "ridgefeat").rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    wanted = {p.relative_to(ROOT).as_posix() for p in files if p.suffix in kinds or p.name == "py.typed"}
    assert {n for n in wheel.namelist() if not n.startswith(f"{about}/")} == wanted
    assert "ridgefeat/py.typed" in wanted
    assert "ridgefeat = ridgefeat.__main__:run" in wheel.read(f"{about}/entry_points.txt").decode()
    assert any(n.startswith(about) and n.endswith("LICENSE") for n in wheel.namelist())


def test_the_citation_speaks_of_this_version():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.+)$", text, re.MULTILINE)[1] == __version__


def test_pyproject_has_three_lines_and_setup_cfg_the_rest():
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").strip().splitlines()
    assert len(lines) == 3 and set(tomllib.loads("\n".join(lines))) == {"build-system"}
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    assert config["metadata"]["version"] == "attr: ridgefeat._version.__version__"
