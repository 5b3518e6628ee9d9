import numpy as np
import pytest

from ridgefeat.errors import TableError
from ridgefeat.verify import verify
from ridgefeat.verify.features import _standardise_all, feature_scores


def test_scores_are_distances_of_standardised_vectors(folder):
    import ridgefeat as rf

    found = verify(folder, "fvc", comparator="features", layout="fvc", families=["ridge"])
    table = rf.extract_many(folder, families=["ridge"], layout="fvc").set_index("meta_source")
    values = table[[c for c in table.columns if c.startswith("ridge_")]].astype(float)
    spread = values.std(ddof=0)
    kept = spread > 1e-9 * values.mean().abs().clip(lower=1e-9)
    unit = ((values - values.mean()) / spread).loc[:, kept]
    row = found.scores.iloc[5]
    difference = unit.loc[row["probe"]] - unit.loc[row["reference"]]
    assert row["score"] == pytest.approx(-np.sqrt((difference**2).mean()), rel=1e-4)
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


def test_nearly_constant_features_count_and_constant_ones_do_not():
    values = np.float32([[1, 5, 100], [1, 6, 100.01], [1, 7, 100.02]])
    found = _standardise_all(values)
    assert found.shape == (3, 2) and np.allclose(found, [[-1.2247] * 2, [0, 0], [1.2247] * 2], atol=1e-3)
    with pytest.raises(TableError, match="no feature varies"):
        _standardise_all(values[:, :1])


def test_vectors_without_a_common_feature_have_no_score():
    a, b = np.array([1, np.nan], np.float32), np.array([np.nan, 2], np.float32)
    assert np.isnan(feature_scores([(a, b)])[0]) and feature_scores([(a, a)])[0] == 0
    with pytest.raises(TableError, match="give one feature table, or prints; got 2 inputs"):
        verify(["a.csv", "b.csv"], comparator="features")
