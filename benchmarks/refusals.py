"""Which prints a model refuses: ordinary ones of unseen people, and foreign ones that it cannot know.

    python benchmarks/refusals.py TABLE.csv [FOLDER]

TABLE.csv is SOCOFing's feature table (`ridgefeat extract .data/SOCOFing/Real --layout socofing`). A model learns from
two thirds of its people. Of the others come the ordinary prints and, changed and written as files, the turned, mirrored
and noisy ones; the prints of another sensor are FVC2002's. FOLDER keeps the changed prints' features between runs.
"""

from _common import need, report, table  # isort: skip

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

import ridgefeat as rf
from ridgefeat.bench import Options, load, make_problem, metrics, predict, train
from ridgefeat.bench.model import UNFIT_FLAGS
from ridgefeat.threshold.intervals import fraction_interval

PRINTS, DIVISIONS = 300, 5
FRAME = np.s_[2:-4, 2:-4]
"""Where the print is inside SOCOFing's frame."""


def noise(sigma: float) -> Callable:
    return lambda print_, rng: print_ + rng.normal(0, sigma, print_.shape)


def salt(print_, rng):
    u = rng.random(print_.shape)
    return np.where(u < 0.05, 0, np.where(u > 0.95, 255, print_))


CHANGES: dict[str, Callable] = {
    "written again, unchanged": lambda print_, rng: print_,
    "turned by 180°": lambda print_, rng: print_[::-1, ::-1],
    **{f"noise, {s} grey levels": noise(s) for s in (20, 40, 60, 80, 120)},
    "5 % black, 5 % white pixels": salt,
    "mirrored": lambda print_, rng: print_[:, ::-1],
}


def changed(names, change: Callable) -> pd.DataFrame:
    """Return the features of prints that were changed inside the frame and written under their names."""
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            pixels = np.array(Image.open(need("SOCOFing/Real") / name).convert("RGB"))
            inside = change(pixels[FRAME][..., 0].astype(float), rng)
            pixels[FRAME] = np.clip(inside, 0, 255).astype(np.uint8)[..., None]
            Image.fromarray(pixels).save(Path(folder, name))
        return rf.extract_many(folder, layout="socofing", jobs=2)


def kept(folder: str | None, name: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Return features from the folder, made first if they are not there."""
    path = Path(folder, f"{''.join(c if c.isalnum() else '_' for c in name)}.pkl") if folder else None
    if path and path.exists():
        return pd.read_pickle(path)
    made = make()
    if path:
        made.to_pickle(path)
    return made


def fit(frame: pd.DataFrame, about: dict, seed: int):
    """Return a model of two thirds of the people, and the rows of the others."""
    people = np.unique(frame["subject"])
    unseen = frame["subject"].isin(np.random.default_rng(seed).choice(people, len(people) // 3, replace=False))
    problem = make_problem(frame[~unseen].reset_index(drop=True), about, target="sex", group="subject")
    # Which prints are refused does not depend on the classifier.
    return train(problem, "lda", Options(within=("finger",), folds=2, jobs=1)), frame[unseen].reset_index(drop=True)


def shares(model, frame: pd.DataFrame, about: dict) -> list[object]:
    """Return how many prints are refused, with an interval over people, and by which families."""
    frame = frame.reindex(columns=[*frame, *({"finger", "hand"} - set(frame))])
    names = [c["name"] for c in about["columns"]]
    why = predict(model, frame.astype(dict.fromkeys(names, np.float32)), about)["no_answer"]
    ordinary = ~frame["meta_flags"].fillna("").str.contains("|".join(UNFIT_FLAGS))
    refused, people = (why != "").to_numpy()[ordinary], metrics.group_numbers(frame["subject"][ordinary].to_numpy())
    weights = metrics.group_weights(people.max() + 1, 0)
    drawn = (weights @ np.bincount(people, refused)) / (weights @ np.bincount(people))
    low, high = fraction_interval(float(refused.mean()), metrics.variance(drawn, weights.shape[1]), weights.shape[1])
    families = why[ordinary].str.extract(r"prints: (.*)")[0].dropna().str.split(", ").explode().value_counts()
    by = ", ".join(f"{name} {100 * count / len(refused):.0f} %" for name, count in families.head(3).items())
    return [len(refused), f"{100 * refused.mean():.1f} %", f"{100 * low:.1f}–{100 * high:.1f} %", by or "–"]


def main(path: str, folder: str | None = None) -> None:
    frame, about = load(path)
    head = ["prints", "count", "refused", "95 %, by person", "families"]
    ordinary = []
    for seed in range(DIVISIONS):
        made, unseen = fit(frame, about, seed)
        ordinary.append([f"division {seed + 1}", *shares(made, unseen, about)])
        if seed == 0:
            model, people = made, unseen
    small = people[people["meta_dpi_x"] < 300]
    names = small.sample(PRINTS, random_state=0)["meta_source"].tolist()
    rows = []
    for name, change in CHANGES.items():
        rows.append([name, *shares(model, kept(folder, name, lambda c=change: changed(names, c)), about)])
    other = kept(folder, "FVC2002", lambda: rf.extract_many(need("FVC2002"), layout="fvc", jobs=2))
    rows.append(["FVC2002, as it is", *shares(model, other, about)])
    posing = other.assign(meta_layout="socofing", meta_dpi_x=500.0, meta_dpi_y=500.0)
    rows.append(["FVC2002, by its columns alone", *shares(model, posing, about)])
    report(
        "refusals",
        "Prints that a model refuses",
        [
            f"A model of two thirds of {frame['subject'].nunique()} people of SOCOFing, {len(about['columns'])} "
            "columns. A print is refused if its layout or resolution is none of the training prints', or if a family "
            "of columns is further from them than its cut. The cuts were set to refuse 0.5 % of ordinary prints, as "
            "the training people show by folds. Scaling, components and covariance were chosen among several on the "
            "first division and the foreign prints below, whose rates are therefore somewhat favourable; the column "
            "`quality_noise`, a detector of its own, was defined after a look at noisy prints of SOCOFing. "
            f"Prints with one of the flags {', '.join(UNFIT_FLAGS)} are not counted.",
            "## Ordinary prints of the other third of the people (target: at most 1 %)",
            table(head, ordinary),
            f"Mean {np.mean([float(str(row[2]).split()[0]) for row in ordinary]):.2f} %.",
            f"## Foreign prints (target: at least 90 %), {PRINTS} prints of unseen people where they are changed ones",
            table(head, rows),
            "Noise is added to the 90×97 px image before it is resampled; a ridge and a valley are 3.5 px there. A"
            " mirrored print looks like one of the other hand.",
        ],
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
