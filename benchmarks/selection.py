"""Columns selected, sensors harmonised: what either changes, on real prints.

    python benchmarks/selection.py [--folds 5] SOCOFING.csv FVC2002.parquet FCJ2020.parquet

Tables of `ridgefeat extract` of the three sets. Sex on SOCOFing by person: the area under the ROC curve with columns
selected inside the training folds, paired with that of all columns; and with columns selected once on all prints, which
leaks. Which of five sensors a print is from (FVC2002's four databases and FCJ2020), predicted from all columns
in folds by person, before and after the sensors are harmonised on training people; and whether a finger
still finds its other impressions. One process. Writes benchmarks/results/selection.md.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from _common import report, table, with_interval  # isort: skip

import numpy as np
import pandas as pd
from sklearn.feature_selection import f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler

from ridgefeat.bench import ColumnSelector, Harmonizer, Options, load, make_problem, metrics
from ridgefeat.bench.classifiers import build, find
from ridgefeat.bench.diagnostics import Refitter, shuffle_target
from ridgefeat.bench.inputs import make_inputs
from ridgefeat.bench.splits import make_folds
from ridgefeat.table import read_table

METHODS = ("logistic", "lda")
SELECTIONS = {
    "ICC at least 0.6": {"min_icc": 0.6},
    "ICC at least 0.8": {"min_icc": 0.8},
    "correlation at most 0.9": {"redundancy": 0.9},
    "false discovery rate 0.05": {"fdr": 0.05},
    "all three (0.6, 0.9, 0.05)": {"min_icc": 0.6, "redundancy": 0.9, "fdr": 0.05},
}
SHUFFLES = 5
SENSOR_METHODS = ("logistic", "lda", "rbf-svm", "extra-trees")


def selected(path: str, n_folds: int) -> str:
    """Return the table of what selection changes on SOCOFing."""
    problem = make_problem(*load(path), target="sex", group="subject")
    plain = Options(within=("finger",), folds=n_folds, jobs=1).complete(problem)
    folds = make_folds(problem, folds=n_folds, seed=plain.seed)
    weights = metrics.group_weights(len(set(problem.groups)), plain.seed)
    X = np.asarray(make_inputs(problem, plain)["features"])
    rows: list[list[object]] = []
    sizes: dict[str, int] = {}
    for method in METHODS:
        refitter = Refitter(problem, find(method), plain, folds, X, weights)
        whole = refitter.pool(problem, X, folds)
        value = with_interval(*metrics.with_intervals(whole, weights, ["roc_auc"]).values())
        rows.append([method, "all columns", X.shape[1] - 1, value, "–"])
        for name, criteria in SELECTIONS.items():
            own = replace(refitter, options=replace(plain, select=ColumnSelector(**criteria)).complete(problem))
            p = own.pool(problem, X, folds)
            value = with_interval(*metrics.with_intervals(p, weights, ["roc_auc"]).values())
            away = metrics.difference(p, whole, weights, "roc_auc")
            sizes.setdefault(name, 0) or sizes.update({name: _count(own)})
            rows.append([method, name, sizes[name], value, "{:+.3f} ({:+.3f} to {:+.3f})".format(*away)])
            print(rows[-1], flush=True)
    return table(["classifier", "columns", "count", "AUC per print", "difference"], rows)


def _count(refitter: Refitter) -> int:
    """Return how many columns the first fold chooses."""
    fold, values = refitter.folds[0], np.nan_to_num(refitter.problem.features.to_numpy())
    y, groups = refitter.problem.y[fold.train], refitter.problem.groups[fold.train]
    return int(refitter.options.select.fit(values[fold.train], y, groups).get_support().sum())


def leaking(path: str, n_folds: int) -> str:
    """Return what is found in shuffled labels when the columns are chosen inside the folds, and once on all prints."""
    problem = make_problem(*load(path), target="sex", group="subject")
    plain = Options(folds=n_folds, jobs=1).complete(problem)
    folds = make_folds(problem, folds=n_folds, seed=plain.seed)
    X = np.asarray(make_inputs(problem, plain)["features"])
    values = StandardScaler().fit_transform(np.where(np.isfinite(X), X, np.nanmean(X, axis=0)))
    found: dict[str, list[float]] = {"inside each training fold": [], "on all prints beforehand": []}
    for seed in range(SHUFFLES):
        y = shuffle_target(problem, seed)[0].y
        before = _best(values, y, problem.groups)
        for name in found:
            score = np.empty(len(y))
            for f in folds:
                keep = before if "all" in name else _best(values[f.train], y[f.train], problem.groups[f.train])
                model = LogisticRegression(C=1e-2).fit(values[f.train][:, keep], y[f.train])
                score[f.test] = model.decision_function(values[f.test][:, keep])
            found[name].append(roc_auc_score(y, score))
    rows = [[k, f"{np.mean(v):.3f} ({min(v):.3f}–{max(v):.3f})"] for k, v in found.items()]
    return table(["columns chosen", f"AUC, mean and range of {SHUFFLES} shuffles"], rows)


def _best(values, y, groups, count: int = 50):
    """Return the columns whose means by person differ most by target."""
    means = pd.DataFrame(values).groupby(groups).mean().to_numpy()
    label = pd.Series(y).groupby(groups).first().to_numpy()
    return np.argsort(-np.nan_to_num(f_classif(means, label)[0]))[:count]


def sensors(fvc: str, fcj: str) -> list[str]:
    """Return the tables of how well the sensor is recognised, and the finger found, before and after harmonising."""
    frames = [read_table(path).copy() for path in (fvc, fcj)]
    frames[0]["sensor"] = frames[0]["meta_source"].str.split("/").str[0].str.replace("_B", "").radd("FVC2002 ")
    frames[1]["sensor"] = "FCJ2020"
    frames[1]["subject"] = "FCJ2020-" + frames[1]["subject"].astype(str)
    names = [c for c in frames[0] if c in set(frames[1]) and frames[0][c].dtype == np.float32]
    frame = pd.concat([f.assign(finger_id=f.get("finger_id", 0)) for f in frames], ignore_index=True)
    values = frame[names].to_numpy(np.float64)
    values = values[:, np.isfinite(values).any(axis=0)]
    sensor, site = np.unique(frame["sensor"].to_numpy(str), return_inverse=True)
    people = frame["subject"].to_numpy(str)
    finger = (frame["subject"].astype(str) + "-" + frame["finger_id"].astype(str)).to_numpy(str)
    plain = Options(jobs=1, folds=5)
    tried = {"as measured": _leave, "mean and deviation per sensor": _standardise, "harmonised": _harmonise}
    tried["harmonised, each sensor new"] = _harmonise_new
    recognised: list[list[object]] = []
    same: list[list[object]] = []
    for name, how in tried.items():
        made = np.empty_like(values)
        scores = {m: np.zeros(len(site)) for m in SENSOR_METHODS}
        for train, test in GroupKFold(5).split(values, site, people):
            fitted, applied = how(values, site, people, train, test)
            made[test] = applied
            for method in SENSOR_METHODS:
                model = _pipeline(method, len(sensor), plain).fit(fitted, site[train])
                scores[method][test] = model.predict(applied) == site[test]
        for method, right in scores.items():
            balanced = np.mean([right[site == k].mean() for k in range(len(sensor))])
            recognised.append([name, method, f"{balanced:.3f}"])
            print(recognised[-1], flush=True)
        same.append([name, *_rank_one(made, site, finger)])
    return [
        f"{len(frame)} prints of {', '.join(sensor)}; {values.shape[1]} columns; five folds by person. Balanced "
        f"accuracy of recognising the sensor; chance is {1 / len(sensor):.2f}. `each sensor new`: its rows were not in "
        "training, and give its location and scale themselves.",
        table(["columns", "classifier", "balanced accuracy"], recognised),
        "Share of prints whose nearest other print (Euclidean, standardised columns) is of the same finger: among the "
        "prints of the same sensor, and among all.",
        table(["columns", "within the sensor", "among all"], same),
    ]


def _pipeline(method: str, n_classes: int, plain: Options):
    return build(find(method), replace(plain, kind="multiclass", n_classes=n_classes))


def _leave(values, site, people, train, test):
    return values[train], values[test]


def _standardise(values, site, people, train, test):
    means = pd.DataFrame(values[train]).groupby(site[train])
    mean, deviation = means.mean().to_numpy(), means.std().replace(0, 1).to_numpy()
    return tuple((values[r] - mean[site[r]]) / deviation[site[r]] for r in (train, test))


def _harmonise(values, site, people, train, test):
    X = np.c_[values, site]
    fitted = Harmonizer().fit(X[train])
    return fitted.transform(X[train]), fitted.transform(X[test])


def _harmonise_new(values, site, people, train, test):
    """Learn without one sensor after the other, whose test rows then stand for a new one."""
    X = np.c_[values, site]
    applied = np.empty_like(values[test])
    for k in np.unique(site[test]):
        others = train[site[train] != k]
        rows = site[test] == k
        applied[rows] = Harmonizer().fit(X[others]).transform(X[test[rows]])
    return Harmonizer().fit(X[train]).transform(X[train]), applied


def _rank_one(values, site, finger) -> list[str]:
    z = np.nan_to_num((values - np.nanmean(values, axis=0)) / np.maximum(np.nanstd(values, axis=0), 1e-9))
    distance = euclidean_distances(z)
    np.fill_diagonal(distance, np.inf)
    inside = np.where(site[:, None] == site[None], distance, np.inf)
    return [f"{(finger[d.argmin(axis=1)] == finger).mean():.3f}" for d in (inside, distance)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("tables", nargs=3)
    asked = parser.parse_args()
    socofing, fvc, fcj = asked.tables
    parts = [
        "## Columns selected, sex on SOCOFing",
        f"{asked.folds} folds by person, standardised within finger; reliability from FCJ2020. Difference to all "
        "columns: paired, with 95 % interval over people. Count: columns chosen in the first fold. Nothing was tuned "
        "on these people.",
        selected(socofing, asked.folds),
        "## Sensors harmonised",
        *sensors(fvc, fcj),
        "## Why columns are chosen inside the folds",
        "Sex shuffled between people; logistic regression on the 50 columns that differ most by person. Chosen on all "
        "prints before the folds are made, they find in the test prints what they were chosen for.",
        leaking(socofing, asked.folds),
    ]
    report("selection", "Columns selected, sensors harmonised", parts)


if __name__ == "__main__":
    main()
