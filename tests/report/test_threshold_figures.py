from dataclasses import replace

import numpy as np
import pytest

from ridgefeat import report
from ridgefeat.errors import ParameterError
from ridgefeat.report.threshold import _scale, plot_search, ranges, threshold_displays
from ridgefeat.threshold import DEFAULT_METHODS, Scores, analyse
from tests.report.test_plots import extent as extent_of
from tests.report.test_plots import written as texts_of


def scores(mated, nonmated):
    return Scores.make(np.r_[nonmated, mated], np.repeat([False, True], [len(nonmated), len(mated)]))


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(0)
    # A few scores far to the right, so that the figure ends before the scores do.
    mated = np.r_[rng.normal(4, 1, 5000), 100]
    return analyse(scores(mated, rng.normal(0, 1, 9000)), (*DEFAULT_METHODS, "bayes"), folds=1)


def test_rates_reach_both_edges_of_their_figure(found):
    ax = report.plot_error_rates(found)
    low, high = ax.get_xlim()
    far, frr = (line for line in ax.lines if line.get_label() in ("FAR", "FRR"))
    assert (low, high) == _scale(found) and high < 50
    for line in (far, frr):
        x = line.get_xdata()
        assert x.min() <= low and x.max() >= high and line.get_clip_on()
    assert far.get_ydata()[0] == 0 or far.get_ydata()[-1] == 0


def test_thresholds_that_nearly_agree_share_a_label():
    assert ranges([9, 5, 2, 4, 6, 3]) == "2–6, 9" and ranges([1, 2, 5]) == "1, 2, 5" and ranges([7]) == "7"


def test_every_threshold_has_a_line_and_a_number_and_numbers_do_not_overlap(found):
    for draw in (report.plot_error_rates, report.plot_scores):
        ax = draw(found)
        lines = [line.get_xdata()[0] for line in ax.lines if line.get_label().startswith("_")]
        assert lines == [c.threshold for c in found.choices]
        spelled = [
            range(int(one.split("–")[0]), int(one.split("–")[-1]) + 1) for t in texts_of(ax) for one in t.split(", ")
        ]
        assert sorted(n for one in spelled for n in one) == list(range(1, len(found.choices) + 1))
        assert any("–" in t or "," in t for t in texts_of(ax))
        boxes = [t.get_window_extent() for t in ax.texts]
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
        assert all(0 <= extent_of(t).y1 <= 1 for t in ax.texts)


def test_histograms_hold_every_score(found):
    ax = report.plot_scores(found)
    mated, other = ax.patches
    assert mated.get_data().values.sum() == pytest.approx(100) and other.get_data().values.sum() == pytest.approx(100)
    assert [p.get_label() for p in ax.patches] == ["mated, 5,001", "non-mated, 9,000"]


def test_det_is_in_percent_on_normal_deviates(found):
    ax = report.plot_det(found)
    (line,) = (one for one in ax.lines if one.get_label().startswith("EER"))
    low, high = ax.get_xlim()
    assert line.get_xdata().min() == low == pytest.approx(100 * 0.5 / 9000) and high == 70
    assert [t.get_text() for t in ax.get_xticklabels()] == ["0.01", "0.1", "1", "5", "20", "40", "60"]
    # Equal steps of deviates are equal steps on the figure.
    at = ax.transScale.transform([[50, 50], [15.8655, 15.8655], [2.27501, 2.27501]])[:, 0]
    assert at == pytest.approx([0, -1, -2], abs=1e-4)
    dots = next(one for one in ax.lines if one.get_marker() == "o")
    assert len(dots.get_xdata()) == len(found.choices)
    # Dots that nearly agree share a label.
    assert texts_of(ax) == ["1", "2", "3–7, 9", "8"]


def test_roc_is_in_percent(found):
    (line,) = (one for one in report.plot_roc(found).lines if "AUC" in one.get_label())
    assert line.get_xdata().max() == 100 and line.get_ydata().max() == 100


def test_the_search_is_drawn_where_there_was_one(found):
    choice = next(c for c in found.choices if c.path is not None)
    ax = plot_search(found, choice)
    tried = next(one for one in ax.lines if one.get_marker() == "o")
    assert tried.get_xdata().tolist() == choice.path.tried.tolist()
    assert tried.get_ydata() == pytest.approx(100 * choice.path.loss) and ax.get_ylabel() == "HTER, %"
    with pytest.raises(ParameterError, match="'exact' is not a search"):
        plot_search(found, next(c for c in found.choices if c.method == "exact"))
    assert list(threshold_displays(found)) == ["det", "scores", "far-frr", "roc", "bayes"]
    without = replace(found, choices=tuple(replace(c, path=None) for c in found.choices))
    assert "bayes" not in threshold_displays(without)
