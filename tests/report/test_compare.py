"""The page of a comparison of people: what was found stands in it, foreign text is escaped, nothing is loaded."""

import re

import numpy as np
import pytest

from ridgefeat.compare import compare_people, likelihood_ratio, make_people
from ridgefeat.report import compare as words
from ridgefeat.report import compare_displays, plot_people, plot_tippett, write_compare_methods, write_compare_page
from tests.compare.helpers import NAMES, make_frame, people_of

HOSTILE = "<script>alert(1)</script>&\"'.csv"
KINDS = {"two": ("sex", ("f<em>ale", "male")), "several": ("sex", ("a", "b", "c")), "number": ("age", ("a", "b"))}


def compared(kind="two", effect=1.5, **given):
    by, levels = KINDS[kind]
    return compare_people(people_of(make_frame(people=60, effect=effect, levels=levels, **given), by))


@pytest.mark.parametrize("kind", KINDS)
def test_every_column_and_figure_stands_on_the_page_and_nothing_is_loaded(kind, tmp_path):
    found = compared(kind)
    ratio = likelihood_ratio(found.people, NAMES[0]) if kind == "two" else None
    page = write_compare_page(found, ratio, tmp_path / "p.html", title=HOSTILE, command=HOSTILE).read_text("utf-8")
    assert "<script" not in page and "f<em>" not in page and "&lt;ridge_made_0&gt;" in page
    assert not re.search(r"(src|href)=\"(?!data:|#)", page) and page.count("<td") == page.count("</td>")
    head = re.findall('<th scope="col"', page)
    bodies = [r for r in re.findall(r"<tr.*?</tr>", page, re.S) if 'scope="row"' in r]
    assert len(bodies) == 4 and all(len(re.findall("<t[dh]", r)) == len(head) for r in bodies)
    displays = compare_displays(found, ratio)
    assert page.count("<img") == len(displays) == 5 + (2 if ratio else 0)
    assert list(displays)[:1] == ["effects"] and (list(displays)[-1] == "tippett") == bool(ratio)
    again = write_compare_page(found, ratio, tmp_path / "q.html", title=HOSTILE, command=HOSTILE)
    assert again.read_text("utf-8") == page
    text = write_compare_methods(found, ratio, tmp_path / "m.md").read_text("utf-8")
    assert words.find_verdict(found)[0] in text and "permutations" in text and len(text.splitlines()) > 6
    calibrated = re.search(r"\| 22 \| 40 \| Calibration \| (.*?) \|", text)
    assert calibrated and calibrated[1] == ("yes" if ratio else "n/a")


def test_the_verdict_names_the_largest_effect_and_how_often_it_decides():
    found = compared()
    said = " ".join(words.find_verdict(found))
    row = found.found.iloc[0]
    assert said.startswith("1 of 4 columns differs between f<em>ale and male (q < 0.05; 60 people with 180 prints).")
    assert f"Hedges' g {words.signed(row.hedges_g)}, 95 % interval" in said
    assert f"the male one has the larger value in {50 + 50 * abs(row.cliffs_delta):.0f} % of pairs" in said


@pytest.mark.parametrize(("unit", "is_small"), [(1.0, False), (1e-4, True)])
def test_differences_below_the_error_of_one_print_are_named(unit, is_small):
    frame = make_frame(people=60, effect=2.0).rename(columns={NAMES[0]: "ridge_period_mean"})
    frame["ridge_period_mean"] *= unit  # women's is the smaller one
    people = make_people(frame, {"columns": [{"name": "ridge_period_mean"}]}, by="sex", columns=["ridge_period_mean"])
    said = " ".join(words.find_verdict(compare_people(people)))
    assert ("Smaller than the error of measurement of one print: difference in ridge_period_mean." in said) == is_small


def test_without_a_difference_the_verdict_says_what_may_have_been_missed():
    said = words.find_verdict(compared(effect=0, seed=3))
    assert said[0].startswith("No difference between f<em>ale and male was found in any of 4 columns")
    assert re.search(r"detects Hedges' g of 0\.7\d+ in 80 % of studies; a smaller difference may exist", said[1])


def test_columns_without_figures_are_last_with_their_reason(tmp_path):
    frame = make_frame(people=60)
    frame[NAMES[0]] = np.nan
    found = compare_people(people_of(frame))
    assert words.list_rows(found)[-1]["note"] == "too few people with a value: female 0, male 0"
    page = write_compare_page(found, None, tmp_path / "p.html").read_text("utf-8")
    assert "too few people with a value" in page and page.count("<img") == 4
    frame[list(NAMES)] = np.nan
    found = compare_people(people_of(frame))
    assert words.find_verdict(found)[0].startswith("None of 4 columns could be compared between female and male")
    assert write_compare_page(found, None, tmp_path / "p.html").read_text("utf-8").count("<img") == 0


def test_dots_boxes_and_shares_are_where_the_data_are():
    values = np.array([1.0, 2, 3, 4, 5, np.nan, 10, 11])
    ax = plot_people(values, np.array([0, 0, 0, 0, 0, 0, 1, 1]), ("a", "b"), "x")
    assert ax.lines[0].get_xdata().tolist() == [1, 2, 3, 4, 5] and ax.lines[1].get_xdata().tolist() == [2, 4, 4, 2, 2]
    assert np.abs(ax.lines[2].get_ydata() - 1).max() < 0.3
    ax = plot_people(values, np.arange(8.0), (), "x", number_name="age")
    assert len(ax.lines[0].get_xdata()) == 7 and ax.get_xlabel() == "age"
    ax = plot_tippett([-1, 0.5, np.nan, 2, -2], np.array([False, False, True, True, True]), ("a", "b"))
    steps = ax.lines[1]
    assert steps.get_label() == "a, 2" and steps.get_ydata().tolist() == [100, 100, 50, 0]
    assert steps.get_xdata().tolist() == [-2, -2, 2, 2]
