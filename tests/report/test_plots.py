"""Figures show their data, whoever's axes they are drawn on, and are the same bytes every time."""

import base64
import re
import warnings
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from ridgefeat import report
from ridgefeat.errors import ParameterError, TableError
from ridgefeat.report import Curve, Interval, plot_confusion_matrix, plot_curves, plot_intervals, plot_predictions
from ridgefeat.report.display import Display, by_name, label, letters, line_style, shorten

X = np.linspace(0, 1, 5)
HOSTILE = "<a>&$x$ $y$\x00\x1b\ud800"


def labels(ax):
    return [t.get_text() for t in ax.get_yticklabels()]


def written(ax):
    return [t.get_text() for t in ax.texts]


def svg(plot):
    return base64.b64decode(Display("c", "C", plot, "words").uri.partition("base64,")[2]).decode()


def curves(**options):
    lines = [Curve("a", X, X**2, "0.1"), Curve("b", X, X**3, low=X - 1, high=X + 1, dots=True)]
    return Display("c", "C", lambda ax=None: plot_curves(lines, "x", "y", ax, **options), "words")


def test_curves_are_drawn_as_they_are_with_band_dots_and_legend():
    ax = curves(diagonal=True, mark=0.5).plot()
    a, b = (line for line in ax.lines if line.get_label() in ("a 0.1", "b"))
    assert a.get_ydata().tolist() == (X**2).tolist() and a.get_marker() == "None" and b.get_marker() == "o"
    assert a.get_zorder() > b.get_zorder() > 2
    (band,) = ax.collections
    assert band.get_paths()[0].get_extents().get_points().tolist() == [[0, -1], [1, 2]]
    assert [t.get_text() for t in ax.figure.legends[0].get_texts()] == ["a 0.1", "b"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")
    assert ax.get_ylim()[0] < -1 and ax.get_ylim()[1] > 2
    assert [line.get_ydata() for line in ax.lines if list(line.get_ydata()) == [0.5, 0.5]]


@pytest.mark.parametrize(("letters_of_name", "rows"), [(18, 1), (19, 2)])
def test_short_names_share_a_row_of_the_legend(letters_of_name, rows):
    ax = plot_curves([Curve("a" * letters_of_name, X, X), Curve("b", X, X)], "x", "y")
    assert ax.figure.get_size_inches()[1] * 72 == pytest.approx(304 + 19 * rows)


def test_points_that_are_not_finite_are_left_out_and_counts_have_whole_ticks():
    ax = plot_curves([Curve("a", np.array([0, np.nan, 2, 3]), np.array([1, 1, np.inf, 4]))], "x", "y", whole=True)
    assert ax.lines[0].get_xdata().tolist() == [0, 3] and all(t == int(t) for t in ax.get_xticks())


def test_lines_in_one_frame_differ_in_colour_and_dashes():
    looks = [line_style(i) for i in range(12)]
    assert len({(one["color"], str(one["ls"])) for one in looks}) == 12
    assert len({one["color"] for one in looks[:6]}) == 6 and looks[0]["ls"] != looks[1]["ls"]


def test_a_user_s_axes_keep_their_figure_and_style(tmp_path):
    with mpl.rc_context({"font.size": 20, "axes.facecolor": "red"}):
        figure = Figure(figsize=(7, 3))
        left, right = figure.subplots(1, 2)
        assert curves().plot(left) is left and left.get_legend() is not None and not figure.legends
        assert plot_intervals([Interval("a", 1.0)], "axis", right) is right and right.get_legend() is None
        assert figure.get_size_inches().tolist() == [7, 3] and left.get_facecolor() == (1, 0, 0, 1)
        assert left.xaxis.label.get_size() == 20


def test_the_user_s_settings_do_not_reach_a_page_and_come_back():
    before = curves().uri
    with mpl.rc_context({"font.size": 20, "axes.facecolor": "red", "svg.fonttype": "path", "lines.linewidth": 9}):
        mine = dict(mpl.rcParams)
        assert curves().uri == before
        assert dict(mpl.rcParams) == mine


def test_a_figure_of_its_own_keeps_its_style_wherever_it_is_saved(tmp_path):
    ax = curves().plot()
    inside, outside = curves().save(tmp_path / "a.svg"), report.save_figure(ax.figure, tmp_path / "b.svg")
    # Only the list of fallback fonts differs; Matplotlib 3.9 writes it after the size, in the shorthand `font`.
    plain = [re.sub("(font-family: |font: [^;']*)[^;]*", r"\1", p.read_text()) for p in (inside, outside)]
    assert plain[0] == plain[1]


@pytest.mark.parametrize("ending", [".svg", ".pdf", ".png"])
def test_a_figure_as_a_file_is_the_same_bytes_each_time(tmp_path, ending):
    first, second = (curves().save(tmp_path / f"{n}{ending}").read_bytes() for n in "ab")
    assert first == second
    assert first.startswith({".svg": b"<?xml", ".pdf": b"%PDF", ".png": b"\x89PNG"}[ending])
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"a{ending}", f"b{ending}"]
    # Nobody's drawing but the user's own.
    figure = Figure()
    figure.subplots().plot([1, 2])
    assert report.save_figure(figure, tmp_path / f"c{ending}").stat().st_size > 1000


def test_figures_that_cannot_be_written_say_why(tmp_path):
    with pytest.raises(ParameterError, match=r"f\.gif: cannot write \.gif; use \.svg, \.pdf, \.png"):
        report.save_figure(Figure(), tmp_path / "f.gif")
    (tmp_path / "blocked").write_text("")
    with pytest.raises(TableError, match=r"figure .*f\.svg cannot be written"):
        report.save_figure(Figure(), tmp_path / "blocked" / "f.svg")


