"""How well can one infer from a model file who was in training? Membership inference on SOCOFing, by person.

    python benchmarks/membership.py [TABLE] [--draws 3]

Half of the people are members: the model is fitted on their left hands. The attacker has the model file, the true
label and prints of people of whom half are members, and ranks them by the probability of the true label (a print
without an answer comes last), or by their distance from the training prints, as computed from the file. `Same prints`
are the training images; `other prints` are right hands. TABLE is the real prints' table with all
families; without it, they are extracted. Nothing was tuned on these data. Writes benchmarks/results/membership.md.
"""

from _common import need, report, table, with_interval  # isort: skip

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from ridgefeat import bench
from ridgefeat.table import load_sidecar, read_table

CLASSIFIERS = ("pca-lda", "logistic", "rbf-svm", "random-forest", "gradient-boosting", "knn")
TRAINED, OTHER = "left", "right"
RESAMPLES = 1000
HEAD = [
    "classifier",
    "attack",
    "same prints",
    "same prints, mean of five",
    "other prints",
    "other prints, mean of five",
]


def attacks(model: bench.Model, prints: pd.DataFrame, about: dict) -> dict[str, np.ndarray]:
    """Return scores by which an attacker ranks prints, higher for likely members."""
    answers = bench.predict(model, prints, about)
    p = answers[[f"p_{c}" for c in model.about["classes"]]].to_numpy()
    code = [model.about["classes"].index(v) for v in prints["sex"]]
    distances = model.novelty._measure(model.novelty.distances_, prints[model.about["columns"]].to_numpy(np.float64))
    return {
        "probability of the true label": np.nan_to_num(p[np.arange(len(p)), code]),
        "distance from training": -distances.mean(axis=1),
    }


def auc(scores: pd.DataFrame, rng: np.random.Generator) -> str:
    """Return the attack's AUC with an interval by bootstrap over people, inside each draw."""
    whole = roc_auc_score(scores["member"], scores["score"])
    person = scores.groupby(["draw", "subject"]).ngroup().to_numpy()
    member = scores.groupby(person)["member"].first().to_numpy()
    drawn = []
    for _ in range(RESAMPLES):
        picked = [rng.choice(side, len(side)) for side in (np.flatnonzero(member), np.flatnonzero(~member))]
        weight = np.bincount(np.concatenate(picked), minlength=len(member))[person]
        drawn.append(roc_auc_score(scores["member"], scores["score"], sample_weight=weight))
    return with_interval(whole, *np.quantile(drawn, [0.025, 0.975]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", nargs="?")
    parser.add_argument("--draws", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if (path := given.table) is None:
            path = str(Path(scratch) / "real.csv")
            prints = str(need("SOCOFing") / "Real")
            command = [
                sys.executable,
                "-m",
                "ridgefeat.cli",
                "extract",
                prints,
                "--layout",
                "socofing",
                "-o",
                path,
                "-q",
            ]
            subprocess.run(command, check=True)
        frame, about = read_table(path), load_sidecar(path)
    people = frame.groupby("subject")["sex"].first()
    found: list[pd.DataFrame] = []
    for draw in range(given.draws):
        members, _ = train_test_split(people.index, test_size=0.5, stratify=people, random_state=draw)
        is_member = frame["subject"].isin(members)
        training = frame[is_member & (frame["hand"] == TRAINED)].reset_index(drop=True)
        problem = bench.make_problem(training, about, target="sex", group="subject")
        for name in CLASSIFIERS:
            model = bench.train(problem, name, bench.Options(seed=draw, jobs=1))
            for attack, score in attacks(model, frame, about).items():
                kept = frame[["subject", "hand"]].assign(member=is_member, score=score, draw=draw)
                found.append(kept.assign(classifier=name, attack=attack))
            print(draw, name, file=sys.stderr, flush=True)
    rng, rows = np.random.default_rng(0), []
    for (name, attack), held in pd.concat(found).groupby(["classifier", "attack"], sort=False):
        cells = [name, attack]
        for hand in (TRAINED, OTHER):
            prints = held[held["hand"] == hand]
            means = prints.groupby(["draw", "subject", "member"], as_index=False)["score"].mean()
            cells += [auc(prints, rng), auc(means, rng)]
        rows.append(cells)
    report(
        "membership",
        "What a model file reveals about who was in training",
        [
            f"{len(frame):,} real prints of {len(people)} people of SOCOFing, all families, target sex; "
            f"{given.draws} draws of {len(people) // 2} members. Each model is fitted on the {TRAINED} hands of the "
            "members. AUC of the attack, members against others: 0.5 is chance, 1 finds every member. Intervals (95 %) "
            "by bootstrap over people. `mean of five`: the attacker has five prints of each person.",
            table(HEAD, rows),
        ],
    )


if __name__ == "__main__":
    main()
