"""A few small drawn prints, and figures that are written quickly."""

import os
from pathlib import Path

# Before NumPy is loaded: matrices are small here, and handing work to threads takes longer than the work.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import pytest
from hypothesis import settings

# The same examples in every run; `pytest --hypothesis-profile default` looks for others.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")
# For a handful of prints, starting workers takes longer than the work; tests that need two of them ask for two.
os.environ.setdefault("LOKY_MAX_CPU_COUNT", "1")
COUNT = 6


def draw(seed: int, side: int = 160) -> np.ndarray:
    """Return a patch of curved ridges, about 9 px apart, on white."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side].astype(np.float64)
    cx, cy = rng.uniform(-60, side + 60, 2)
    ridges = 127 + 100 * np.cos(2 * np.pi * np.hypot(x - cx, y - cy) / rng.uniform(8, 10))
    ridges += rng.normal(0, 8, ridges.shape)
    inside = ((x - side / 2) / (0.46 * side)) ** 2 + ((y - side / 2) / (0.48 * side)) ** 2 < 1
    return np.where(inside, np.clip(ridges, 0, 255), 255).astype(np.uint8)


@pytest.fixture(scope="session")
def arrays() -> list[np.ndarray]:
    return [draw(seed) for seed in range(COUNT)]


@pytest.fixture
def prints(tmp_path: Path, arrays: list[np.ndarray]) -> Path:
    """Return a folder of prints named finger_impression."""
    folder = tmp_path / "prints"
    folder.mkdir()
    for i, array in enumerate(arrays):
        cv2.imwrite(str(folder / f"{101 + i // 2}_{1 + i % 2}.png"), array)
    return folder


@pytest.fixture
def without_pdf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands write figures as SVG and PNG alone: the fonts of a PDF take most of the time."""
    from ridgefeat.report import display

    # Not `delitem`, which puts it back in another place.
    monkeypatch.setattr(display, "UNDATED", {k: v for k, v in display.UNDATED.items() if k != ".pdf"})
