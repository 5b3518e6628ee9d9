"""Limits of the audit that carry policy: each fails here when it changes."""

from dataclasses import asdict

import numpy as np
import pytest

from ridgefeat.audit import AuditParams, columns, known, marks, near, near_images, recognised
from ridgefeat.audit.columns import best_ordinary, check_features, check_results, combined_auc, sometimes_equal
from ridgefeat.audit.duplicates import DuplicateSets
from ridgefeat.audit.files import file_traits
from ridgefeat.audit.near import near_rows
from ridgefeat.audit.near_images import _compare, to_square
from ridgefeat.audit.probe import SHRINKAGE, ColumnProbe, _area, make_probe
from tests.audit.helpers import clean_table, coded, draw, features_of, male, of


def test_the_limits_as_they_come():
    assert asdict(AuditParams()) == {
        "near_correlation": 0.95,
        "same_finger_correlation": 0.8,
        "neighbours": 3,
        "near_rows": 0.6,
        "identity_share": 0.9,
        "perfect_auc": 0.99,
        "suspect_auc": 0.8,
        "crowd_factor": 2.0,
        "trait_auc": 0.65,
        "min_groups": 12,
    }


def test_the_limits_of_recognition():
    assert (marks.MIN_INLIERS, marks.MIN_COPY, marks.MAX_BITS, marks.KEYPOINTS) == (7, 16, 13, 64)
    assert (known.DIGEST_BYTES, recognised.MIN_AGREEMENT, near.COMPARISONS_PER_PRINT) == (6, 0.9, 5)


def test_a_result_is_too_good_above_095_or_above_all_families_together():
    families = {"ridge": 0.7, "texture": 0.7}
    assert combined_auc(families) == pytest.approx(0.7709, abs=1e-4)  # d' adds in squares
    found = [list(check_results("sex", a, a - 0.01, {}, can_be_too_good=True)) for a in (0.95, 0.951)]
    assert [len(f) for f in found] == [0, 1] and found[1][0].kind == "too_good"
    assert list(check_results("hand", 0.99, 0.98, {}, can_be_too_good=False)) == []
    for low, alarms in ((0.770, 0), (0.772, 1)):
        assert len(list(check_results("sex", 0.8, low, families, can_be_too_good=True))) == alarms
    assert (columns.GAPS_AUC, columns.MIN_FILLED, columns.MIN_PURITY, columns.MAX_P) == (0.75, 5, 0.95, 1e-3)
    assert (SHRINKAGE, near_images.MAX_STRETCH, near_images.MIN_AGREEING) == (0.01, 0.15, 6)


@pytest.mark.parametrize(("target", "people"), [("sex", True), ("hand", False), ("pattern_class", False)])
def test_a_print_should_not_tell_labels_of_people(target, people):
    frame = clean_table(3).assign(pattern_class=lambda f: f["sex"])
    assert coded(frame, target).can_be_too_good == people


def test_an_area_is_significant_from_four_deviations_and_from_the_limit_on():
    probe = ColumnProbe(*(np.zeros(1, np.intp),) * 3, deviation=0.05, min_auc=0.65)
    assert probe.is_significant(np.array([0.69, 0.701])).tolist() == [False, True]
    assert probe.is_significant(np.array([0.79, 0.801]), 0.8).tolist() == [False, True]
    sharp = ColumnProbe(*(np.zeros(1, np.intp),) * 3, deviation=0.001, min_auc=0.65)
    assert sharp.is_significant(np.array([0.649, 0.651])).tolist() == [False, True]


def test_the_best_fiftieth_of_the_columns_is_not_ordinary():
    area = np.r_[np.full(98, 0.6), 0.7, 0.9]
    assert best_ordinary(area) == 0.6 and best_ordinary(area[1:]) == 0.6 and best_ordinary(area[:50]) == 0.6
    assert best_ordinary(np.r_[area[:97], 0.65, 0.7, 0.9]) == 0.65
    assert best_ordinary(np.array([0.9])) == 0.55


def test_gaps_are_looked_at_from_one_value_in_a_hundred_on():
    frame = clean_table(3)
    frame.loc[:2, "own_00"] = np.nan  # 3 of 200 prints
    frame.loc[:0, "own_01"] = np.nan  # 1
    frame.loc[1:, "own_02"] = np.nan  # all but 1
    shares = []

    class Spy(ColumnProbe):
        def of_codes(self, codes):
            shares.extend(codes.mean(axis=0))
            return super().of_codes(codes)

    table = coded(frame)
    list(check_features(table, Spy(**vars(make_probe(table)))))
    assert shares == pytest.approx([0.015])


def test_columns_are_equal_sometimes_from_a_tenth_to_nine_tenths():
    one = np.arange(64, dtype=np.float32)
    for count, found in ((6, False), (7, True), (57, True), (58, False)):
        other = np.where(np.arange(64) < count, one, -one - 1)
        assert bool(len(sometimes_equal(np.stack([one, other], axis=1)))) == found, count
    few = np.arange(64, dtype=np.float32) % 31  # counts are equal by chance
    assert not len(sometimes_equal(np.stack([few, np.where(one < 32, few, -few - 1)], axis=1)))


@pytest.mark.parametrize(("values", "quantity"), [(20, False), (21, True)])
def test_more_than_twenty_numbers_are_a_quantity(values, quantity):
    frame = clean_table(3)
    assert coded(frame.assign(age=frame["subject"] % values), "age").quantity == quantity


