"""What a distribution holds, and that what is said of the version is said once."""

import configparser
import re
import tomllib
import zipfile
from pathlib import Path

import pytest

from ridgefeat import __version__

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built as `pip install .` would, without a network."""
    import os
    import subprocess
    import sys

    out = tmp_path_factory.mktemp("wheel")
    # Elsewhere than in build/, in which modules that are gone would be left over.
    (out / "extra.cfg").write_text(f"[build]\nbuild_base = {out / 'build'}\n")
    built = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            ".",
            "--no-deps",
            "--no-build-isolation",
            "--no-cache-dir",
            "-q",
            "-w",
            out,
        ],
        cwd=ROOT,
        env=os.environ | {"DIST_EXTRA_CONFIG": str(out / "extra.cfg"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return zipfile.ZipFile(next(out.glob("*.whl")))


def test_the_wheel_holds_every_module_and_every_page_and_nothing_else(wheel):
    held = {n for n in wheel.namelist() if not n.startswith(f"ridgefeat-{__version__}.dist-info/")}
    package = ROOT / "ridgefeat"
    kinds = {".py", ".pyi", ".html", ".js", ".css", ".typed", ".json", ".csv"}
    wanted = {
        p.relative_to(ROOT).as_posix()
        for p in package.rglob("*")
        if p.is_file() and (p.suffix in kinds or p.name == "py.typed") and "__pycache__" not in p.parts
    }
    assert held == wanted


def test_the_command_and_the_licence_are_in_it(wheel):
    about = f"ridgefeat-{__version__}.dist-info"
    assert "ridgefeat = ridgefeat.cli:main" in wheel.read(f"{about}/entry_points.txt").decode()
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
