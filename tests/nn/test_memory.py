"""Memory is given again when its array is gone, and never before."""

import numpy as np

from ridgefeat.nn.memory import LARGE_BYTES, empty, recycled

SHAPE = (LARGE_BYTES // 4, 2)


def address(array):
    return array.__array_interface__["data"][0]


def test_memory_comes_back_when_no_view_is_left():
    with recycled():
        first = empty(SHAPE, np.float32)
        place, view = address(first), first[3:, 1]
        view[...] = 7
        del first
        second = empty(SHAPE, np.float32)
        second[...] = 0
        assert address(second) != place and (view == 7).all()
        del view
        third = empty(SHAPE[::-1], np.float32)
        assert address(third) == place and third.shape == SHAPE[::-1]
        third[...] = 1
    del second
    assert (third == 1).all()


def test_outside_and_for_small_arrays_it_is_numpys():
    assert empty(SHAPE, np.float64).flags.owndata
    with recycled():
        assert empty((3,), np.float32).flags.owndata
        assert not empty(SHAPE, np.float32).flags.owndata
