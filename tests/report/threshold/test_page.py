"""The threshold report: all that was found stands in it, foreign text is escaped, nothing is loaded."""

import re
from dataclasses import replace

import numpy as np
import pytest

from ridgefeat.report.page import percent
from ridgefeat.report.threshold.figures import threshold_displays
from ridgefeat.report.threshold.page import _rows, write_threshold_page
from ridgefeat.threshold import DEFAULT_METHODS, Scores, analyse

HOSTILE = "<script>alert(1)</script>&\"'.csv"


def scores(seed=0, subjects=30, sign=1.0):
    rng = np.random.default_rng(seed)
    p, q = np.triu_indices(subjects, 1)
    who = np.repeat(np.arange(subjects), 6)
    return Scores.make(
        sign * np.concatenate([rng.normal(0, 1, len(p)), rng.normal(2.5, 1, len(who))]),
        np.repeat([False, True], [len(p), len(who)]),
        subject_probe=np.concatenate([p, who]),
        subject_reference=np.concatenate([q, who]),
        distance=sign < 0,
    )


@pytest.fixture(scope="module")
def found():
    return analyse(scores(), replicates=60)


@pytest.fixture(scope="module")
def page(found, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_threshold_page(found, path, title=HOSTILE, about={"Command": HOSTILE})
    return path.read_text(encoding="utf-8")


def test_every_method_stands_with_threshold_rates_and_errors(found, page):
    rows = dict.fromkeys(DEFAULT_METHODS)
    for part in found.parts:
        section = page.split(f'aria-label="Thresholds on {part.name}"')[1].split("</table>")[0]
        for choice, operation in zip(found.choices, part.operating_points, strict=True):
            row = next(r for r in section.split("<tr>") if f'<th scope="row">{choice.method}<' in r)
            assert f"{choice.threshold:.6g}" in row and percent(operation.fnmr.value) in row
            assert f"{operation.fmr.errors:,} of {operation.fmr.count:,}" in row
            assert row.count('class="few"') == sum(
                r.errors < 30 for r in (operation.fmr, operation.fnmr, operation.far, operation.frr)
            )
            rows[choice.method] = row
    assert None not in rows.values()


@pytest.mark.parametrize(("errors", "few"), [(29, True), (30, False)])
def test_rates_of_fewer_than_thirty_errors_are_marked(found, errors, few):
    part = found.reported
    points = [replace(o, fmr=replace(o.fmr, errors=errors)) for o in part.operating_points]
    assert {row["cells"][0]["few"] for row in _rows(found, replace(part, operating_points=points))} == {few}


def test_every_plot_stands_with_words(found, page):
    labels = re.findall(r'<img src="data:image/svg\+xml;base64,[\w+/=]+" alt="([^"]+)"', page)
    for start in ("DET", "Scores of evaluation", "FAR and FRR", "ROC", "Gaussian process"):
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


def test_without_evaluation_intervals_and_process_the_page_still_stands(tmp_path):
    few = analyse(scores(sign=-1.0), ("exact", "mean-distance"), development=1, replicates=0)
    text = write_threshold_page(few, tmp_path / "r.html").read_text(encoding="utf-8")
    assert "its score ≤ the threshold" in text and "Bayesian" not in text and "Thresholds on evaluation" not in text
    assert "same scores" in text
