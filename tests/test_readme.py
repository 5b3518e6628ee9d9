"""What README and docs tell a user to type is typed here, in a new folder, from top to bottom."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "docs/start.md", "docs/extract.md", "docs/python.md", "docs/explore.md")
"""Pages with something to run."""

TEXTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
INSTALLS = ("pip ", "apt-get ", "make ")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!`)!?\[[^]]*\]\(([^)\s]+)\)")


def blocks(page: str) -> list[tuple[str, str]]:
    return FENCE.findall((ROOT / page).read_text(encoding="utf-8"))


def commands(block: str) -> list[tuple[str, int]]:
    """Return a console block's commands and the exit codes that they announce (`# exit code 1`)."""
    found = []
    for line in block.replace("\\\n", " ").splitlines():
        if line.startswith("$ ") and not line[2:].startswith(INSTALLS):
            command, _, remark = line[2:].partition("  # ")
            code = re.search(r"exit code (\d+)", remark)
            found.append((command.strip(), int(code[1]) if code else 0))
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_example_runs(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The command that stands beside this Python, whatever else is installed.
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    # For a handful of prints, starting workers takes longer than the work.
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    ran = 0
    for kind, block in blocks(page):
        if kind == "python":
            exec(compile(block, page, "exec"), names)
            ran += 1
        for command, code in commands(block) if kind == "console" else []:
            done = subprocess.run(
                shlex.split(command), capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == code, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
            ran += 1
    assert ran >= 3


def test_readme_shows_every_command() -> None:
    from ridgefeat.cli import COMMANDS

    shown = " ".join(command for kind, block in blocks("README.md") for command, _ in commands(block))
    assert [c for c in COMMANDS if f"ridgefeat {c}" not in shown] == []


@pytest.mark.parametrize("page", sorted(p.relative_to(ROOT).as_posix() for p in TEXTS))
def test_links_to_files_lead_somewhere(page: str) -> None:
    text = FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))
    targets = [t.split("#")[0] for t in LINK.findall(text) if "://" not in t and not t.startswith("#")]
    # The reference is made by `make docs`.
    missing = [t for t in targets if "reference/" not in t and not ((ROOT / page).parent / t).exists()]
    assert missing == []


def test_readme_quotes_what_benchmarks_print() -> None:
    measured = re.search(
        r"^## Measured\n(.*?)^## ", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S
    )
    assert measured is not None
    quoted = 0
    for line in re.findall(r"^- .*(?:\n  .*)*", measured[1], re.M):
        result = ROOT / re.findall(r"\((benchmarks/results/\w+\.md)\)", line)[0]
        printed = re.findall(r"\d[\d.,]*\d|\d", result.read_text(encoding="utf-8"))
        for figure in re.findall(r"\*\*(.+?)\*\*", line):
            assert figure in printed, (
                f"{figure} does not stand in {result.name}; run its benchmark, quote what it prints"
            )
            quoted += 1
    assert quoted >= 4
