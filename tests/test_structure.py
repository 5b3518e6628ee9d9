import numpy as np
import pytest

from ridgefeat.structure import BIFURCATION, CORE, DELTA, ENDING, MM_PER_PX, Minutiae, SingularPoints


def some_minutiae(n=4):
    ramp = np.arange(n, dtype=np.float32)
    return Minutiae(ramp, 2 * ramp, ramp / 10, np.full(n, ENDING, np.uint8), 10 * ramp)


def test_codes_are_those_of_the_standard():
    assert (ENDING, BIFURCATION) == (1, 2) and (CORE, DELTA) == (1, 2)
    assert pytest.approx(0.0508) == MM_PER_PX


@pytest.mark.parametrize("kind", [Minutiae, SingularPoints])
def test_an_empty_set(kind):
    none = kind.empty()
    assert len(none) == 0 and isinstance(none.select(slice(None)), kind)
    for name, values in vars(none).items():
        assert values.dtype == (np.uint8 if name == "kind" else np.float32)
    assert none.original_xy(500, 500)[0].shape == (0,)


@pytest.mark.parametrize(
    ("which", "expected"),
    [([2, 0], [2, 0]), (slice(1, 3), [1, 2]), (np.array([True, False, False, True]), [0, 3]), ([], [])],
)
def test_selecting_keeps_every_array_in_step(which, expected):
    found = some_minutiae().select(np.array(which, int) if isinstance(which, list) else which)
    assert isinstance(found, Minutiae) and found.x.tolist() == expected
    assert found.y.tolist() == [2 * e for e in expected]
    assert found.quality.tolist() == [10 * e for e in expected]
    assert len(found.kind) == len(found.direction) == len(expected)


def test_cores_and_deltas_and_their_places_at_the_working_resolution():
    ramp = np.arange(3, dtype=np.float32)
    points = SingularPoints(ramp, ramp, np.array([CORE, DELTA, CORE], np.uint8), ramp)
    assert points.cores.x.tolist() == [0, 2] and points.deltas.x.tolist() == [1]
    assert np.array_equal(points.original_xy(500, 500), (ramp, ramp))
