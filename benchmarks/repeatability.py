"""How well a second impression of a finger repeats every feature column, and the minutiae.

    python benchmarks/repeatability.py [--jobs 2]

FCJ2020 (15 people, 60 fingers x 6 impressions, without 8 prints of wrong names) and FVC2002 (40 x 8). Columns:
intraclass correlation ICC(1,1), one-way random (Shrout and Fleiss, Psychological Bulletin 1979), with fingers as
classes and the 95 % interval of a bootstrap over people (over fingers for FVC2002, which names no people); the same
between a print and itself turned by 10 degrees. Minutiae: share found again after the rotation and shift that align two
impressions best, within 12 px and 22.5 degrees, where both show the finger; and after turning the same image. Needs the
sets below RIDGEFEAT_DATA or .data/. Prints the tables and writes benchmarks/results/repeatability.md and
ridgefeat/reliability.json, the table that the package brings.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys

from _common import ROOT, WRONG_LABELS, need, report, table  # isort: skip

import cv2
import numpy as np
import pandas as pd
from _matching import assigned, turned
from joblib import Parallel, delayed

from ridgefeat.features import select
from ridgefeat.fingerprint import Fingerprint
from ridgefeat.reliability import DATA, measure_reliability
from ridgefeat.sources import find_prints, load_print

REACH, ANGLE = 12, np.pi / 8
TURN = 10


def prints(folder):
    """Yield (person, finger, database, Fingerprint) of a folder in stable order."""
    for source in find_prints([folder]):
        if source.path.stem in WRONG_LABELS and folder.name == "FCJ2020":
            continue
        loaded = load_print(source)
        finger = "-".join(filter(None, (source.labels["subject"], source.labels.get("finger_id"))))
        yield (
            source.labels["subject"],
            finger,
            source.relative.split("/")[0],
            Fingerprint(loaded.pixels, (loaded.dpi_x, loaded.dpi_y)),
        )


def rotated(image, degrees):
    """Turn an image about its centre on a canvas that holds all of it; the background is its usual border grey."""
    rows, columns = image.shape
    side = int(np.ceil(np.hypot(rows, columns)))
    turn = cv2.getRotationMatrix2D((columns / 2 - 0.5, rows / 2 - 0.5), degrees, 1)
    turn[:, 2] += (side - columns) / 2, (side - rows) / 2
    border = float(np.median(np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])))
    return cv2.warpAffine(image, turn, (side, side), flags=cv2.INTER_CUBIC, borderValue=border), turn


def measured(person, finger, database, fp):
    families = select()
    values = np.concatenate([f.compute(fp) for f in families])
    image, turn = rotated(fp.image, TURN)
    other = Fingerprint(image, 500)
    again = np.concatenate([f.compute(other) for f in families])
    return (person, finger, database), values, again, fp.minutiae, fp.mask, found_after_turn(fp.minutiae, other, turn)


def found_after_turn(m, other, turn):
    """Return (found again, of how many) when the same image is turned."""
    xy = np.stack([m.x, m.y, np.ones(len(m))], 1) @ turn.T
    o = other.minutiae
    near = turned((m.direction + np.deg2rad(TURN))[:, None], o.direction, 2 * np.pi) <= ANGLE
    pairs = assigned(xy, np.stack([o.x, o.y], 1).astype(float), REACH, near)
    return pairs.shape[1], len(m)


def again(a, mask_a, b, mask_b):
    """Return the share of minutiae in the common area that two impressions have in common, at their best alignment."""
    if min(len(a), len(b)) < 4:
        return np.nan
    i, j = (k.ravel() for k in np.meshgrid(np.arange(len(a)), np.arange(len(b)), indexing="ij"))
    angle = np.angle(np.exp(1j * (b.direction[j] - a.direction[i])))
    keep = np.abs(angle) < np.deg2rad(45)
    i, j, angle = i[keep], j[keep], angle[keep]
    ax, ay, bx, by = (v.astype(np.float32) for v in (a.x, a.y, b.x, b.y))
    c, s = np.cos(angle), np.sin(angle)
    # y runs down: a counter-clockwise turn on the page takes (x, y) to (c x + s y, -s x + c y).
    x = c[:, None] * (ax - ax[i][:, None]) + s[:, None] * (ay - ay[i][:, None]) + bx[j][:, None]
    y = -s[:, None] * (ax - ax[i][:, None]) + c[:, None] * (ay - ay[i][:, None]) + by[j][:, None]
    votes = np.zeros(len(i))
    for start in range(0, len(i), 256):
        part = slice(start, start + 256)
        near = (x[part, :, None] - bx) ** 2 + (y[part, :, None] - by) ** 2 < REACH**2
        near &= np.cos(a.direction + angle[part, None])[:, :, None] * np.cos(b.direction) + np.sin(
            a.direction + angle[part, None]
        )[:, :, None] * np.sin(b.direction) > np.cos(ANGLE)
        votes[part] = near.any(2).sum(1)
    best = votes.argmax()
    placed = np.stack([x[best], y[best]], 1).astype(float)
    near = turned((a.direction + angle[best])[:, None], b.direction, 2 * np.pi) <= ANGLE
    hits = assigned(placed, np.stack([bx, by], 1).astype(float), REACH, near).shape[1]
    back = np.stack(
        [
            c[best] * (bx - bx[j[best]]) - s[best] * (by - by[j[best]]) + ax[i[best]],
            s[best] * (bx - bx[j[best]]) + c[best] * (by - by[j[best]]) + ay[i[best]],
        ],
        1,
    )
    common = visible(placed, mask_b) + visible(back, mask_a)
    return 2 * hits / common if common >= 8 else np.nan


def visible(xy, mask):
    x, y = np.round(xy).astype(int).T
    rows, columns = mask.shape
    ok = (x >= 0) & (y >= 0) & (x < columns) & (y < rows)
    return int(mask[y[ok], x[ok]].sum())


def one_set(folder, jobs):
    rows = Parallel(jobs)(delayed(measured)(*one) for one in prints(folder))
    people, fingers, databases = (np.array([r[0][k] for r in rows]) for k in (0, 1, 2))
    names = [c.name for family in select() for c in family.all_columns()]
    values, turned_values = (pd.DataFrame(np.stack([r[k] for r in rows]), columns=names) for k in (1, 2))
    # Sensors differ from each other; what they add between databases is no merit of a column.
    found = measure_reliability(values, fingers, people, within=databases, seed=4)
    both = pd.concat([values, turned_values])
    found["icc_turned"] = measure_reliability(both, np.tile(np.arange(len(rows)), 2))["icc"]
    pairs = [(p, q) for f in np.unique(fingers) for p, q in itertools.combinations(np.flatnonzero(fingers == f), 2)]
    shares = Parallel(jobs)(delayed(again)(*rows[p][3:5], *rows[q][3:5]) for p, q in pairs)
    by_finger = pd.Series(shares).groupby(fingers[[p for p, _ in pairs]]).mean().dropna().to_numpy()
    hits, of = np.array([r[5] for r in rows]).sum(0)
    return found, by_finger, hits / of, len(rows), len(np.unique(fingers))


def minutiae_row(name, by_finger, same, count, fingers):
    rng = np.random.default_rng(3)
    draws = rng.choice(by_finger, (2000, len(by_finger))).mean(1)
    interval = f"{by_finger.mean():.3f} [{np.percentile(draws, 2.5):.3f}, {np.percentile(draws, 97.5):.3f}]"
    return [name, count, fingers, interval, f"{same:.3f}"]


def moved(frame):
    """Say how far the values of the second set lie from those of the first."""
    off, out = frame.icc_difference, ~frame.icc_FVC2002.between(frame.icc_FCJ2020_low, frame.icc_FCJ2020_high)
    return (
        "Intervals are over the people of one set on one day. On FVC2002 the value differs from FCJ2020's by "
        f"{off.abs().median():.2f} in the median and by more than {off.abs().quantile(0.9):.2f} for a tenth of the "
        f"columns (mean {off.mean():+.2f}); it lies outside FCJ2020's interval for {out.mean():.0%} of them."
    )


def as_lists(found):
    """Return a table by column as lists of numbers with the digits that mean something; None where missing."""
    exact = found.drop(columns="icc_turned").round({"icc": 3, "icc_low": 3, "icc_high": 3})
    exact[["within_sd", "mdc"]] = exact[["within_sd", "mdc"]].map(lambda v: float(f"{v:.4g}"))
    return exact.astype(object).where(exact.notna(), None).to_dict("list")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=2)
    jobs = parser.parse_args().jobs
    columns = [c for family in select() for c in family.all_columns()]
    frame = pd.DataFrame({"column": [c.name for c in columns], "unit": [c.unit for c in columns]})
    minutiae, kept = [], []
    for name in ("FCJ2020", "FVC2002"):
        found, by_finger, same, count, fingers = one_set(need(name), jobs)
        for part in ("", "_low", "_high"):
            frame[f"icc_{name}{part}"] = found[f"icc{part}"]
        frame[f"icc_turned_{name}"] = found["icc_turned"]
        kept.append(f"{json.dumps(name)}: {json.dumps(as_lists(found), separators=(',', ':'))}")
        minutiae.append(minutiae_row(name, by_finger, same, count, fingers))
        print(f"{name} done", file=sys.stderr)
    (ROOT / "ridgefeat" / DATA).write_text("{" + ",\n".join(kept) + "}\n", encoding="utf-8")
    frame["icc_difference"] = frame.icc_FVC2002 - frame.icc_FCJ2020
    frame["family"] = frame.column.str.split("_").str[0]
    family_rows = []
    for family, part in frame.groupby("family", sort=False):
        q = part.icc_FCJ2020.quantile([0.25, 0.5, 0.75]).round(2).tolist()
        v = part.icc_FVC2002.quantile([0.25, 0.5, 0.75]).round(2).tolist()
        family_rows.append(
            [
                family,
                len(part),
                f"{q[1]} ({q[0]}–{q[2]})",
                f"{v[1]} ({v[0]}–{v[2]})",
                int((part.icc_FCJ2020 < 0.3).sum()),
                f"{part.icc_turned_FCJ2020.median():.2f}",
            ]
        )

    def shown(row):
        return [
            row.column,
            row.unit,
            f"{row.icc_FCJ2020:.2f} [{row.icc_FCJ2020_low:.2f}, {row.icc_FCJ2020_high:.2f}]",
            f"{row.icc_FVC2002:.2f} [{row.icc_FVC2002_low:.2f}, {row.icc_FVC2002_high:.2f}]",
            f"{row.icc_turned_FCJ2020:.2f}",
        ]

    plain = frame[
        frame.family.isin(["ridge", "minutiae"]) | frame.column.isin(["quality_ocl_mean", "quality_lcs_mean"])
    ]
    plain = plain[~plain.column.str.contains("_r[1-4]c[1-4]_")]
    low = frame[(frame.icc_FCJ2020 < 0.3)]
    head = ["column", "unit", "ICC FCJ2020", "ICC FVC2002", "turned by 10°"]
    parts = [
        "`ridgefeat.reliability.load_reliability()` has ICC(1,1) of every column. It says how much of a column's "
        "variance between prints lies between fingers; a low one means that a second impression of the finger gives "
        "another value, be it through placement, pressure or error. Each database's mean is taken off first: sensors "
        "are not fingers.",
        moved(frame),
        "## Minutiae found again",
        table(["set", "prints", "fingers", "share, mean over fingers", f"same image turned by {TURN}°"], minutiae),
        "## By family",
        table(
            [
                "family",
                "columns",
                "FCJ2020, median (quartiles)",
                "FVC2002",
                "below 0.3 on FCJ2020",
                "turned by 10°, median",
            ],
            family_rows,
        ),
        "## Columns of the families ridge and minutiae, and two of quality",
        table(head, [shown(r) for r in plain.itertuples()]),
        f"## Columns below 0.3 on FCJ2020: {len(low)}",
        "These change from one impression to the next nearly as much as from finger to finger: "
        + ", ".join(f"`{c}`" for c in low.column)
        + ".",
    ]
    report("repeatability", "Reliability between impressions", parts)


if __name__ == "__main__":
    main()
