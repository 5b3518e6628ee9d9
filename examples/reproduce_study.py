"""A published result and the mistake behind it: sex from fingerprint images with 91 % accuracy.

    python examples/reproduce_study.py .data/SOCOFing/Real     # the set of the study, some minutes
    python examples/reproduce_study.py --demo                  # simulated prints, some seconds

The study took 1,000 images of each sex from SOCOFing, resized them to 128 x 128 pixels and kept a fifth of them for the
test. Support vector machines reached an accuracy of 63 to 64 %, and a convolutional network 91 %. The lesson takes
three steps:

1. The study's protocol, with the study's support vector machine. It splits by image, so that most people who are tested
   have other fingers in training.
2. Its mistake. The test images of the network were drawn by another split from all images, so that four fifths of them
   are training images. A nearest neighbour, which only looks images up, does as well on them as the network. On unseen
   images both are as good as the other models.
3. The same models with all prints of a person on one side. Only this accuracy generalises to new people.

If a sex has fewer than 1,000 images, as many of each sex are taken as the rarer has.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count() or 1))

import cv2
import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, train_test_split
from sklearn.neighbors import KNeighborsClassifier

from ridgefeat.bench import read_pixels
from ridgefeat.bench.estimators import RbfClassifier
from ridgefeat.bench.metrics import group_numbers, group_weights, variance
from ridgefeat.nn.classifier import NumpyCNNClassifier
from ridgefeat.sources import find_prints
from ridgefeat.synth import make_subjects
from ridgefeat.threshold.intervals import fraction_interval

SEED = 42
OTHER_SEED = 7
"""Seed of the split from which the mistaken test set comes."""
SUBJECTS, FINGERS = 24, 3
"""Size of the demo."""
EACH = 1000
"""Images per sex in the study."""
PUBLISHED = {("by image", "SVM"): "0.63–0.64", ("mistaken", "CNN"): "0.912"}
PROTOCOLS = {
    "by image": "80/20 by image, as the study describes",
    "mistaken": "tested on a fifth from another split, so largely on training images",
    "by person": "80/20 by person",
}


@dataclass
class Data:
    """Images as rows of numbers from 0 to 1, their class (1 for men), and their subjects."""

    X: np.ndarray
    y: np.ndarray
    who: np.ndarray

    def take(self, rows: np.ndarray) -> "Data":
        return Data(self.X[rows], self.y[rows], self.who[rows])


@dataclass
class Line:
    """One line of the table."""

    protocol: str
    model: str
    tested: int
    seen: float
    accuracy: tuple[float, float, float]
    unseen: float
    auc: float

    def cells(self, published: dict[tuple[str, str], str]) -> list[str]:
        """The line as text, with the published figure."""
        value, low, high = self.accuracy
        return [
            *(self.protocol, self.model, f"{self.tested}", f"{self.seen:.0%}"),
            f"{value:.3f} ({low:.3f}–{high:.3f})",
            *("–" if np.isnan(v) else f"{v:.3f}" for v in (self.unseen, self.auc)),
            published.get((self.protocol, self.model), ""),
        ]


HEADS = ["split", "model", "test images", "of them seen", "accuracy (95 %)", "on unseen", "AUC", "the study"]


def main(arguments: list[str] | None = None) -> list[Line]:
    given = parse(arguments)
    data = demo() if given.demo else read(Path(given.images))
    data = balanced(data)
    people = {sex: len(set(data.who[data.y == code])) for code, sex in enumerate(("women", "men"))}
    print(f"   {len(data.y)} images, half of each sex: {people['women']} women, {people['men']} men\n")

    lines = []
    for protocol, meaning in PROTOCOLS.items():
        print(f"{protocol}: {meaning}", flush=True)
        for model in ("SVM", "1-NN", "CNN"):
            if protocol == "by image" and model == "CNN" and not given.all:
                continue
            line = evaluate(data, protocol, model, given)
            print(f"   {model}: accuracy {line.accuracy[0]:.3f}, {line.seen:.0%} of the test images seen", flush=True)
            lines.append(line)
    print("\n" + table(lines, {} if given.demo else PUBLISHED))
    summarise(lines, given.demo)
    return lines


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="?", help="folder of SOCOFing's real prints")
    parser.add_argument("--demo", action="store_true", help="simulated prints instead")
    parser.add_argument("--network", default="two-block", help="the CNN, as ridgefeat.nn names it")
    parser.add_argument("--epochs", type=int, help="epochs of the CNN (20, in the demo 12)")
    parser.add_argument("--all", action="store_true", help="the CNN by image as well")
    given = parser.parse_args(arguments)
    if bool(given.images) == given.demo:
        parser.error("give the folder of images, or --demo")
    given.epochs = given.epochs or (12 if given.demo else 20)
    return given


def read(folder: Path) -> Data:
    """Read the images as the study did: grey, resized to 128 x 128; the burnt-in frame is cut off."""
    prints = [p for p in find_prints(folder) if p.labels.get("sex") in ("female", "male")]
    if not prints:
        sys.exit(f"{folder} holds no prints with the sex in their names; give the folder of SOCOFing's real prints")
    print(f"Reading {len(prints)} images ...", flush=True)
    X = read_pixels(folder, [p.relative for p in prints], [p.layout for p in prints])
    y = np.array([p.labels["sex"] == "male" for p in prints], np.int64)
    return Data(X, y, np.array([str(p.labels["subject"]) for p in prints]))


def demo(side: int = 32) -> Data:
    """Simulated prints, small, with the published difference of ridge density; they belong to no person."""
    print("Making simulated prints ...", flush=True)
    made = make_subjects(SUBJECTS, seed=SEED, fingers=FINGERS, sex_effect=1.0, noise_level=0, shape=(128, 128))
    images, sexes, people = [], [], []
    for each in made:
        small = cv2.resize(each.print.image, (side, side), interpolation=cv2.INTER_AREA)
        images.append(small.ravel() / np.float32(255))
        sexes.append(each.sex == "male")
        people.append(str(each.subject))
    return Data(np.stack(images), np.array(sexes, np.int64), np.array(people))


def balanced(data: Data) -> Data:
    """Return 1,000 images of each sex, or as many as the rarer sex has."""
    count = min(EACH, *np.bincount(data.y, minlength=2))
    rng = np.random.default_rng(SEED)
    rows = [rng.choice(np.flatnonzero(data.y == sex), count, replace=False) for sex in (0, 1)]
    return data.take(np.sort(np.concatenate(rows)))


def splits(data: Data, protocol: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield training and test rows."""
    rows = np.arange(len(data.y))
    if protocol == "by person":
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=SEED)
        yield from folds.split(rows, data.y, data.who)
        return
    train, test = train_test_split(rows, test_size=0.2, random_state=SEED)
    if protocol == "mistaken":
        # What went wrong: one call of the splitting function for training, another one for the test.
        _, test = train_test_split(rows, test_size=0.2, random_state=OTHER_SEED)
    yield train, test


