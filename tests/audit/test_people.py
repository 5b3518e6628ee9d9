"""The leak audit: one person under two names."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from ridgefeat.audit import audit_input, near, read_input
from ridgefeat.audit.near import Comparator, similar_groups
from ridgefeat.bench import make_comparator
from ridgefeat.errors import TableError
from ridgefeat.synth import write_set
from ridgefeat.table import extract_many
from tests.audit.helpers import draw, of, pressed_again


def test_the_prints_of_one_person_under_two_names_match(tmp_path):
    """Simulated people with two impressions of a finger; the second of one person is filed under another name."""
    index = write_set(tmp_path, 7, seed=4, fingers=1, impressions=2, shape=(300, 260))
    frame = extract_many(tmp_path, index=index, families=["ridge"])
    frame["name"] = [str(s) for s in frame["subject"]]
    first = frame.index[frame["subject"] == frame["subject"][0]]
    assert len(first) == 2
    frame.loc[first[1], "name"] = "alias"
    made = make_comparator()
    assert made.threshold == 1.224 and made.limit(0) == 1.224 and made.limit(231) == pytest.approx(8.438, abs=1e-3)
    found = of(frame, group="name", images_root=tmp_path, comparator=made)
    (match,) = (f for f in found.of_kind("same_finger") if f.severity == "leak")
    assert (
        set(match.rows[0]) == set(first) and "0.05 false matches are expected among 10 pairs of names" in match.message
    )
    assert "no comparator" in of(frame, group="name", images_root=tmp_path).text()

    # A score above all of the calibration's is not enough where many pairs were searched.
    doubtful = Comparator(lambda prints, pairs, jobs: np.full(len(pairs), 5.0), 1.0)
    assert "same_finger" not in of(frame, group="name", images_root=tmp_path, comparator=doubtful).text()

    # Bounded: the most similar names alone are compared, and how many of all is said.
    seen = []
    none = Comparator(lambda prints, pairs, jobs: np.full(seen.append(pairs) or len(pairs), -9.0), 0.0)
    text = of(frame, group="name", images_root=tmp_path, comparator=none).text()
    total = frame["name"].nunique() * (frame["name"].nunique() - 1) // 2
    assert len(seen[0]) <= min(total, near.MAX_COMPARISONS) == total and "same_finger" not in text


def test_names_whose_prints_are_alike_on_average_come_first():
    """Each of two names' ten fingers is a little alike; no single pair stands out among strangers'."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(400, 40))
    vectors[10:20] += 0.9 * vectors[:10]
    vectors = np.float32(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    groups, fingers = np.repeat(np.arange(40), 10), np.tile(np.arange(10), 40)
    (pair,), total = similar_groups(vectors, groups, fingers, 1)
    assert {groups[i] for i in pair} == {0, 1} and total == 780 and fingers[pair[0]] == fingers[pair[1]]
    assert near.MAX_COMPARISONS == 200


def test_prints_of_unknown_people_are_grouped_by_comparing_the_most_similar_ones(tmp_path):
    """Two impressions of each of six fingers; the comparator knows which belong together."""
    for finger in range(6):
        for number in range(2):
            image = draw(finger, 128) if number == 0 else pressed_again(draw(finger, 128), 3)
            cv2.imwrite(str(tmp_path / f"{finger}_{number}.png"), image)

    def scores(prints, pairs, jobs):
        return np.array([9.0 if prints[i].path.name[0] == prints[j].path.name[0] else -9.0 for i, j in pairs])

    read = read_input([str(tmp_path)], layout="plain")
    fold = [(np.arange(1, 12), np.arange(1))]
    found = audit_input(replace(read, folds=tuple(fold)), comparator=Comparator(scores, 0.0), by_comparison=True)
    note = next(f.message for f in found.of_kind("groups") if "people are not named" in f.message)
    assert "12 prints of 6 fingers match another (score above 7.2, where 0.05 false matches are expected" in note
    assert [f.severity for f in found.of_kind("folds")] == ["leak"]
    with pytest.raises(TableError, match="prints are compared by their images"):
        audit_input(replace(read, images=None), comparator=None, by_comparison=True)
