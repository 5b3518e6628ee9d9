import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridgefeat.errors import TemplateError
from ridgefeat.structure import Minutiae
from ridgefeat.templates import read_xyt, write_xyt


def written(path, minutiae, **options):
    write_xyt(path, minutiae, **({"height": 374, "dpi_x": 500, "dpi_y": 500} | options))
    return [tuple(map(int, line.split())) for line in path.read_text().splitlines()]


def test_nist_convention(build, tmp_path):
    """mindtct: y = height - y from the top; theta = 270 - 11.25 d where ISO (its M1) has 90 - 11.25 d."""
    rows = [(200, 10, 90, 2, 80.4), (100, 50, 0, 1, 33.3), (100, 60, 359.7, 1, 100)]
    assert written(tmp_path / "a.xyt", build.minutiae(rows)) == [
        (100, 314, 180, 100),
        (100, 324, 180, 33),
        (200, 364, 270, 80),
    ]
    # A point on the rim of the working image may come out half a pixel and more outside.
    assert written(tmp_path / "a.xyt", build.minutiae([(-1.2, 374.2, 0, 1, 50)])) == [(0, 1, 180, 50)]


@pytest.mark.parametrize("lfs", range(32))
def test_every_direction_of_mindtct(build, tmp_path, lfs):
    iso, nist = (90 - round(lfs * 11.25)) % 360, (270 - round(lfs * 11.25)) % 360
    assert written(tmp_path / "a.xyt", build.minutiae([(5, 5, iso, 1, 50)]))[0][2] == nist


def test_all_minutiae_are_written(build, tmp_path):
    many = build.minutiae([(i, i, 0, 1, (i * 37) % 101) for i in range(300)])
    assert sorted(r[3] for r in written(tmp_path / "a.xyt", many)) == np.sort(many.quality).astype(int).tolist()


def test_unknown_quality_leaves_the_column_out_and_without_minutiae_there_is_nothing(build, tmp_path):
    path = tmp_path / "a.xyt"
    assert written(path, build.minutiae([(1, 2, 0, 1, 50), (3, 4, 0, 1, build.nan)])) == [(1, 372, 180), (3, 370, 180)]
    assert np.isnan(read_xyt(path, height=374).quality).all()
    assert written(path, Minutiae.empty()) == [] and len(read_xyt(path, height=374)) == 0


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 6.28), st.floats(0, 100)), max_size=50),
    dpi=st.tuples(st.floats(50, 5000), st.floats(50, 5000)),
    height=st.integers(1, 2000),
)
def test_round_trip(tmp_path_factory, rows, dpi, height):
    path = tmp_path_factory.mktemp("xyt") / "a.xyt"
    across, down, direction, quality = np.array(rows, np.float64).reshape(-1, 4).T
    x, y = (across * 999 + 0.5) * 500 / dpi[0] - 0.5, (down * (height - 1) + 0.5) * 500 / dpi[1] - 0.5
    minutiae = Minutiae.make(x, y, direction, np.ones(len(x)), quality)
    x, y, direction, quality = minutiae.x, minutiae.y, minutiae.direction, minutiae.quality
    write_xyt(path, minutiae, height=height, dpi_x=dpi[0], dpi_y=dpi[1])
    back = read_xyt(path, height=height, dpi_x=dpi[0], dpi_y=dpi[1])
    px, py = minutiae.original_xy(*dpi)
    order = np.lexsort((height - np.clip(np.rint(py), 0, height - 1), np.clip(np.rint(px), 0, None)))
    assert np.abs(back.x - x[order]).max(initial=0) <= 0.501 * 500 / dpi[0] + 1e-3
    assert np.abs(back.y - y[order]).max(initial=0) <= 0.501 * 500 / dpi[1] + 1e-3
    turn = (back.direction - direction[order] + np.pi) % (2 * np.pi) - np.pi
    assert np.abs(turn).max(initial=0) <= np.pi / 360 + 1e-5
    assert np.abs(back.quality - quality[order]).max(initial=0) <= 0.5
    assert (back.kind == 0).all()


def test_bozorth_angles_below_zero_are_read(tmp_path):
    (tmp_path / "a.xyt").write_bytes(b"\xef\xbb\xbf10 20 -90 5\r\n\r\n10 20 270 5\n")
    back = read_xyt(tmp_path / "a.xyt", height=100)
    np.testing.assert_allclose(np.degrees(back.direction), [90, 90], atol=1e-4)
    np.testing.assert_array_equal(back.y, [80, 80])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"1 2\n", "line 1: expected three or four whole numbers"),
        (b"1 2 3 4\n1 2 3 4 5\n", "line 2: expected three or four"),
        (b"1 2 3.5 4\n", "line 1: expected three or four whole"),
        (b"1 2 x 4\n", "line 1: expected"),
        (b"1 2 361 4\n", "line 1: .* out of range"),
        (b"9" * 5000 + b" 2 3 4\n", "out of range"),
        (b"1 2 3 101\n", "quality must lie between 0 and 100, got 101"),
        (b"1 2 3 -1\n", "quality must lie"),
        (b"\xff\xfe\x00", "not plain text"),
        (b"1 2 3\n" * 10_001, "10001 lines"),
        (b" " * (5 << 20), "larger than"),
    ],
)
def test_malformed_files_are_refused(tmp_path, data, message):
    (tmp_path / "a.xyt").write_bytes(data)
    with pytest.raises(TemplateError, match=message):
        read_xyt(tmp_path / "a.xyt", height=374)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80) | st.text("0123456789 -\n.eE_x", max_size=80).map(str.encode))
def test_hostile_bytes_never_raise_anything_else(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("xyt") / "a.xyt"
    path.write_bytes(data)
    try:
        back = read_xyt(path, height=374)
    except TemplateError:
        return
    assert np.isfinite(back.x).all() and len(back) <= len(data)


def test_what_cannot_be_written_is_said(build, tmp_path):
    path = tmp_path / "a.xyt"
    for rows, options, says in (
        ([(5, 375, 0, 1, 1)], {}, "y = 375 px lies outside an image of 374 px"),
        ([(5, 5, build.nan, 1, 1)], {}, "without a direction"),
        ([], {"height": 0}, "height of 0 px"),
        ([], {"dpi_y": build.nan}, "resolution must lie"),
    ):
        with pytest.raises(TemplateError, match=says):
            written(path, build.minutiae(rows), **options)
    assert not path.exists()
