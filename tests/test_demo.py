import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.cli.running import run
from tests.small_fingers import small_fingers


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "demo"


@small_fingers()
def test_the_demo_replaces_an_earlier_one_and_ends_with_files_to_open(demo: Path, monkeypatch) -> None:
    def run_here(words: list[str], env: dict[str, str]) -> CompletedProcess[str]:
        """Run a command in this process: five new interpreters take longer than the work."""
        assert words[:3] == [sys.executable, "-m", "ridgefeat"] and env["OMP_NUM_THREADS"]
        return CompletedProcess(words, run(*words[3:]).exit_code)

    monkeypatch.setattr("ridgefeat.cli.demo.subprocess.run", run_here)
    (demo / "prints").mkdir(parents=True)
    (demo / "manifest.json").write_text('{"command": "demo"}')
    (demo / "prints" / "left.png").write_text("left")
    printed = run("demo", "--subjects", 6).stdout
    overlay, explored, report = (Path(line) for line in printed.splitlines()[-3:])
    assert overlay == demo / "overlay.png" and overlay.read_bytes().startswith(b"\x89PNG")
    assert explored == demo / "explore.html" and 'id="data-' in explored.read_text(encoding="utf-8")
    assert "3 classifiers compared on “sex”" in report.read_text(encoding="utf-8")
    assert len(list((demo / "prints").glob("*.png"))) == 24 and not (demo / "prints" / "left.png").exists()
    assert len(list((demo / "minutiae").iterdir())) == 24 * 3
    assert "$ ridgefeat extract demo/prints --index demo/prints/index.csv -o demo/features.csv" in printed


def test_a_folder_with_other_files_is_left_alone(demo: Path) -> None:
    demo.mkdir()
    (demo / "prints").write_text("mine")
    assert "demo holds other files; give a folder that is new or empty" in run("demo", code=2).stderr
    assert (demo / "prints").read_text() == "mine"


def test_the_demo_stops_where_a_command_fails(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "false")
    assert "`ridgefeat synth` ended with exit code 1; the demo stops here" in run("demo", code=2).stderr
