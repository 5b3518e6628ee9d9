"""The pages are in plain English: short sentences, and the words of the field."""

import re
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("docs/families/*.md"))]
MAX_MEDIAN, MAX_WORDS = 18, 35
UNUSUAL = {
    r"\bbeside\b": "next to, compared with",
    r"\bamiss\b": "wrong",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\btold\b": "said, distinguished, predicted",
    r"\bat most one's\b": "at most",
    r"\bof no meaning\b": "ignored",
    r"\bput right\b": "fix",
    r"\bin short\b": "Summary",
    r"\bside by side\b": "compared",
    r"\b(a|per) print's (likeness|kin)\b": "similarity",
    r"\btwins?\b": "duplicates",
    r"\bbelieve any (figure|value)\b": "trust",
}


def sentences(path: Path) -> list[str]:
    """Return the sentences of a page's text: no code, tables, headings or targets of links; list items one by one."""
    text = re.sub(r"^\s*(```|:::).*?^\s*\1\s*$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    text = re.sub(r"^(\s*(\||#|<|!\[)| {4}).*$", "", text, flags=re.M)
    text = re.sub(r"`[^`]*`", "x", re.sub(r"\]\([^)]*\)", "]", text))
    parts = re.split(r"\n\s*\n|\n\s*(?:[-*]|\d+\.)\s", text)
    return [s for part in parts for s in re.split(r"(?<=[.!?:;])\s+", " ".join(part.split())) if s]


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.stem)
def test_sentences_are_short(path):
    lengths = {s: len(s.split()) for s in sentences(path)}
    assert median(lengths.values()) <= MAX_MEDIAN
    assert [s for s, count in lengths.items() if count > MAX_WORDS] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.stem)
def test_words_are_those_of_the_field(path):
    text = " ".join(sentences(path)).lower()
    assert {found[0]: better for word, better in UNUSUAL.items() if (found := re.search(word, text))} == {}
