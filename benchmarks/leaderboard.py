"""Five protocols of public repositories as they describe them, and the same by person: sex from SOCOFing's images.

    python benchmarks/_networks.py FOLDER  # with the packages that it names
    python benchmarks/leaderboard.py FOLDER/efficientnet-lite0.onnx

Classifiers are the kinds of the first study: an SVM on pixels, a small CNN, and a linear classifier on a frozen network
with ImageNet's weights (EfficientNet-Lite0 in place of its ResNet-50, whose weights no package holds). Protocols and
settings were fixed before the first run. In either column each real print is tested once (altered and augmented ones
only train). Figures are balanced accuracies, 0.5 by guessing; the gap's 95 % interval is a bootstrap over people.
"""

from __future__ import annotations

from _common import need, report, table  # first: it holds the libraries to one thread

import sys  # isort: skip
import time
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from ridgefeat.backbone import Backbone
from ridgefeat.nn.classifier import NumpyCNNClassifier
from ridgefeat.sources import find_prints, load_print

PEOPLE, SIDE, NETWORK_SIDE, FOLDS, EPOCHS, SEED, SAMPLES = 60, 32, 96, 3, 8, 29, 2000
"""People of each sex; pixels per side, and for the frozen network; folds; epochs of the CNN; bootstrap samples."""
NETWORK = "frozen EfficientNet-Lite0"


def cnn(rate: float):
    return NumpyCNNClassifier("two-block", epochs=EPOCHS, learning_rate=rate, random_state=SEED)


MODELS: dict[str, tuple[Callable, tuple[float, ...]]] = {
    "SVM on pixels": (
        lambda c: make_pipeline(FunctionTransformer(lambda x: x.reshape(len(x), -1)), StandardScaler(), SVC(C=c)),
        (1.0, 0.03, 0.3, 3.0, 30.0),
    ),
    "small CNN": (cnn, (1e-3, 3e-4, 3e-3)),
    NETWORK: (
        lambda a: make_pipeline(StandardScaler(), RidgeClassifier(a, class_weight="balanced")),
        (100.0, 1.0, 10.0, 1000.0, 10_000.0),
    ),
}
"""How to make each with a setting, and its settings, the default first; only the last protocol tries the others."""


def read(folder: str) -> pd.DataFrame:
    frame = pd.DataFrame([{**s.labels, "source": s} for s in find_prints([need(folder)])])
    return frame.assign(real=folder.endswith("Real"), finger=frame["hand"] + " " + frame["finger"])


def choose_people(real: pd.DataFrame, altered: pd.DataFrame) -> list[str]:
    """Return PEOPLE of each sex, first those with altered prints."""
    sexes, rng, has = real.groupby("subject")["sex"].first(), np.random.default_rng(SEED), set(altered["subject"])
    found: list[str] = []
    for sex in ("female", "male"):
        names = rng.permutation(np.sort(sexes.index[sexes == sex]))
        found += sorted(names, key=lambda n: n not in has)[:PEOPLE]
    return found


def pixels(frame: pd.DataFrame, side: int) -> np.ndarray:
    images = [cv2.resize(load_print(s).pixels, (side, side), interpolation=cv2.INTER_AREA) for s in frame["source"]]
    return np.array(images, np.float32) / 255


def augment(x: np.ndarray) -> np.ndarray:
    """Return a copy of every image: turned by up to 10 degrees, moved by up to 2 px of SIDE, with noise."""
    rng, out, side = np.random.default_rng(SEED), np.empty_like(x), x.shape[1]
    for i, image in enumerate(x):
        how = cv2.getRotationMatrix2D(((side - 1) / 2,) * 2, rng.uniform(-10, 10), 1)
        how[:, 2] += rng.uniform(-2, 2, 2) * side / SIDE
        out[i] = cv2.warpAffine(image, how, (side, side), borderMode=cv2.BORDER_REPLICATE)
    return out + rng.normal(0, 0.03, x.shape).astype(np.float32)


