import numpy as np
import pytest

from ridgefeat.fingerprint import Fingerprint
from ridgefeat.verify import template_from_print
from ridgefeat.verify.geometry import Motion
from ridgefeat.verify.waves import Waves, coherence, ridge_waves


def test_ridges_are_coherent_with_themselves_after_a_rotation(prints):
    upright = prints[0][1]
    # The image is rotated, so that everything is extracted again.
    rotated = Fingerprint(np.ascontiguousarray(np.rot90(upright.original)), 500)
    a, b = template_from_print(upright), template_from_print(rotated)
    rows, columns = upright.original.shape
    value, area = coherence(a.waves, b.waves, Motion(0.0, -1.0, 0.0, float(columns - 1)))
    assert value > 0.95 and area == pytest.approx(upright.mask.sum() * (25.4 / 500) ** 2, rel=0.1)
    assert coherence(a.waves, b.waves, Motion(0.0, 1.0, float(rows), 0.0))[0] < value - 0.2


def test_a_gap_of_half_a_period_is_out_of_phase_everywhere_and_still_coherent():
    # A shift leaves parallel ridges parallel; a different period does not.
    x = np.arange(120)

    def waves(period, shift=0.0):
        phase = 2 * np.pi * (x + shift) / period
        signal = np.stack([np.cos(phase), -np.sin(phase), np.zeros(120)], 1) * 100
        return Waves(np.tile(np.rint(signal).astype(np.int8), (64, 1, 1)))

    still = Motion(1.0, 0.0, 0.0, 0.0)
    assert coherence(waves(8), waves(8, 4), still)[0] > 0.99 > 0.5 > coherence(waves(8), waves(4), still)[0]


def test_a_common_area_below_four_blocks_gives_no_coherence():
    signal = np.full((8, 40, 3), 50, np.int8)
    values = [coherence(Waves(signal[:, :n]), Waves(signal), Motion(1.0, 0.0, 0.0, 0.0))[1] > 0 for n in (24, 40)]
    assert values == [False, True]
    assert coherence(Waves(np.zeros((0, 0, 3), np.int8)), Waves(signal), Motion(1.0, 0.0, 0.0, 0.0)) == (0.0, 0.0)


def test_an_unknown_period_counts_as_nine_pixels():
    enhanced = np.random.default_rng(0).normal(0, 0.5, (30, 30)).astype(np.float32)
    unknown, known = (ridge_waves(enhanced, np.full_like(enhanced, p), enhanced < 9).signal for p in (0, 9))
    assert np.array_equal(unknown, known)