def evaluate(data: Data, protocol: str, model: str, given: argparse.Namespace) -> Line:
    """Fit on the training rows and score the test rows; by person the quick models in five folds, the CNN in one."""
    tested, right, seen, areas = [], [], [], []
    for train, test in splits(data, protocol):
        fitted = make(model, given).fit(data.X[train], data.y[train])
        tested.append(test)
        right.append(fitted.predict(data.X[test]) == data.y[test])
        seen.append(np.isin(test, train))
        areas.append(roc_auc_score(data.y[test], score(fitted, data.X[test])))
        if model == "CNN":
            break
    hits, known, rows = np.concatenate(right), np.concatenate(seen), np.concatenate(tested)
    return Line(
        *(protocol, model, len(rows), float(known.mean()), with_interval(hits, data.who[rows])),
        float(hits[~known].mean()) if known.any() else float("nan"),
        float(np.mean(areas)),
    )


def make(model: str, given: argparse.Namespace):
    """Return an unfitted model; the network is trained until it fits its images exactly, as in the study."""
    if model == "SVM":
        return RbfClassifier(C=1.0, spread=1.0)
    if model == "1-NN":
        return KNeighborsClassifier(1, algorithm="brute")
    return NumpyCNNClassifier(given.network, epochs=given.epochs, random_state=SEED, on_epoch=show)


def show(epoch: int, line: dict[str, float]) -> None:
    end = "" if sys.stdout.isatty() else "\n"
    print(f"\r   epoch {epoch}: {line['accuracy']:.1%} of the training images right  ", end=end, flush=True)


def score(fitted, X: np.ndarray) -> np.ndarray:
    if hasattr(fitted, "decision_function"):
        return fitted.decision_function(X)
    return fitted.predict_proba(X)[:, 1]


def with_interval(hits: np.ndarray, who: np.ndarray) -> tuple[float, float, float]:
    """Return the share of right answers and its 95 % interval: people, not images, are resampled."""
    people = group_numbers(who)
    weights = group_weights(people.max() + 1, SEED)
    share = weights @ np.bincount(people, hits) / (weights @ np.bincount(people))
    value, count = float(hits.mean()), weights.shape[1]
    return value, *fraction_interval(value, variance(share, count), count)


def table(lines: list[Line], published: dict[tuple[str, str], str]) -> str:
    rows = [HEADS, *(line.cells(published) for line in lines)]
    widths = [max(len(r[i]) for r in rows) for i in range(len(HEADS))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows)


def summarise(lines: list[Line], simulated: bool) -> None:
    """Print what the table shows."""
    found = {(line.protocol, line.model): line for line in lines}
    wrong, network = found["mistaken", "1-NN"], found["mistaken", "CNN"]
    honest = [line.accuracy[0] for line in lines if line.protocol == "by person"]
    print(
        f"\nThe nearest neighbour only looks images up. Its accuracy is {wrong.accuracy[0]:.0%} where {wrong.seen:.0%} "
        f"of the test\nimages are training images, and {wrong.unseen:.0%} on the others. The network, which fits its "
        f"training images exactly,\nreaches {network.accuracy[0]:.0%} and {network.unseen:.0%}. Split by person, the "
        f"models reach {min(honest):.0%} to {max(honest):.0%}."
    )
    if simulated:
        print("These prints are simulated: the figures show the mistake, and nothing about people.")


if __name__ == "__main__":
    main()
