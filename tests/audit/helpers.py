"""Tables and prints without a leak, into which the tests plant one."""

import hashlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from ridgefeat.audit import Audit, AuditParams, audit
from ridgefeat.audit.table import AuditTable, make_table
from ridgefeat.sources import pixel_digest

GROUPS, PRINTS = 40, 5


def clean_table(seed: int = 0, groups: int = GROUPS, prints: int = PRINTS, columns: int = 60) -> pd.DataFrame:
    """Return people with prints whose columns vary by person, by print and a little by sex."""
    rng = np.random.default_rng(seed)
    subject = np.repeat(np.arange(1, groups + 1), prints)
    sex = rng.permutation(np.arange(groups) % 2)[subject - 1]
    person = rng.normal(size=(groups, columns))[subject - 1]
    effect = rng.normal(0, 0.3, columns)
    values = person + rng.normal(size=(len(subject), columns)) + effect * sex[:, None]
    number = np.tile(np.arange(prints), groups)
    frame = pd.DataFrame(
        {
            "meta_source": [f"{s:04d}_{n}.png" for s, n in zip(subject, number, strict=True)],
            "meta_sha256": [hashlib.sha256(f"{seed} {i}".encode()).hexdigest() for i in range(len(subject))],
            **dict.fromkeys(("meta_width", "meta_height"), 300),
            **dict.fromkeys(("meta_dpi_x", "meta_dpi_y"), 500.0),
            "meta_layout": "plain",
            **dict.fromkeys(("meta_error", "meta_flags")),
            "subject": subject,
            "sex": np.where(sex, "male", "female"),
            "hand": "right",
            "finger": np.array(["thumb", "index", "middle", "ring", "little"])[number % 5],
        }
    )
    features = pd.DataFrame(values.astype(np.float32), columns=[f"own_{i:02d}" for i in range(columns)])
    return pd.concat([frame, features], axis=1)


def of(frame: pd.DataFrame, **how: Any) -> Audit:
    """Return the audit of a table of people and their sex."""
    return audit(frame, **{"target": "sex", "group": "subject"} | how)


def coded(frame: pd.DataFrame, target: str = "sex", **limits: Any) -> AuditTable:
    """Return a table as the checks see it."""
    return make_table(frame, target, "subject", None, AuditParams(**limits))


def features_of(frame: pd.DataFrame) -> list[str]:
    return [c for c in frame if c.startswith("own_")]


def male(frame: pd.DataFrame) -> np.ndarray[Any, Any]:
    return (frame["sex"] == "male").to_numpy()


def kinds(found: Audit, severity: str = "leak") -> set[str]:
    return {f.kind for f in found.findings if f.severity == severity}


def draw(seed: int, side: int = 256) -> np.ndarray[Any, Any]:
    """Return ridges about 9 px apart that bend in a way of their own, with pores and patches of poor contrast."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    bends = [smooth(rng, side, 35) for _ in range(3)]
    turn = rng.uniform(0, 2 * np.pi)
    phase = (x * np.cos(turn) + y * np.sin(turn)) * 2 * np.pi / rng.uniform(8, 10) + 9 * bends[0]
    ridges = 127 + (75 + 25 * bends[1]) * np.cos(phase) + 12 * smooth(rng, side, 1.2) + 10 * bends[2]
    inside = np.hypot((x - side / 2) / 0.47, (y - side / 2) / 0.49) < side
    return np.where(inside, np.clip(ridges, 0, 255), 255).astype(np.uint8)


def smooth(rng: np.random.Generator, side: int, length: float) -> np.ndarray[Any, Any]:
    field = cv2.GaussianBlur(rng.normal(size=(side, side)).astype(np.float32), (0, 0), length)
    return field / field.std()


def warped(image: np.ndarray[Any, Any], turn: float = 0, scale: float = 1, dx: float = 0, dy: float = 0) -> Any:
    middle = ((image.shape[1] - 1) / 2, (image.shape[0] - 1) / 2)
    how = cv2.getRotationMatrix2D(middle, turn, scale)
    how[:, 2] += dx, dy
    return cv2.warpAffine(image, how, image.shape[::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def encoded(image: np.ndarray[Any, Any], quality: int) -> Any:
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 0)


COPIES = {
    "re-encoded": lambda i: encoded(i, 50),
    "moved a pixel": lambda i: warped(i, dx=1, dy=-1),
    "moved two pixels": lambda i: warped(i, dx=-2, dy=2),
    "resized": lambda i: cv2.resize(i, None, fx=0.95, fy=0.95, interpolation=cv2.INTER_AREA),
    "shrunk in place": lambda i: warped(i, scale=0.95),
    "brightened": lambda i: np.clip(0.7 * i + 40, 0, 255).astype(np.uint8),
    "turned": lambda i: warped(i, turn=2),
    "cropped": lambda i: i[8:, 8:],
    "cropped all round": lambda i: i[38:-38, 38:-38],
    "turned more": lambda i: warped(i, turn=-13),
    "turned on a larger sheet": lambda i: warped(np.pad(i, 32, mode="edge"), turn=15),
    "turned by 90°": np.rot90,
    "turned by 180°": lambda i: i[::-1, ::-1],
    "mirrored": lambda i: encoded(np.ascontiguousarray(i[:, ::-1]), 50),
    "mirrored and turned": lambda i: warped(np.ascontiguousarray(i[:, ::-1]), turn=6),
}
PLAIN = list(COPIES)[:8]
"""Copies whose signature is like the original's."""


def pressed_again(image: np.ndarray[Any, Any], seed: int, stretch: float = 4.0) -> np.ndarray[Any, Any]:
    """Return another impression of a finger: the skin stretched in another way, by up to a ridge or so."""
    rng = np.random.default_rng(seed)
    side = len(image)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    x, y = x + stretch * smooth(rng, side, 40), y + stretch * smooth(rng, side, 40)
    return cv2.remap(image, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def write_prints(folder: Path, prints: dict[str, np.ndarray[Any, Any]]) -> pd.DataFrame:
    """Write prints named subject_number.png and return their table, without features."""
    folder.mkdir(exist_ok=True)
    for name, image in prints.items():
        assert cv2.imwrite(str(folder / name), image)
    subject = [name.split("_")[0] for name in prints]
    return pd.DataFrame(
        {
            "meta_source": list(prints),
            "meta_sha256": [pixel_digest(i) for i in prints.values()],
            "meta_layout": "plain",
            "subject": subject,
            "sex": ["female" if len(s) % 2 else "male" for s in subject],
        }
    )
