"""The explore page: what it holds is what the table holds, foreign text stays text, nothing is loaded."""

import base64
import csv
import hashlib
import json
import re
import shutil
import zlib
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from scipy.stats import kruskal

from ridgefeat.bench.selection import rank_scores
from ridgefeat.errors import ParameterError, TableError
from ridgefeat.params import Params
from ridgefeat.report.explore import page as explore_page
from ridgefeat.report.explore import pictures
from ridgefeat.report.explore.maps import correlate, make_maps, separate_groups
from ridgefeat.report.explore.page import Explored, ExploreOptions, write_explore_page
from ridgefeat.report.explore.sample import NONE, list_groupings
from ridgefeat.sources import find_prints
from ridgefeat.structure import MM_PER_PX
from ridgefeat.synth import write_set
from ridgefeat.table import read_table
from ridgefeat.table.recipe import Recipe
from ridgefeat.table.writing import write_table
from ridgefeat.work.threads import one_thread
from tests.small_fingers import small_fingers

HOSTILE = "<_script><img src=x onerror=alert(1)>&\"'.png"
COUNT = 12


@pytest.fixture(scope="module", autouse=True)
def one_thread_alone():
    """Pin threads: t-SNE on so few prints would spend ten times as long on starting them."""
    with one_thread():
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder of synthetic prints, one with a hostile name and label, one that is not an image; its table."""
    root = tmp_path_factory.mktemp("explore")
    with small_fingers():
        index = write_set(root / "prints", COUNT, 5, fingers=2, shape=(200, 180))
    with index.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    (root / "prints" / rows[0]["file"]).rename(root / "prints" / HOSTILE)
    rows[0] |= {"file": HOSTILE, "pattern": "</script><script>alert(2)</script>"}
    (root / "prints" / "broken.png").write_bytes(b"no image at all")
    rows.append(rows[1] | {"file": "broken.png"})
    with index.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    items = find_prints([root / "prints"], index=index)
    write_table(items, Recipe.make(["ridge", "minutiae"]), root / "features.csv", jobs=1)
    return root


@pytest.fixture(scope="module")
def frame(made: Path) -> pd.DataFrame:
    return read_table(made / "features.csv")


def written(made: Path, **options) -> tuple[Explored, str]:
    explored = write_explore_page(made / "features.csv", made / "explore.html", ExploreOptions(**options))
    return explored, explored.page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(made: Path) -> str:
    explored, text = written(made, images_root=made / "prints", by="finger", seed=3)
    assert (explored.prints, explored.pictures, explored.missing) == (COUNT + 1, COUNT, 1)
    assert explored.bytes == explored.page.stat().st_size
    return text


def block(page: str, name: str) -> str:
    return re.search(rf'<script type="[\w/]+" id="data-{name}">(.*?)</script>', page, re.S)[1]


def about(page: str) -> dict:
    return json.loads(block(page, "json"))


def unpacked(page: str, name: str, kind: str) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(block(page, name))), kind)


def values(planes: list[bytes], prints: int) -> np.ndarray:
    """Put byte planes together as the page's script does."""
    bits = sum(np.frombuffer(p, np.uint8).astype(np.uint32) << np.uint32(24 - 8 * i) for i, p in enumerate(planes))
    return bits.view(np.float32).reshape(-1, prints)


def test_the_embedded_values_are_the_tables(frame, page):
    record = about(page)
    names = [c["name"] for c in record["columns"]]
    held = values([unpacked(page, f"values-{i}", "u1").tobytes() for i in range(4)], len(frame))
    assert record["bits"] == 23 and record["sources"] == frame["meta_source"].tolist()
    np.testing.assert_array_equal(held.T, frame[names].to_numpy(np.float32))
    assert [c["unit"] for c in record["columns"] if c["name"] == "ridge_period_mean"] == ["mm"]


