import numpy as np
from scipy import ndimage

from ridgefeat.fingerprint import Fingerprint
from ridgefeat.stages.skeleton import skeletonise
from ridgefeat.synth.simple import grating


def test_lines_are_one_pixel_wide_on_the_ridges_and_keep_their_number():
    fp = Fingerprint(grating((200, 200), 9.0, 0.4).image)
    assert not (fp.skeleton & ~fp.binary).any()
    squares = fp.skeleton[1:, 1:] & fp.skeleton[:-1, 1:] & fp.skeleton[1:, :-1] & fp.skeleton[:-1, :-1]
    assert not squares.any()
    eight = np.ones((3, 3))
    assert ndimage.label(fp.skeleton, eight)[1] == ndimage.label(fp.binary, eight)[1]
    assert fp.image[fp.skeleton].mean() < 30


def test_where_ridges_stand_in_the_image_does_not_matter():
    bars = np.zeros((60, 80), bool)
    bars[20:24, 10:60], bars[30:34, 30:70] = True, True
    shifted = np.zeros((90, 120), bool)
    shifted[17:77, 31:111] = bars
    assert np.array_equal(skeletonise(shifted)[17:77, 31:111], skeletonise(bars))