def deal(frame: pd.DataFrame, by: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield training and test rows: by image, person or finger, or "altered": by image, all copies in training."""
    if by == "finger":
        names = np.unique(frame["finger"])
        for k in range(FOLDS):
            test = frame["finger"].isin(names[k::FOLDS]).to_numpy()
            yield np.flatnonzero(~test), np.flatnonzero(test)
        return
    own = np.flatnonzero(frame["real"]) if by == "altered" else np.arange(len(frame))
    kind = StratifiedGroupKFold if by == "person" else StratifiedKFold
    who = frame["subject"].iloc[own] if by == "person" else None
    for train, test in kind(FOLDS, shuffle=True, random_state=SEED).split(own, frame["sex"].iloc[own], who):
        yield np.setdiff1d(np.arange(len(frame)), own[test]) if by == "altered" else own[train], own[test]


def run(model: str, x: np.ndarray, frame: pd.DataFrame, by: str, tuned: str) -> np.ndarray:
    """Return for each row whether it was classified correctly, NaN where it was not tested.

    Settings are chosen on the "test" set, on a quarter of the "training" people, or not ("").
    """
    make, settings = MODELS[model]
    y, who, out = frame["sex"].to_numpy(str), frame["subject"].to_numpy(str), np.full(len(frame), np.nan)

    def right(setting: float, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        return make(setting).fit(x[train], y[train]).predict(x[test]) == y[test]

    for train, test in deal(frame, by):
        test, choice = test[frame["real"].to_numpy()[test]], settings[0]
        if tuned:
            part = GroupShuffleSplit(1, test_size=0.25, random_state=SEED).split(train, groups=who[train])
            a, b = (train, test) if tuned == "test" else (train[rows] for rows in next(part))
            choice = max(settings, key=lambda s: right(s, a, b).mean())
        out[test] = right(choice, train, test)
    return out


def compare(described: np.ndarray, honest: np.ndarray, frame: pd.DataFrame, judged: np.ndarray) -> list[str]:
    """Return both balanced accuracies over the judged rows, and their difference with its interval over people."""
    who, sex = frame["subject"].to_numpy(str)[judged], frame["sex"].to_numpy(str)[judged]
    names, at = np.unique(who, return_inverse=True)
    rng, total, drawn = np.random.default_rng(SEED), np.zeros(2), np.zeros((2, SAMPLES))
    for one in np.unique(sex):
        people = np.unique(at[sex == one])
        sample = rng.choice(people, (SAMPLES, len(people)))
        count = np.bincount(at, minlength=len(names))
        for k, found in enumerate((described[judged], honest[judged])):
            hits = np.bincount(at, found, len(names))
            total[k] += hits[people].sum() / count[people].sum() / 2
            drawn[k] += hits[sample].sum(axis=1) / count[sample].sum(axis=1) / 2
    low, high = np.quantile(drawn[0] - drawn[1], [0.025, 0.975])
    return [f"{total[0]:.3f}", f"{total[1]:.3f}", f"{total[0] - total[1]:+.3f} ({low:+.3f} to {high:+.3f})"]


def main(network: str) -> None:
    real, altered = read("SOCOFing/Real"), read("SOCOFing/Altered")
    real = real[real["subject"].isin(choose_people(real, altered))]
    altered = altered[altered["subject"].isin(real["subject"])]
    # EfficientNet-Lite was trained on (pixel - 127) / 128.
    frozen = Backbone(network, mean=(0.498,), std=(0.502,)).fit()

    def embed(x: np.ndarray) -> np.ndarray:
        return frozen.transform(np.rint(255 * x.clip(0, 1)).astype(np.uint8))

    began = time.process_time()
    x, more = pixels(real, SIDE), pixels(altered, SIDE)
    large = pixels(real, NETWORK_SIDE)
    embedded = {
        "real": embed(large),
        "augmented": embed(augment(large)),
        "altered": embed(pixels(altered, NETWORK_SIDE)),
    }
    protocols = {
        "split by image": (None, "", "image", "", ""),
        "augmented copies made before the split": ((augment(x), real.assign(real=False)), "augmented", "image", "", ""),
        "altered prints of test prints in training": ((more, altered), "altered", "altered", "", ""),
        "other fingers of the person in training": (None, "", "finger", "", ""),
        "settings chosen on the test set": (None, "", "person", "test", "training"),
    }
    rows = []
    for protocol, (copies, kind, by, tuned, honest) in protocols.items():
        images = x if copies is None else np.concatenate([x, copies[0]])
        vectors = embedded["real"] if copies is None else np.concatenate([embedded["real"], embedded[kind]])
        frame = real if copies is None else pd.concat([real, copies[1]])
        frame = frame.reset_index(drop=True)
        judged = frame["real"].to_numpy() & (by != "altered" or frame["subject"].isin(altered["subject"]).to_numpy())
        for model in MODELS:
            given = vectors if model == NETWORK else images
            both = [run(model, given, frame, b, t) for b, t in ((by, tuned), ("person", honest))]
            rows.append([protocol, model, *compare(*both, frame, judged)])
            print(*rows[-1], f"{time.process_time() - began:.0f} s", sep=" | ", flush=True)
    with_copies = altered["subject"].nunique()
    report(
        "leaderboard",
        "An honest leaderboard",
        [
            " ".join((__doc__ or "").split("\n\n")[::2]).replace("\n", " "),
            f"{len(real):,} real prints of {2 * PEOPLE} people, half of each sex, and {len(altered):,} altered ones of "
            f"{with_copies} of them (SOCOFing), whose real prints alone are judged in that protocol; {SIDE} x {SIDE} "
            f"px, {NETWORK_SIDE} x {NETWORK_SIDE} for the network, {FOLDS} folds; "
            f"{time.process_time() - began:.0f} s of one core.",
            table(["protocol", "classifier", "as described", "by person", "gap (95 %)"], rows),
        ],
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
