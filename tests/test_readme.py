"""What README and docs ask a user to type is typed here, in a new folder, from top to bottom."""

import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ridgefeat.cli import COMMANDS, main
from tests.cli.running import UNLIMITED
from tests.small_fingers import small_fingers

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "docs/start.md", "docs/extract.md", "docs/python.md", "docs/explore.md")
PAGES += ("docs/transactions.md",)
"""Pages that begin with nothing, and make their own prints."""

TYPED = ("ridgefeat doctor", "ridgefeat synth ")
"""README's commands that are started as a shell does; the others run in this process, which is quicker."""

SHARED = ("bench", "compare", "leaks", "verify", "threshold", "templates", "model_card")
SHARED += ("fingers", "scale", "data", "limits", "nn", "backbones", "errors", "phantoms")
"""Pages that go on with prints and tables that the reader has: here they are simulated, once for all."""

NOT_HERE = {
    "ridgefeat doctor": "measures a finger of the usual size; README's is run",
    "ridgefeat synth people/ -n 80 ": "makes what is shared, larger",
    "ridgefeat extract people/ --index people/index.csv ": "makes what is shared, larger",
    "ridgefeat synth made/ -n 80 ": "makes what is shared, larger",
    "ridgefeat extract made/ --index made/index.csv ": "makes what is shared, larger",
    "ridgefeat bench made.csv --target sex --group subject --images made/ ": "needs a network's file, as the next",
    "ridgefeat bench features.csv --target sex --images prints/ --backbone resnet50.onnx ": "needs a network's file; "
    "tests/backbone makes a small one and runs the same options",
    "ridgefeat bench others.csv --feature-columns ": "needs a table of another program, as the next; "
    "tests/table/test_foreign.py makes one",
    "ridgefeat explore others.csv --feature-columns ": "needs it as well",
    "ridgefeat compare features.csv --by sex --columns 'ridge_density_*' --ratio ": "needs forty people; "
    "tests/cli/test_compare.py has them",
    "ridgefeat extract prints/ -o features/ --engine dask=tcp://HEAD:8786": "needs a cluster; "
    "tests/cli/test_scale.py starts a small one",
    "ridgefeat bench features.csv --pairs subject ": "needs several fingers per person; "
    "tests/bench/test_print_pairs.py has them",
    "ridgefeat compare features.csv --by ridge_height ": "needs one height per person, not two impressions",
    "ridgefeat phantoms -o phantoms/": "draws 86 images; tests/reference has all three on a few",
    "ridgefeat extract phantoms/ -o values.csv": "needs the phantoms",
    "ridgefeat conform values.csv --reference ": "needs their values",
    "ridgefeat conform other.csv --name ": "needs a table of another program; tests/reference makes one",
    "ridgefeat extract --list list.aa -o part_aa/ --engine …": "is a pattern; the README runs merge",
    "ridgefeat merge part_aa/ part_ab/ … -o features/": "is a pattern; the README runs merge",
}
"""Commands, by their beginning, that are only read by the command line, not run, and why."""

SHORTER = {
    "synth prints/ -n 48 ": ("-n 32", "eight people are enough"),
    "-o explore.html": ("--no-tsne", "tests/report/explore has t-SNE"),
    "dummy,logistic --folds 3": ("--fast", "tests/bench has diagnostics"),
    "-o overlay.png": ("--scale 1", "tests/report/pictures draws in every size"),
    "-o differences/": ("--columns ridge_period_mean", "tests/cli/test_compare.py has every column"),
    "-o compared/": ("--classifiers logistic,pca-lda --fast", "the page has every classifier; tests/bench fits all"),
    "-o selected": ("--classifiers logistic --fast", "tests/bench/test_selection.py has diagnostics too"),
    "-o seen/": ("--epochs 1", "a network takes a second an epoch"),
    "-o leaky/": ("--classifiers logistic", "knn's 25 neighbours are more prints than are shared"),
    "-j 8 --timeout 120 --memory 2000": ("-j 1", "eight workers start slowly on two cores; tests/cli bounds prints"),
}
"""What is added to commands that hold the first text, if they run in this process, to keep the tests quick; and why."""

FEWER = {"thresholds=500": "thresholds=20"}
"""What examples in Python have less of here."""

TEXTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
INSTALLS = ("pip ", "apt-get ", "make ")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!`)!?\[[^]]*\]\(([^)\s]+)\)")


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str) -> list[tuple[str, str]]:
    return FENCE.findall(read(page))


def shown(page: str) -> list[tuple[str, str]]:
    """Return a page's blocks in order, those that are only indented too: kind and text."""
    text = read(page)
    found = [(m.start(), m[1], m[2]) for m in FENCE.finditer(text)]
    rest = FENCE.sub(lambda m: "\n" * len(m[0]), text)
    for m in re.finditer(r"(?:^ {4}\S.*\n)(?:^(?: {4}.*)?\n)*", rest, re.M):
        lines = [line[4:] for line in m[0].splitlines()]
        if any(line.startswith("ridgefeat ") for line in lines):
            joined = "\n".join(lines).replace("\\\n", " ").splitlines()
            found.append((m.start(), "console", "\n".join(line for line in joined if line.startswith("ridgefeat "))))
    return [(kind, block) for _, kind, block in sorted(found)]


def commands(block: str) -> list[tuple[str, int]]:
    """Return a console block's commands and the exit codes that they announce (`# exit code 1`)."""
    found = []
    for line in block.replace("\\\n", " ").splitlines():
        if line.strip() and not line.startswith(INSTALLS):
            command, _, remark = line.partition("  # ")
            code = re.search(r"exit code (\d+)", remark)
            found.append((command.strip(), int(code[1]) if code else 0))
    return found


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    # The command next to this Python, whatever else is installed.
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    # For a handful of prints, starting workers takes longer than the work.
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    monkeypatch.chdir(tmp_path)
    with small_fingers():
        yield tmp_path


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the reader of a page has already: prints of ten people with an index, their tables, one print."""
    folder = tmp_path_factory.mktemp("shared")
    prints, index = str(folder / "prints"), str(folder / "prints" / "index.csv")
    with small_fingers():
        called("synth", prints, "-n", "20", "--fingers", "1", "--impressions", "2", "--seed", "1")
    some = ("--families", "ridge,minutiae", "-j", "1")
    called("extract", prints, "--index", index, "-o", str(folder / "features.csv"), *some)
    called("verify", prints, "--index", index, "-o", str(folder / "scores.csv"), "-j", "1")
    shutil.copytree(prints, folder / "people")
    shutil.copy(folder / "prints" / "sim0001_male_right_thumb_1.png", folder / "print.png")
    return folder


def runs_here(command: str) -> bool:
    return not command.startswith(tuple(NOT_HERE))


def call(command: str, code: int) -> str:
    """Run a page's command in this process; return what it prints."""
    more = [word for has, (added, _) in SHORTER.items() if has in command for word in shlex.split(added)]
    return called(*shlex.split(command)[1:], *more, code=code)


def execute(block: str, page: str, names: dict[str, object]) -> None:
    """Run a page's example in Python."""
    for text, less in FEWER.items():
        block = block.replace(text, less)
    exec(compile(block, page, "exec"), names)


