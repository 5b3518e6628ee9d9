import numpy as np
import pytest

from ridgefeat.errors import LayoutError, ParameterError, ScoreError
from ridgefeat.verify import Calibration, Entry, have_ridges, identify, load_calibration
from tests.verify.helpers import prepared, random_minutiae


@pytest.fixture(scope="module")
def entries(templates):
    return [Entry(f"{k}.png", {"subject": subject}, template) for k, (subject, template) in enumerate(templates)]


def test_the_mated_print_is_ranked_first(entries):
    gallery = [*entries[1:], Entry("x.png", failure="no image")]
    found = identify(entries[0], gallery, load_calibration(), top=4)
    assert found[0].subject == "101" and found[0].score > 0 > found[1].score
    assert [c.rank for c in found] == [1, 2, 3, 4]
    assert found[0].reached == 0 and found[0].fmr == 0 < found[0].fmr_at_most < 0.001
    assert found[-1].fmr > 0.01 and found[0].expected == pytest.approx(found[0].fmr_at_most * 5)
    with pytest.raises(ParameterError, match="top must be 1 or more, got 0"):
        identify(entries[0], entries, load_calibration(), top=0)


def test_prints_that_failed_cannot_be_searched(entries):
    bad = Entry("x.png", failure="no image")
    with pytest.raises(LayoutError, match=r"x.png cannot be searched for: no image"):
        identify(bad, entries, load_calibration())
    with pytest.raises(LayoutError, match="none of the 1 prints of the gallery can be compared"):
        identify(entries[0], [bad], load_calibration())


def test_ridges_are_known_if_every_template_has_them(entries):
    assert have_ridges([*entries, Entry("x.png", failure="no image")])
    assert not have_ridges([*entries, Entry("a.fmr", content=prepared(random_minutiae(1)))])


@pytest.mark.parametrize("seed", range(3))
def test_calibration_counts_and_never_extrapolates(seed):
    scores = np.random.default_rng(seed).normal(size=5000)
    calibration = Calibration.from_scores(scores, "test", max_points=100)
    for at in np.linspace(-3, 4, 30):
        true = int((scores >= at).sum())
        assert true <= calibration.count(float(at)) <= true + 120
        assert calibration.fmr(float(at))[1] >= true / 5000
    top = float(scores.max())
    assert calibration.count(top) == 1 and calibration.count(top + 1e-9) == 0
    # None of 5,000: at most 3 in 5,000, the rule of three.
    assert calibration.fmr(top + 1) == (0.0, pytest.approx(3 / 5000, rel=0.01))


def test_calibration_from_a_table_and_its_errors(verification, tmp_path):
    found = load_calibration(verification.save(tmp_path / "s.csv"))
    assert found.comparisons == 12 and found.data == "s.csv"
    assert load_calibration(kind="minutiae").comparisons == load_calibration().comparisons > 10_000
    with pytest.raises(ScoreError, match="no non-mated comparison has a score"):
        Calibration.from_scores(np.array([np.nan]), "test")
