"""The leak audit: one person under two names."""

import numpy as np

from ridgefeat.audit import people
from ridgefeat.audit.people import Comparator, similar_groups
from ridgefeat.bench import make_comparator
from ridgefeat.synth import write_set
from ridgefeat.table import extract_many
from tests.audit.helpers import of


def test_the_prints_of_one_person_under_two_names_match(tmp_path):
    """Simulated people with two impressions of a finger; the second of one person is filed under another name."""
    index = write_set(tmp_path, 7, seed=4, fingers=1, impressions=2, shape=(300, 260))
    frame = extract_many(tmp_path, index=index, families=["ridge"])
    frame["name"] = [str(s) for s in frame["subject"]]
    first = frame.index[frame["subject"] == frame["subject"][0]]
    assert len(first) == 2
    frame.loc[first[1], "name"] = "alias"
    made = make_comparator()
    assert made.threshold == 0.951 and round(made.max_fmr, 6) == 0.000246
    found = of(frame, group="name", images_root=tmp_path, comparator=made)
    (match,) = (f for f in found.of_kind("same_finger") if f.severity == "leak")
    assert set(match.rows[0]) == set(first) and "false match rate is at most 0.02%" in match.message
    assert "no comparator" in of(frame, group="name", images_root=tmp_path).text()

    # Bounded: the most similar names alone are compared, and how many of all is said.
    seen = []
    none = Comparator(lambda prints, pairs, jobs: np.full(seen.append(pairs) or len(pairs), -9.0), 0.0, 0.001)
    text = of(frame, group="name", images_root=tmp_path, comparator=none).text()
    total = frame["name"].nunique() * (frame["name"].nunique() - 1) // 2
    assert len(seen[0]) <= min(total, people.MAX_COMPARISONS) == total and "same_finger" not in text


def test_names_whose_prints_are_alike_on_average_come_first():
    """Each of two names' ten fingers is a little alike; no single pair stands out among strangers'."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(400, 40))
    vectors[10:20] += 0.9 * vectors[:10]
    vectors = np.float32(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    groups, fingers = np.repeat(np.arange(40), 10), np.tile(np.arange(10), 40)
    (pair,), total = similar_groups(vectors, groups, fingers, 1)
    assert {groups[i] for i in pair} == {0, 1} and total == 780 and fingers[pair[0]] == fingers[pair[1]]
    assert people.MAX_COMPARISONS == 200
