"""Features in a scikit-learn pipeline, and why the split decides what a score means.

    python examples/features_in_a_pipeline.py

A transformer turns images into features, so that everything scikit-learn offers can follow: imputation, scaling, a
classifier, cross-validation. The question here has no answer: each simulated person gets a random label. Split by
print, the label seems to be predictable; split by person, it is a guess. Nothing else differs.
"""

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import ridgefeat as rf
from ridgefeat.synth import write_set

PEOPLE, IMPRESSIONS = 12, 4


def main(folder: Path) -> dict[str, float]:
    """Return the accuracy by print and by person."""
    # One finger of each person, recorded several times.
    index = pd.read_csv(
        write_set(folder, PEOPLE * IMPRESSIONS, seed=3, fingers=1, impressions=IMPRESSIONS, shape=(300, 260))
    )
    paths = np.array([str(folder / name) for name in index["file"]])
    people, subject = np.unique(index["subject"], return_inverse=True)
    coin = np.random.default_rng(0).permutation(np.arange(len(people)) % 2)[subject]

    # Extraction learns nothing, so it could be outside the folds as well; `memory` keeps it from being repeated.
    model = make_pipeline(
        rf.FeatureExtractor(["ridge", "orient", "minutiae"], memory=str(folder / "cache")),
        SimpleImputer(keep_empty_features=True),
        StandardScaler(),
        KNeighborsClassifier(1),
    )
    by_print = cross_val_score(model, paths, coin, cv=StratifiedKFold(3, shuffle=True, random_state=0))
    by_person = cross_val_score(
        model, paths, coin, groups=subject, cv=StratifiedGroupKFold(3, shuffle=True, random_state=0)
    )
    print(f"{PEOPLE} people, {IMPRESSIONS} prints each; the label is random\n")
    print(f"split by print   accuracy {by_print.mean():.2f}   other prints of the same finger are in training")
    print(f"split by person  accuracy {by_person.mean():.2f}   no person is on both sides")
    print("\nThe first accuracy shows how well a finger is recognised. Only the second is about the label.")
    return {"by_print": float(by_print.mean()), "by_person": float(by_person.mean())}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        main(Path(made))
    sys.exit()
