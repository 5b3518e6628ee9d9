"""The cost of a comparison relative to the same fits in plain scikit-learn, and how well the label is predicted.

python benchmarks/bench_speed.py TABLE.csv [WITHIN ...]: a feature table with columns sex and subject. Processor time of
one process, so that a busy machine changes little; then the clock with two workers.
"""

from _common import report, table, with_interval  # isort: skip

import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
from sklearn.metrics import roc_auc_score

from ridgefeat.bench import Options, compare, load, make_problem, splits
from ridgefeat.bench.classifiers import ENSEMBLES, build, default_names, find
from ridgefeat.bench.inputs import make_inputs


def answer(fitted, X):
    """Decision values, else probabilities; of naive Bayes their logarithms, for most of them round to 0 and 1."""
    if hasattr(fitted, "decision_function"):
        return fitted.decision_function(X)
    if type(fitted[-1]).__name__ == "GaussianNB":
        log = fitted.predict_log_proba(X)
        return log[:, 1] - log[:, 0]
    return fitted.predict_proba(X)


def command(path, within):
    """Return the seconds that the whole command takes, and what it prints."""
    asked = [a for w in within for a in ("--within", w)]
    with tempfile.TemporaryDirectory() as folder:
        at = time.perf_counter()
        words = ["bench", path, "--target", "sex", "--fuse", "subject", "-q", "-j", "2", "-o", folder, *asked]
        subprocess.run([sys.executable, "-m", "ridgefeat.cli", *words], check=True, capture_output=True)
    return time.perf_counter() - at


def plain(problem, options, folds, names):
    """Fit and score the same pipelines with scikit-learn alone."""
    X = make_inputs(problem, options, [])["features"]
    out = {}
    for name in names:
        area = []
        for f in folds:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                fitted = build(find(name), options).fit(X[f.train], problem.y[f.train])
                scores = answer(fitted, X[f.test])
                fitted.predict(X[f.test])
            scores = scores[:, 1] if scores.ndim == 2 else scores
            area.append(roc_auc_score(problem.y[f.test], scores))
        out[name] = np.mean(area)
    return out


def main(path: str, *within: str) -> None:
    frame, about = load(path)
    problem = make_problem(frame, about, target="sex", group="subject")
    names = [n for n in default_names("binary") if n not in ENSEMBLES]
    options = Options(within=within, fuse="subject", diagnose=False, jobs=1)
    folds = splits.make_folds(problem)
    at = time.process_time()
    by_hand = plain(problem, options, folds, names)
    alone = time.process_time() - at
    at = time.process_time()
    comparison = compare(problem, options)
    ours = time.process_time() - at
    at = time.perf_counter()
    compare(problem, Options(within=within, fuse="subject", diagnose=False, jobs=2))
    clock = time.perf_counter() - at
    summary, fused = comparison.summary, comparison.fused_summary.set_index("classifier")
    rows: list[list[object]] = []
    for r in summary.to_dict("records"):
        figures = [
            with_interval(x["roc_auc"], x["roc_auc_low"], x["roc_auc_high"]) for x in (r, fused.loc[r["classifier"]])
        ]
        plainly = f"{by_hand[r['classifier']]:.3f}" if r["classifier"] in by_hand else ""
        rows.append([r["classifier"], *figures, plainly, f"{r['seconds']:.1f}"])
    measured = (
        f"{len(problem)} prints of {len(set(problem.groups))} people, {problem.features.shape[1]} columns, "
        f"standardised within {' and '.join(within) or 'nothing'}; 5 folds by person."
    )
    report(
        "bench_speed",
        "A comparison: how well, and what it costs",
        [
            f"{measured} Area under the ROC curve (95 % interval, bootstrap over people), a print and a person "
            "(mean of the prints); the same by hand in plain scikit-learn (mean over folds); seconds of the five fits.",
            table(["classifier", "a print", "a person", "plain", "s"], rows),
            f"Processor time, one process: plain scikit-learn {alone:.1f} s (fits, scores, area alone), ridgefeat "
            f"{ours:.1f} s with every figure, interval, pairwise comparison and level: {ours / alone:.3f} times. "
            f"Clock with two workers: {clock:.0f} s; the whole command, with audit, importances, families, learning "
            f"curve, controls, tables and page: {command(path, within):.0f} s.",
        ],
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
