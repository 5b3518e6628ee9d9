import numpy as np

from ridgefeat.verify import template_from_minutiae
from ridgefeat.verify.cylinders import compute_cylinders, similarity
from tests.verify.helpers import move, random_minutiae


def test_cylinders_do_not_rotate_with_the_print():
    one = compute_cylinders(template_from_minutiae(random_minutiae(3)))
    other = compute_cylinders(template_from_minutiae(move(random_minutiae(3), 1.1, 40, 90)))
    both = (one.valid > 0) & (other.valid > 0)
    values = [c.values.reshape(len(both), both.shape[1], -1)[both] for c in (one, other)]
    assert both.mean() > 0.5 and np.abs(values[0] - values[1]).max() < 0.02


def test_similarity_is_one_for_the_same_and_zero_beyond_a_quarter_turn():
    m = random_minutiae(3)
    c = compute_cylinders(template_from_minutiae(m))
    own = similarity(c, c, (m.direction, m.direction))
    assert np.allclose(np.diag(own)[c.usable], 1, atol=3e-3) and (own <= 1 + 1e-6).all() and (own[~c.usable] == 0).all()
    for rotation, is_compared in ((1.5, True), (1.6, False)):
        assert (np.diag(similarity(c, c, (m.direction, m.direction + np.float32(rotation)))) > 0).any() == is_compared


def test_a_cylinder_needs_two_neighbours():
    # Two pairs of minutiae and one group of three, far from each other.
    x, y = np.float32([0, 20, 300, 320, 0, 20, 10]) + 100, np.float32([0, 0, 0, 0, 300, 300, 320]) + 100
    m = random_minutiae(0, 7)
    m.x[:], m.y[:] = x, y
    template = template_from_minutiae(m)
    template.mask[:] = True
    near = np.hypot(x - x[:, None], y - y[:, None]) < 86
    assert (compute_cylinders(template).usable <= (near.sum(1) > 2)).all()
