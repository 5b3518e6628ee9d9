"""The comparator: what must not change a score, what must raise it, and what is refused."""

import numpy as np
import pytest

from ridgefeat.errors import TemplateError
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.structure import Minutiae
from ridgefeat.verify import compare, comparison_params, prepare, template_from_minutiae, template_from_print
from ridgefeat.verify.cylinders import compute_cylinders
from ridgefeat.verify.geometry import Motion
from ridgefeat.verify.template import MAX_MINUTIAE


def alone(m):
    return prepare(template_from_minutiae(m, "made"))


@pytest.mark.parametrize("turn", [0.0, 0.4, np.pi / 2, 3.0])
def test_rotation_and_shift_change_next_to_nothing(minutiae, move, turn):
    a, b = minutiae(1), minutiae(1)
    same, turned = compare(alone(a), alone(b)), compare(alone(a), alone(move(b, turn, 500, -80)))
    if abs(turn) <= np.pi / 2 - 0.1:
        assert turned.score == pytest.approx(same.score, abs=1.5)
        assert len(turned.first) >= 0.95 * len(a) and (turned.first == turned.second).mean() > 0.95
        assert np.mod(turned.rotation - turn + np.pi, 2 * np.pi) == pytest.approx(np.pi, abs=0.02)
    else:
        # Cylinders are compared only where directions differ by less than a quarter turn: nobody lays a finger on
        # a sensor upside down, and impostors would gain by it.
        assert turned.score < same.score


def test_cylinders_do_not_turn_with_the_print(minutiae, move):
    one = compute_cylinders(template_from_minutiae(minutiae(3)))
    other = compute_cylinders(template_from_minutiae(move(minutiae(3), 1.1, 40, 90)))
    both = (one.valid > 0) & (other.valid > 0)
    values = [c.values.reshape(len(both), both.shape[1], -1)[both] for c in (one, other)]
    assert both.mean() > 0.5 and np.abs(values[0] - values[1]).max() < 0.02


def test_the_score_does_not_depend_on_who_comes_first(prints, minutiae):
    made = [prepare(template_from_print(fp)) for finger in prints for fp in finger[:2]]
    for i, a in enumerate(made):
        for b in made[:i]:
            forth, back = compare(a, b), compare(b, a)
            assert forth.score == back.score and forth.rotation == -back.rotation
            assert (forth.first == back.second).all() and (forth.second == back.first).all()


def test_nothing_is_more_alike_than_the_print_itself(prints):
    made = [prepare(template_from_print(fp)) for finger in prints for fp in finger]
    for a in made:
        scores = [compare(a, b).score for b in made if b is not a]
        assert compare(a, a).score > max(scores)
        assert compare(a, a).paired_fraction == 1 and compare(a, a).ridge_coherence > 0.99


def test_impressions_of_one_finger_score_above_all_others(prints):
    made = [(k, prepare(template_from_print(fp))) for k, finger in enumerate(prints) for fp in finger]
    pairs = [(j == k, compare(a, b)) for i, (j, a) in enumerate(made) for k, b in made[:i]]
    mated, others = [c for same, c in pairs if same], [c for same, c in pairs if not same]
    assert len(mated) == 9 and len(others) == 27
    for measure in ("score", "local_similarity", "paired_fraction", "ridge_coherence"):
        assert np.median([getattr(c, measure) for c in mated]) > max(getattr(c, measure) for c in others)
    assert min(c.score for c in mated) > max(c.score for c in others)
    # 0 is where a match and none are equally likely: calibrated on real prints, so that these fall about it.
    assert np.mean([c.score > 0 for c in mated]) > 0.9 and np.mean([c.score < 0 for c in others]) > 0.9


def test_templates_of_minutiae_alone_do_the_same(prints):
    made = [(k, alone(fp.minutiae)) for k, finger in enumerate(prints) for fp in finger]
    pairs = [(j == k, compare(a, b)) for i, (j, a) in enumerate(made) for k, b in made[:i]]
    assert min(c.score for same, c in pairs if same) > max(c.score for same, c in pairs if not same)
    assert all(np.isnan(c.ridge_coherence) and np.isnan(c.area) for _, c in pairs)


