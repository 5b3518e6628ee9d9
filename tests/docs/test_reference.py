"""The reference pages are what the code says."""

import re

import pytest

from ridgefeat.cli import COMMANDS
from ridgefeat.features.bibliography import load_bibliography, split_sources
from ridgefeat.features.family import BUILT_IN, families
from ridgefeat.params import Params, parameter_records
from tests.scripts import ROOT, load_script

REFERENCE = ROOT / "docs" / "reference"
NAMES = (
    "bibliography.md",
    "commands.md",
    "features.md",
    "measured.md",
    "parameters.md",
    *(f"features_{f}.md" for f in BUILT_IN),
)

JOURNALS = "Bulletin|Letters|Processing|Recognition|International|Radiology|LivDet|CACM|CV[A-Z]+|IC[A-Z]+|PAMI"
"""Last words before a year that are not authors (journals, conferences, a set of prints)."""
CITATION = re.compile(
    rf"((?:[A-Z]\w{{2,}}(?:,| and) )?\b(?!(?:{JOURNALS})\b)[A-Z]\w{{2,}}(?: et al\.)?),? \(?((?:19|20)\d\d)\b"
)


@pytest.fixture(scope="module")
def pages():
    return load_script("docs/make_reference.py").pages()


@pytest.mark.parametrize("name", NAMES)
def test_no_page_is_stale(pages, name):
    assert (REFERENCE / name).read_text(encoding="utf-8") == pages[name], f"{name} is stale: run `make docs`"


def test_every_page_is_made_and_none_is_left_over(pages):
    assert sorted(pages) == sorted(NAMES) == sorted(p.name for p in REFERENCE.iterdir())


def test_every_column_stands_once(pages):
    rows = [r for f in BUILT_IN for r in pages[f"features_{f}.md"].splitlines() if r.startswith("| `")]
    columns = [c for name in BUILT_IN for c in families()[name].all_columns()]
    assert len(rows) == len(columns)
    for row, column in zip(rows, columns, strict=True):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
        assert cells[:3] == [f"`{column.name}`", column.unit, f"{column.low:g} to {column.high:g}"]
        assert cells[3].replace("\\|", "|") == column.meaning


def test_every_parameter_stands_with_its_default(pages):
    for record in parameter_records():
        row = next(r for r in pages["parameters.md"].splitlines() if r.startswith(f"| `{record['name']}` |"))
        assert f"| {record['default']:g} |" in row
        assert record["meaning"] in row


def test_every_command_stands_with_an_example_and_its_options(pages):
    text = pages["commands.md"]
    for name in COMMANDS:
        assert f"\n## {name}\n\n    ridgefeat {name} [OPTIONS]" in text
        section = text.split(f"\n## {name}\n")[1].split("\n## ")[0]
        assert section.count(f"    ridgefeat {name} ") >= 2
    assert "| `-o, --output TABLE` |" in text
    assert "\b" not in text


def test_assignments_in_helps_and_pages_name_parameters_that_exist(pages):
    """An example of -s that would be refused is worse than none."""
    texts = [*pages.values(), *(p.read_text(encoding="utf-8") for p in (ROOT / "docs").glob("*.md"))]
    examples = {e for t in texts for e in re.findall(r"-s ([a-z_]+\.[a-z_]+=[-0-9.]*\d)", t)}
    assert examples
    Params().updated(sorted(examples))


def test_every_source_of_a_column_or_module_is_in_the_bibliography_and_every_work_is_used(pages):
    """Own fits are named by their script."""
    columns = [c for name in BUILT_IN for c in families()[name].all_columns()]
    named = {name for c in columns for name in split_sources(c.source) if not name.startswith("benchmarks/")}
    works = load_bibliography()
    assert named <= set(works) and list(works) == sorted(works)
    for name, work in works.items():
        assert str(work["year"]) in name or name.startswith("ISO")
        assert all(work[key] for key in ("authors", "title", "published"))
        assert not work["link"] or work["link"].startswith("https://")
        assert work["title"] in pages["bibliography.md"]
        assert f"| {name} |" in pages["bibliography.md"]
    assert "|  |" not in pages["bibliography.md"], "a work that nothing uses"
    by_year = {(word, str(w["year"])) for w in works.values() for word in re.findall(r"\w{3,}", w["authors"])}
    for path in (ROOT / "ridgefeat").rglob("*.py"):
        text = " ".join(path.read_text(encoding="utf-8").split())
        for authors, year in CITATION.findall(text):
            assert any((s, year) in by_year for s in re.findall(r"\w{3,}", authors)), f"{path.name}: {authors} {year}"
