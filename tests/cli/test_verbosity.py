"""What all commands share: --quiet, --verbose, --json, colour, completion, help."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import CompletionItem, ShellComplete

from ridgefeat.cli import COMMANDS, listing, main, talk
from tests.cli.running import run

PATHS = r"^(INPUT|IMAGE|PROBE|MODEL|OUTDIR|PICTURE|FOLDER|ROOT|SCORES|FILE|PAGE|\[?TABLE)|\.csv$"
"""Metavariables that stand for a path."""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_quiet_and_verbose(name):
    command = main.get_command(click.Context(main), name)
    names = [o for p in command.params if isinstance(p, click.Option) for o in p.opts]
    assert names.count("--quiet") == 1 == names.count("--verbose")
    # Asked for a second time, it is the same command with the same options.
    assert main.get_command(click.Context(main), name).params == command.params


def test_quiet_keeps_talk_away_and_verbose_adds_to_it(tmp_path, prints):
    image = next(prints.glob("*.png"))
    how = ("show", image, "-o", tmp_path / "a.png", "--panels", "print", "--overwrite")
    assert "minutiae" in run(*how).stderr
    assert run(*how, "-q").output == ""
    assert " s" in run(*how, "-v").stderr.splitlines()[-1]


def test_a_wrong_resolution_of_most_prints_is_said_with_what_to_do(tmp_path, prints):
    how = ("extract", prints / "101_1.png", prints / "102_1.png", "-o", tmp_path / "a.csv", "--families", "ridge")
    wrong = run(*how, "-j", 1, "--dpi", 150).stderr
    assert "wrong_scale" in wrong and "Give --dpi" in wrong
    assert "Give --dpi" not in run(*how, "-j", 1, "--dpi", 500, "--overwrite").stderr


def test_verbose_says_where_an_error_arose(tmp_path):
    missing = ("show", tmp_path / "no.png", "-o", tmp_path / "a.png")
    said = run(*missing, "-v", code=2).stderr
    assert "Traceback" in said and "Error: " in said
    assert "Traceback" not in run(*missing, code=2).stderr


def test_json_results(tmp_path, prints):
    image = next(prints.glob("*.png"))
    said = json.loads(run("show", image, "-o", tmp_path / "a.png", "--panels", "print", "--json").stdout)
    assert said["picture"] == str(tmp_path / "a.png") and said["minutiae"] >= 0
    listed = json.loads(run("features", "--families", "ridge", "--json").stdout)
    assert listed == json.loads(run("features", "--families", "ridge", "--format", "json").stdout)
    assert json.loads(run("params", "--json").stdout)[0]["unit"]
    made = json.loads(run("synth", tmp_path / "made", "-n", 1, "--json", "-q").stdout)
    assert made == {"prints": 1, "folder": str(tmp_path / "made"), "index": str(tmp_path / "made" / "index.csv")}


def test_json_of_a_run_and_of_a_dry_run(tmp_path, prints):
    how = ("--families", "ridge", "-j", 1, "-q", "--json")
    said = json.loads(run("extract", prints, "-o", tmp_path / "a.csv", *how).stdout)
    assert said["rows"] == 6 and said["failures"] == 0 and said["table"] == str(tmp_path / "a.csv")
    assert all(isinstance(n, int) for n in said["flags"].values())
    dry = json.loads(run("extract", prints, "--validate", "--json").stdout)
    assert dry["prints"] == 6 and sum(dry["layouts"].values()) == 6 and dry["errors"] == []
    run("extract", prints, "-o", tmp_path / "c.csv", *how)
    both = ("merge", tmp_path / "a.csv", tmp_path / "c.csv", "-o", tmp_path / "b.csv", "--duplicates", "--json")
    assert json.loads(run(*both).stdout)["rows"] == 12


def test_json_holds_no_nan_and_no_foreign_types():
    import numpy as np

    given = {"a": float("nan"), 2: [np.float32(0.5), np.int64(3), Path("x")], "c": (np.inf, None, True)}
    assert talk._plain(given) == {"a": None, "2": [0.5, 3, "x"], "c": [None, None, True]}


def test_colour_is_for_terminals_only(tmp_path, monkeypatch):
    # CliRunner with color=True stands for a terminal.
    missing = ("show", tmp_path / "no.png", "-o", tmp_path / "a.png")
    assert "\x1b[31m" in run(*missing, code=2, color=True).stderr
    assert "\x1b[" not in run(*missing, code=2).stderr
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in run("doctor_", code=2, color=True).stderr
    assert "\x1b[" not in run(*missing, code=2, color=True).stderr


@pytest.mark.parametrize("shell", listing.SHELLS)
def test_completion_scripts_ask_the_command(shell):
    script = run("completion", shell).stdout
    assert listing.VARIABLE in script and f"{shell}_complete" in script


def completed(*typed) -> list[CompletionItem]:
    """What is offered for the last word, as all shells ask for it."""
    made = ShellComplete(main, {}, "ridgefeat", listing.VARIABLE)
    return made.get_completions([str(word) for word in typed[:-1]], typed[-1])


def test_completion_knows_commands_options_and_names():
    def values(*typed):
        return [item.value for item in completed(*typed)]

    assert set(COMMANDS) <= set(values(""))
    assert "--images" in values("explore", "--i") and values("completion", "f") == ["fish"]
    assert values("extract", "--layout", "so") == ["socofing"]
    assert values("extract", "--families", "ridge,or") == ["ridge,orient"]
    assert values("bench", "--classifiers", "pca-l") == ["pca-lda"] and "mean" in values("bench", "--classifiers", "")
    assert values("show", "--panels", "mask,min") == ["mask,minutiae"]
    assert values("threshold", "--methods", "far") == ["far-frr"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_path_completes(name):
    command = main.get_command(click.Context(main), name)
    arguments = [p for p in command.params if isinstance(p, click.Argument)]
    for param in command.params:
        if not isinstance(param.metavar, str) or not re.search(PATHS, param.metavar):
            continue
        before = ["x"] * arguments.index(param) if param in arguments else [max(param.opts, key=len)]
        assert completed(name, *before, "")[0].type in ("file", "dir"), (name, param.name)


def test_a_missing_or_unreadable_path_keeps_our_own_words(tmp_path):
    done = run("predict", tmp_path / "m.skops", tmp_path / "t.csv", code=2)
    assert "no such file" in done.stderr and "Usage" not in done.stderr


@pytest.mark.parametrize(("words", "wanted"), [("ridgefeat explo", "explore"), ("ridgefeat show pri", "print.png")])
def test_bash_completes_commands_and_paths(tmp_path, words, wanted):
    """As when Tab is pressed: where our script offers nothing, `compgen -o default` completes a file's name."""
    if not Path("/bin/bash").exists():
        pytest.skip("there is no bash on this machine")
    (tmp_path / "print.png").touch()
    script = tmp_path / "complete.sh"
    script.write_text(run("completion", "bash").stdout)
    # compopt works only while a completion runs, and says there what Tab would then do.
    ask = f"COMP_WORDS=({words}); COMP_CWORD={len(words.split()) - 1}; _ridgefeat_completion ridgefeat"
    files = "compopt() { [[ $2 == default ]] && fall=1; }"
    call = f"source {script}; {files}; {ask}; echo ${{COMPREPLY[0]}}; [[ $fall ]] && compgen -f {words.split()[-1]}"
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["/bin/bash", "-c", call], capture_output=True, text=True, env=env, timeout=60, check=False, cwd=tmp_path
    )
    assert done.stdout.strip() == wanted, done.stderr


@pytest.mark.parametrize("options", [("-q", "-v"), ("-v", "-q")])
def test_quiet_beats_verbose(options):
    assert run("features", "--families", "ridge", *options).stderr == ""
