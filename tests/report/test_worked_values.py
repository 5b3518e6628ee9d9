"""Worked values of functions that other modules rest on."""

import numpy as np

from ridgefeat.report.bench.tables import decide_verdict, format_difference, format_estimate, format_value, metric_name
from ridgefeat.report.display import shorten, span_of
from ridgefeat.report.explore.maps import robust_scores
from ridgefeat.report.explore.sample import draw_rows
from ridgefeat.report.page import find_topic, format_p_value, join_names, number


def test_metric_name():
    assert (metric_name("roc_auc"), metric_name("top_5")) == ("ROC AUC", "top 5")


def test_format_value():
    assert (format_value(0.8124, "binary"), format_value(12.345, "regression"), format_value(None, "binary")) == (
        "0.812",
        "12.3",
        "–",
    )


def test_format_estimate():
    assert (format_estimate({"f1": 0.81, "f1_low": 0.78, "f1_high": 0.84}, "f1", "binary")) == {
        "value": "0.810",
        "interval": "0.780 to 0.840",
    }


def test_format_difference():
    assert (format_difference(-0.0123, "binary"), format_difference(0.2, "binary")) == ("−0.012", "+0.200")


def test_decide_verdict():
    row = {"difference": 0.1, "difference_low": 0.05, "difference_high": 0.15, "metric": "roc_auc"}
    assert (decide_verdict({**row, "p_holm": 0.01}), decide_verdict({**row, "p_holm": 0.2})) == (
        "better",
        "possibly better",
    )


def test_shorten():
    assert (shorten("a_very_long_name", 9)) == "a_ve…name"


def test_span_of():
    assert (span_of([1, 3, float("nan")], margin=0.5), span_of([])) == ((0.0, 4.0), (0.0, 1.0))


def test_robust_scores():
    assert (robust_scores(np.array([[0], [0], [0], [4]], np.float32)).round(2).ravel().tolist()) == [
        0.0,
        0.0,
        0.0,
        4.62,
    ]


def test_draw_rows():
    strata = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 2], np.uint8)
    drawn = draw_rows(strata, np.arange(10), np.linspace(0, 1, 10), 5)
    assert (strata[drawn].tolist()) == [0, 0, 0, 1, 2]


def test_number():
    assert (number(0.4712), number(12.345), number(1234.5), number(3e-7), number(float("nan"))) == (
        "0.471",
        "12.3",
        "1,234",
        "3.00e-07",
        "–",
    )


def test_format_p_value():
    assert (format_p_value(0.0312), format_p_value(0.0004), format_p_value(float("nan"))) == ("0.031", "< 0.001", "–")


def test_join_names():
    assert (join_names(["a", "b", "c"]), join_names(["a"]), join_names([])) == ("a, b and c", "a", "")


def test_find_topic():
    assert (find_topic("Gender"), find_topic("finger")) == ("sex", "")
