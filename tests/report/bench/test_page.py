import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ridgefeat.bench.diagnostics import ALL
from ridgefeat.bench.results import Comparison
from ridgefeat.errors import TableError
from ridgefeat.report.audit import describe_audit
from ridgefeat.report.bench import figures, tables
from ridgefeat.report.bench import page as bench_page
from ridgefeat.report.bench.page import bench_displays, make_view, write_bench_page
from ridgefeat.report.bench.tables import decide_verdict
from ridgefeat.report.display import Display
from ridgefeat.report.page import find_topic
from tests.report.made_comparison import FINGERS, HOSTILE, KINDS, NAMES, REASON, findings, make, without_tables


class Page(str):
    """What a page holds: its tags with their attributes, and its words outside style and script."""

    @property
    def text(self) -> str:
        words = re.sub(r"<(style|script)\b.*?</\1>|<[^>]*>", "", self, flags=re.S)
        return re.sub(r"\s+", " ", unescape(words))

    @property
    def tags(self) -> list[tuple[str, dict[str, str]]]:
        tags = re.findall(r"<(\w+)\b([^>]*)>", re.sub(r"<(style|script)>.*?</\1>", r"<\1>", self, flags=re.S))
        given = r"""([\w-]+)\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)"""
        return [
            (t.lower(), {k.lower(): unescape(v.strip("\"'")) for k, v in re.findall(given, rest)}) for t, rest in tags
        ]

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def plots(self) -> list[str]:
        return [a["alt"] for a in self.all("img")]

    def section(self, name: str) -> "Page":
        return Page(re.search(rf'<section id="{name}">(.*?)</section>', self, re.S)[1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("bench")


def written(comparison: Comparison, folder: Path, *, drawn: bool = False) -> Page:
    """Return a page; drawing its figures takes most of the time, and most tests read only its words."""
    with pytest.MonkeyPatch.context() as patch:
        if not drawn:
            patch.setattr(Display, "uri", "data:,")
        return Page(write_bench_page(comparison, folder / "report.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pages(folder) -> dict[str, Page]:
    return {kind: written(make(kind), folder, drawn=True) for kind in KINDS}


@pytest.fixture(scope="module")
def page(pages) -> Page:
    return pages["binary"]


@pytest.mark.parametrize("kind", KINDS)
def test_page_loads_nothing_and_runs_only_its_own_script(pages, kind) -> None:
    page = pages[kind]
    for tag, attributes in page.tags:
        assert tag not in {"iframe", "object", "embed", "base", "form", "video"}
        assert not [a for a in attributes if a.startswith("on")]
        for name in ("src", "href", "srcset", "poster", "action"):
            assert (attributes.get(name) or "#").startswith(("data:", "#")), attributes
    scripts = re.findall(r"<script>(.*?)</script>", page, re.S)
    assert len(scripts) == len(page.all("script")) == 1
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv"))
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert policy is not None and policy.startswith("default-src 'none'")
    assert re.search(r"script-src ([^;]*);", policy)[1] == f"'sha256-{digest}'"
    # Only the figures' data may be shown, and they in turn load nothing; clip paths are their own.
    assert re.search(r"img-src ([^;]*);", policy)[1] == "data:"
    assert all(a["src"].startswith("data:image/svg+xml;base64,") for a in page.all("img"))
    assert "url(" not in page and "@import" not in page
    for svg in (base64.b64decode(a["src"].partition("base64,")[2]).decode() for a in page.all("img")):
        assert not re.search(r'href="(?!#|data:)|<script|url\((?!#)|@import', svg)


@pytest.mark.parametrize("kind", KINDS)
def test_links_within_the_page_lead_somewhere(pages, kind) -> None:
    names = [a["id"] for _, a in pages[kind].tags if "id" in a]
    linked = {a["href"][1:] for a in pages[kind].all("a") if a["href"]}
    assert linked <= set(names) and len(names) == len(set(names)) and len(linked) >= 12


def test_foreign_text_stays_text(page: Page, folder: Path) -> None:
    assert HOSTILE in page.text and REASON in page.text and "<i>ridge_y</i>" in page.text
    assert "<script>alert" not in page and "<b>onnx" not in page
    made = make("binary")
    levels = made.levels.replace({"level": {"thumb": "<b>$x$</b>"}})
    named = written(replace(without_tables(made), levels=levels), folder)
    assert any("<b>$x$</b>" in alt for alt in named.plots()) and "<b>$x$" not in named


def test_every_classifier_is_a_row_with_interval_and_a_failure_with_its_reason(page: Page) -> None:
    table = page.section("classifiers")
    rows = re.findall(r"<tr[ >].*?</tr>", table, re.S)[1:]
    assert [re.sub("<.*?>", "", re.search(r"<th.*?(?=<small)", r, re.S)[0]) for r in rows] == [*NAMES, "cnn"]
    assert "0.812 0.782 to 0.842" in re.sub("<.*?>", " ", rows[0]).replace("  ", " ")
    assert 'class="failed"' in rows[-1] and "failed: needs" in Page(rows[-1]).text
    assert next(t for t in table.all("th") if t.get("aria-sort"))["data-first"] == "descending"


def test_sorting_knows_numbers_and_which_way_is_better(pages) -> None:
    table = pages["regression"].section("classifiers")
    heads = [t["data-first"] for t in table.all("th") if "data-first" in t]
    assert heads == ["ascending", "ascending", "ascending", "descending", "ascending"]
    cells = [t["data-sort"] for t in table.all("td") if "data-sort" in t]
    assert len(cells) == 4 * len(NAMES) and all(float(c) for c in cells)


WORDS = {
    "summary": (
        "“rbf_svm”: ROC AUC 0.812 per print (95 % interval 0.782 to 0.842) and 0.862 per subject",
        "does not differ significantly from logistic and random_forest",
        "It beats the dummy baseline, which ignores the print.",
        "1 classifier failed: cnn.",
        "Best: thumb 0.800 (0.780 to 0.820). Worst: little 0.600 (0.580 to 0.620).",
        "The negative controls are at chance level",
        "found 1 leak and 1 warning; the first: 11 pictures",
        "The decisions taken are listed below the findings.",
    ),
    "audit": ("Effect. 3 of 40 test prints are in training.", "subject 363, 376", "x38.bmp", "and 21 more sets"),
    "importances": ("The first 20 of 30.",),
    "limits": ("% of the prints are “male”",),
    "reproduce": ("ridgefeat bench 'a b.csv' --target sex", "scikit-learn 1.9", "ab" * 32, "42", "finger", "Tuneno"),
    "data": ("group, 5 folds, 1 repeat",),
}


@pytest.mark.parametrize("name", WORDS)
def test_every_section_says_what_was_found(page: Page, name: str) -> None:
    assert [words for words in WORDS[name] if words not in page.section(name).text] == []


def test_what_makes_every_value_too_good_is_said(folder: Path, page: Page) -> None:
    made = make("binary")
    known = written(replace(made, controls=made.controls.assign(passed=[False, True])), folder)
    assert "A negative control is above chance (target shuffled, ROC AUC 0.490)." in known.section("summary").text
    assert known.section("controls").text.count("✗ above chance") == 1
    leaking = replace(made.folds[0], shared_groups=("001", "002", "003"))
    warned = written(replace(made, leaks=True, folds=(leaking, *made.folds[1:])), folder)
    assert "LEAKS BY DESIGN." in warned.text and "LEAKS BY DESIGN." not in page.text
    assert '<b class="bad">3</b>' in warned.section("data")
    assert "The split leaks: do not trust any value" in warned.section("summary").text
    assert "some in both training and test" in warned.text and "none in both training and test" in page.text


def test_every_fold_says_its_groups(page: Page) -> None:
    rows = re.findall(r"<th scope=\"row\">1, (\d)</th>(.*?)</tr>", page.section("data"), re.S)
    assert [n for n, _ in rows] == list("12345")
    assert all(re.findall(r">([^<]+)</td>", cells) == ["160", "40", "32", "8", "none"] for _, cells in rows)


def test_kinds_draw_what_fits_them(pages) -> None:
    binary, several, number = (pages[k].plots() for k in ("binary", "multiclass", "regression"))
    assert [p for p in binary if p.startswith("ROC: ")] and [p for p in binary if p.startswith("Calibration: ")]
    assert [p for p in several if "each class against the rest: rbf_svm" in p and "whorl" in p]
    assert not [p for p in number if "ROC" in p or "Confusion" in p or "Calibration" in p]
    assert len([p for p in number if "200 predictions against the label" in p]) == 3
    assert len([p for p in several if p.startswith("Confusion matrix")]) == 3
    assert "arch: 50 % as arch, 17 % as left_loop" in next(p for p in several if p.startswith("Confusion"))
    assert all(len(p) > 40 for p in binary + several + number)


def test_roc_is_the_mean_over_folds_whatever_their_scales() -> None:
    # Within each fold the score is perfect; pooled it is not.
    rows = pd.DataFrame({"repeat": 0, "fold": [0, 0, 1, 1], "score": [1.0, 2.0, 100.0, 200.0]})
    y = figures.mean_roc(rows, np.array([False, True, False, True]), "score")
    assert y[0] == 0 and np.all(y[1:] == 1)
    half = figures.mean_roc(rows.assign(score=[1.0, 2.0, 200.0, 100.0]), np.array([False, True] * 2), "score")
    assert half[50] == pytest.approx(0.5, abs=0.01)


def test_levels_say_which_finger_tells_most_and_use_a_figure_that_is_defined() -> None:
    charts = {c.name: c for c in figures.make_level_charts(make("binary"))}
    assert list(charts) == ["finger", "hand", "sex"]
    assert [c.metric for c in charts.values()] == ["roc_auc", "roc_auc", "accuracy"]
    assert "thumb 0.800 (0.780 to 0.820); index 0.750" in charts["finger"].display.alt
    assert charts["finger"].sentence.endswith("They differ, allowing for the choice among 5 levels.")
    made, levels = make("binary"), make("binary").levels

    def sentence(**columns):
        return figures.make_level_charts(replace(made, levels=levels.assign(**columns)))[0].sentence

    # Alone, best and worst would differ with 95 % confidence (0.2 > 1.96 √2 · 0.07); as extremes of five they do not.
    wide = {"roc_auc_low": levels["roc_auc"] - 0.14, "roc_auc_high": levels["roc_auc"] + 0.14}
    assert sentence(**wide, groups=1000).endswith(
        "They do not differ significantly, allowing for the choice among 5 levels."
    )
    assert sentence(groups=9) == "Fewer than two levels have 10 subjects or more: no comparison."
    assert sentence(roc_auc=0.7) == "All levels that can be compared have the same value."
    # An error is better where it is smaller.
    assert figures.make_level_charts(make("regression"))[0].sentence.startswith(f"Best: {FINGERS[-1]} 0.6")


def test_learning_curve_takes_folds_of_nearly_equal_size_together() -> None:
    made = make("binary")
    table = made.learning[made.learning["classifier"] == "rbf_svm"]
    ragged = table.assign(groups=table["groups"] + table["fold"] % 2)
    ax = figures.make_learning_curve(replace(made, learning=ragged), 0.5).plot()
    assert [len(line.get_xdata()) for line in ax.lines if line.get_label() == "rbf_svm"] == [4]


def test_training_curves_set_validation_beside_training() -> None:
    (one,) = figures.make_training_curves(make("binary"))
    assert one.title == "cnn_small: loss"
    training, validation = one.plot().lines
    assert (training.get_label(), validation.get_label()) == ("training", "validation")
    assert training.get_ydata() == pytest.approx(1 / np.arange(1, 13)) and validation.get_ydata()[0] == 0.6


def test_what_carries_it_says_with_which_classifier_that_was_measured(page: Page, folder: Path) -> None:
    assert "Measured with" not in page.text
    made = make("binary")
    other = {n: getattr(made, n).assign(classifier="logistic") for n in ("importances", "ablation")}
    section = written(replace(made, **other), folder).section("importances")
    assert "Measured with logistic, which is faster" in section.text


def test_audit_findings_stand_worst_first_with_files_and_cost(page: Page) -> None:
    found = describe_audit(make("binary").audit)["findings"]
    assert [f["severity"] for f in found] == ["leak", "warning"]
    assert found[0]["count"] == "122 files in 61 sets" and found[0]["more"] == 21
    text = page.section("audit").text
    assert "x39.bmp" not in text and findings()[0].severity == "note"
    assert text.index("Not checked") > text.index("Conflicting labels")
    decided = "2 columns are constant and were left out: ridge_x, <i>ridge_y</i>"
    assert text.endswith(f"Decisions before fitting {decided} ")


@pytest.mark.parametrize(
    ("target", "topic", "words"),
    [
        ("sex", "sex", "does not cover people who do not fit"),
        ("Age", "age", "Skin does not age uniformly"),
        ("population", "population", "learn the scanner"),
        ("hand", "", ""),
    ],
)
def test_sober_words_stand_where_the_target_is_a_person_s_trait(folder, target, topic, words) -> None:
    kind = "regression" if topic == "age" else "multiclass"
    page = written(make(kind, target=target), folder)
    limits = page.section("limits").text
    assert find_topic(target) == topic
    assert "A probability is not evidence." in limits and "must not be used in court" in limits
    assert ("One population, one capture." in limits) == bool(topic)
    assert words in limits and (not topic or f"“{target}”" in limits)


def test_nothing_speaks_of_sex_unless_it_is_the_target(pages, folder) -> None:
    made = without_tables(make("binary", target="hand"))
    problem = replace(made.problem, classes=("left", "right"), positive="left")
    made = replace(made, problem=problem, scores=made.scores.replace({"female": "left", "male": "right"}))
    for page in (pages["multiclass"], pages["regression"], written(made, folder)):
        assert not re.search(r"\b(sex|gender|female|male|wom[ae]n|m[ae]n)\b", page, re.I)


def test_a_comparison_has_a_page_without_tables_or_if_all_failed(folder: Path) -> None:
    for kind in KINDS:
        page = written(without_tables(make(kind)), folder)
        assert "No leak audit was run." in page.text and "No negative control was run." in page.text
        for gone in ("fused", "pairs", "errors", "levels", "importances", "confounds", "learning", "training"):
            assert f'id="{gone}"' not in page and f'href="#{gone}"' not in page
    made = without_tables(make("binary"))
    numbers = made.summary.select_dtypes("float").columns
    failed = made.summary.assign(status="failed", reason="broken", **dict.fromkeys(numbers, np.nan))
    page = written(replace(made, summary=failed, scores=made.scores.head(0)), folder)
    assert "Every classifier failed." in page.text and page.text.count("failed: broken") == 5


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        (0.775, "account for hardly any (95 % interval 0 to 18 %) of the ridges’ advantage"),
        (0.76, "account for about 10 % (95 % interval 3 to 23 %) of the ridges’ advantage"),
        (0.65, "account for about 50 % (95 % interval 40 to 60 %) of the ridges’ advantage"),
        (0.52, "do not differ significantly from chance"),
    ],
)
def test_the_fraction_that_acquisition_conditions_explain_is_stated(rest, words) -> None:
    table = pd.DataFrame(
        {"confound": ["contact", ALL, bench_page.RIDGES, bench_page.REST], "value": [0.6, 0.64, 0.8, rest]}
    )
    ends = {"value_low": table["value"] - 0.03, "value_high": table["value"] + 0.03}
    explained = (0.8 - rest) / 0.3
    ends |= {"explained": explained, "explained_low": explained - 0.1, "explained_high": explained + 0.1}
    table = table.assign(meaning="", columns=1, classifier="rbf_svm", fused=np.nan, **ends)
    assert words in bench_page.describe_confounds(replace(make("binary"), confounds=table), 0.5)["short"]


def test_same_comparison_same_bytes(page: Page, folder: Path) -> None:
    again = written(make("binary"), folder, drawn=True)
    assert again == page and len(page.encode()) < 300_000


def test_a_page_that_cannot_be_written_is_an_error(folder: Path) -> None:
    (folder / "blocked").write_text("a file where a folder should be")
    with pytest.raises(TableError, match="cannot be written"):
        written(without_tables(make("binary")), folder / "blocked")


@pytest.mark.parametrize(
    ("difference", "half", "p", "metric", "word"),
    [
        (0.1, 0.05, 0.01, "roc_auc", "better"),
        (-0.1, 0.05, 0.01, "roc_auc", "worse"),
        (-0.1, 0.05, 0.01, "mae", "better"),
        (0.1, 0.2, 0.2, "roc_auc", "no difference"),
        (0.1, 0.05, 0.2, "roc_auc", "possibly better"),
        (-0.1, 0.2, 0.01, "roc_auc", "possibly worse"),
        (0.1, 0.05, 0.2, "mae", "possibly worse"),
        (0.1, 0.05, np.nan, "roc_auc", "better"),
        (0.1, 0.2, np.nan, "roc_auc", "no difference"),
        (np.nan, 0.1, 0.1, "roc_auc", "unknown"),
    ],
)
def test_verdict_follows_the_corrected_p_and_what_is_better(difference, half, p, metric, word) -> None:
    row = {"difference": difference, "p_holm": p, "metric": metric}
    ends = {"difference_low": difference - half, "difference_high": difference + half}
    assert decide_verdict(row | ends) == word


def test_who_is_behind_the_best_is_named_by_how_sure_that_is() -> None:
    made = make("binary")
    unsure = made.pairs.assign(difference_low=-0.3, difference_high=-0.1, p_holm=0.2)
    answers = make_view(replace(made, pairs=unsure))["answers"]
    assert "It is possibly better than logistic and random_forest: test and interval disagree." in answers
    answers = make_view(replace(made, pairs=unsure.assign(p_holm=0.01)))["answers"]
    assert "It is significantly better than every other classifier." in answers


@pytest.mark.parametrize("kind", KINDS)
def test_displays_are_the_page_s_figures_by_name(pages, kind) -> None:
    displays = bench_displays(make(kind))
    assert sorted(d.alt for d in displays.values()) == sorted(pages[kind].plots())
    assert {"ranking", "by-finger", "importance-column-rbf-svm", "learning"} <= set(displays)
    expected = {"binary": "roc", "multiclass": "confusion-rbf-svm", "regression": "predictions-rbf-svm"}
    assert expected[kind] in displays and all(re.fullmatch("[a-z0-9-]+", name) for name in displays)


def test_figures_show_the_comparison_s_data() -> None:
    made = make("binary")
    displays = bench_displays(made)
    scores = made.scores[made.scores["classifier"] == "logistic"]
    expected = figures.mean_roc(scores, (scores["y_true"] == "female").to_numpy(), "score")
    (line,) = (one for one in displays["roc"].plot().lines if one.get_label() == "logistic 0.762")
    assert line.get_xdata().tolist() == figures.STEPS.tolist() and line.get_ydata().tolist() == expected.tolist()
    ax = displays["ranking"].plot()
    assert ax.lines[0].get_xdata() == pytest.approx([0.812, 0.762, 0.712, 0.662])
    dashes = np.array(ax.collections[1].get_segments())
    assert (dashes[..., 0] == 0.5).all() and ax.get_xlabel() == "ROC AUC"
    assert [t.get_text() for t in ax.get_yticklabels()] == list(NAMES)


def test_labels_share_a_scale_and_columns_without_importance_are_not_drawn() -> None:
    made = make("binary")
    charts = [c for c in figures.make_level_charts(made) if c.metric == "roc_auc"]
    assert len(charts) > 1 and len({c.display.plot().get_xlim() for c in charts}) == 1
    (shown,) = (d for d in figures.make_importances(made) if d.name.startswith("importance-column"))
    assert "block_r07" in shown.alt and "block_r08" not in shown.alt  # r08 drops by nothing
    assert shown.reading == "The first 20 of 30. Shuffling 1 of them changes nothing."


def test_a_page_computes_each_part_once(folder: Path, monkeypatch) -> None:
    calls: Counter[str] = Counter()
    for module in (figures, tables, bench_page):
        for name, function in vars(module).copy().items():
            own = getattr(function, "__module__", "") == module.__name__
            if own and name.startswith(("make_", "list_", "describe_", "find_")):

                def counted(*a, _function=function, _name=name, **k):
                    calls.update([_name])
                    return _function(*a, **k)

                monkeypatch.setattr(module, name, counted)
    written(make("binary"), folder)
    assert calls.pop("list_classifiers") == 2 and len(calls) > 15 and set(calls.values()) == {1}


def test_bands_hold_mean_lowest_and_highest() -> None:
    x, mean, low, high = figures.band_of([1, 1, 2], [0.2, 0.4, np.nan])
    assert (x.tolist(), mean.round(3).tolist(), low.tolist(), high.tolist()) == ([1], [0.3], [0.2], [0.4])


def test_selected_columns_are_listed_by_the_number_of_folds(tmp_path):
    text = write_bench_page(make("binary"), tmp_path / "p.html").read_text(encoding="utf-8")
    assert "2 of 3 columns in at least one of 5 folds, 1 in every one" in text and 'href="#selection"' in text
    part = text.partition('<section id="selection">')[2].partition("</section>")[0]
    cells = re.findall(r'<td class="num">(.*?)</td>', part)
    assert cells == ["0.82", "5 of 5", "", "2 of 5"] and "<script" not in part
    assert "Selected columns" not in write_bench_page(without_tables(make("binary")), tmp_path / "p.html").read_text()


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({}, "bad", "Do not trust these values: the leak audit found 1 leak."),
        ({"leaks": True}, "bad", "Do not trust these values: prints of one person are in both training and test"),
        ({"passed": False, "audit": []}, "bad", "Do not trust these values: a negative control is above chance."),
        ({"low": 0.48, "audit": []}, "doubtful", "These prints do not show that “sex” can be predicted: ROC AUC 0.812"),
        ({"audit": ["warning"]}, "doubtful", "has not seen: ROC AUC 0.812 per print"),
        ({"audit": None}, "doubtful", "But no leak audit ran."),
        ({"audit": []}, "good", "“sex” is predicted for subjects that the classifier has not seen: ROC AUC 0.812"),
    ],
)
def test_the_verdict_comes_first_and_names_what_is_wrong(change, kind, words):
    made = make("binary")
    if "audit" in change:
        kept = [f for f in made.audit.findings if f.severity in (change["audit"] or []) and not f.resolved]
        audit = None if change["audit"] is None else SimpleNamespace(findings=tuple(kept))
        made = replace(made, audit=audit)
    if "low" in change:
        best = made.summary["classifier"] == made.best
        made = replace(made, summary=made.summary.assign(roc_auc_low=np.where(best, change["low"], 0.7)))
    made = replace(
        made, leaks=change.get("leaks", False), controls=made.controls.assign(passed=change.get("passed", True))
    )
    verdict = make_view(made)["verdict"]
    assert verdict["kind"] == kind and words in verdict["words"]
