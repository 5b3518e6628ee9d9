import os
from pathlib import Path

import pytest

from tests.scripts import load_script


def test_demo_runs_over_an_earlier_one_and_ends_with_files_to_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))
    monkeypatch.chdir(tmp_path)
    demo = load_script("examples/demo.py")
    # The same lesson with fewer prints.
    for name, value in {"SUBJECTS": 6, "FINGERS": 1, "IMPRESSIONS": 1, "DRAWN": 1, "DEMO": tmp_path / "demo"}.items():
        monkeypatch.setattr(demo, name, value)
    # What an earlier run left does not stop the next one, nor get into it.
    (tmp_path / "demo" / "prints").mkdir(parents=True)
    for left in ("prints/index.csv", "prints/left.png", "features.csv", "explore.html"):
        (tmp_path / "demo" / left).write_text("left")
    demo.main()
    printed = capsys.readouterr().out
    overlay, explored, report = (Path(line) for line in printed.splitlines()[-3:])
    assert overlay.parent == tmp_path / "demo" / "overlays" and overlay.read_bytes().startswith(b"\x89PNG")
    assert explored == tmp_path / "demo" / "explore.html" and 'id="data-' in explored.read_text(encoding="utf-8")
    assert "3 classifiers compared on “sex”" in report.read_text(encoding="utf-8")
    assert not (tmp_path / "demo" / "prints" / "left.png").exists()
    made = {p.relative_to(tmp_path / "demo").parts[0] for p in (tmp_path / "demo").rglob("*")}
    assert made == {*("prints", "minutiae", "overlays", "compared"), *("features.csv", "features.json", "explore.html")}
    assert len(list((tmp_path / "demo" / "minutiae").iterdir())) == 6 * 3
    assert "$ ridgefeat extract demo/prints --index demo/prints/index.csv -o demo/features.csv" in printed
