"""From files to scores to a threshold; failures to acquire, foreign templates, workers, identification."""

import json

import cv2
import numpy as np
import pandas as pd
import pytest

from ridgefeat.errors import LayoutError, ParameterError, ScoreError, TableError
from ridgefeat.structure import SingularPoints
from ridgefeat.templates import write_iso, write_xyt
from ridgefeat.threshold import ErrorCurve, analyse, read_scores
from ridgefeat.verify import enrol, find_sources, identify, load_calibration, read_template, verify
from ridgefeat.verify.features import feature_scores
from ridgefeat.verify.identification import Calibration
from ridgefeat.verify.verification import COLUMNS


@pytest.fixture(scope="module")
def made(folder):
    return verify(folder, "fvc", layout="fvc", every_impostor=True)


def test_columns_order_and_values(made):
    frame = made.scores
    assert tuple(frame.columns[:6]) == COLUMNS and len(frame) == 9 + 27
    assert frame["score"].notna().all() and (frame["failure"] == "").all()
    assert frame["score"][frame["mated"] == 1].min() > frame["score"][frame["mated"] == 0].max()
    assert made.about["comparisons"]["non_mated"] == {"planned": 27, "made": 27}


def test_workers_change_nothing(made, folder):
    two = verify(folder, "fvc", layout="fvc", every_impostor=True, jobs=2)
    pd.testing.assert_frame_equal(two.scores, made.scores)


def test_from_scores_to_a_threshold(made, tmp_path):
    path = made.save(tmp_path / "s.csv")
    about = json.loads(path.with_suffix(".json").read_text("utf-8"))
    assert about["comparator"] == "minutiae" and about["parameters"]["minutiae"]["min_quality"] == 30
    read = read_scores(path)
    assert "subjects from subject_probe, subject_reference" in read.note
    found = analyse(read.scores, ("exact", "far-frr"), development=1.0, replicates=0)
    assert found.parts[0].operating_points[0].fmr.errors == 0 == found.parts[0].operating_points[0].fnmr.errors
    assert not list(tmp_path.glob(".*"))


