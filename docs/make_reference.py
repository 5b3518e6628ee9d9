"""Make the reference pages from the code (features, parameters, commands) and from the benchmarks' results (measured).

A test makes them again in memory and compares, so that a stale page fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from inspect import cleandoc
from pathlib import Path

import click

from ridgefeat.cli import COMMANDS, main
from ridgefeat.features.bibliography import cites, describe_work, load_bibliography, split_sources
from ridgefeat.features.family import BUILT_IN, families
from ridgefeat.params import Params, parameter_records
from ridgefeat.reliability import load_reliability

FOLDER = Path(__file__).resolve().parent / "reference"
RESULTS = Path(__file__).resolve().parents[1] / "benchmarks" / "results"
ABOUT_COLUMNS = """A range holds every value that can occur; what could not be measured is NaN.
No unit: a plain number.
ICC: how much of a column's variance lies between fingers, when fingers are recorded again (ICC(1,1) on FCJ2020,
[measured](measured.md)). Where it is below 0.3, a second impression changes the value nearly as much as another finger
does. Sources in full: [bibliography](bibliography.md). A user's own families: `ridgefeat features`.
"""
MEASURED = (
    "accuracy",
    "hand_marks",
    "repeatability",
    "extract_sets",
    "pattern_class",
    "no_print",
    "quality_nfiq2",
    "quality_score",
    "synth_peer",
    "compare",
    "bench_sex",
    "bench_calibration",
    "backbone_sex",
    "backbone_agreement",
    "leak_audit",
    "verify_fvc",
    "verify_altered",
    "latents",
    "threshold",
    "nn_agreement",
    "nn_learning",
    "nn_speed",
    "extract_speed",
    "scaling",
    "kill_resume",
    "bad_files",
)
"""The order of the results that are read first; what else there is follows by name."""
MADE = "<!-- Made from the code by `make docs`; do not edit. -->\n"


def pages() -> dict[str, str]:
    """Return the text of every reference page by its file name."""
    return {
        **features(),
        "bibliography.md": bibliography(),
        "parameters.md": parameters(),
        "commands.md": commands(),
        "measured.md": measured(),
    }


def features() -> dict[str, str]:
    """Return a page per built-in family with each column's unit, range, meaning and source, and the page above them."""
    chosen = [families()[name] for name in BUILT_IN]
    total = sum(len(f.all_columns()) for f in chosen)
    found, parts = {}, [f"# Every column\n\n{MADE}\n{total} columns, one page per family. {ABOUT_COLUMNS}"]
    reliability = _reliability()
    for family in chosen:
        columns = family.all_columns()
        rows = [
            (f"`{c.name}`", c.unit, f"{c.low:g} to {c.high:g}", c.meaning, c.source, reliability.get(c.name, ""))
            for c in columns
        ]
        table = _table(("column", "unit", "range", "meaning", "source", "ICC"), rows)
        about, page = f"{family.meaning} {len(columns)} columns.", f"features_{family.name}.md"
        found[page] = f"# Columns: {family.name}\n\n{MADE}\n{about} {ABOUT_COLUMNS}\n{table}"
        parts.append(
            f"## {family.name}\n\n{about} [All of them]({page}); "
            f"[how they are measured](../families/{family.name}.md).\n"
        )
    listed = "\n".join(f"features_{family.name}" for family in chosen)
    parts.append(f"```{{toctree}}\n:hidden:\n\n{listed}\n```\n")
    return {"features.md": "\n".join(parts), **found}


def bibliography() -> str:
    """Return every work that the code names as a source, in full, and the families and modules that name it."""
    package = Path(__file__).resolve().parents[1] / "ridgefeat"
    modules = {
        ".".join(path.relative_to(package).with_suffix("").parts).removesuffix(".__init__"): path.read_text("utf-8")
        for path in sorted(package.rglob("*.py"))
        if "features" not in path.parts
    }
    rows = []
    for name, work in load_bibliography().items():
        used = [f for f in BUILT_IN if any(name in split_sources(c.source) for c in families()[f].all_columns())]
        place = f" [{'doi' if 'doi.org' in work['link'] else 'link'}](<{work['link']}>)" if work["link"] else ""
        users = [f"[{f}](features_{f}.md)" for f in used] + [
            f"`{m}`" for m, text in modules.items() if cites(text, name)
        ]
        rows.append((name, describe_work(work) + place, ", ".join(users)))
    about = (
        "The works that columns, stages and methods name as their source. Families are links; other names are "
        "modules of `ridgefeat`.\nLinks were not all followed; where none was known to be right, it is missing."
    )
    return f"# Bibliography\n\n{MADE}\n{about}\n\n{_table(('source', 'work', 'used by'), rows)}"


