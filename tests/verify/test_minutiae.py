"""The comparator: what must not change a score, what must raise it, and the weights of its measures."""

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from ridgefeat.structure import Minutiae
from ridgefeat.verify import compare, template_from_minutiae
from ridgefeat.verify.minutiae import fused_score
from ridgefeat.verify.waves import Waves
from tests.verify.helpers import move, prepared, random_minutiae

STORED = {"mated": 20.485, "mated, minutiae alone": 21.794, "non-mated": -12.971, "non-mated, minutiae alone": -9.589}


@pytest.mark.parametrize("rotation", [0.0, 0.4, np.pi / 2, 3.0])
def test_rotation_and_shift_hardly_change_a_score(rotation):
    m = random_minutiae(1)
    same, moved = compare(prepared(m), prepared(m)), compare(prepared(m), prepared(move(m, rotation, 500, -80)))
    if abs(rotation) <= np.pi / 2 - 0.1:
        assert moved.score == pytest.approx(same.score, abs=1.5)
        assert len(moved.first) >= 0.95 * len(m) and (moved.first == moved.second).mean() > 0.95
        assert np.mod(moved.rotation - rotation + np.pi, 2 * np.pi) == pytest.approx(np.pi, abs=0.02)
    else:
        # Cylinders are compared only if directions differ by less than a quarter turn: fingers are not placed upside
        # down, and non-mated comparisons would gain by it.
        assert moved.score < same.score


def test_the_score_does_not_depend_on_the_order(templates):
    for (_, a), (_, b) in combinations(templates[:4], 2):
        forth, back = compare(a, b), compare(b, a)
        assert forth.score == back.score and forth.rotation == -back.rotation
        assert (forth.first == back.second).all() and (forth.second == back.first).all()


def test_mated_comparisons_score_above_non_mated_ones(templates):
    pairs = [(s == t, compare(a, b)) for (s, a), (t, b) in combinations(templates, 2)]
    mated, nonmated = [c for same, c in pairs if same], [c for same, c in pairs if not same]
    for measure in ("score", "local_similarity", "paired_fraction", "ridge_coherence"):
        assert np.median([getattr(c, measure) for c in mated]) > max(getattr(c, measure) for c in nonmated)
    # At 0 both kinds are equally likely.
    assert min(c.score for c in mated) > 0 > np.median([c.score for c in nonmated])
    for _, template in templates[:2]:
        own = compare(template, template)
        assert own.score > max(c.score for c in mated) and own.paired_fraction == 1 and own.ridge_coherence > 0.99


def test_minutiae_alone_separate_the_fingers_too(prints):
    made = [(subject, prepared(fp.minutiae)) for subject, fp in prints]
    pairs = [(s == t, compare(a, b)) for (s, a), (t, b) in combinations(made, 2)]
    assert min(c.score for same, c in pairs if same) > max(c.score for same, c in pairs if not same)
    assert all(np.isnan(c.ridge_coherence) and np.isnan(c.area) for _, c in pairs)


def test_the_weights_of_the_measures():
    assert fused_score(0.1, 0.5, 0.8) == pytest.approx(6.7577, abs=1e-4)
    assert fused_score(0.1, 0.5, 1) - fused_score(0.1, 0.5, 0) == pytest.approx(14.3)
    assert fused_score(0.1, 1, 0.5) - fused_score(0.1, 0, 0.5) == pytest.approx(6.8)
    assert fused_score(0.1, 0.5, 0.5) - fused_score(0.05, 0.5, 0.5) == pytest.approx(12.5 * math.log(2))
    assert fused_score(1, 0) == 39.9 and fused_score(0.5, 0.5) == pytest.approx(39.9 - 17.8 * math.log(2) + 4.8)
    assert fused_score(0, 0) == fused_score(0.004, 0) < fused_score(0.0041, 0)


def test_stored_scores():
    """Any change of a constant of the comparator moves them; no stage of extraction takes part."""

    def with_ridges(m, period):
        template = template_from_minutiae(m)
        rows, columns = (n * 8 // 3 for n in template.mask.shape)
        phase = 2 * np.pi * 3 * np.arange(columns) / period
        signal = np.stack([np.cos(phase), -np.sin(phase), np.zeros(columns)], 1) * 100
        return replace(template, waves=Waves(np.tile(np.rint(signal).astype(np.int8), (rows, 1, 1))))

    m = random_minutiae(21)
    noise = np.random.default_rng(0).normal(0, 3, (2, len(m))).astype(np.float32)
    other = move(Minutiae(m.x + noise[0], m.y + noise[1], m.direction, m.kind, m.quality), 0.1, 5, 3)
    other = other.select(np.arange(len(m)) % 4 > 0)
    stranger = random_minutiae(22)
    pairs = {
        "mated": (with_ridges(m, 24), with_ridges(other, 25)),
        "mated, minutiae alone": (template_from_minutiae(m), template_from_minutiae(other)),
        "non-mated": (with_ridges(m, 24), with_ridges(stranger, 30)),
        "non-mated, minutiae alone": (template_from_minutiae(m), template_from_minutiae(stranger)),
    }
    found = {name: compare(*pair) for name, pair in pairs.items()}
    assert {name: c.score for name, c in found.items()} == pytest.approx(STORED, abs=0.01)
    c = found["mated"]
    assert c.score == fused_score(c.local_similarity, c.paired_fraction, c.ridge_coherence) and c.ridge_coherence > 0.3


@pytest.mark.parametrize("case", ["one place", "one line", "one direction", "crowd"])
def test_hostile_templates_get_a_finite_score(case):
    m = random_minutiae(2, 30)
    if case == "one place":
        m.x[:], m.y[:] = 7, 7
    elif case == "one line":
        m.y[:] = 50
    elif case == "one direction":
        m.direction[:] = 0
    else:
        m = Minutiae(*(np.tile(v, 20) for v in (m.x, m.y, m.direction, m.kind, m.quality)))
    for other in (prepared(m), prepared(random_minutiae(3))):
        assert np.isfinite(compare(prepared(m), other).score)
