"""Thresholds: agreement with peers, intervals that hold a known EER, `exact` unbeaten, a million scores.

    python benchmarks/threshold.py

All scores are simulated. Prints the tables and writes benchmarks/results/threshold.md. Needs the extra `peers`.
"""

from __future__ import annotations

import time

import numpy as np
from _common import report, table
from pyeer.eer_stats import calculate_roc, get_decidability_value, get_eer_values, get_fmr_op
from scipy.stats import binomtest, norm
from sklearn.metrics import roc_auc_score, roc_curve

from ridgefeat.threshold import METHODS, ErrorCurve, Scores, Settings, Subjects, analyse, choose
from ridgefeat.threshold.uncertainty import equal_error_interval

APART, SEEDS, SUBJECTS, EACH = 3.0, 100, 100, 8
EER = float(norm.cdf(-APART / 2))


def subjects_scores(seed: int, shared: float) -> Scores:
    """Return normal scores of standard deviation 1; a share of the variance is due to subjects."""
    rng = np.random.default_rng(seed)
    p, q = np.triu_indices(SUBJECTS, 1)
    own, half = rng.normal(0, shared**0.5, SUBJECTS), rng.normal(0, (shared / 2) ** 0.5, SUBJECTS)
    noise = (1 - shared) ** 0.5
    who = np.repeat(np.arange(SUBJECTS), EACH)
    mated = APART + own[who] + rng.normal(0, noise, len(who))
    others = half[p] + half[q] + rng.normal(0, noise, len(p))
    return Scores.make(
        np.concatenate([mated, others]),
        np.repeat([True, False], [len(mated), len(others)]),
        subject_probe=np.concatenate([who, p]),
        subject_reference=np.concatenate([who, q]),
    )


def coverage() -> str:
    """In how many of 100 seeds does the interval hold the EER that the scores were drawn with?"""
    rows = []
    for shared in (0.2, 0.5):
        held = {"subjects": 0, "comparisons": 0}
        for seed in range(SEEDS):
            scores = subjects_scores(seed, shared)
            curve = ErrorCurve.from_scores(scores)
            for drawn, own in (("subjects", scores), ("comparisons", Scores.make(scores.score, scores.mated))):
                low, high = equal_error_interval(Subjects(own), curve)
                held[drawn] += low <= EER <= high
        for drawn, count in held.items():
            spread = binomtest(count, SEEDS).proportion_ci()
            rows.append([f"{100 * shared:.0f} %", drawn, count, f"{100 * spread.low:.0f}–{100 * spread.high:.0f}"])
    return table(["variance of subjects", "variance over", "of 100 intervals hold the EER", "95 % of that count"], rows)


def agreement() -> str:
    """Largest difference of each figure over ten simulated sets, half of them with ties."""
    worst = dict.fromkeys(
        (
            "FMR and FNMR, pyeer",
            "EER, pyeer",
            "ZeroFMR, pyeer",
            "d', pyeer",
            "FMR and FNMR, scikit-learn",
            "AUC, scikit-learn",
        ),
        0.0,
    )
    for seed in range(10):
        rng = np.random.default_rng(seed)
        mated, others = rng.normal(2, 1, 2000), rng.normal(0, 1, 6000)
        if seed % 2:
            mated, others = np.rint(6 * mated), np.rint(6 * others)
        score, truth = np.concatenate([mated, others]), np.repeat([1, 0], [2000, 6000])
        curve = ErrorCurve.from_scores(Scores.make(score, truth))
        thresholds, fmr, fnmr = calculate_roc(mated, others)
        k = curve.index(thresholds)
        fpr, tpr, at = roc_curve(truth, score, drop_intermediate=False)
        j = curve.index(at[1:])
        found = (
            max(np.abs(curve.fmr[k] - fmr).max(), np.abs(curve.fnmr[k] - fnmr).max()),
            abs(curve.equal_error.value - get_eer_values(fmr, fnmr)[-1]),
            abs(curve.fnmr[curve.index_for_fmr(0)] - get_fmr_op(fmr, fnmr, 0)[1]),
            abs(curve.d_prime - get_decidability_value(mated.mean(), mated.std(), others.mean(), others.std())),
            max(np.abs(curve.fmr[j] - fpr[1:]).max(), np.abs(1 - curve.fnmr[j] - tpr[1:]).max()),
            abs(curve.auc - roc_auc_score(truth, score)),
        )
        worst = {name: max(old, float(new)) for (name, old), new in zip(worst.items(), found, strict=True)}
    return table(
        ["figure, compared with", "largest difference"], [[name, f"{value:.1e}"] for name, value in worst.items()]
    )


def methods() -> str:
    """By how much does each method's HTER exceed the exact scan's on the scores chosen from, over 20 sets?"""
    losses: dict[str, list[float]] = {}
    for seed in range(20):
        curve = ErrorCurve.from_scores(subjects_scores(seed, 0.5))
        loss = Settings().loss(curve)
        best = loss[curve.index(choose(curve, "exact").threshold)]
        for name in [*METHODS, "fmr=1%"]:
            losses.setdefault(name, []).append(100 * float(loss[curve.index(choose(curve, name).threshold)] - best))
    rows = [[n, f"{min(v):.3f}", f"{np.mean(v):.3f}", f"{max(v):.3f}"] for n, v in losses.items()]
    return table(["method", "minimum excess of HTER, points", "mean", "maximum"], rows)


def speed() -> str:
    """A million scores of 1,000 subjects to a report's figures: CPU and wall clock, one thread, best of five."""
    rng = np.random.default_rng(1)
    p, q = rng.integers(0, 1000, (2, 1_000_000))
    mated = np.arange(len(p)) < 20_000
    q = np.where(mated, p, np.where(p == q, (p + 1) % 1000, q))
    score = rng.normal(0, 1, len(p)) + 2.5 * mated
    analyse(subjects_scores(0, 0.5))
    seconds = []
    for _ in range(5):
        start = time.process_time(), time.perf_counter()
        analyse(Scores.make(score, mated, subject_probe=p, subject_reference=q))
        seconds.append((time.process_time() - start[0], time.perf_counter() - start[1]))
    return f"{min(s[0] for s in seconds):.2f} s CPU, {min(s[1] for s in seconds):.2f} s wall clock"


def main() -> None:
    report(
        "threshold",
        "Decision thresholds",
        [
            f"Simulated scores: normal, of deviation 1, {APART:g} apart, so that the EER is "
            f"{100 * EER:.2f} %; "
            f"{SUBJECTS} subjects, {EACH} mated comparisons each, every two subjects compared once. "
            "Part of the variance belongs to subjects.",
            "## Intervals\n\n" + coverage(),
            "Who takes comparisons for independent where they share people is too sure. Subjects are what "
            "`ridgefeat threshold` goes by.",
            "## Agreement\n\nTen sets of 2,000 mated and 6,000 non-mated scores, half of them with ties.\n\n"
            + agreement(),
            "FMR100 and FMR1000 are defined differently: pyeer takes the FMR nearest to the target, which may exceed "
            "it; here it never does.",
            "## The exact scan on the scores that it is chosen from\n\n20 sets. Nothing is below 0.\n\n" + methods(),
            f"## Speed\n\nA million scores of 1,000 subjects to all figures (8 methods, 5 folds): "
            f"{speed()}, one thread, best of five.",
        ],
    )


if __name__ == "__main__":
    main()
