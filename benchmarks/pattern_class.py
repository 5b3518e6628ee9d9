"""Pattern classes and singular points compared with NIST's labels, with synthetic truth and with each other.

    python benchmarks/pattern_class.py [--synthetic 1000]

Needs SD4 and FVC2002 below RIDGEFEAT_DATA or .data/. Prints the tables and writes benchmarks/results/pattern_class.md.
The baseline is version 0.1's rule, which counts the points around which the orientation field turns.
"""

from __future__ import annotations

from _common import need, report, table  # isort: skip

import argparse
import time
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
from fit_pattern import fit, labelled_prints
from joblib import Parallel, delayed

from ridgefeat.fingerprint import Fingerprint
from ridgefeat.sources import find_prints, load_print
from ridgefeat.stages.pattern import CLASSES, PatternParams, classify, measure, prior
from ridgefeat.stages.singular_points import find_missed_points
from ridgefeat.stages.symmetry import ridge_flow
from ridgefeat.structure import SingularPoints
from ridgefeat.synth import PATTERN_SHARES, make_impression, make_master
from ridgefeat.synth.impression import draw_params

REPEATS = 10
NATURAL = PatternParams(**PATTERN_SHARES)


def rule(fp):
    """Version 0.1's class: by the points' number, and the delta's place from the axis along which the core opens."""
    points = fp._turning_points
    cores, deltas = points.cores, points.deltas
    if len(cores) >= 2 or len(deltas) >= 2:
        return "whorl"
    if not len(points):
        return "arch"
    if not len(cores):
        x, _, width, _ = cv2.boundingRect(fp.mask.view(np.uint8))
        return "left_loop" if deltas.x[0] > x + width / 2 else "right_loop"
    direction = cores.direction[0]
    if not len(deltas):
        return "left_loop" if np.cos(direction) < 0 else "right_loop"
    delta = complex(deltas.x[0] - cores.x[0], cores.y[0] - deltas.y[0])
    angle = np.angle(delta * np.exp(-1j * direction))
    if abs(angle) < np.deg2rad(40) and abs(delta) * abs(np.sin(angle)) < 59:
        return "tented_arch"
    return "left_loop" if angle > 0 else "right_loop"


def confusion(true, predicted, repeats=1):
    """Prints of each label (rows) by predicted class, mean over the repetitions."""
    matrix = pd.crosstab(pd.Categorical(true, CLASSES), pd.Categorical(predicted, CLASSES), dropna=False) / repeats
    rows = [[c, *(f"{v:g}" for v in matrix.loc[c])] for c in CLASSES]
    return table(["label", *(f"predicted {c}" for c in CLASSES)], rows)


def shares_right(true, predicted, weight=None):
    """Share of right answers of four classes (arch and tented arch together) and of five."""
    merge = {"tented_arch": "arch"}
    pairs = list(zip(true, predicted, strict=True))
    right = [[merge.get(a, a) == merge.get(b, b) for a, b in pairs], [a == b for a, b in pairs]]
    return np.average(right, axis=1, weights=weight)


def is_cut(fp):
    """Whether the print shows a core but no delta."""
    return len(fp.singular_points.cores) > 0 == len(fp.singular_points.deltas)


def likeliest(probability):
    return np.array(CLASSES)[probability.argmax(1)]


def held_out(prints):
    """Yield which prints a half has, their classes, and what a model fitted to the other half gives each class."""
    from sklearn.model_selection import StratifiedKFold

    names = list(prints[0][1])
    values, classes = np.array([list(m.values()) for _, m, _ in prints]), np.array([c for *_, c in prints])
    for seed in range(REPEATS):
        for known, unseen in StratifiedKFold(2, shuffle=True, random_state=seed).split(values, classes):
            model = fit(names, values[known], classes[known])
            order = [list(model.classes_).index(c) for c in CLASSES]
            yield unseen, classes[unseen], model.predict_proba(values[unseen])[:, order]


