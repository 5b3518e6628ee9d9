import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ridgefeat.errors import TemplateError
from ridgefeat.structure import CORE, DELTA, Minutiae, SingularPoints
from ridgefeat.templates import read_minutiae, read_minutiae_csv, write_minutiae_csv

HEADER = "id,kind,x_px,y_px,x_mm,y_mm,direction_deg,quality,dpi_x,dpi_y"


def test_table_for_people(build, tmp_path):
    path = tmp_path / "a.csv"
    minutiae = build.minutiae([(10, 20, 359.999, 1, 87.25), (300.5, 0, 90, 2, build.nan)])
    singular = build.singular([(50, 60, CORE, 270), (70, 80, DELTA, build.nan)])
    write_minutiae_csv(path, minutiae, singular, dpi_x=500, dpi_y=250)
    assert path.read_text().splitlines() == [
        HEADER,
        "1,ending,10.00,9.75,0.5080,0.9906,0.00,87.2,500.0,250.0",
        "2,bifurcation,300.50,-0.25,15.2654,-0.0254,90.00,,500.0,250.0",
        "3,core,50.00,29.75,2.5400,3.0226,270.00,,500.0,250.0",
        "4,delta,70.00,39.75,3.5560,4.0386,,,500.0,250.0",
    ]


points = st.lists(
    st.tuples(
        st.floats(-0.5, 4000),
        st.floats(-0.5, 4000),
        st.floats(0, 359.99),
        st.sampled_from([1, 2]),
        st.one_of(st.just(float("nan")), st.floats(0, 100)),
    ),
    max_size=40,
)


@settings(max_examples=100, deadline=None)
@given(rows=points, dpi=st.tuples(st.floats(50, 5000), st.floats(50, 5000)))
def test_round_trip(tmp_path_factory, rows, dpi):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    x, y, degrees, kind, quality = np.array(rows, np.float32).reshape(-1, 5).T
    minutiae = Minutiae(x, y, np.radians(degrees), kind.astype(np.uint8), quality)
    singular = SingularPoints(x[:3], y[:3], kind[:3].astype(np.uint8), np.radians(degrees[:3]))
    write_minutiae_csv(path, minutiae, singular, dpi_x=dpi[0], dpi_y=dpi[1])
    back, points_back, resolution, ids = read_minutiae_csv(path)
    assert ids == tuple(str(i + 1) for i in range(len(minutiae) + len(singular)))
    assert resolution == (dpi if rows else None)
    for given_points, read in ((minutiae, back), (singular, points_back)):
        assert np.abs(read.x - given_points.x).max(initial=0) <= 0.0051 * 500 / dpi[0] + 2e-3
        assert np.abs(read.y - given_points.y).max(initial=0) <= 0.0051 * 500 / dpi[1] + 2e-3
        np.testing.assert_array_equal(read.kind, given_points.kind)
        turn = (read.direction - given_points.direction + np.pi) % (2 * np.pi) - np.pi
        assert np.abs(turn).max(initial=0) <= np.radians(0.0051) + 1e-5
    np.testing.assert_allclose(back.quality, quality, atol=0.051)


