import base64
import csv
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from ridgefeat.errors import ImageError, TableError
from ridgefeat.params import Params
from ridgefeat.report.distributions import choose_groups, distribution, number
from ridgefeat.report.extract_page import write_extract_page
from ridgefeat.report.page_pictures import reopen
from ridgefeat.sources import find_prints
from ridgefeat.synth import write_set
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.store import write_table

HOSTILE = "<script>alert(1)<_script>&\"'.png"
GOOD = 4


class Page(HTMLParser):
    """What a page holds: tags with attributes, and the text outside style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = tag

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder of four synthetic prints, one with a hostile name and label, and a file that is no image; its table."""
    root = tmp_path_factory.mktemp("page")
    index = write_set(root / "prints", GOOD, 3, fingers=1, shape=(220, 200))
    with index.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    (root / "prints" / rows[0]["file"]).rename(root / "prints" / HOSTILE)
    rows[0] |= {"file": HOSTILE, "pattern": "<img src=x onerror=alert(2)>"}
    (root / "prints" / "broken.png").write_bytes(b"no image at all")
    rows.append(rows[1] | {"file": "broken.png"})
    with index.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    extract(root, ["ridge", "minutiae"])
    return root


def extract(root: Path, families: list[str], prints: str = "prints") -> Path:
    items = find_prints([root / prints], index=root / "prints" / "index.csv")
    write_table(items, Recipe.make(families), root / "features.csv", jobs=1, mode="overwrite")
    return root / "features.csv"


@pytest.fixture(scope="module")
def page(made: Path) -> Page:
    path = write_extract_page(made / "features.csv", made / "page.html", images_root=made / "prints")
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture
def table(made: Path, tmp_path: Path) -> Path:
    """A copy of the table and its sidecar, to be damaged."""
    for name in ("features.csv", "features.json"):
        (tmp_path / name).write_bytes((made / name).read_bytes())
    return tmp_path / "features.csv"


def test_page_loads_nothing_and_runs_nothing(page: Page) -> None:
    for tag, attributes in page.tags:
        assert tag not in {"script", "iframe", "object", "embed", "base", "form", "video"}
        assert not [a for a in attributes if a.startswith("on")]
        for name in ("src", "href", "srcset", "poster", "action"):
            assert (attributes.get(name) or "#").startswith(("data:", "#")), attributes
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv"))
    assert policy is not None and policy.startswith("default-src 'none'")
    style = (Path(__file__).parents[2] / "ridgefeat/report/page_style.html").read_text()
    assert "@import" not in style and "url(" not in style


def test_links_within_the_page_lead_somewhere(page: Page) -> None:
    names = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    linked = {a["href"][1:] for a in page.all("a") if a["href"]}
    assert linked == names & linked and len(linked) >= 8


def test_headline_counts_rows_failures_and_subjects(page: Page, made: Path) -> None:
    frame = pd.read_csv(made / "features.csv")
    period = number(frame["ridge_period_mean"].median())
    facts = [
        ("prints", GOOD + 1, "a row each"),
        ("not read", 1, "see meta_error"),
        ("subjects", frame["subject"].nunique(), "kept together"),
        ("ridge period", period, "mm, median"),
    ]
    for name, value, note in facts:
        assert re.search(rf"{name}\s*{value}\s*{note}", page.text), name


def test_simulated_prints_are_called_so(page: Page, table: Path) -> None:
    assert "SIMULATED." in page.text
    frame = pd.read_csv(table, dtype=str, keep_default_na=False)
    frame.loc[0, "simulated"] = ""
    frame.to_csv(table, index=False)
    some = Page(write_extract_page(table, table.with_name("p.html")).read_text())
    assert "PARTLY SIMULATED." in some.text
    frame.drop(columns="simulated").to_csv(table, index=False)
    assert _label_kinds_without(table, "simulated")
    none = Page(write_extract_page(table, table.with_name("p.html")).read_text())
    assert "SIMULATED" not in none.text


def _label_kinds_without(table: Path, name: str) -> bool:
    beside = table.with_suffix(".json")
    text = beside.read_text()
    beside.write_text(re.sub(rf',\s*"{name}": "text"', "", text))
    return beside.read_text() != text


def test_every_good_print_is_drawn_with_its_marks(page: Page) -> None:
    pictures = [i for i in page.all("img") if i["alt"]]
    assert len(pictures) == GOOD + 8  # the sheet, and one print's stages
    for one in pictures[:GOOD]:
        kind, coded = one["src"].split(",", 1)
        assert kind == "data:image/webp;base64"
        decoded = cv2.imdecode(np.frombuffer(base64.b64decode(coded), np.uint8), cv2.IMREAD_COLOR)
        assert decoded.shape == (int(one["height"]), int(one["width"]), 3)
        coloured = np.ptp(decoded.astype(int), axis=2) > 60
        assert 50 < coloured.sum() < 0.2 * coloured.size
        assert re.search(r"\d+ minutiae$", one["alt"])


def test_foreign_text_stays_text(page: Page) -> None:
    assert HOSTILE in page.text
    assert "<img src=x onerror=alert(2)>" in page.text
    assert not [i for i in page.all("img") if not i["src"].startswith("data:")]


