import re

import numpy as np
import pytest

from ridgefeat.errors import ImageError, TemplateError
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.report.pictures.show import TEMPLATE_MARGIN as MARGIN
from ridgefeat.report.pictures.show import TemplatePrint, save_overlay, save_template
from ridgefeat.structure import CORE, Minutiae, SingularPoints
from ridgefeat.templates import MinutiaeRecord


def record(x=(20.0, 60.0), y=(30.0, 80.0), **more):
    minutiae = Minutiae.make(x, y, [0.0, 2.0], [1, 2], [90, 50])
    return MinutiaeRecord(minutiae, SingularPoints.make([40], [50], [CORE], [1]), "iso", 500.0, 500.0, **more)


def test_a_template_is_drawn_in_the_size_that_it_gives_or_spans():
    fp = TemplatePrint.make(record(width=120, height=140))
    assert fp.original.shape == (140, 120) and fp.mask.all() and len(fp.minutiae) == 2
    assert TemplatePrint.make(record()).original.shape == (96, 76)
    fp = TemplatePrint.make(record(y=(-300.0, 80.0)))
    assert fp.original.shape == (412, 76) and fp.minutiae.y.min() == MARGIN


def test_points_outside_the_image_or_far_apart_are_refused():
    image = Fingerprint(np.full((70, 100), 255, np.uint8), 500)
    with pytest.raises(TemplateError, match=r"a\.fmr: minutiae lie outside the image"):
        TemplatePrint.make(record(), image, source="a.fmr")
    with pytest.raises(TemplateError, match="span more than 152 mm"):
        TemplatePrint.make(record(x=(0.0, 1e6)))
    with pytest.raises(ImageError, match="too large for a print"):
        TemplatePrint.make(record(width=16383, height=16383))


def test_numbers_are_those_of_the_table(tmp_path):
    def written(save, what, **how):
        save(what, tmp_path / "a.svg", **how)
        return re.findall(r"<text [^>]*>([^<]+)</text>", (tmp_path / "a.svg").read_text())

    assert {"1", "2", "3"} <= set(written(save_template, record(width=120, height=140), numbers=True))
    assert {"7", "9", "c"} <= set(written(save_template, record(ids=("7", "9", "c")), numbers=True))
    assert "1" not in written(save_template, record())
    print_ = TemplatePrint.make(record())
    assert {"1", "2", "3"} <= set(written(save_overlay, print_, panels=["minutiae"], numbers=True))
