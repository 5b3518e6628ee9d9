"""Constants that decide what a reader sees; a change of one of them is a decision, not a detail."""

import pandas as pd
import pytest

from ridgefeat.report import audit
from ridgefeat.report.bench import figures, tables
from ridgefeat.report.bench.tables import format_value
from ridgefeat.report.explore import maps, page, pictures, sample
from ridgefeat.report.page import format_p_value
from tests.report.made_comparison import make


def test_limits_of_a_bench_page():
    assert tables.ALPHA == 0.05
    assert (figures.MAX_CURVES, figures.MAX_CLASSES, figures.MAX_COLUMNS, figures.MAX_LEVELS) == (6, 12, 20, 24)
    assert (audit.MAX_SETS, audit.MAX_FILES, len(figures.STEPS)) == (40, 12, 101)


def test_limits_of_an_explore_page():
    assert (page.MAX_PRINTS, page.ROOM, page.MAX_OUTLIERS, page.EXACT_BYTES) == (5000, 25 << 20, 100, 6 << 20)
    assert (maps.CLIP, maps.MAX_MISSING, maps.MIN_PRINTS, maps.COMPONENTS) == (8, 0.5, 12, 4)
    assert (sample.MAX_GROUPS, sample.QUANTILES, sample.OVERSAMPLING) == (8, 4, 2)
    assert pictures.LADDER[0] == (512, 50) and pictures.LADDER[-1] == (64, 8)
    assert pictures.OUTLINE_TOLERANCE == 0.15


def test_values_have_three_decimals_and_small_p_values_a_bound():
    assert (format_value(0.81249, "binary"), format_value(0.99951, "binary")) == ("0.812", "1.000")
    assert (format_p_value(0.001), format_p_value(0.00099)) == ("0.001", "< 0.001")


@pytest.mark.parametrize("empty", [0, 3])
def test_a_calibration_curve_has_a_point_for_each_bin_that_holds_prints(empty):
    made = make("binary")
    made.calibration.loc[made.calibration["bin"] < empty, "count"] = 0
    calibration = next(d for d in figures.make_curves(made) if d.name == "calibration")
    line = next(one for one in calibration.plot().lines if one.get_label().startswith("rbf_svm"))
    expected = made.calibration.query("classifier == 'rbf_svm' and `class` == 'female' and count > 0")
    assert isinstance(expected, pd.DataFrame) and len(expected) == 5 - empty
    assert line.get_xdata().tolist() == expected["predicted"].tolist()