def real(prints):
    """Return the results on halves of SD4."""
    by_rule = np.array([rule(fp) for fp, *_ in prints])
    equal, natural = (np.array([prior(is_cut(fp), shares) for fp, *_ in prints]) for shares in (None, NATURAL))
    halves = list(held_out(prints))
    rows = []
    for name, predict in (
        ("version 0.1's rule", lambda at, _: by_rule[at]),
        ("measurements", lambda at, p: likeliest(p * equal[at])),
        ("measurements, natural shares expected", lambda at, p: likeliest(p * natural[at])),
    ):
        figures = []
        for at, true, p in halves:
            weight = [PATTERN_SHARES[c] for c in true]
            figures.append([*shares_right(true, predict(at, p)), *shares_right(true, predict(at, p), weight)])
        texts = [f"{m:.1f} ± {s:.1f}" for m, s in 100 * np.array([np.mean(figures, 0), np.std(figures, 0)]).T]
        rows.append([name, *texts])
    head = ["class by", "four", "five", "four, weighted to natural shares", "five, weighted"]
    at, true, p = (np.concatenate(column) for column in zip(*halves, strict=True))
    p = p * equal[at] / (p * equal[at]).sum(1, keepdims=True)
    sure = np.argsort(p.max(1))[len(p) // 5 :]
    four, five = 100 * shares_right(true[sure], likeliest(p[sure]))
    return [
        f"## SD4, {REPEATS} times two halves, percent right",
        table(head, rows),
        f"Mean ± deviation over {2 * REPEATS} halves of {len(prints) // 2} prints, each by a model fitted to the other "
        "half (the rule's constants were tuned on all of them). SD4's classes have equal shares; the weighted figures "
        "are those of a population.",
        confusion(true, likeliest(p), REPEATS),
        f"The surest 80 % of the prints: four {four:.1f} %, five {five:.1f} %. Mean probability of the class "
        f"{p.max(1).mean():.2f}; {np.mean(likeliest(p) == true):.2f} of the prints are right.",
        "By version 0.1's rule:",
        confusion([c for *_, c in prints], by_rule),
    ]


def point_counts(prints, label):
    """A row for each class: prints without a point and with one core, without and with the missed points."""
    rows = []
    for c in (*CLASSES, None):
        some = [fp for fp, name in prints if c in (name, None)]
        before, after = [f._turning_points for f in some], [f.singular_points for f in some]
        counts = [
            sum(test(points) for points in both)
            for test in (lambda s: not len(s), lambda s: len(s.cores) == 1)
            for both in (before, after)
        ]
        if some and (c or not any(name for _, name in prints)):
            rows.append([f"{label}: {c or 'all'}", len(some), *counts])
    return rows


def points(sd4, fvc, synthetic):
    """How many prints have no point, and one core."""
    head = ["prints", "number", "no point, 0.1", "no point", "one core, 0.1", "one core"]
    rows = point_counts([(fp, c) for fp, _, c in sd4], "SD4") + point_counts(
        [(fp, None) for fp in fvc], "FVC2002 DB1_B"
    )
    wrong = {"0.1": 0, "now": 0}
    for before, after, truth in synthetic:
        for name, found in (("0.1", before), ("now", after)):
            for x, y, kind in zip(found.x, found.y, found.kind, strict=True):
                same = truth.select(truth.kind == kind)
                wrong[name] += np.hypot(same.x - x, same.y - y).min(initial=np.inf) > 30
    return [
        "## Singular points",
        table(head, rows),
        "An arch with a point has a false one. Points more than 30 px from a true one of their kind, on "
        f"{len(synthetic)} synthetic prints: {wrong['0.1']} in version 0.1, {wrong['now']} now.",
    ]


def agreement(fvc_prints):
    """Return how many of a finger's impressions have its most frequent class."""
    texts = []
    for name, predict in (
        ("version 0.1's rule", rule),
        ("measurements", lambda fp: max(fp.pattern, key=fp.pattern.get)),
        (
            "measurements, natural shares expected",
            lambda fp: max(CLASSES, key=classify(fp.flow, is_cut(fp), NATURAL).get),
        ),
    ):
        classes = pd.DataFrame([(finger, predict(fp)) for finger, fp in fvc_prints], columns=["finger", "class"])
        same = classes.groupby("finger")["class"].agg(lambda c: c.value_counts().iloc[0]).sum()
        texts.append(f"{name} {same}")
    return [
        f"## FVC2002 DB1_B: agreement over a finger's impressions ({len(fvc_prints)} prints, no labels)",
        f"Impressions that have the commonest class of their finger: {', '.join(texts)}.",
    ]


def make_synthetic(seed):
    """Return a print and its class: noise levels 1 to 3, half of them with deep creases, scratches and smudges."""
    rng = np.random.default_rng([77, seed])
    wanted = CLASSES[seed % 5]
    master = make_master(wanted, rng=rng, period_mm=float(rng.uniform(0.40, 0.52)))
    params = draw_params(1 + seed // 5 % 3, rng)
    if seed // 15 % 2:
        damage = {"creases": 1.0, "scratches": int(rng.integers(10, 30)), "smudge": float(rng.uniform(0.5, 1))}
        params = replace(params, **damage)
    return make_impression(master, rng=rng, params=params), wanted


def read_synthetic(seed):
    """Return a synthetic print's class, both classes found, and the points found by both and true."""
    made, wanted = make_synthetic(seed)
    fp = Fingerprint(made.image, made.dpi)
    found = fp._turning_points, fp.singular_points, made.truth.singular_points
    return wanted, rule(fp), max(fp.pattern, key=fp.pattern.get), found


def synthetic_prints(n):
    """Classes of synthetic prints by the package's model, and their points."""
    true, by_rule, by_model, found = zip(*Parallel(-1)(delayed(read_synthetic)(k) for k in range(n)), strict=True)
    (a, b), (c, d) = 100 * shares_right(true, by_rule), 100 * shares_right(true, by_model)
    return [
        f"## {n} synthetic prints, half of them with deep creases, scratches and smudges",
        f"Four and five classes right: version 0.1's rule {a:.1f} and {b:.1f} %, measurements {c:.1f} and {d:.1f} % "
        "(fitted to SD4 alone). A partial print may not show its delta or core; the truth here is the finger's.",
        confusion(true, by_model),
        "By version 0.1's rule:",
        confusion(true, by_rule),
    ], found


def speed(prints):
    """Milliseconds of processor time per print on one thread, the minimum of five runs each."""
    flows, classes, missed = [], [], []
    for fp, *_ in prints[::5]:
        for times, call in (
            (flows, lambda fp=fp: ridge_flow(fp.normalised, fp.mask)),
            (classes, lambda fp=fp: classify(fp.flow, is_cut=False)),
            (missed, lambda fp=fp: find_missed_points(SingularPoints.empty(), fp.flow)),
        ):
            runs = []
            for _ in range(5):
                start = time.thread_time()
                call()
                runs.append(time.thread_time() - start)
            times.append(1000 * min(runs))
    flow, class_, point = (np.mean(times) for times in (flows, classes, missed))
    return [
        "## Time per print of SD4 (512 x 512), one thread",
        f"Class {flow + class_:.1f} ms, of which the flow {flow:.1f}; missed points of a print without a core, in "
        f"addition, {point:.1f} ms. Nothing is computed where it is not asked for.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--synthetic", type=int, default=1000)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    sd4 = [(fp, measure(fp.flow), label) for fp, label in labelled_prints()]
    loaded = [(source, load_print(source)) for source in find_prints([need("FVC2002") / "DB1_B"])]
    fvc = [(s.path.name.split("_")[0], Fingerprint(p.pixels, (p.dpi_x, p.dpi_y))) for s, p in loaded]
    classes, found = synthetic_prints(given.synthetic)
    parts = [*real(sd4), *agreement(fvc), *classes, *points(sd4, [fp for _, fp in fvc], found), *speed(sd4)]
    report("pattern_class", "Pattern classes and singular points", parts)


if __name__ == "__main__":
    main()
