"""Scores with a known equal error rate; comparisons that share a subject are correlated."""

import numpy as np
import pandas as pd
from scipy.stats import norm

from ridgefeat.threshold import ErrorCurve, Scores

APART = 3.0
EER = float(norm.cdf(-APART / 2))


def normal_scores(seed=0, subjects=60, each=8, shared=0.5):
    """Return scores of standard deviation 1 around 0 and 3; a share `shared` of the variance is due to the subject."""
    rng = np.random.default_rng(seed)
    p, q = np.triu_indices(subjects, 1)
    own, half = rng.normal(0, shared**0.5, subjects), rng.normal(0, (shared / 2) ** 0.5, subjects)
    mated = APART + np.repeat(own, each) + rng.normal(0, (1 - shared) ** 0.5, subjects * each)
    others = half[p] + half[q] + rng.normal(0, (1 - shared) ** 0.5, len(p))
    who = np.repeat(np.arange(subjects), each)
    return Scores.make(
        np.concatenate([mated, others]),
        np.concatenate([np.ones(len(mated), bool), np.zeros(len(others), bool)]),
        subject_probe=np.concatenate([who, p]),
        subject_reference=np.concatenate([who, q]),
    )


def plain_scores(subjects=30, sign=1.0):
    """Return a table of independent scores: six mated comparisons of each subject, and one of every two subjects."""
    rng = np.random.default_rng(0)
    p, q = np.triu_indices(subjects, 1)
    who = np.repeat(np.arange(subjects), 6)
    return pd.DataFrame(
        {
            "subject_probe": np.concatenate([p, who]),
            "subject_reference": np.concatenate([q, who]),
            "mated": np.repeat([0, 1], [len(p), len(who)]),
            "score": sign * np.concatenate([rng.normal(0, 1, len(p)), rng.normal(2.5, 1, len(who))]),
        }
    )


def curve_of(mated, others, **given):
    """Return the error curve of two lists of scores."""
    return ErrorCurve.from_scores(Scores.make([*mated, *others], [1] * len(mated) + [0] * len(others), **given))


def changed(scores, values, **given):
    """Return the same comparisons with other scores."""
    return Scores.make(values, scores.mated, subject_probe=scores.probe, subject_reference=scores.reference, **given)


def mirrored(scores):
    """Return the same comparisons as distances."""
    return changed(scores, 10 - scores.score, distance=True)
