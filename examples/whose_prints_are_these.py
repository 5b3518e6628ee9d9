"""A set of prints with labels that cannot be true, as a public "blood group" set is, and how the audit finds out.

    python examples/whose_prints_are_these.py

A simulated "public set" of people with several fingers each stands for SOCOFing. Somebody copies it as JPEG under new
names, deals it into eight folders that are called blood groups, and adds shifted copies before splitting at random. A
nearest neighbour then reaches a fine accuracy. The audit recognises the prints by their signatures, so it knows which
are of one person, and says that the label cannot be a trait of people; split by these people, nothing is left.

With the real set no image is needed: the index of public sets ships with the package, and
`ridgefeat audit FOLDER --layout class-folders -o audit/` recognises all 5,999 files as SOCOFing's.
"""

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
from sklearn.model_selection import GroupKFold, KFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from ridgefeat import audit
from ridgefeat.sources import find_prints
from ridgefeat.synth import write_set

PEOPLE, FINGERS = 16, 3
GROUPS = ["A+", "A-", "B+", "B-", "AB+", "AB-", "O+", "O-"]
SHAPE = (200, 180)


def republish(public: Path, copy: Path) -> None:
    """Copy a set under new names into folders that are called blood groups."""
    rng = np.random.default_rng(4)
    for number, path in enumerate(rng.permutation(sorted(public.glob("*.png")))):
        folder = copy / str(rng.choice(GROUPS))
        folder.mkdir(parents=True, exist_ok=True)
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        cv2.imwrite(str(folder / f"cluster_{number}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 85])


def accuracy(read: audit.AuditInput, people: list[str], *, shifted: bool) -> float:
    """Return the accuracy of a nearest neighbour on small images: with shifted copies and by image, or by person."""
    labels, groups, images = [], [], []
    for source, label, person in zip(read.images or (), read.frame["class"], people, strict=True):
        image = cv2.imread(str(source.path), cv2.IMREAD_GRAYSCALE)
        for shift in (0, 1) if shifted else (0,):
            images.append(cv2.resize(np.roll(image, shift, axis=1), (32, 32), interpolation=cv2.INTER_AREA).ravel())
            labels.append(label)
            groups.append(person)
    folds = KFold(5, shuffle=True, random_state=0) if shifted else GroupKFold(5)
    guesses = cross_val_predict(
        KNeighborsClassifier(1), np.float32(images), labels, groups=None if shifted else groups, cv=folds
    )
    return float(np.mean(guesses == np.array(labels)))


def main(folder: Path) -> dict[str, float]:
    """Return the accuracy as the copy's authors would report it, and by the people that the audit recognises."""
    public, copy = folder / "public", folder / "blood_groups"
    index = write_set(public, PEOPLE * FINGERS, seed=7, fingers=FINGERS, shape=SHAPE)
    known = audit.make_index(find_prints([public], index=index), "the public set")
    republish(public, copy)

    read = audit.read_input([str(copy)], layout="class-folders")
    found = audit.audit_input(read, index=known)
    print(found.verdict, "\n")
    for finding in found.of_kind("recognised", "impossible_label"):
        print(f"{finding.severity}: {finding.message}\n  {finding.cost}\n  what to do: {finding.advice}\n")
    people = audit.recognise_prints(known, read.looks, read.images).people
    figures = {"as_published": accuracy(read, people, shifted=True), "by_person": accuracy(read, people, shifted=False)}
    print("accuracy of a nearest neighbour for eight “blood groups” (dealt at random)")
    print(f"  with shifted copies made before a random split  {figures['as_published']:.2f}")
    print(f"  by person, without copies                       {figures['by_person']:.2f}")
    return figures


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