def test_a_target_belongs_to_groups_if_nine_of_ten_have_one_value():
    frame = clean_table(3)
    for groups, belongs in ((4, True), (5, False)):
        mixed = frame.assign(sex=np.where((np.arange(200) % 5 == 0) & (frame["subject"] <= groups), "x", frame["sex"]))
        assert coded(mixed).belongs_to_group == belongs


@pytest.mark.parametrize(("groups", "columns", "known"), [(4, 20, True), (3, 20, False), (4, 19, False)])
def test_rows_are_compared_from_twenty_rows_of_twenty_columns_on(groups, columns, known):
    frame = clean_table(0, groups=groups, columns=columns)
    assert (near_rows(coded(frame), range(len(frame))) is not None) == known
    assert near_rows(coded(frame), range(50_001)) is None


def test_costs_without_folds_are_those_of_five():
    sets = DuplicateSets(coded(clean_table(3)), [[0, 5], [10, 15, 20]])
    # A pair is parted in 4 of 5 cases, so its prints meet in training; of three, 24 of 25 prints have another there.
    assert f"in 5 folds by group about {2 * 0.8 + 3 * 0.96:.0f} (2.2%)" in sets.cost("by group")
    assert sets.n_prints == 5 and len(sets.cross_group) == 2 and len(sets.within_group) == 0


def test_twelve_groups_are_needed_to_judge_columns():
    assert make_probe(coded(clean_table(groups=12))) is not None
    assert make_probe(coded(clean_table(groups=11))) is None
    probe = make_probe(coded(clean_table(groups=40)))
    assert np.bincount(probe.fold).tolist() == [50] * 4
    # The sex is a person's, so that 20 women and 20 men are what it rests on, not 200 prints.
    assert probe.deviation == pytest.approx((41 / (12 * 20 * 20)) ** 0.5)


def test_a_bin_is_drawn_towards_the_classes_shares_by_twenty_prints():
    """Two prints of one class rank lower than 100 of which 60 are of it; of eight it would be the other way round."""
    trained = np.array([[[0.0, 2.0], [40.0, 60.0], [60.0, 40.0]]])
    tested = np.array([[[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]])
    assert _area(trained, tested)[0, 1] == 1
    trained[0, 0, 1] = 8
    assert _area(trained, tested)[0, 1] == 0


def test_the_gain_of_a_neighbour_is_over_one_taken_at_random():
    frame = clean_table(3)
    one, other = np.flatnonzero(male(frame) & (np.arange(200) % 5 == 0))[:2]
    text = DuplicateSets(coded(frame), [[int(one), int(other)]]).cost("by group")
    # Two prints of 200, in training in four of five cases, right for certain and not in half of the cases.
    assert f"changes by about {100 * 2 * 0.8 * 0.5 / 200:+.1f} points" in text


@pytest.mark.parametrize(("spread", "found"), [(0.0, 8), (0.8, 0)])
def test_in_a_small_table_a_copy_is_nearer_than_the_spread_of_distances_explains(monkeypatch, spread, found):
    frame, rng = clean_table(3, groups=12, prints=4, columns=40), np.random.default_rng(3)
    names = features_of(frame)
    # Some people's rows lie closer together than others', as those of poor prints do.
    frame[names] *= rng.lognormal(0, spread, (len(frame), 1)).astype(np.float32)
    copies = [(row, row + 5) for row in range(0, 32, 4)]  # each of another person's print
    for row, copy in copies:
        frame.loc[copy, names] = frame.loc[row, names] + rng.normal(0, 0.02, 40).astype(np.float32)
    table = coded(frame)
    assert [pair[:2] for pair in near_rows(table, range(len(frame)))] == copies[:found]
    monkeypatch.setattr("ridgefeat.audit.near.LARGE_TABLE_ROWS", len(frame))
    assert {pair[:2] for pair in near_rows(table, range(len(frame)))} >= set(copies)
    assert (near.MIN_DEVIATIONS, near.CLIP, near.N_AXES) == (5.0, 5.0, 128)


def test_images_are_compared_where_half_overlaps():
    square = to_square(draw(0))
    for shift, overlaps in ((0.4, True), (0.55, False)):
        moved = np.array([[1, 0, shift * 192], [0, 1, 0]], np.float32)
        assert (_compare(square, square, moved) != 0) == overlaps


def test_a_trait_of_files_that_predicts_the_target_in_part_is_a_warning():
    frame = clean_table(3, groups=200)
    known = np.random.default_rng(0).random(len(frame)) < 0.6
    frame["meta_width"] = 300 + (male(frame) & known)
    (finding,) = of(frame).of_kind("file")
    assert finding.severity == "warning" and finding.columns == ("width",)


def test_the_thirty_most_frequent_texts_of_a_trait_are_distinguished():
    layouts = file_traits(coded(clean_table(3).assign(meta_layout=np.arange(200) % 35)))["layout"]
    assert np.bincount(layouts).tolist() == [6] * 25 + [5] * 5 + [25]


def test_rows_are_copies_if_they_are_close_for_the_denser_of_the_two_places():
    """The first row has five others at a distance c, and one on their far side at c, for which this is close."""
    frame = clean_table(0, groups=300, prints=1, columns=40)
    values = frame[features_of(frame)].to_numpy().copy()
    axes = 2.0 * np.eye(40, dtype=np.float32)
    values[1:6] = values[0] + (axes[0] + axes[1:6]) / 2**0.5
    values[6] = values[0] - axes[0]
    frame[features_of(frame)] = values
    assert near_rows(coded(frame), range(300)) == []
    assert [pair[:2] for pair in near_rows(coded(frame), [0, *range(6, 300)])] == [(0, 6)]
