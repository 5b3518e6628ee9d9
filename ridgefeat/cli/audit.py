"""`ridgefeat audit`: what would make a score on these prints too good, and which public set they are from."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from ridgefeat import audit, bench, report, sources
from ridgefeat.cli import options, talk
from ridgefeat.cli.outputs import results_of
from ridgefeat.files import bare_name, first_few

SHOWN_SETS = 3
"""Sets of files of a finding that the terminal shows; audit.json has all."""


@click.command("audit")
@click.argument("inputs", nargs=-1, type=options.PATH, metavar="INPUT...")
@options.output("FOLDER", "Folder for audit.json and report.html; with --make-index a file NAME.index.")
@options.labels
@options.option("--label COLUMN", "Label to audit.  [default: class, of the layout class-folders]")
@options.option("--group COLUMN", "Label of the people who must stay together.", default="subject")
@options.option(
    "--split COLUMN|FILE",
    "A label, or a table with columns file and split.  [default: inputs or folders named train, test, …]",
)
@options.path("--images FOLDER", "Folder of the images of a table.")
@options.path("--with-index FILE", "Also recognise the prints of this index. Repeat it.", multiple=True)
@options.option("--by-comparison", "Where people are not named: compare prints, and group those that match.")
@options.path("--make-index FOLDER", "Instead: write an index of these prints to the file -o.")
@options.jobs
@options.limits
@options.json_result
def command(**given: Any) -> None:
    """Audit prints, labels and a split: images, a feature table, or any table with a row per print.

    Recognises prints of public sets (SOCOFing, FVC, SD4, FCJ2020), whatever the files are called. Looks for one image
    or one person on both sides of the split, for labels that cannot be true of people, and for labels that file
    properties reveal. Without --split, two inputs (train/ test/) or two folders inside one are
    the split if they are named so. Writes audit.json and report.html. The exit code is 1 if a leak is found, or a print
    cannot be read.

    \b
    Examples:
      ridgefeat audit prints/ --layout class-folders -o audit/
      ridgefeat audit prints/ --index labels.csv --label blood_group --split split.csv -o audit/
      ridgefeat audit train/ test/ --index labels.csv --label sex -o audit/
      ridgefeat audit features.csv --images prints/ --label sex --split fold -o audit/
      ridgefeat audit --make-index ours/ -o ours.index
      ridgefeat audit prints/ --with-index ours.index -o audit/
    """
    how = options.pick_naming(given)
    if given["make_index"]:
        _make_index(given, how)
        return
    if not given["inputs"]:
        raise click.UsageError("Missing argument 'INPUT...': give images, or tables.")
    known = audit.join_indexes([audit.public_index(), *map(audit.read_print_index, given["with_index"])])
    read = audit.read_input(given["inputs"], split=given["split"], jobs=given["jobs"], **how)
    for note in read.notes:
        talk.echo(note)
    asked = options.pick(given, "label", "group", "images", "by_comparison", "jobs")
    found = audit.audit_input(read, **asked, index=known, comparator=bench.make_comparator())
    _write(found, Path(given["output"]), given["inputs"], read.notes)
    talk.result(found.to_dict, f"{found.verdict}\n{found.text(SHOWN_SETS)}")
    talk.echo(f"Written to {given['output']}")
    if found.leaks or read.failed.any():
        sys.exit(1)


def _make_index(given: dict[str, Any], how: dict[str, Any]) -> None:
    if given["inputs"]:
        raise click.UsageError("--make-index FOLDER takes no further INPUT; audit prints with --with-index")
    output = Path(given["output"])
    found = sources.find_prints([given["make_index"]], **how)
    index = audit.make_index(found, output.stem, given["jobs"])
    audit.write_index(index, output)
    talk.result({"prints": len(index.prints), "index": output})
    talk.echo(f"{len(index.prints)} of {len(found)} prints are in {output}; it holds no image, but names and labels.")


def _write(found: audit.Audit, folder: Path, inputs: tuple[str, ...], notes: tuple[str, ...]) -> None:
    title, about = first_few([bare_name(i) for i in inputs], 3), {"Command": talk.command_line()}
    about |= {"Input": " ".join(notes)} if notes else {}
    with results_of("audit", folder) as temporary:
        text = json.dumps(found.to_dict(), indent=1, ensure_ascii=False)
        (temporary / "audit.json").write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
        report.write_audit_page(found, temporary / "report.html", title=title, about=about)