def test_labels_and_groups_are_the_tables(frame, page):
    record, n = about(page), len(frame)
    codes = unpacked(page, "texts", "<u4").reshape(-1, n)
    for text, code in zip(record["texts"], codes, strict=True):
        own = [text["values"][c] for c in code]
        assert own == frame[text["name"]].astype("string").fillna("").tolist()
    finger = record["groups"][record["by"]]
    own = unpacked(page, "groups", "u1").reshape(-1, n)[record["by"]]
    assert finger["name"] == "finger" and [finger["names"][c] for c in own] == frame["finger"].tolist()
    # Fractions as ten-thousandths, 65535 where undefined.
    ranks = rank_scores(frame[[c["name"] for c in record["columns"]]].to_numpy(np.float32))
    expected = separate_groups(ranks, own, len(finger["names"]))
    held = unpacked(page, "apart", "<u2").reshape(-1, len(expected))[record["by"]]
    assert np.isnan(expected).any() and (held[np.isnan(expected)] == 65535).all()
    assert np.abs(held / 10_000 - expected)[np.isfinite(expected)].max() <= 0.5e-4


def test_large_tables_keep_twelve_bits(monkeypatch):
    monkeypatch.setattr(explore_page, "EXACT_BYTES", 0)
    rng = np.random.default_rng(0)
    given = np.concatenate([rng.normal(0, 1, 900) * 10.0 ** rng.integers(-9, 9, 900), [0, np.nan, 4095, -17, 1]])
    given = given.astype(np.float32).reshape(5, -1)
    packed = explore_page.pack_values(given)
    planes = [zlib.decompress(base64.b64decode(p)) for p in packed["planes"]]
    held = values(planes, given.shape[1])
    assert packed["bits"] == 11 and len(planes) == 3
    np.testing.assert_allclose(held, given, rtol=2.0**-12, atol=0)
    np.testing.assert_array_equal(held.ravel()[-5:], given.ravel()[-5:])


def test_foreign_text_stays_text(page):
    assert "<img" not in page and "alert(2)</script>" not in page.lower()
    assert HOSTILE in about(page)["sources"]
    assert "</script><script>alert(2)</script>" in str(about(page)["texts"])
    # The page's own elements: the data, and one script whose digest the policy names.
    assert len(re.findall("<script", page)) == len(re.findall('<script type="[a-z]+/[a-z]+" id="data-', page)) + 1
    assert explore_page.safe_json({"a": "</script>&"}) == '{"a":"\\u003c/script\\u003e\\u0026"}'


def test_the_page_loads_nothing_and_runs_only_its_own_script(page):
    outside = re.sub(r'<script type="[\w/]+" id="data-.*?</script>', "", page, flags=re.S)
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", outside)
    script = re.search(r"<script>(.*?)</script>", page, re.S)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page and "default-src 'none'" in page


def test_pictures_and_marks_are_the_prints(made, frame, page):
    record, shown = about(page), block(page, "pictures").split("\n")
    broken = record["sources"].index("broken.png")
    assert shown[broken] == "" and sum(map(bool, shown)) == COUNT and record["missing"] == 1
    counts = unpacked(page, "counts", "<u4").reshape(-1, 2)
    marks, sizes = (unpacked(page, "marks", "<u2").reshape(-1, 4), unpacked(page, "sizes", "<f4").reshape(-1, 2))
    starts = np.cumsum(counts, 0) - counts
    i = 1 if broken != 1 else 2
    fp = pictures.reopen(frame.iloc[i].to_dict(), made / "prints", Params())
    own = marks[starts[i, 0] : starts[i, 0] + counts[i, 0]]
    n = len(fp.minutiae)
    assert len(own) == n + len(fp.singular_points)
    rows, columns = fp.image.shape
    np.testing.assert_allclose(own[:n, 0] / 4095 * columns - 0.5, fp.minutiae.x, atol=0.1)
    np.testing.assert_allclose(own[:n, 1] / 4095 * rows - 0.5, fp.minutiae.y, atol=0.1)
    np.testing.assert_array_equal(own[:n, 3], fp.minutiae.kind)
    turned = np.angle(np.exp(1j * (own[:n, 2] / 256 * 2 * np.pi - fp.minutiae.direction)))
    assert np.abs(turned).max() < 0.02
    np.testing.assert_allclose(sizes[i], [columns * MM_PER_PX, rows * MM_PER_PX], rtol=1e-5)
    raw = np.frombuffer(base64.b64decode(shown[i].split(",")[1]), np.uint8)
    picture = cv2.imdecode(raw, cv2.IMREAD_GRAYSCALE)
    assert picture.shape == fp.original.shape
    assert np.corrcoef(picture.ravel(), fp.original.ravel())[0, 1] > 0.97


