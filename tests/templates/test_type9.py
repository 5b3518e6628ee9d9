import numpy as np
import pytest
from scipy.spatial import cKDTree

import ridgefeat as rf
from ridgefeat.errors import ImageError, TemplateError
from ridgefeat.templates import decode_type9, read_type9
from ridgefeat.verify import enrol, find_sources, have_ridges, identify, load_calibration
from tests.an2_files import RS, US, tagged, transaction, type14
from tests.cli.running import run
from tests.real_prints import real_prints
from tests.sources.image_files import saved

ROWS = [(10, 20, 0, 1, 100), (99, 50, 90, 2, 2), (60, 33, 181, 0, np.nan), (40, 140, 359, 1, 51)]
HEIGHT = 150


def items(*values: object) -> bytes:
    return US.join(b"%s" % v if isinstance(v, bytes) else str(v).encode() for v in values)


def standard(idc: int = 1, unit: float = 5.08, rows=ROWS) -> bytes:
    """A record in the standard's format: 0.01 mm from the bottom, directions turned by half a circle."""
    points = [
        items(
            f"{k:03d}",
            f"{round(unit * x):04d}{round(unit * (HEIGHT - y)):04d}{(angle + 180) % 360:03d}",
            f"{round(63 - 0.61 * quality):02d}" if quality == quality else "01",
            "DAB"[kind],
            "002,5",
        )
        for k, (x, y, angle, kind, quality) in enumerate(rows, 1)
    ]
    core = f"{round(unit * 30):04d}{round(unit * (HEIGHT - 40)):04d}"
    fields = {2: f"{idc:02d}", 3: "1", 4: "S", 6: "07", 8: core, 10: str(len(rows)), 11: "1", 12: RS.join(points)}
    return tagged(9, fields)