def test_failures_are_rows_without_a_score_and_count_as_rejections(folder, tmp_path):
    for path in folder.glob("*.png"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    cv2.imwrite(str(tmp_path / "103_4.png"), np.full((300, 300), 255, np.uint8))
    (tmp_path / "103_5.png").write_bytes(b"no image")
    found = verify(tmp_path, "fvc", layout="fvc")
    frame = found.scores
    failed = frame[frame["score"].isna()]
    # Five impressions of finger 103 make ten mated pairs, of which seven hold a print that failed.
    assert len(failed) == 7 and (failed["mated"] == 1).all() and found.about["failures_to_acquire"] == 2
    assert failed["failure"].str.contains("103_4.png: .*0 minutiae are too few").sum() == 4
    assert failed["failure"].str.contains("103_5.png: ").sum() == 3
    read = read_scores(found.save(tmp_path / "out" / "s.csv"))
    assert "7 failures to acquire" in read.note
    curve = ErrorCurve.from_scores(read.scores)
    assert curve.n_mated == 9 and curve.n_failed_mated == 7
    at = int(curve.index(0.0))
    assert curve.fnmr[at] == 0 and curve.frr[at] == 7 / 16


def test_an_empty_score_without_a_reason_is_no_failure(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("mated,score,failure\n1,3,\n0,1,\n1,,\n0,2,\n", "utf-8")
    with pytest.raises(ScoreError, match="missing"):
        read_scores(path)


def test_only_the_rows_asked_for(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("mated,score,level\n1,3,easy\n0,1,easy\n1,0,hard\n0,-2,hard\n", "utf-8")
    assert sorted(read_scores(path, where=["level=hard"]).scores.score) == [-2, 0]
    with pytest.raises(ScoreError, match="no level is 'medium'; there are: easy, hard"):
        read_scores(path, where=["level=medium"])
    with pytest.raises(ScoreError, match="must be column=value; columns of"):
        read_scores(path, where=["kind"])


@pytest.fixture(scope="module")
def templates(prints, tmp_path_factory):
    """The same prints as other systems would hand them over: ISO records, and .xyt files."""
    iso, xyt = tmp_path_factory.mktemp("iso"), tmp_path_factory.mktemp("xyt")
    for finger, own in enumerate(prints, 101):
        for i, fp in enumerate(own, 1):
            height, width = fp.original.shape
            write_iso(
                iso / f"{finger}_{i}.fmr",
                fp.minutiae,
                SingularPoints.empty(),
                width=width,
                height=height,
                dpi_x=500,
                dpi_y=500,
            )
            write_xyt(xyt / f"{finger}_{i}.xyt", fp.minutiae, height=height, dpi_x=500, dpi_y=500)
    return iso, xyt


def test_templates_of_other_systems(templates):
    iso, xyt = (verify(folder, "fvc", layout="fvc", every_impostor=True).scores for folder in templates)
    for frame in (iso, xyt):
        assert len(frame) == 36
        assert frame["score"][frame["mated"] == 1].min() > frame["score"][frame["mated"] == 0].max()
    # Two formats of the same minutiae: rounded differently, and as well told apart.
    assert np.abs(iso["score"] - xyt["score"]).median() < 0.5


def test_a_folder_of_images_and_templates_gives_its_images(folder, templates, tmp_path):
    for path in (folder / "101_1.png", templates[0] / "101_2.fmr"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert [s.relative for s in find_sources(tmp_path)] == ["101_1.png"]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(LayoutError, match="holds no prints: neither images"):
        find_sources(empty)
    with pytest.raises(LayoutError, match="no input is given"):
        find_sources([])


@pytest.mark.parametrize("name", ["a.fmr", "a.xyt", "a.png"])
@pytest.mark.parametrize("content", [b"", b"FMR\0 20\0" + b"\xff" * 40, b"1 2\n", b"\x00" * 500])
def test_hostile_files_are_failures(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    (entry,) = enrol(find_sources(tmp_path / name))
    assert entry.content is None and entry.failure and "unexpected" not in entry.failure


def test_arguments_that_cannot_be(folder):
    with pytest.raises(ParameterError, match="unknown comparator 'faces'; there are: minutiae, features"):
        verify(folder, comparator="faces")
    with pytest.raises(ParameterError, match="jobs must be 1 or more, or -1"):
        verify(folder, layout="fvc", jobs=0)


def test_features_are_distances_of_standardised_vectors(folder, tmp_path):
    import ridgefeat as rf

    found = verify(folder, "fvc", comparator="features", layout="fvc", families=["ridge", "orient"])
    table = rf.extract_many(folder, families=["ridge", "orient"], layout="fvc").set_index("meta_source")
    names = [c for c in table.columns if c.startswith(("ridge_", "orient_"))]
    values = table[names].astype(float)
    spread = values.std(ddof=0)
    kept = spread > 1e-9 * values.mean().abs().clip(lower=1e-9)
    unit = ((values - values.mean()) / spread).loc[:, kept]
    row = found.scores.iloc[5]
    off = unit.loc[row["probe"]] - unit.loc[row["reference"]]
    assert row["score"] == pytest.approx(-np.sqrt((off**2).mean()), rel=1e-4)
    means = found.scores.groupby("mated")["score"].mean()
    assert means[1] > means[0]


def test_a_folder_of_parts_is_a_table_of_features(folder, tmp_path):
    pytest.importorskip("pyarrow", reason="needs the extra `parquet`")
    from ridgefeat.sources import find_prints
    from ridgefeat.table import writing
    from ridgefeat.table.recipe import Recipe

    items = find_prints([folder], layout="fvc")
    for name in ("t.csv", "parts/"):
        writing.write_table(items, Recipe.make(["ridge"]), f"{tmp_path}/{name}", jobs=1)
    one, two = (verify(tmp_path / name, "fvc", comparator="features") for name in ("t.csv", "parts"))
    assert len(one.scores) and one.scores.equals(two.scores)


def test_features_without_anything_in_common():
    a, b = np.array([1, np.nan], np.float32), np.array([np.nan, 2], np.float32)
    assert np.isnan(feature_scores([(a, b)])[0]) and feature_scores([(a, a)])[0] == 0
    with pytest.raises(TableError, match="give one feature table, or prints; got 2 inputs"):
        verify(["a.csv", "b.csv"], comparator="features")


def test_identification_ranks_the_finger_first(folder):
    entries = enrol(find_sources(folder, layout="fvc"))
    found = identify(entries[0], entries[1:], load_calibration(), top=4)
    assert [c.subject for c in found[:2]] == ["101", "101"] and found[0].score > 0 > found[2].score
    assert [c.rank for c in found] == [1, 2, 3, 4]
    assert found[0].reached == 0 and found[0].fmr == 0 < found[0].fmr_at_most < 0.001
    assert found[2].fmr > 0.01
    assert found[0].expected == pytest.approx(found[0].fmr_at_most * 8)
    with pytest.raises(ParameterError, match="top must be 1 or more, got 0"):
        identify(entries[0], entries, load_calibration(), top=0)


def test_what_cannot_be_searched(folder, tmp_path):
    (tmp_path / "x.png").write_bytes(b"no")
    (bad,) = enrol(find_sources(tmp_path / "x.png"))
    good = enrol(find_sources(folder / "101_1.png"))
    with pytest.raises(LayoutError, match=r"x.png cannot be searched for: "):
        identify(bad, good, load_calibration())
    with pytest.raises(LayoutError, match="none of the 1 prints of the gallery can be compared"):
        identify(good[0], [bad], load_calibration())


@pytest.mark.parametrize("seed", range(5))
def test_calibration_counts_and_never_extrapolates(seed):
    scores = np.random.default_rng(seed).normal(size=5000)
    calibration = Calibration.from_scores(scores, "made", max_points=100)
    for at in np.linspace(-3, 4, 30):
        true = int((scores >= at).sum())
        count = calibration.count(float(at))
        assert true <= count <= max(true + 120, 0)
        assert calibration.fmr(float(at))[1] >= true / 5000
    top = float(scores.max())
    assert calibration.count(top) == 1 and calibration.count(top + 1e-9) == 0
    # None of 5,000: at most 3 in 5,000, the rule of three.
    assert calibration.fmr(top + 1) == (0.0, pytest.approx(3 / 5000, rel=0.01))


def test_calibration_from_a_table_and_its_errors(made, tmp_path):
    path = made.save(tmp_path / "s.csv")
    found = load_calibration(path)
    assert found.comparisons == 27 and found.data == "s.csv"
    assert load_calibration(kind="minutiae").comparisons == load_calibration().comparisons > 10_000
    with pytest.raises(ScoreError, match="no non-mated comparison has a score"):
        Calibration.from_scores(np.array([np.nan]), "made")


def test_a_template_is_read_for_comparing(templates, folder):
    from ridgefeat.verify import compare

    image, record = read_template(folder / "101_1.png"), read_template(templates[0] / "101_1.fmr")
    assert compare(image, record).score > 10
    assert image.waves is not None and record.waves is None


def test_a_picture_of_a_comparison(folder, templates, tmp_path):
    from ridgefeat.report.pictures.match import draw_match, save_match

    def green(picture):
        return int((picture[:, :, 1].astype(int) - picture[:, :, 0] > 60).sum())

    a, b = read_template(folder / "101_1.png"), read_template(folder / "101_2.png")
    picture = draw_match(a, b)
    assert picture.shape[1] >= 2 * 16 * a.mask.shape[1] and picture.dtype == np.uint8
    assert green(picture) > 2 * green(draw_match(a, read_template(folder / "102_1.png"))) > 0
    save_match(a, read_template(templates[1] / "101_1.xyt"), tmp_path / "m.png")
    assert cv2.imread(str(tmp_path / "m.png")) is not None