def test_columns_in_another_order_and_further_ones(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "\ufeffnote,y_px,x_px,direction_deg,kind,quality,dpi_y,dpi_x\r\n"
        '"a, b",2,1,-90,ending,50,500,500\r\n\r\n,4,3,,delta,,500,500\r\n',
        encoding="utf-8",
        newline="",
    )
    minutiae, singular, resolution, ids = read_minutiae_csv(path)
    assert ids == ()
    assert (minutiae.x[0], minutiae.y[0], minutiae.quality[0], resolution) == (1, 2, 50, (500, 500))
    assert np.degrees(minutiae.direction[0]) == pytest.approx(270)
    assert singular.kind.tolist() == [DELTA] and np.isnan(singular.direction).all()


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.replace(",", ";"),
        lambda t: t.replace(",", ";").replace(".", ","),
        lambda t: ("sep=;\n" + t.replace(",", ";")).encode(),
        lambda t: t.replace(",", "\t").encode("utf-16"),
        lambda t: t.replace("kind,x_px", " Kind,X_PX").replace("ending", "Ending"),
        lambda t: t.replace("90,,", "90,NA,"),
    ],
)
def test_tables_that_went_through_a_spreadsheet(tmp_path, change):
    text = "id,kind,x_px,y_px,direction_deg,quality,dpi_x,dpi_y\n1,ending,2.5,3,90,,500,500\n"
    changed = change(text)
    path = tmp_path / "a.csv"
    path.write_bytes(changed if isinstance(changed, bytes) else changed.encode())
    record = read_minutiae(path)
    assert record.format == "csv" and record.ids == ("1",) and np.isnan(record.minutiae.quality[0])
    assert (record.minutiae.x[0], record.minutiae.y[0]) == (2.5, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("kind,x_px\n", "no column y_px, direction_deg, quality, dpi_x, dpi_y"),
        (f"{HEADER}\n1,whorl,1,1,1,1,0,1,500,500\n", "row 1: kind 'whorl' is none of ending"),
        (
            f"{HEADER}\n1,ending,1,1,1,1,0,1,500,500\n2,ending,a,1,1,1,0,1,500,500\n",
            "row 2, column 'x_px': 'a' is not a number",
        ),
        (f"{HEADER}\n1,ending,1\n", "row 1: "),
        (f"{HEADER}\n1,ending,inf,1,1,1,0,1,500,500\n", "not a position in an image"),
        (f"{HEADER}\n1,ending,1000001,1,1,1,0,1,500,500\n", r"\(1e\+06, 1\) px is not a position in an image"),
        (f"{HEADER}\n1,ending,1,1,1,1,,1,500,500\n", "needs a direction"),
        (f"{HEADER}\n1,ending,1,1,1,1,inf,1,500,500\n", "needs a direction"),
        (f"{HEADER}\n1,ending,1,1,1,1,0,101,500,500\n", "quality must lie between 0 and 100, got 101"),
        (f"{HEADER}\n1,ending,1,1,1,1,0,1,5,500\n", "resolution must lie"),
        (f"{HEADER}\n1,ending,1,1,1,1,0,1,,500\n", "resolution must lie"),
        (f"{HEADER}\n1,ending,1,1,1,1,0,1,500,500\n2,core,1,1,1,1,0,,600,500\n", "rows of 2 resolutions"),
        ("\x00\xff", "is not a table: it holds zero bytes"),
        ('"' + "a" * 200_000 + '"', "no column kind"),
    ],
)
def test_malformed_tables_are_refused(tmp_path, text, message):
    (tmp_path / "a.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(TemplateError, match=message):
        read_minutiae_csv(tmp_path / "a.csv")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=120) | st.text("ending,core\n0123456789.-\"'x", max_size=120).map(str.encode))
def test_hostile_rows_never_raise_anything_else(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(HEADER.encode() + b"\n" + data)
    try:
        minutiae, singular, _, _ = read_minutiae_csv(path)
    except TemplateError:
        return
    assert len(minutiae) + len(singular) <= data.count(b"\n") + data.count(b"\r") + 1


def test_unknown_kinds_are_not_written(build, tmp_path):
    minutiae = build.minutiae([(1, 1, 0, 7, 1)])
    with pytest.raises(TemplateError, match="7 is not a kind of minutia"):
        write_minutiae_csv(tmp_path / "a.csv", minutiae, SingularPoints.empty(), dpi_x=500, dpi_y=500)


def test_ids_follow_their_points(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        "id,kind,x_px,y_px,direction_deg,quality,dpi_x,dpi_y\nc,core,1,1,,,500,500\n7,ending,2,2,0,,500,500\n"
    )
    assert read_minutiae_csv(path)[3] == ("7", "c")