def test_errors_and_flags_are_listed_with_their_meaning(page: Page, table: Path) -> None:
    assert "the file is no image that is known" in page.text and "broken.png" in page.text
    frame = pd.read_csv(table, dtype=str, keep_default_na=False)
    frame.loc[1, "meta_flags"] = "wrong_scale outlier"
    frame.to_csv(table, index=False)
    flagged = Page(write_extract_page(table, table.with_name("p.html")).read_text()).text
    assert "the measured ridge period contradicts the resolution" in flagged
    assert "unlike the rest of its set" in flagged


def test_a_print_that_changed_is_not_passed_off_as_the_tables(made: Path, table: Path, tmp_path: Path) -> None:
    prints = tmp_path / "prints"
    prints.mkdir()
    for source in (made / "prints").glob("*.png"):
        (prints / source.name).write_bytes(source.read_bytes())
    changed = next(iter(sorted(prints.glob("sim*.png"))))
    pixels = cv2.imread(str(changed), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(changed), 255 - pixels)
    page = Page(write_extract_page(table, tmp_path / "p.html", images_root=prints).read_text())
    assert "no longer those that the table was made from" in page.text
    assert f"Enlarge {changed.name}" not in [i.get("aria-label") for i in page.all("input")]


def test_a_row_cannot_reach_outside_the_folder(made: Path) -> None:
    row = pd.read_csv(made / "features.csv").iloc[1].to_dict() | {"meta_source": "../features.csv"}
    with pytest.raises(ImageError, match="lies outside"):
        reopen(row, made / "prints", Params())


def test_a_changed_table_is_called_so(page: Page, table: Path) -> None:
    assert "the file is as it was written" in page.text
    with table.open("a") as stream:
        stream.write("\n")
    changed = Page(write_extract_page(table, table.with_name("p.html")).read_text())
    assert "the file was changed since it was written" in changed.text


def test_same_table_same_bytes(made: Path, tmp_path: Path) -> None:
    first, second = (
        write_extract_page(made / "features.csv", tmp_path / n, images_root=made / "prints").read_bytes()
        for n in ("a.html", "b.html")
    )
    assert first == second
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.html", "b.html"]


def test_without_prints_there_are_no_pictures(table: Path) -> None:
    page = Page(write_extract_page(table, table.with_name("p.html")).read_text())
    assert not page.all("img")
    assert "Distributions" in page.text


def test_a_table_without_the_usual_columns_has_a_page(made: Path, tmp_path: Path) -> None:
    items = find_prints([made / "prints" / "sim0002_male_right_thumb_1.png", made / "prints" / HOSTILE])
    write_table(items, Recipe.make(["texture"]), tmp_path / "t.csv", jobs=1)
    page = Page(write_extract_page(tmp_path / "t.csv", tmp_path / "t.html").read_text())
    assert len(page.all("svg")) == 6
    assert "The table has no labels" in page.text


def test_what_cannot_be_done_is_said(table: Path) -> None:
    with pytest.raises(TableError, match=r"no label 'colour'; there are: subject, sex"):
        write_extract_page(table, table.with_name("p.html"), by="colour")
    blocked = table.with_name("blocked")
    blocked.write_text("a file where a folder should be")
    with pytest.raises(TableError, match="cannot be written"):
        write_extract_page(table, blocked / "p.html")


def test_distribution_shares_medians_and_missing() -> None:
    values = np.array([1.0, 2.0, 3.0, 11.0, 13.0, np.nan])
    groups = np.array(["a", "a", "a", "b", "b", "b"])
    found = distribution({"name": "n", "unit": "", "meaning": "m"}, values, groups, ["a", "b"])
    assert found is not None and found.unit == "" and found.missing == 1
    assert [(r.group, r.count, r.median) for r in found.rows] == [("a", 3, "2.00"), ("b", 2, "12")]
    # Each group's bars hold a third or a half of its prints; the half is the tallest.
    assert {round(b.height, 4) for b in found.rows[0].bars} == {round(2 / 3, 4)}
    assert [b.height for b in found.rows[1].bars] == [1.0, 1.0]
    places = {words: place for place, words in found.ticks}
    assert places["5"] == pytest.approx((5 - 0.5) / 13)
    assert distribution({"name": "n"}, np.array([np.nan]), np.array(["a"]), ["a"]) is None


def test_one_stray_value_does_not_set_the_scale() -> None:
    values = np.append(np.random.default_rng(0).normal(10, 1, 999), 1e6)
    found = distribution({"name": "n"}, values, np.full(1000, "all"), ["all"])
    assert found is not None and float(found.ticks[-1][1]) < 20


def test_groups_are_the_first_usual_label_that_splits() -> None:
    frame = pd.DataFrame({"meta_layout": ["x"] * 4, "sex": ["male"] * 4, "hand": ["left", "right"] * 2})
    assert choose_groups(frame, ["sex", "hand"])[0] == "hand"
    assert choose_groups(frame, ["sex"])[0] is None
    assert choose_groups(frame, ["sex"], "sex")[0] == "sex"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.4712, "0.471"), (12.345, "12.3"), (1234.5, "1,234"), (41.0, "41"), (float("nan"), "–"), (3e-7, "3.00e-07")],
)
def test_numbers_for_people(value: float, text: str) -> None:
    assert number(value) == text
