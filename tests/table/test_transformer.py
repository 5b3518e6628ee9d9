import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from ridgefeat import FeatureExtractor
from ridgefeat.errors import ImageError, ParameterError


@pytest.fixture
def paths(prints):
    return sorted(str(p) for p in prints.iterdir())


def test_paths_and_arrays_in_every_form_give_the_same(paths, arrays):
    extractor = FeatureExtractor(["ridge"], dpi=500)
    wanted = extractor.fit_transform(arrays)
    assert wanted.shape == (6, len(extractor.get_feature_names_out())) and wanted.dtype == np.float32
    column = np.array(paths)
    for form in (np.stack(arrays), paths, column, column[:, None], pd.Series(paths), pd.DataFrame({"f": paths})):
        np.testing.assert_array_equal(extractor.transform(form), wanted)


def test_rows_follow_the_input_even_when_repeated(paths, prints):
    extractor = FeatureExtractor(["ridge"])
    straight = extractor.transform(paths)
    order = [4, 1, 1, 0]
    np.testing.assert_array_equal(extractor.transform([paths[i] for i in order]), straight[order])
    odd = [str(prints / ".." / prints.name / "101_1.png"), paths[0]]
    np.testing.assert_array_equal(extractor.transform(odd), straight[[0, 0]])


def test_it_works_in_a_pipeline_under_grouped_folds(paths, arrays):
    model = make_pipeline(FeatureExtractor(["ridge"]), SimpleImputer(keep_empty_features=True), LogisticRegression())
    for X in (paths, np.stack(arrays)):
        how = {"groups": np.arange(6), "cv": StratifiedGroupKFold(3), "error_score": "raise"}
        assert len(cross_val_score(model, X, [0, 1] * 3, **how)) == 3


def test_a_bad_print_is_nan_or_an_error_as_asked(paths, prints):
    (prints / "101_1.png").write_bytes(b"")
    values = FeatureExtractor(["ridge"]).transform(paths)
    assert np.isnan(values[0]).all() and np.isfinite(values[1:, 0]).all()
    with pytest.raises(ImageError, match=r"101_1\.png: "):
        FeatureExtractor(["ridge"], on_error="raise").transform(paths)


def test_memory_computes_once_and_sees_a_changed_file(paths, prints, tmp_path, monkeypatch):
    extractor = FeatureExtractor(["ridge"], memory=str(tmp_path / "cache"))
    before = extractor.transform(paths)
    with monkeypatch.context() as patch:
        patch.setattr("ridgefeat.table.transformer.compute_rows", lambda *_: pytest.fail("computed again"))
        np.testing.assert_array_equal(extractor.transform(paths), before)
    (prints / "101_1.png").write_bytes(b"")
    assert np.isnan(extractor.transform(paths)[0]).all()


@pytest.mark.parametrize(
    ("X", "says"),
    [
        ("one.png", "put a single one in a list"),
        (np.zeros((5, 5), np.uint8), "put a single one in a list"),
        ([3.5], "got float"),
        ([np.zeros((5, 5), np.uint8), "a.png"], "nothing else; got ndarray, str"),
        (["a folder"], "must hold image files, one print each"),
    ],
)
def test_what_is_neither_paths_nor_images_is_refused_and_nothing_gives_nothing(X, says, prints):
    X = [str(prints)] if "folder" in str(X) else X
    with pytest.raises(ImageError, match=says):
        FeatureExtractor(["ridge"]).transform(X)
    assert FeatureExtractor(["ridge"]).transform([]).shape[0] == 0


@pytest.mark.parametrize(
    ("wrong", "says"), [({"on_error": "ignore"}, "on_error must be"), ({"families": ["rigde"]}, "unknown family")]
)
def test_fit_checks_the_parameters(wrong, says):
    with pytest.raises(ParameterError, match=says):
        FeatureExtractor(**wrong).fit([])