def test_the_outline_surrounds_the_mask(made, frame):
    row = frame.iloc[2].to_dict()
    fp = pictures.reopen(row, made / "prints", Params())
    drawn = pictures.draw_print(row, made / "prints", Params(), (512, 50), True)
    line = drawn.outline[1 : 1 + drawn.outline[0, 1]].astype(float) / 4095 * fp.mask.shape[::-1] - 0.5
    filled = cv2.fillPoly(np.zeros(fp.mask.shape, np.uint8), [np.rint(line).astype(np.int32)], 1) > 0
    assert drawn.outline[0, 0] == 65535
    assert (filled & fp.mask).sum() / (filled | fp.mask).sum() > 0.97


def test_pictures_shrink_until_they_fit(made, frame):
    rows = frame[frame["meta_error"].isna()].to_dict("records")
    sides = [pictures.choose_step(rows, made / "prints", Params(), room) for room in (10**8, 40_000, 1)]
    assert sides[0] == (512, 50) and sides[2] == (64, 8) and 64 < sides[1][0] < 512


def test_a_page_without_overlays_or_pictures(made):
    bare, text = written(made, neighbours=False)
    assert bare.pictures == 0 and block(text, "pictures") == "" and not {"t-SNE 1"} & set(about(text)["axes"])
    _, plain = written(made, images_root=made / "prints", overlays=False, neighbours=False)
    assert len(unpacked(plain, "marks", "<u2")) == 0 and block(plain, "pictures")


def test_the_same_table_gives_the_same_bytes_and_a_large_one_is_sampled(made, page):
    assert written(made, images_root=made / "prints", by="finger", seed=3)[1] == page
    explored, text = written(made, limit=6, by="finger", neighbours=False)
    assert (explored.prints, explored.of) == (6, COUNT + 1)
    assert "A SAMPLE" in text and f"has {COUNT + 1} prints" in text and "stratified by finger" in text
    assert "A SAMPLE" not in page


def test_groups_of_many_values():
    frame = pd.DataFrame({"subject": range(60), "age": np.linspace(20, 79, 60)})
    frame = frame.assign(meta_flags=None, meta_layout="x", city=[f"c{i % 11}" for i in range(60)])
    found = {g["name"]: g for g in list_groupings(frame, ["subject", "age", "city"])}
    assert set(found) == {"age", "city"}
    assert len(found["age"]["names"]) == 4 and np.bincount(found["age"]["codes"]).tolist() == [15] * 4
    assert found["city"]["names"][-1] == "others" and len(found["city"]["names"]) == 8
    assert NONE not in found["city"]["codes"]


def test_correlations_are_spearmans():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(80, 6)).astype(np.float32)
    x[:, 4] = np.exp(x[:, 0]) + 0.01 * x[:, 4]
    x[:, 5] = 3
    order, r = correlate(rank_scores(x))
    assert sorted(order.tolist()) == [0, 1, 2, 3, 4]
    expected = pd.DataFrame(x[:, order]).corr("spearman").to_numpy()
    np.testing.assert_allclose(r, expected, atol=1e-6)
    places = {int(c): i for i, c in enumerate(order)}
    assert abs(places[0] - places[4]) == 1
    x[::7, 1] = np.nan
    order, r = correlate(rank_scores(x))
    assert np.abs(r - pd.DataFrame(x[:, order]).corr("spearman").to_numpy()).max() < 0.08


