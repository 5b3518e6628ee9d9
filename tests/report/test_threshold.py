"""The threshold report: all that was found stands in it, foreign text is escaped, nothing is loaded."""

import re
from dataclasses import replace

import pytest

from ridgefeat.report.page import percent
from ridgefeat.report.threshold import threshold_displays, write_threshold_page
from ridgefeat.threshold import DEFAULT_METHODS, Scores, Settings, analyse
from tests.threshold.helpers import plain_scores

HOSTILE = "<script>alert(1)</script>&\"'.csv"


def scores(subjects=30, sign=1.0):
    frame = plain_scores(subjects, sign)
    people = {name: frame[name] for name in ("subject_probe", "subject_reference")}
    return Scores.make(frame["score"], frame["mated"], **people, distance=sign < 0)


@pytest.fixture(scope="module")
def found():
    return analyse(scores(), (*DEFAULT_METHODS, "bayes"), Settings(evaluations=6))


@pytest.fixture(scope="module")
def page(found, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_threshold_page(found, path, title=HOSTILE, about={"Command": HOSTILE})
    return path.read_text(encoding="utf-8")


def test_every_method_stands_with_threshold_rates_and_errors_the_recommended_first(found, page):
    section = page.split('id="thresholds"')[1].split("</section>")[0]
    first, folded = section.split("<details>")
    assert f">{found.recommended.method}<" in first and "Other methods: 7" in folded
    for choice, operation in zip(found.choices, found.operating_points, strict=True):
        place = first if choice is found.recommended else folded
        row = next(r for r in place.split("<tr>") if f'<th scope="row">{choice.method}<' in r)
        assert f"{choice.threshold:.6g}" in row and percent(operation.fnmr.value) in row
        assert f"{operation.fmr.errors:,} of {operation.fmr.count:,}" in row
        assert row.count('class="few"') == sum(
            r.errors < 30 for r in (operation.fmr, operation.fnmr, operation.far, operation.frr)
        )
    assert f"accept scores of at least {found.recommended.threshold:.6g}" in page


@pytest.mark.parametrize(("errors", "few"), [(29, True), (30, False)])
def test_rates_of_fewer_than_thirty_errors_are_marked(found, errors, few, tmp_path):
    points = tuple(replace(o, fmr=replace(o.fmr, errors=errors)) for o in found.operating_points)
    page = write_threshold_page(replace(found, operating_points=points), tmp_path / "p.html").read_text("utf-8")
    first_rates = re.findall(r'</td>\n<td class="num"><span( class="few")?>', page)
    assert len(first_rates) == len(points) and {bool(marked) for marked in first_rates} == {few}


def test_every_plot_stands_with_words(found, page):
    labels = re.findall(r'<img src="data:image/svg\+xml;base64,[\w+/=]+" alt="([^"]+)"', page)
    for start in ("DET", "Scores: ", "FAR and FRR", "ROC", "Gaussian process"):
        assert sum(words.startswith(start) for words in labels) == 1
    assert labels == [d.alt for d in threshold_displays(found).values()]
    assert "nan" not in re.sub('base64,[^"]*', "", page.lower()).replace("finance", "")


def test_remarks_stand(found, page):
    assert found.remarks
    plain = page.replace("&#39;", "'")
    assert all(remark in plain for remark in found.remarks)


def test_foreign_text_is_escaped_and_nothing_is_loaded(page):
    assert "<script" not in page and "&lt;script&gt;" in page
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', page)
    assert "default-src 'none'" in page


def test_the_same_analysis_gives_the_same_bytes(found, page, tmp_path):
    again = write_threshold_page(found, tmp_path / "r.html", title=HOSTILE, about={"Command": HOSTILE})
    assert again.read_text(encoding="utf-8") == page


def test_without_folds_and_process_the_page_still_stands(tmp_path):
    few = analyse(scores(sign=-1.0, subjects=4), ("exact", "mean-distance"), folds=1)
    text = write_threshold_page(few, tmp_path / "r.html").read_text(encoding="utf-8")
    assert "its score ≤ the threshold" in text and "Bayesian" not in text and "unseen subjects" not in text
    assert "same scores" in text and "nan" not in re.sub('base64,[^"]*', "", text.lower())
