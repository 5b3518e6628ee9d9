"""The lesson on a published mistake, end to end on simulated prints."""

import cv2
import numpy as np
import pytest

from tests.scripts import load_script


@pytest.fixture
def study(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return load_script("examples/reproduce_study.py")


def test_the_lesson_shows_its_mistake_on_simulated_prints(study, capsys, monkeypatch):
    monkeypatch.setattr(study, "SUBJECTS", 14)
    monkeypatch.setattr(study, "FINGERS", 1)
    lines = {(line.protocol, line.model): line for line in study.main(["--demo", "--epochs", "2"])}
    assert len(lines) == 8
    wrong = lines["mistaken", "1-NN"]
    # What it has seen it finds again, and nothing else is found.
    assert 0.6 < wrong.seen < 1 and wrong.accuracy[0] == pytest.approx(wrong.seen + (1 - wrong.seen) * wrong.unseen)
    assert all(line.seen == 0 for (protocol, _), line in lines.items() if protocol != "mistaken")
    printed = capsys.readouterr().out
    assert "only looks images up" in printed and "0.912" not in printed and "nothing about people" in printed


def test_prints_are_read_by_their_names_and_each_sex_has_as_many(study, tmp_path):
    rng = np.random.default_rng(0)
    for subject in range(1, 6):
        for finger in ("thumb", "index"):
            name = f"{subject}__{'F' if subject < 3 else 'M'}_Left_{finger}_finger.BMP"
            cv2.imwrite(str(tmp_path / name), rng.integers(0, 255, (103, 96, 3)).astype(np.uint8))
    data = study.read(tmp_path)
    assert data.X.shape == (10, 128 * 128) and sorted(set(data.who)) == ["1", "2", "3", "4", "5"]
    assert data.y.tolist() == [0] * 4 + [1] * 6
    assert np.bincount(study.balanced(data).y).tolist() == [4, 4]


def test_the_mistake_alone_makes_noise_tell(study):
    rng = np.random.default_rng(0)
    data = study.Data(rng.normal(size=(400, 8)), rng.integers(0, 2, 400), np.repeat(np.arange(40), 10).astype(str))
    given = study.parse(["--demo"])
    found = {p: study.evaluate(data, p, "1-NN", given) for p in study.PROTOCOLS}
    assert found["mistaken"].accuracy[0] > 0.8 and abs(found["mistaken"].seen - 0.8) < 0.1
    assert abs(found["by image"].accuracy[0] - 0.5) < 0.15 and abs(found["by person"].accuracy[0] - 0.5) < 0.1
    low, high = found["by person"].accuracy[1:]
    assert low < 0.5 < high and found["by person"].tested == 400


def test_nobody_is_on_both_sides_by_person(study):
    data = study.Data(np.zeros((40, 1)), np.arange(40) // 2 % 2, np.repeat(np.arange(20), 2).astype(str))
    pairs = list(study.splits(data, "by person"))
    assert len(pairs) == 5 and all(not set(data.who[a]) & set(data.who[b]) for a, b in pairs)


def test_a_folder_without_prints_is_said(study, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "nobody.png"), np.zeros((60, 60), np.uint8))
    with pytest.raises(SystemExit, match="holds no prints with the sex in their names"):
        study.read(tmp_path)
    with pytest.raises(SystemExit):
        study.main([])
    assert "or --demo" in capsys.readouterr().err