def test_what_tells_groups_apart():
    rng = np.random.default_rng(3)
    codes = np.repeat([0, 1, NONE], [60, 60, 5]).astype(np.uint8)
    x = rng.normal(size=(125, 3)).astype(np.float32)
    x[:60, 0] += 50
    x[:, 2] = 1
    found = separate_groups(rank_scores(x), codes, 2)
    h = kruskal(x[:60, 1], x[60:120, 1]).statistic
    assert found[0] > 0.7 and np.isnan(found[2])
    # Kruskal and Wallis' H over n - 1 is the share between groups; chance's part is taken off.
    n = 120
    assert found[1] == pytest.approx(max(0, (h / (n - 1) - 1 / (n - 1)) / (1 - 1 / (n - 1))), abs=0.01)


def test_maps_show_what_is_unusual_and_leave_out_what_is_empty():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(60, 8)).astype(np.float32)
    x[7] += 25
    x[9] = np.nan
    x[11, :2] = np.nan
    families = np.array(["a"] * 6 + ["b"] * 2)
    maps = make_maps(x, families, neighbours=True, seed=0)
    assert np.nanargmax(maps.distance) == 7 and np.isnan(maps.distance[9]) and np.isfinite(maps.distance[11])
    assert {"PC 1", "PC 2", "t-SNE 1", "t-SNE 2"} <= set(maps.axes)
    assert all(np.isnan(a[9]) for a in maps.axes.values()) and np.isfinite(maps.axes["t-SNE 1"][7])
    assert maps.furthest.shape == (60, 3) and np.nanmin(maps.deviation[7]) > 5
    few = make_maps(x[:5], families, neighbours=True, seed=0)
    assert few.axes == {} and np.isnan(few.distance).all()


def test_outliers_flagged_come_first_and_components_by_what_they_hold(frame, page):
    record = about(page)
    assert record["explained"] == sorted(record["explained"], reverse=True) and 0 < sum(record["explained"]) <= 1.001
    flagged = frame["meta_flags"].fillna("").str.split().map(lambda f: "outlier" in f)
    assert len(set(record["outliers"])) == len(record["outliers"])
    assert [i for i in record["outliers"] if flagged[i]] == record["outliers"][: int(flagged.sum())]
    assert record["sources"].index("broken.png") not in record["outliers"]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        (ExploreOptions(by="age"), TableError, "has no label 'age'; there are: subject"),
        (ExploreOptions(by="hand"), TableError, "label 'hand' has 1 different values in"),
        (ExploreOptions(limit=0), ParameterError, "at least 1 print, got 0"),
        (ExploreOptions(images_root=Path("/no"), neighbours=False), TableError, "--images must be the folder"),
    ],
)
def test_what_cannot_be_done_is_said(made, tmp_path, options, error, words):
    with pytest.raises(error, match=re.escape(words)):
        write_explore_page(made / "features.csv", tmp_path / "no.html", options)
    assert not (tmp_path / "no.html").exists()


def test_an_empty_table_is_refused(made, tmp_path):
    pd.read_csv(made / "features.csv").head(0).to_csv(tmp_path / "features.csv", index=False)
    shutil.copy(made / "features.json", tmp_path)
    with pytest.raises(TableError, match=r"has 0 prints and .* nothing to explore"):
        write_explore_page(tmp_path / "features.csv", tmp_path / "no.html")


def test_every_script_is_in_the_page():
    scripts = Path(explore_page.__file__).parent.glob("*.js")
    assert {p.stem for p in scripts} == set(explore_page.SCRIPTS)
