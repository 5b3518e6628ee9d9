"""What a command may write: one rule for all of them.

An output that exists is replaced only with --overwrite. Inputs, the files that belong to them (sidecars), and results
of another command in the same folder are never replaced.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import click

from ridgefeat import report, sources
from ridgefeat.cli import Unusable, talk
from ridgefeat.files import MANIFEST, owner_of, remove_temporaries, results_folder

OUTPUTS = ("output", "draw", "minutiae", "figures")
"""Parameters of commands that name what is written."""
WITH_SIDECAR = ("extract", "merge", "split", "verify", "train")
"""Commands that write a .json next to their output."""
CONTINUED = ("extract", "merge", "split", "enrol")
"""Commands that check an existing output themselves, since they can continue a run."""
RESULTS = {
    "audit": ("audit.json", "report.html"),
    "bench": ("report.html", "methods.md", "ro-crate-metadata.json"),
    "compare": ("compare.csv", "ratio.csv", "methods.md", "figures", "ro-crate-metadata.json", "report.html"),
    "phantoms": ("reference.csv",),
    "threshold": ("thresholds.csv", "figures.csv", "curves.csv", "ratios.csv", "report.html"),
}
"""Commands whose output is a folder, and the files in it; those of `bench` besides its tables."""


def protect(command: click.Command) -> click.Command:
    """Make a command check its outputs before it runs, in place and once; give it --overwrite where it has none."""
    if command.callback is None or hasattr(command.callback, "checks_outputs"):
        return command
    own = {p.name for p in command.params}
    if not own.intersection(OUTPUTS):
        return command
    callback = command.callback
    if adds := "overwrite" not in own:
        command.params.append(click.Option(["--overwrite"], is_flag=True, help="Replace an existing output."))

    @functools.wraps(callback)
    def checked(**given: Any) -> Any:
        check_outputs(str(command.name), given)
        if adds:
            given.pop("overwrite")
        return callback(**given)

    vars(checked)["checks_outputs"] = True
    command.callback = checked
    return command


def check_outputs(command: str, given: dict[str, Any]) -> None:
    """Raise Unusable if what a command would write must not be written, given its parameters."""
    inputs = _existing_inputs(given)
    overwrite = bool(given.get("overwrite"))
    for name in OUTPUTS:
        if not given.get(name):
            continue
        output = Path(given[name])
        if command in RESULTS and name == "output" and not given.get("make_index"):
            _check_folder(command, output, inputs, overwrite)
            continue
        if output.is_dir() and command == "split":
            for written in (p for p in output.iterdir() if p.stem in ("train", "test")):
                _refuse_input(written, inputs)
        if name == "figures":
            _check_figures(output, given, overwrite)
            continue
        has_sidecar = command in WITH_SIDECAR and name == "output" and output.name
        for written in (output, output.with_suffix(".json")) if has_sidecar else (output,):
            _refuse_input(written, inputs)
            remove_temporaries(written.parent, {written.name})
        if name == "minutiae":
            remove_temporaries(output)
        if output.exists() and not output.is_file() and not output.is_dir():
            raise Unusable(f"{output} is a pipe or device, not a file; choose another output")
        if output.is_file() and not overwrite and command not in CONTINUED:
            raise Unusable(f"{output} already exists; choose another name, or give --overwrite")


def _existing_inputs(given: dict[str, Any]) -> list[Path]:
    """Return the files and folders among the parameters, and the sidecars of the files."""
    values = [v for name, v in given.items() if name not in OUTPUTS]
    texts = [t for v in values for t in (v if isinstance(v, (list, tuple)) else [v]) if isinstance(t, str) and t]
    found = []
    for path in map(Path, texts):
        with suppress(OSError, ValueError):  # not every text is a path
            if path.exists():
                found += [path, *([s] if path.is_file() and (s := path.with_suffix(".json")).is_file() else [])]
    return found


def _refuse_input(written: Path, inputs: Sequence[Path]) -> None:
    if not written.exists() or written.is_dir():
        return
    for path in inputs:
        if path.is_file() and path.samefile(written):
            raise Unusable(f"{written} is read by this command, or belongs to {path}; choose another output")
        is_image = path.is_dir() and written.suffix.lower() in sources.SUFFIXES
        if is_image and written.resolve().is_relative_to(path.resolve()):
            raise Unusable(f"{written} is an image in the input {path}; choose another output")


def result_names(command: str) -> tuple[str, ...]:
    """Return the names of the files that a command may write into its folder."""
    if command != "bench":
        return RESULTS[command]
    from ridgefeat.bench.job import TABLES

    return (*(f"{name}.csv" for name in TABLES), *RESULTS[command])


def results_of(command: str, folder: Path) -> AbstractContextManager[Path]:
    """Return the context of `results_folder` in which a command writes its files."""
    return results_folder(folder, command, Unusable, usual=result_names(command), typed=talk.typed())


def _check_folder(command: str, folder: Path, inputs: Sequence[Path], overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise Unusable(f"{folder} is a file, and the output is a folder; choose another name")
    existing = [folder / name for name in result_names(command) if (folder / name).exists()]
    for written in existing:
        _refuse_input(written, inputs)
    owners = map(owner_of, (folder / MANIFEST, *(written.with_suffix(".json") for written in existing)))
    if (owner := next(filter(None, owners), command)) != command:
        raise Unusable(f"{folder} holds results of `ridgefeat {owner}`; choose another folder")
    if existing and not overwrite:
        names = ", ".join(w.name for w in existing)
        raise Unusable(f"{folder} already holds {names}; choose another folder, or give --overwrite")


def _check_figures(folder: Path, given: dict[str, Any], overwrite: bool) -> None:
    if folder.resolve() == Path(given["output"]).resolve():
        advice = f"give a folder of its own, such as {folder}/figures"
        raise Unusable(f"--figures {folder} is the folder of the output; {advice}")
    if folder.exists() and not folder.is_dir():
        raise Unusable(f"{folder} is a file, and --figures needs a folder; choose another name")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise Unusable(f"{folder} is not empty; choose another folder for --figures, or give --overwrite")


def write_figures(displays: Mapping[str, report.Display], folder: str, command: str) -> None:
    """Write a page's figures into the folder that --figures names; those of an earlier run are replaced."""
    with results_folder(Path(folder), f"{command} --figures", Unusable) as temporary:
        report.save_figures(displays, temporary)
    talk.echo(f"Figures written to {folder}")