def test_ridges_keep_step_with_themselves_after_a_turn(impressions):
    # The image is turned, so that everything is extracted anew.
    image = impressions[0][0]
    upright = Fingerprint(image, 500, params=comparison_params())
    turned = Fingerprint(np.ascontiguousarray(np.rot90(image)), 500, params=comparison_params())
    # A quarter turn is just beyond what cylinders allow; lay one over the other by hand.
    from ridgefeat.verify.waves import coherence

    a, b = template_from_print(upright), template_from_print(turned)
    rows, columns = image.shape
    motion = Motion(0.0, -1.0, 0.0, float(columns - 1))
    steady, area = coherence(a.waves, b.waves, motion)
    seen = upright.mask.sum() * (25.4 / 500) ** 2
    assert steady > 0.95 and area == pytest.approx(seen, rel=0.1)
    assert coherence(a.waves, b.waves, Motion(0.0, 1.0, float(rows), 0.0))[0] < steady - 0.2


def test_partial_prints_still_match(minutiae):
    whole = minutiae(8, 60)
    left, right = whole.select(whole.x < 240), whole.select(whole.x > 140)
    stranger = minutiae(9, 60)
    own = compare(alone(left), alone(right)).score
    assert own > compare(alone(left), alone(stranger.select(stranger.x > 140))).score + 3


def test_distortion_costs_less_than_a_stranger(minutiae):
    m = minutiae(11, 50)
    bent = Minutiae(
        (m.x + 8 * np.sin(m.y / 60)).astype(np.float32), (m.y * 1.03).astype(np.float32), m.direction, m.kind, m.quality
    )
    assert compare(alone(m), alone(bent)).score > compare(alone(m), alone(minutiae(12, 50))).score + 5


def test_motion_is_found_again():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 300, (2, 20)).astype(np.float32)
    true = Motion(np.cos(0.3), np.sin(0.3), 12.0, -40.0)
    found = Motion.fit(x, y, *true.apply(x, y), np.ones(20, np.float32))
    assert found.rotation == pytest.approx(-0.3, abs=1e-4)
    back = found.invert(*true.apply(x, y))
    assert np.allclose(back, (x, y), atol=1e-2)
    matrix = found.on_grid(3)
    # The middle of cell (10, 4) of a grid of 3 px, moved as a point and through the grid's matrix.
    point = true.apply(np.float32([13.0]), np.float32([31.0]))
    assert matrix @ [4, 10, 1] == pytest.approx([(point[0][0] - 1) / 3, (point[1][0] - 1) / 3], abs=1e-3)


@pytest.mark.parametrize("field", ["x", "y", "direction"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(minutiae, field, value):
    m = minutiae(1)
    getattr(m, field)[3] = value
    with pytest.raises(TemplateError, match=f"made: the {field} of a minutia is not finite"):
        template_from_minutiae(m, "made")


def test_too_few_and_too_far_apart_are_refused(minutiae):
    with pytest.raises(TemplateError, match=r"made: 3 minutiae are too few to compare .4 are needed"):
        template_from_minutiae(minutiae(1).select(slice(0, 3)), "made")
    m = minutiae(1)
    m.x[0] = 90_000
    with pytest.raises(TemplateError, match=r"minutiae span .* mm, more than a print can; check its resolution"):
        template_from_minutiae(m, "made")


@pytest.mark.parametrize("case", ["one place", "one line", "one direction", "crowd"])
def test_hostile_templates_get_a_finite_score(minutiae, case):
    m = minutiae(2, 30)
    if case == "one place":
        m.x[:], m.y[:] = 7, 7
    elif case == "one line":
        m.y[:] = 50
    elif case == "one direction":
        m.direction[:] = 0
    else:
        m = Minutiae(*(np.tile(v, 60) for v in (m.x, m.y, m.direction, m.kind, m.quality)))
    made = alone(m)
    assert len(made.template) <= MAX_MINUTIAE
    for other in (made, alone(minutiae(3))):
        assert np.isfinite(compare(made, other).score)


def test_a_print_as_small_as_a_block_can_be_compared(prints):
    from dataclasses import replace

    from ridgefeat.verify.waves import Waves

    template = template_from_print(prints[0][0])
    tiny = replace(template, waves=Waves(np.zeros((0, 0, 3), np.int8)))
    assert compare(tiny, template).ridge_coherence == 0.0
