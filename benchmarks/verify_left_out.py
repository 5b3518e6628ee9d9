"""The weights of the comparator's score, and its error on each database if that database took no part in fitting them.

    python benchmarks/verify_left_out.py

Fits the logistic regression whose weights are constants of ridgefeat.verify.minutiae, on all databases below
RIDGEFEAT_DATA or .data/ and on simulated prints, and then once per database without it. Prints the tables and writes
benchmarks/results/verify_left_out.md.
"""

from __future__ import annotations

import cv2
import numpy as np
from _common import WRONG_LABELS, need, report, table
from sklearn.linear_model import LogisticRegression

from ridgefeat.fingerprint import Fingerprint
from ridgefeat.synth import make_impression, make_master
from ridgefeat.threshold import ErrorCurve, Scores
from ridgefeat.verify import compare, enrol, find_sources, prepare, template_from_minutiae, template_from_print
from ridgefeat.verify.minutiae import MIN_LOCAL_SIMILARITY

FVC = ("FVC2002/DB1_B", "FVC2002/DB2_B", "FVC2002/DB3_B", "FVC2002/DB4_B", "FVC2004/DB1_B")
RELATED = {"FVC2002/DB1_B": "FVC2002/DB2_B", "FVC2002/DB2_B": "FVC2002/DB1_B"}
"""Databases of the same people: neither is used to fit what the other is judged by."""
FINGERS, IMPRESSIONS, OTHERS = 40, 4, 3000


def simulated():
    """Return (finger, template) of simulated prints, each with a distortion and a noise level of its own."""
    for finger in range(FINGERS):
        master = make_master(rng=np.random.default_rng([77, finger]))
        for k in range(IMPRESSIONS):
            rng = np.random.default_rng([77, finger, k])
            image = make_impression(master, rng=rng, noise_level=int(rng.integers(1, 4))).image
            yield str(finger), template_from_print(Fingerprint(image, 500))


def read(name):
    """Return (finger, template) of a database's prints."""
    for entry in enrol(find_sources([need(name.split("/")[0]).parent / name])):
        stem = entry.name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        if name != "FCJ2020" or stem not in WRONG_LABELS:
            yield stem.rsplit("_", 1)[0], entry.content.template


def measure(prints, rng):
    """Return what is mated, and the score's measures with and without ridges, of all mated and some other pairs."""
    fingers, templates = zip(*prints, strict=True)
    i, j = np.triu_indices(len(fingers), 1)
    mated = np.array(fingers)[i] == np.array(fingers)[j]
    others = rng.permutation(np.flatnonzero(~mated))[:OTHERS]
    chosen = np.concatenate([np.flatnonzero(mated), others])
    both = []
    for kind in (templates, [template_from_minutiae(t.minutiae) for t in templates]):
        ready = [prepare(t) for t in kind]
        found = [compare(ready[a], ready[b]) for a, b in zip(i[chosen], j[chosen], strict=True)]
        rows = [
            (np.log(max(c.local_similarity, MIN_LOCAL_SIMILARITY)), c.paired_fraction, c.ridge_coherence) for c in found
        ]
        both.append(np.array(rows, np.float64))
    return mated[chosen], both[0], both[1][:, :2]


def fit(sets, names, which):
    """Return intercept and weights; every set counts the same, and mated and other pairs do."""
    x = np.concatenate([sets[n][which] for n in names])
    y = np.concatenate([sets[n][0] for n in names])
    weight = np.concatenate([np.where(m, 0.5 / m.sum(), 0.5 / (~m).sum()) for m in (sets[n][0] for n in names)])
    middle, spread = x.mean(0), x.std(0)
    model = LogisticRegression(C=100, max_iter=10_000).fit((x - middle) / spread, y, sample_weight=2000 * weight)
    slopes = model.coef_[0] / spread
    return np.concatenate([model.intercept_ - slopes @ middle, slopes])


def rates(score, mated):
    """Return the equal error rate and FNMR where FMR is at most 0.1 %, in per cent."""
    curve = ErrorCurve.from_scores(Scores.make(score, mated))
    return 100 * curve.equal_error.value, 100 * curve.fnmr[curve.index_for_fmr(0.001)]


def main():
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    sets = {name: measure(list(read(name)), rng) for name in (*FVC, "FCJ2020")}
    sets["simulated"] = measure(list(simulated()), rng)
    weights, errors, means = [], [], {}
    for which, what in ((1, "with ridges"), (2, "minutiae alone")):
        every = fit(sets, list(sets), which)
        weights.append([what, "none", *(f"{v:.2f}" for v in every), *[""] * (which - 1)])
        for name, data in sets.items():
            mated = data[0]
            own = fit(sets, [n for n in sets if n not in (name, RELATED.get(name))], which)
            weights.append([what, name, *(f"{v:.2f}" for v in own), *[""] * (which - 1)])
            out, fitted = (rates(w[0] + data[which] @ w[1:], mated) for w in (own, every))
            counts = (int(mated.sum()), int((~mated).sum()))
            errors.append([what, name, *counts, *(f"{v:.2f}" for v in (*out, *fitted))])
            means.setdefault(what, []).append((out[0], fitted[0]))
    for what, values in means.items():
        out, fitted = np.mean(values[: len(FVC)], 0)
        errors.append([what, "mean of FVC", "", "", f"{out:.2f}", "", f"{fitted:.2f}", ""])
    head = ["comparator", "database", "mated", "non-mated", "EER % left out", "FMR1000 % left out", "EER % fitted"]
    report(
        "verify_left_out",
        "The comparator's error with each database left out",
        [
            INTRODUCTION,
            table([*head, "FMR1000 % fitted"], errors),
            "## Weights",
            table(["comparator", "left out", "intercept", "log similarity", "paired", "coherence"], weights),
        ],
    )


INTRODUCTION = f"""Left out: the weights of the score were fitted on the other databases (without the one of the same
people, for FVC2002's first two) and on {FINGERS * IMPRESSIONS} simulated prints. Fitted: on all of them, like the
constants in the package. FMR1000 is FNMR where FMR is at most 0.1 %. All mated pairs, and at most {OTHERS} randomly
drawn non-mated pairs; FCJ2020 without the eight prints that show another finger than their name says. Five to
fifteen people per database are few: an observed rate of 0.00 is not a true rate of zero."""

if __name__ == "__main__":
    main()
