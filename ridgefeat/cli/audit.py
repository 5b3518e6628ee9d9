"""`ridgefeat audit`: what would make a score on these prints too good, and which public set they are from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ridgefeat.cli import options, talk

if TYPE_CHECKING:
    from ridgefeat.audit import Audit

FILES = ("audit.json", "report.html")


@click.command("audit")
@click.argument("inputs", nargs=-1, type=options.PATH, metavar="INPUT...")
@options.output(metavar="FOLDER", help="Folder for audit.json and report.html.")
@options.labels
@click.option("--label", metavar="COLUMN", help="Label to audit.  [default: class, of the layout class-folders]")
@options.shown("--group", default="subject", metavar="COLUMN", help="Label of the people who must stay together.")
@click.option(
    "--split",
    metavar="COLUMN|FILE",
    help="A label, or a table with columns file and split.  [default: inputs or folders named train, test, …]",
)
@options.path("--images", metavar="FOLDER", help="Folder of the images of a TABLE.")
@options.jobs
@options.limits
@options.json_result
def command(**given: Any) -> None:
    """Audit prints, labels and a split: images, a feature table, or any table with a row per print.

    Looks for one image or one person on both sides of the split, for labels that cannot be true of people, and for
    labels that file properties reveal. Without --split, two inputs (train/ test/) or two folders inside one are
    the split if they are named so. Writes audit.json and report.html. The exit code is 1 if a leak is found.

    \b
    Examples:
      ridgefeat audit prints/ --layout class-folders -o audit/
      ridgefeat audit prints/ --index labels.csv --label blood_group --split split.csv -o audit/
      ridgefeat audit train/ test/ --index labels.csv --label sex -o audit/
      ridgefeat audit features.csv --images prints/ --label sex --split fold -o audit/
    """
    if not given["inputs"]:
        raise click.UsageError("Missing argument 'INPUT...': give images, or tables.")
    from ridgefeat.audit import audit_input, read_input
    from ridgefeat.bench import make_comparator

    how = {name: given[name] for name in ("index", "index_column", "regex")}
    read = read_input(
        given["inputs"], split=given["split"], jobs=given["jobs"], layout=given["layout"] or "auto", **how
    )
    for note in read.notes:
        talk.echo(note)
    names = {name: given[name] for name in ("label", "group", "images", "jobs")}
    found = audit_input(read, **names, comparator=make_comparator())
    _write(found, Path(given["output"]), given["inputs"], read.notes)
    talk.result(found.to_dict, found.text())
    talk.echo(f"Written to {given['output']}")
    if found.leaks:
        sys.exit(1)


def _write(found: Audit, folder: Path, inputs: tuple[str, ...], notes: tuple[str, ...]) -> None:
    import json

    from ridgefeat.cli import Unusable
    from ridgefeat.files import bare_name, first_few, results_folder
    from ridgefeat.report import write_audit_page

    title = first_few([bare_name(i) for i in inputs], 3)
    about = {"Command": talk.command_line(), "Input": " ".join(notes)}
    with results_folder(folder, "audit", Unusable, usual=FILES, typed=["ridgefeat", *sys.argv[1:]]) as temporary:
        text = json.dumps(found.to_dict(), indent=1, ensure_ascii=False)
        (temporary / FILES[0]).write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
        write_audit_page(found, temporary / FILES[1], title=title, about={k: v for k, v in about.items() if v})
