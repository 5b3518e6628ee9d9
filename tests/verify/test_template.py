import numpy as np
import pytest

from ridgefeat.errors import TemplateError
from ridgefeat.table.row import write_minutiae
from ridgefeat.verify import compare, read_template, template_from_minutiae
from ridgefeat.verify.template import inside
from tests.verify.helpers import random_minutiae


@pytest.mark.parametrize("field", ["x", "y", "direction"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(field, value):
    m = random_minutiae(1)
    getattr(m, field)[3] = value
    with pytest.raises(TemplateError, match=f"test: the {field} of a minutia is not finite"):
        template_from_minutiae(m, "test")


def test_too_few_minutiae_or_too_large_a_span_are_refused():
    assert len(template_from_minutiae(random_minutiae(1, 4))) == 4
    with pytest.raises(TemplateError, match=r"test: 3 minutiae are too few to compare .4 are needed"):
        template_from_minutiae(random_minutiae(1, 3), "test")
    m = random_minutiae(1)
    m.x[0] = m.x[1:].min() + 2900
    template_from_minutiae(m)
    m.x[0] += 150
    with pytest.raises(TemplateError, match=r"minutiae span .* mm, more than a print can; check its resolution"):
        template_from_minutiae(m, "test")


def test_the_best_150_minutiae_are_kept():
    m = random_minutiae(1, 160, side=500)
    m.quality[:] = np.arange(160)
    assert template_from_minutiae(m).minutiae.quality.min() == 10


@pytest.mark.parametrize("ending", [".fmr", ".xyt"])
def test_an_exported_template_is_compared_as_its_print_is_without_ridges(prints, tmp_path, ending):
    given, read = [], []
    for i, (_, fp) in enumerate(prints[:3]):
        write_minutiae(fp, tmp_path / str(i))
        given.append(template_from_minutiae(fp.all_minutiae))
        read.append(read_template(tmp_path / f"{i}{ending}"))
    assert [len(t) for t in read] == [len(t) for t in given] and min(t.minutiae.quality.min() for t in read) < 58
    for a, b in [(0, 1), (0, 2)]:
        assert compare(read[a], read[b]).score == pytest.approx(compare(given[a], given[b]).score, abs=1)


def test_cells_are_centred_on_pixels():
    grid = np.array([[True, False], [False, True]])
    points = np.float32([[-0.4, 0], [7.4, 0], [7.6, 0], [8, 8], [15.4, 15.4], [15.6, 15], [-0.6, 0]])
    assert inside(grid, *points.T).tolist() == [True, True, False, True, True, False, False]
