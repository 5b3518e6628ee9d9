"""What a notebook shows of prints and results: short, escaped, and pictures on the axes that are given."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import ridgefeat as rf
from ridgefeat.report.pictures.panels import PANELS
from ridgefeat.structure import CORE, Minutiae, SingularPoints
from ridgefeat.synth import make_impression, make_master
from ridgefeat.synth.simple import dislocated_grating
from ridgefeat.threshold import Scores
from ridgefeat.verify import compare, template_from_print


@pytest.fixture(scope="module")
def fp():
    return rf.Fingerprint(dislocated_grating((241, 241), 9.0, np.pi / 2).image, 500, source="<b>a.png")


def test_results_have_short_reprs_and_a_table(fp):
    made = make_impression(make_master("whorl", rng=1), rng=2)
    template = template_from_print(rf.Fingerprint(made.image, made.dpi))
    scores = Scores(np.zeros(5000), np.arange(5000) % 2 == 0)
    for one in (made, fp.orientation, fp.gabor, fp.minutiae, template, compare(template, template), scores):
        assert len(repr(one)) <= 200 and "\n" not in repr(one) and type(one).__name__ in repr(one)
        assert "<table" in one._repr_html_()
    assert repr(fp.minutiae) == "<Minutiae 1 points, kinds: 1 ending, 0 bifurcation>"
    assert "score=" in repr(compare(template, template)) and "241x241" in repr(fp.orientation)


def test_a_print_shows_itself_and_computes_nothing(fp):
    new = rf.Fingerprint(fp.original, 500, source=fp.source)
    shown = new._repr_html_()
    assert "data:image/png;base64," in shown and "&lt;b&gt;a.png" in shown and "<b>" not in shown
    assert not {"mask", "gabor", "flags"} & set(vars(new))


@pytest.mark.parametrize("panel", PANELS)
def test_every_stage_is_drawn_on_the_axes_that_are_given(fp, panel):
    ax = Figure().add_subplot()
    assert fp.plot(panel, ax=ax) is ax and ax.get_xlim() == (-0.5, 240.5) and ax.get_ylim() == (240.5, -0.5)
    with pytest.raises(rf.RidgefeatError, match="unknown panel 'ridges'; there are: print"):
        fp.plot("ridges")


def test_points_become_a_frame_in_the_original_s_pixels_and_mm():
    points = Minutiae.make([9.5, 0], [19.5, 0], [np.pi, 0], [2, 1], [70, np.nan]).to_frame(1000, 250)
    assert points.columns.tolist() == ["kind", "x_px", "y_px", "x_mm", "y_mm", "direction_deg", "quality"]
    assert points.kind.tolist() == ["bifurcation", "ending"]
    assert points.loc[0, ["x_px", "y_px", "direction_deg"]].tolist() == pytest.approx([19.5, 9.5, 180])
    assert points.loc[0, "x_mm"] == pytest.approx(19.5 * 25.4 / 1000)
    cores = SingularPoints.make([1], [2], [CORE], [0]).to_frame()
    assert cores.kind.tolist() == ["core"] and "quality" not in cores


def test_an_explanation_shows_its_picture(fp):
    assert rf.explain(fp, "minutiae_count")._repr_png_().startswith(b"\x89PNG")