def _reliability() -> dict[str, str]:
    """Return every column's intraclass correlation as the benchmark wrote it; empty where it could not be measured."""
    found = load_reliability()
    return {c: f"{icc:.2f}" if icc == icc else "" for c, icc in zip(found["column"], found["icc"], strict=True)}


def measured() -> str:
    """Return the benchmarks' results as they were printed, one below the other."""
    parts = [f"# Measured\n\n{MADE}\nEach part is what a script in `benchmarks/` printed, and says on which data.\n"]
    rest = sorted({path.stem for path in RESULTS.glob("*.md")} - set(MEASURED))
    for name in (*MEASURED, *rest):
        text = (RESULTS / f"{name}.md").read_text(encoding="utf-8").strip()
        parts.append(text.replace("\n## ", "\n### ").replace("# ", "## ", 1) + f"\n\n`python benchmarks/{name}.py`\n")
    return "\n".join(parts)


def parameters() -> str:
    """Return every stage's parameters, with unit, range, default and meaning."""
    parts = [
        f"# Parameters\n\n{MADE}\nOf `ridgefeat extract -s stage.name=value`, of `-p params.json` and of "
        "`ridgefeat.Params`. `ridgefeat params --template`\nwrites a file with all defaults. No unit: a plain number.\n"
    ]
    records = parameter_records()
    for stage in (f.name for f in fields(Params)):
        rows = [
            (f"`{r['name']}`", r["unit"], f"{r['low']:g} to {r['high']:g}", f"{r['default']:g}", r["meaning"])
            for r in records
            if r["name"].startswith(f"{stage}.")
        ]
        parts.append(f"## {stage}\n\n{_table(('parameter', 'unit', 'range', 'default', 'meaning'), rows)}")
    return "\n".join(parts)


def commands() -> str:
    """Return what every command does, its options and examples."""
    context = click.Context(main, info_name="ridgefeat")
    parts = [f"# Commands\n\n{MADE}\n{_prose(main.help or '')}"]
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        arguments = " ".join(str(p.metavar) for p in command.params if isinstance(p, click.Argument))
        usage = " ".join(filter(None, ("ridgefeat", name, "[OPTIONS]", arguments)))
        rows = [(_spelt(p), _help(p)) for p in command.params if isinstance(p, click.Option)]
        options = _table(("option", "meaning"), rows)
        parts.append(f"## {name}\n\n    {usage}\n\n{_prose(command.help or '')}\n{options}")
    return "\n".join(parts)


def _spelt(option: click.Option) -> str:
    metavar = option.metavar or ("" if option.is_flag else option.type.name.upper())
    if isinstance(option.type, click.Choice):
        metavar = "|".join(map(str, option.type.choices))
    return f"`{', '.join(option.opts)}{' ' * bool(metavar)}{metavar}`"


def _help(option: click.Option) -> str:
    said = " ".join((option.help or "").split())
    remarks = ["may be given several times"] * option.multiple + ["required"] * option.required
    if option.show_default:
        remarks.append(f"default: {option.default}")
    return f"{said} [{'; '.join(remarks)}]" if remarks else said


def _prose(help_text: str) -> str:
    r"""Return a command's help as Markdown: what \b keeps as it is (examples) becomes a code block."""
    made = []
    for paragraph in cleandoc(help_text).split("\n\n"):
        if paragraph.startswith("\b"):
            made += [
                f"    {line.strip()}" if line.strip() != "Examples:" else "Examples:\n"
                for line in paragraph.split("\n")[1:]
            ]
        else:
            made.append(" ".join(paragraph.split()))
        made.append("")
    return "\n".join(made)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(_lines(header, rows)) + "\n"


def _lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for row in (header, ["---"] * len(header), *rows):
        yield f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in row)} |"


def write() -> None:
    """Write the pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