def test_threads_draw_the_same():
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: curves().uri, range(6)))
    assert found == [curves().uri] * 6
    assert mpl.rcParams["svg.hashsalt"] is None


def test_foreign_names_are_text_and_nothing_else():
    lines = [Curve(HOSTILE, X, X), Curve("_hidden", X, X)]
    text = svg(lambda: plot_curves(lines, HOSTILE, HOSTILE))
    ElementTree.fromstring(text)
    assert text.count("&lt;a&gt;&amp;$x$ $y$\ufffd\ufffd\ufffd") == 3 and "_hidden</text>" in text
    assert "<a>" not in text
    for draw in (
        lambda: plot_intervals([Interval(HOSTILE, 1.0), Interval(HOSTILE * 3, 1.0)], HOSTILE),
        lambda: plot_confusion_matrix(np.eye(2), [HOSTILE, "$"]),
        lambda: plot_predictions(X, X, HOSTILE),
    ):
        ElementTree.fromstring(svg(draw))


def test_letters_that_the_font_lacks_are_kept_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = svg(lambda: plot_intervals([Interval("指紋", 1.0)], "軸"))
    assert ">指紋</text>" in text and ">軸</text>" in text
    assert letters("指紋ab") == 6


def test_labels_are_short_and_no_mathematics():
    assert shorten("short", 9) == "short"
    assert len(label("x" * 99)) == 48 and label("a$b") == r"a\$b" and label("_a") == " _a"


def test_intervals_stand_where_their_values_are():
    ax = plot_intervals([Interval("low", 0.0, -1, 1), Interval("high", 10.0)], "axis", mark=5)
    (dots,) = ax.lines
    assert {tuple(s[:, 0]) for s in ax.collections[1].get_segments()} == {(5, 5)}
    assert (list(dots.get_xdata()), dots.get_ydata().tolist()) == ([0, 10], [0, 1])
    bars = [s for s in ax.collections[0].get_segments() if len(s)]
    assert [s.tolist() for s in bars] == [[[-1, 0], [1, 0]]]
    assert labels(ax) == ["low", "high"] and written(ax) == ["0.000", "10"] and ax.get_xlabel() == "axis"
    assert ax.get_ylim()[0] > ax.get_ylim()[1] and ax.get_xlim()[0] < -1 and ax.get_xlim()[1] > 10
    assert Interval("low", 0.0, -1, 1).words == "low 0.000 (−1.00 to 1.00)" and Interval("h", 10.0).words == "h 10"


def extent(text):
    return text.get_window_extent().transformed(text.get_figure().transFigure.inverted())


@pytest.mark.parametrize("name", ["gradient-boosting", "minutiae and ridges", "RIGHT_INDEX_BAND", "指紋指紋指紋指"])
def test_names_of_classifiers_have_room_left_of_the_values(name):
    ax = plot_intervals([Interval("knn", 0.8, 0.7, 0.9), Interval(name, 0.5)], "axis", mark=0.5)
    assert labels(ax) == ["knn", name] and written(ax) == ["0.800", "0.500"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        widest = extent(ax.get_yticklabels()[1])
    assert 0 <= widest.x0 < widest.x1 <= ax.get_position().x0 and ax.get_position().width > 0.3


def test_longer_names_stand_above_and_the_dashed_line_does_not_strike_them_through():
    names = ["texture_spectrum_block_r19_mean", "short"]
    ax = plot_intervals([Interval(n, v, v - 1, v + 1) for n, v in zip(names, (1, 2), strict=True)], "axis", mark=0)
    above = [t for t in ax.texts if t.get_text() in names]
    assert len(above) == 2 and labels(ax) == ["", ""]
    for i, one in enumerate(above):
        place = ax.transData.inverted().transform(one.get_window_extent())[:, 1]
        assert i - 1 < place.min() and place.max() < i
        for line in ax.collections[1].get_segments():
            assert line[:, 1].max() < place.min() or line[:, 1].min() > place.max()


def test_predictions_are_counted_where_they_are():
    ax = plot_predictions([0, 0, 1, np.nan], [0, 0, 1, 1], "age", limits=(0, 1))
    (image,) = ax.images
    assert image.get_array().count() == 2 and image.get_array()[0, 0] > image.get_array()[-1, -1]
    assert image.get_extent() == [0, 1, 0, 1] and ax.get_ylabel() == "age, predicted"


def test_confusion_matrix_shows_fractions_of_rows_and_counts():
    ax = plot_confusion_matrix(np.array([[3, 1], [0, 0]]), ["a", "b"])
    assert ax.images[0].get_array().tolist() == [[0.75, 0.25], [0, 0]]
    assert written(ax) == ["75 %", "3", "25 %", "1", "0 %", "0", "0 %", "0"]
    # Dark letters on light fields and light ones on dark.
    assert [t.get_color() for t in ax.texts[::2]] == ["white", "black", "black", "black"]
    assert (ax.get_xlabel(), ax.get_ylabel(), labels(ax)) == ("predicted", "label", ["a", "b"])
    assert written(plot_confusion_matrix(np.eye(12), [f"class{i}" for i in range(12)])) == []
    # Names thin out before they overlap.
    crowd = plot_confusion_matrix(np.eye(60), [f"c{i}" for i in range(60)])
    assert 10 < len(labels(crowd)) <= 350 / 13


def test_names_of_displays_are_good_as_files_and_unique():
    names = ["By Größe/../x", "by gr e x", "指", "紋", "By gr e x"]
    found = by_name(Display(n, "t", plot_curves, "") for n in names)
    assert len(found) == 5 and all(re.fullmatch("[a-z0-9-]+", n) for n in found)
    assert all(n == d.name for n, d in found.items())