def called(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, words, default_map=UNLIMITED)
    trace = "".join(traceback.format_exception(done.exception)) if done.exception and code == 0 else ""
    assert done.exit_code == code, f"{shlex.join(words)}\n{done.output[-2000:]}\n{trace}"
    return done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_example_runs(page: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    ran = 0
    for kind, block in shown(page):
        if kind == "python":
            execute(block, page, names)
            ran += 1
        for command, code in commands(block) if kind == "console" else []:
            ran += 1
            if page == "README.md" and command.startswith(TYPED):
                done = subprocess.run(shlex.split(command), capture_output=True, text=True, timeout=300, check=False)
                assert done.returncode == code, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
            elif runs_here(command):
                printed = call(command, code)
                if command.startswith("ridgefeat identify "):  # the next block is its output, to the last digit
                    texts = [text for _, text in blocks(page)]
                    assert texts[texts.index(block) + 1] in printed
    assert ran >= 3


@pytest.mark.parametrize("page", SHARED)
def test_every_command_and_example_runs_on_shared_prints(
    page: str, here: Path, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(shared, here, dirs_exist_ok=True)
    # The page of templates writes it.
    rf = importlib.import_module("ridgefeat")
    fp = rf.read("print.png", dpi=500)
    rows, columns = fp.original.shape
    size = {"width": columns, "height": rows, "dpi_x": 500, "dpi_y": 500}
    rf.templates.write_record("print.fmr", fp.minutiae, fp.singular_points, **size)
    names: dict[str, object] = {}
    for kind, block in shown(f"docs/{page}.md"):
        if kind == "python":
            execute(block, page, names)
        for command, code in filter(lambda c: runs_here(c[0]), commands(block)) if kind == "console" else []:
            words = shlex.split(command)
            if "-o" in words:  # where the page makes what is shared
                Path(words[words.index("-o") + 1]).unlink(missing_ok=True)
            call(command, code)


def test_no_page_with_commands_is_left_out() -> None:
    families = [p.relative_to(ROOT).as_posix() for p in (ROOT / "docs" / "families").glob("*.md")]
    every = [p.relative_to(ROOT).as_posix() for p in TEXTS] + families
    with_commands = [p for p in every if any(k == "python" or (k == "console" and commands(b)) for k, b in shown(p))]
    left = set(with_commands) - set(PAGES) - {f"docs/{name}.md" for name in SHARED} - set(families)
    assert left == set()


def test_what_is_left_out_stands_on_a_page() -> None:
    pages = [*PAGES, *(f"docs/{name}.md" for name in SHARED)]
    given = [c for page in pages for k, b in shown(page) if k == "console" for c, _ in commands(b)]
    assert [begin for begin in NOT_HERE if not any(c.startswith(begin) for c in given)] == []
    assert [has for has in SHORTER if not any(has in c for c in given)] == []
    assert all(any(text in read(page) for page in pages) for text in FEWER)


def named() -> list[str]:
    """Return every command with options that a text or a --help names, run elsewhere or not, without comments."""
    families = [*(ROOT / "docs" / "families").glob("*.md")]
    texts = [p.relative_to(ROOT).as_posix() for p in [*TEXTS, *families] if p.name != "CHANGELOG.md"]
    found = [c for p in texts for k, b in shown(p) if k == "console" for c, _ in commands(b)]
    for page in texts:
        found += re.findall(r"(?<!`)`(ridgefeat [a-z]+ [^`]*)`", read(page))
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        lines = (command.help or "").partition("Examples:")[2].splitlines()
        found += [line.strip() for line in lines if line.strip().startswith("ridgefeat ")]
    kept = [c for c in found if c.startswith("ridgefeat ") and "…" not in c and "COMMAND" not in c]
    return sorted({c.partition("  #")[0].partition(" > ")[0].partition(" >> ")[0] for c in kept})


def test_every_command_that_is_named_is_understood() -> None:
    """Every option exists, every value is of its kind and nothing that is required lacks."""
    every = named()
    assert len(every) > 60
    for words in map(shlex.split, every):
        if words[1].startswith("-"):
            continue
        command = main.get_command(click.Context(main), words[1])
        assert command is not None, words
        try:
            command.make_context(words[1], words[2:], parent=click.Context(main, info_name="ridgefeat"))
        except click.UsageError as error:
            pytest.fail(f"{shlex.join(words)}: {error.format_message()}")


def test_readme_names_every_command() -> None:
    assert [c for c in COMMANDS if f"`ridgefeat {c}`" not in read("README.md")] == []


@pytest.mark.parametrize("page", sorted(p.relative_to(ROOT).as_posix() for p in TEXTS))
def test_links_to_files_lead_somewhere(page: str) -> None:
    text = FENCE.sub("", read(page))
    targets = [t.split("#")[0] for t in LINK.findall(text) if "://" not in t and not t.startswith("#")]
    # The reference is made by `make docs`, and so are the pages of lessons, each from its script.
    scripts = [re.sub(r"^lessons/(\w+)\.rst$", r"../examples/\1.py", t) for t in targets]
    missing = [t for t in scripts if "reference/" not in t and not ((ROOT / page).parent / t).exists()]
    assert missing == []


@pytest.mark.parametrize("page", ["README.md", "docs/measured.md"])
def test_figures_are_those_that_benchmarks_print(page: str) -> None:
    text = read(page)
    quoted = 0
    for line in re.findall(r"^- .*(?:\n  .*)*", text, re.M):
        figures = re.findall(r"\*\*([\d.,]+)\*\*", line)
        if not figures:
            continue
        result = ROOT / "benchmarks" / "results" / re.findall(r"benchmarks/results/(\w+\.md)\)", line)[0]
        printed = re.findall(r"\d[\d.,]*\d|\d", result.read_text(encoding="utf-8"))
        missing = [figure for figure in figures if figure not in printed]
        assert missing == [], f"{result.name} does not contain them; run its benchmark and quote what it prints"
        quoted += len(figures)
    assert quoted >= 4
