import numpy as np
import pytest

import ridgefeat as rf
from ridgefeat.errors import ImageError, LayoutError, ParameterError
from ridgefeat.table import feature_columns


def test_read_takes_the_resolution_it_is_given(prints):
    fp = rf.read(prints / "101_1.png", dpi=(600, 550))
    assert (fp.dpi_x, fp.dpi_y) == (600, 550) and fp.original.shape == (160, 160)


def test_read_takes_one_image(prints):
    with pytest.raises(ImageError, match="holds 6 prints; read takes one image"):
        rf.read(prints)
    with pytest.raises(LayoutError, match="no such file"):
        rf.read(prints / "none.png")


def test_one_print_gives_the_same_from_path_array_and_fingerprint(prints, arrays):
    by_path = rf.extract(prints / "101_1.png", ["ridge"], dpi=500)
    by_array = rf.extract(arrays[0], ["ridge"])
    by_print = rf.extract(rf.Fingerprint(arrays[0]), ["ridge"])
    np.testing.assert_array_equal(by_path, by_array)
    np.testing.assert_array_equal(by_path, by_print)
    assert by_path.dtype == np.float32 and by_path["ridge_period_mean"] > 0.3


def test_many_arrays_and_many_paths_give_the_same_features(prints, arrays):
    names = feature_columns(["ridge"]).name
    from_paths = rf.extract_many([prints], families=["ridge"])
    from_arrays = rf.extract_many(arrays, families="ridge")
    np.testing.assert_array_equal(from_paths[names], from_arrays[names])
    assert from_arrays.meta_source.tolist() == [f"[{i}]" for i in range(6)]
    assert from_paths.subject.tolist() == [101, 101, 102, 102, 103, 103]


def test_labels_by_expression_and_outliers(prints, monkeypatch):
    monkeypatch.setattr("ridgefeat.table.writing.find_outliers", lambda base, groups: np.arange(len(base)) == 2)
    table = rf.extract_many(prints, families=["ridge"], regex=r"(?P<subject>\d+)_(?P<take>\d)", progress=True)
    assert table["take"].tolist() == [1, 2] * 3
    assert ["outlier" in f for f in table.meta_flags] == [False, False, True, False, False, False]


def test_what_cannot_be_is_refused(prints, arrays):
    with pytest.raises(ImageError, match="all paths or all arrays"):
        rf.extract_many([prints, arrays[0]])
    for wrong, says in (
        ({"families": ["rigde"]}, "unknown family"),
        ({"jobs": 0}, "jobs must be 1 or more"),
        ({"dpi": 5}, "resolution must lie between"),
    ):
        with pytest.raises(ParameterError, match=says):
            rf.extract_many(arrays, **wrong)


def test_features_lists_every_column():
    listed = feature_columns()
    assert list(listed.columns) == ["family", "name", "unit", "low", "high", "meaning", "source"]
    assert listed.name.is_unique and set(listed.family) >= {"ridge", "orient", "gabor", "minutiae"}


def test_one_array_is_one_print():
    pixels = np.zeros((50, 60), np.uint8)
    assert len(rf.extract_many(pixels, families=["ridge"])) == 1
    with pytest.raises(rf.RidgefeatError, match=r"read takes a path, got ndarray; rf.Fingerprint\(array, dpi\)"):
        rf.read(pixels)