def m1() -> bytes:
    points = [
        items(k, x, y, angle // 2, kind, int(quality) if quality == quality else 0)
        for k, (x, y, angle, kind, quality) in enumerate(ROWS, 1)
    ]
    head = {128: "200", 129: str(HEIGHT), 130: "2", 131: "197", 132: "197", 134: "7"}
    return tagged(9, {2: "01", 3: "1", **head, 136: "4", 137: RS.join(points), 305: "x"})


def same(found, rows, angle):
    expected = np.array(rows, float).T
    np.testing.assert_allclose((found.x, found.y), expected[:2], atol=0.11)
    turned = (np.degrees(found.direction) - expected[2] + 180) % 360 - 180
    assert np.abs(turned).max() <= angle and found.kind.tolist() == expected[3].tolist()
    np.testing.assert_allclose(found.quality, expected[4], atol=1)


def with_image(record: bytes) -> bytes:
    image = type14(1, (200, HEIGHT), saved("PNG", pixels=np.zeros((HEIGHT, 200), np.uint8)), "PNG", "7")
    return transaction((9, 1, record), (14, 1, image))


def test_both_formats_are_read_in_isos_sense(tmp_path):
    efs = ("EFS (fields 9.300 to 9.399) is not read",)
    for record, notes, angle in ((standard(), (), 1e-3), (m1(), efs, 1.001)):
        (tmp_path / "a.an2").write_bytes(with_image(record))
        (found,) = read_type9(tmp_path / "a.an2")
        same(found.minutiae, ROWS, angle)
        assert (found.finger_position, found.width, found.height, found.dpi_x, found.notes) == (
            7,
            200,
            HEIGHT,
            500,
            notes,
        )
    (tmp_path / "a.an2").write_bytes(with_image(standard()))
    cores = read_type9(tmp_path / "a.an2")[0].singular_points
    np.testing.assert_allclose((cores.x, cores.y), [[30], [40]], atol=0.11)


def test_positions_are_in_mm_whatever_the_resolution(tmp_path):
    image = type14(1, (400, 2 * HEIGHT), b"", f9="1000", f10="1000")
    (tmp_path / "a.an2").write_bytes(transaction((9, 1, standard()), (14, 1, image)))
    found = read_type9(tmp_path / "a.an2")[0].minutiae
    np.testing.assert_allclose((found.x, found.y), np.array(ROWS).T[:2], atol=0.3)


def test_without_an_image_positions_are_relative():
    found = decode_type9(standard())
    minutiae = found.minutiae
    assert (found.width, found.height) == (None, None)
    np.testing.assert_allclose(minutiae.y - minutiae.y[0], np.array(ROWS).T[1] - 20, atol=0.2)


@pytest.mark.parametrize(
    ("record", "says"),
    [
        (standard().replace(b"0503", b"05x3"), "minutia 2: .* is not a position"),
        (tagged(9, {2: "01", 4: "U", 20: "x", 44: "y"}), "FBI/IAFIS .* is not read; Cogent .* is not read"),
        (tagged(9, {2: "01", 4: "S"}), "neither field 9.012 nor 9.137"),
        (tagged(9, {2: "01", 12: items(1, "05080508361")}), "minutia 1: .* is not a position"),
        (tagged(9, {2: "01", 130: "1", 131: "500", 132: "9", 137: items(1, 2, 3, 4, 1)}), "resolution must lie"),
        (tagged(9, {2: "01", 130: "1", 131: "500", 132: "500", 137: items(1, 2, 3, 180, 1)}), "lacks an index"),
        (tagged(9, {2: "01", 12: b"x" * (5 << 20)}), "more than any minutiae"),
    ],
)
def test_what_is_not_read_is_named(tmp_path, record, says):
    (tmp_path / "a.an2").write_bytes(transaction((9, 1, record)))
    with pytest.raises(TemplateError, match=says):
        read_type9(tmp_path / "a.an2")


def test_files_without_minutiae_are_refused(tmp_path):
    for data, says in ((transaction(), "holds no minutiae"), (b"", "not an ANSI/NIST transaction")):
        (tmp_path / "a.an2").write_bytes(data)
        with pytest.raises(TemplateError, match=says):
            read_type9(tmp_path / "a.an2")


def test_minutiae_are_templates_where_there_is_no_image_or_if_named(tmp_path):
    rng = np.random.default_rng(1)
    for name in ("one", "two"):
        rows = [(*rng.integers(0, 140, 2), rng.integers(0, 360), 1, 90) for _ in range(30)]
        (tmp_path / f"{name}.an2").write_bytes(transaction((9, 1, standard(rows=rows))))
    entries = enrol(find_sources(tmp_path))
    assert [e.name for e in entries] == ["one.an2/09-01-7", "two.an2/09-01-7"] and not have_ridges(entries)
    probe = enrol(find_sources(tmp_path / "two.an2" / "09-01-7"))[0]
    best, *_ = identify(probe, entries, load_calibration(kind="minutiae"))
    assert best.reference == "two.an2/09-01-7"
    with pytest.raises(ImageError, match="holds minutiae and no image"):
        rf.read(tmp_path / "one.an2")


def test_show_draws_them_over_their_image(tmp_path):
    (tmp_path / "a.an2").write_bytes(with_image(standard()))
    of = tmp_path / "a.an2"
    run("show", of / "09-01-7", "--over", of / "14-01-7", "-o", tmp_path / "p.png", "--dpi", "500")
    assert (tmp_path / "p.png").stat().st_size > 1000


def test_directions_and_positions_of_a_real_transaction_are_those_of_its_image():
    path = real_prints("AN2/type-9-10-14.an2")
    (found,) = read_type9(path)
    theirs, cores = found.minutiae, found.singular_points
    ours = rf.read(path)
    distance, at = cKDTree(np.column_stack([ours.minutiae.x, ours.minutiae.y])).query(
        np.column_stack([theirs.x, theirs.y])
    )
    near = distance < 10  # about a ridge; an examiner's marks, of which only 6 are as near with y from the top
    turned = np.degrees(ours.minutiae.direction[at] - theirs.direction)[near]
    assert near.sum() >= 0.8 * len(theirs) and np.mean(np.abs((turned + 180) % 360 - 180) < 30) > 0.9
    assert np.hypot(cores.x - ours.singular_points.x, cores.y - ours.singular_points.y).max() < 8
